//! Tic-tac-toe, which is never lost, and connect four beside a perfect solver.

use std::collections::{BTreeMap, HashMap, HashSet};

use connect_four_ai::{Position, Solver};
use worldwright_core::Setting::{Bool, Float, Integer};
use worldwright_core::{Budget, Key, PlanStatus, Setting, WorldModel};
use worldwright_envs::games::{ConnectFour, Game, GameModel, Marks, Stones, TicTacToe};

use super::{forest, search};
use crate::settings;

/// The exact value of a position of tic-tac-toe, with the number of games that go on from it.
fn solve(position: Marks, known: &mut HashMap<u64, (f64, u64, [u64; 3])>) -> (f64, u64, [u64; 3]) {
    if let Some(found) = known.get(&TicTacToe::key(position)) {
        return *found;
    }
    let (mut value, mut games, mut ends) = (f64::NEG_INFINITY, 0, [0; 3]);
    for choice in 0..9 {
        let Some(moved) = TicTacToe::play(position, choice) else { continue };
        let (below, count, more) = if moved.over {
            // Won by the mover, lost, drawn.
            let won = moved.reward > 0.0;
            (moved.reward, 1, [u64::from(won), 0, u64::from(!won)])
        } else {
            let (value, count, ends) = solve(moved.position, known);
            (-value, count, [ends[1], ends[0], ends[2]])
        };
        value = value.max(below);
        games += count;
        ends.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    }
    known.insert(TicTacToe::key(position), (value, games, ends));
    (value, games, ends)
}

#[test]
fn tic_tac_toe_has_its_known_size() {
    let (mut level, mut all) = (vec![TicTacToe::start()], HashSet::from([TicTacToe::key(TicTacToe::start())]));
    while !level.is_empty() {
        let mut next = Vec::new();
        for moved in level.iter().flat_map(|position| (0..9).filter_map(|choice| TicTacToe::play(*position, choice))) {
            if all.insert(TicTacToe::key(moved.position)) && !moved.over {
                next.push(moved.position);
            }
        }
        level = next;
    }
    assert_eq!(all.len(), 5478);
    assert_eq!(solve(TicTacToe::start(), &mut HashMap::new()), (0.0, 255_168, [131_184, 77_904, 46_080]));
}

#[test]
fn connect_four_has_its_known_number_of_positions() {
    let (mut level, mut counts) = (vec![ConnectFour::start()], vec![1]);
    for _ in 0..7 {
        let mut seen = HashSet::new();
        let mut next = Vec::new();
        let mut positions = 0;
        for moved in level.iter().flat_map(|position| (0..7).filter_map(|choice| ConnectFour::play(*position, choice)))
        {
            if seen.insert(ConnectFour::key(moved.position)) {
                positions += 1;
                if !moved.over {
                    next.push(moved.position);
                }
            }
        }
        counts.push(positions);
        level = next;
    }
    assert_eq!(counts, [1, 7, 49, 238, 1120, 4263, 16422, 54859]);
}

/// All the opponent's replies are tried against the planner, moving first and second: it never loses, and its claims of proof are true.
fn never_loses(name: &str, overrides: &BTreeMap<String, Setting>) {
    let model = GameModel::<TicTacToe>::new();
    let mut forest = forest(name, &model, overrides);
    let mut world = model.imagination(forest.rows());
    let mut known = HashMap::new();
    let mut visited = HashSet::new();
    let replies = |position: Marks| (0..9).filter_map(move |choice| TicTacToe::play(position, choice));
    let mut open = vec![TicTacToe::start()];
    open.extend(replies(TicTacToe::start()).map(|moved| moved.position));
    while let Some(position) = open.pop() {
        if !visited.insert(TicTacToe::key(position)) {
            continue;
        }
        world.observe(0, None, &GameModel::<TicTacToe>::observation(position), Key::new(0)).unwrap();
        let report = forest.search(&mut *world, &Budget::default(), Key::new(9)).unwrap();
        let (value, ..) = solve(position, &mut known);
        assert!(value >= 0.0, "{name} is lost in {position:?}");
        if report.status == PlanStatus::Converged {
            assert_eq!(forest.value(0), Some(value), "{name}: what is proven of {position:?}");
        }
        let choice = forest.decide(0).unwrap() as usize;
        let moved = TicTacToe::play(position, choice).expect("an applicable move");
        if !moved.over {
            assert!(solve(moved.position, &mut known).0 <= 0.0, "{name} loses by {choice} in {position:?}");
            open.extend(replies(moved.position).filter(|reply| !reply.over).map(|reply| reply.position));
        }
    }
    assert!(visited.len() > 100, "{name}: only {} positions", visited.len());
}

#[test]
fn uct_never_loses_tic_tac_toe() {
    never_loses("uct", &settings([("simulations", Integer(2000))]));
    never_loses("uct", &settings([("simulations", Integer(2000)), ("solve", Bool(false)), ("leaves", Integer(1))]));
    never_loses("uct", &settings([("simulations", Integer(2000)), ("transpositions", Bool(true))]));
}

#[test]
fn puct_never_loses_tic_tac_toe() {
    let overrides = [("simulations", Integer(6000)), ("leaves", Integer(8)), ("pb_c_init", Float(2.5))];
    never_loses("puct", &settings(overrides));
}

/// Where one move wins at once, or just one keeps the other player from that, Gumbel nearly always finds it, though every value that it sees is
/// the result of a single random playout.
#[test]
fn gumbel_sees_what_the_next_two_moves_decide() {
    let model = GameModel::<TicTacToe>::new();
    let mut forest = forest("gumbel", &model, &settings([("simulations", Integer(400)), ("gumbel_scale", Float(0.0))]));
    let mut world = model.imagination(forest.rows());
    let (mut seen, mut open) = (HashSet::new(), vec![TicTacToe::start()]);
    let (mut decided, mut right) = (0, 0);
    while let Some(position) = open.pop() {
        let moves = || (0..9).filter_map(|choice| Some((choice, TicTacToe::play(position, choice)?)));
        let wins = |position| (0..9).any(|choice| TicTacToe::play(position, choice).is_some_and(|m| m.reward > 0.0));
        let winning: Vec<usize> = moves().filter(|(_, moved)| moved.reward > 0.0).map(|(choice, _)| choice).collect();
        let safe: Vec<usize> = moves().filter(|(_, m)| m.over || !wins(m.position)).map(|(choice, _)| choice).collect();
        let good = if winning.is_empty() { safe } else { winning };
        if good.len() == 1 && moves().count() > 1 {
            world.observe(0, None, &GameModel::<TicTacToe>::observation(position), Key::new(0)).unwrap();
            forest.search(&mut *world, &Budget::default(), Key::new(9)).unwrap();
            decided += 1;
            right += u32::from(forest.decide(0) == Some(good[0] as u32));
        }
        open.extend(
            moves().map(|(_, m)| m).filter(|m| !m.over && seen.insert(TicTacToe::key(m.position))).map(|m| m.position),
        );
    }
    assert!(decided > 1000 && right * 100 >= decided * 95, "{right} of {decided}");
}

#[test]
fn the_solver_proves_that_tic_tac_toe_is_a_draw() {
    let start = GameModel::<TicTacToe>::observation(TicTacToe::start());
    let overrides = settings([("simulations", Integer(40_000)), ("transpositions", Bool(true))]);
    let model = GameModel::<TicTacToe>::new();
    let mut forest = forest("uct", &model, &overrides);
    let mut world = model.imagination(forest.rows());
    world.observe(0, None, &start, Key::new(3)).unwrap();
    let report = forest.search(&mut *world, &Budget::default(), Key::new(5)).unwrap();
    assert_eq!((report.status, forest.value(0)), (PlanStatus::Converged, Some(0.0)), "{report:?}");
    // Joined ways need fewer steps than there are positions with a move each.
    assert!(report.model_steps < 16_168, "{}", report.model_steps);
}

/// The oracle's scores of the seven first moves, and where UCT opens.
#[test]
fn connect_four_opens_in_the_centre() {
    let scores = Solver::new().get_all_move_scores(&Position::new());
    assert_eq!(scores.map(Option::unwrap), [-2, -1, 0, 1, 0, -1, -2]);
    let model = GameModel::<ConnectFour>::new();
    let start = GameModel::<ConnectFour>::observation(ConnectFour::start());
    let forest = search("uct", &model, &start, &settings([("simulations", Integer(20_000))]));
    assert_eq!(forest.decide(0), Some(3));
}

/// Positions of 22 plies by random play in which just one move wins by force, as the oracle says.
fn solved_positions(count: usize) -> Vec<(Stones, usize)> {
    let mut solver = Solver::new();
    let mut rng = worldwright_core::Rng::new(11);
    let mut found = Vec::new();
    while found.len() < count {
        let columns: Vec<usize> = (0..22).map(|_| rng.below(7) as usize).collect();
        let Some(stones) = Stones::after(&columns) else { continue };
        let mut position = Position::new();
        columns.iter().for_each(|column| position.play(*column));
        let scores = solver.get_all_move_scores(&position);
        let winning: Vec<usize> = (0..7).filter(|column| scores[*column].is_some_and(|score| score > 0)).collect();
        if winning.len() == 1 && !position.can_win_next() {
            found.push((stones, winning[0]));
        }
    }
    found
}

#[test]
fn uct_finds_the_only_winning_move_of_solved_positions() {
    let model = GameModel::<ConnectFour>::new();
    let positions = solved_positions(40);
    let overrides = settings([("simulations", Integer(20_000))]);
    let mut forest = forest("uct", &model, &overrides);
    let mut world = model.imagination(forest.rows());
    let mut right = 0;
    for (position, best) in &positions {
        world.observe(0, None, &GameModel::<ConnectFour>::observation(*position), Key::new(0)).unwrap();
        forest.search(&mut *world, &Budget::default(), Key::new(1)).unwrap();
        right += usize::from(forest.decide(0) == Some(*best as u32));
    }
    assert!(right >= 38, "{right} of {}", positions.len());
}
