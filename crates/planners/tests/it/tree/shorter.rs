//! The shortest win and the longest defence, beside games that are solved by brute force and a perfect solver.

use std::collections::{BTreeMap, HashMap};

use connect_four_ai::{Position, Solver};
use worldwright_core::Setting::{Bool, Float, Integer};
use worldwright_core::{Budget, Key, PlanStatus, Setting};
use worldwright_envs::games::{ConnectFour, Game, GameModel, Marks, Moved, Stones, TicTacToe};

use super::forest;
use crate::settings;

/// Tic-tac-toe in which three in a row lose: the game ends by a move that its mover regrets, after odd and after even numbers of moves.
#[derive(Debug, Clone, Copy)]
struct Misere;

impl Game for Misere {
    type Position = Marks;
    const NAME: &'static str = "misere";
    const MOVES: usize = 9;
    const CELLS: usize = 9;
    const PLACE: &'static str = "cell";
    const BOARD: [usize; 2] = TicTacToe::BOARD;

    fn cell(row: usize, column: usize) -> usize {
        TicTacToe::cell(row, column)
    }

    fn start() -> Marks {
        TicTacToe::start()
    }
    fn play(position: Marks, choice: usize) -> Option<Moved<Marks>> {
        TicTacToe::play(position, choice).map(|moved| Moved { reward: -moved.reward, ..moved })
    }
    fn applicable(position: Marks) -> u64 {
        TicTacToe::applicable(position)
    }
    fn key(position: Marks) -> u64 {
        TicTacToe::key(position)
    }
    fn playouts(positions: &[Marks], seeds: &[u64], results: &mut [f64]) {
        TicTacToe::playouts(positions, seeds, results);
        results.iter_mut().for_each(|result| *result = -*result);
    }
    fn read(observation: &[f64]) -> Marks {
        TicTacToe::read(observation)
    }
    fn write(position: Marks, observation: &mut [f64]) {
        TicTacToe::write(position, observation);
    }
}

/// What a position is worth to the player to move, and after how many moves the game ends: wins as soon, losses as late as can be.
type Solution = (i32, usize);

/// Larger for the better of two ways for the one who chooses.
fn preference((value, plies): Solution) -> i32 {
    value * (100 - plies as i32)
}

fn solve<G: Game>(position: G::Position, known: &mut HashMap<u64, Solution>) -> Solution {
    if let Some(found) = known.get(&G::key(position)) {
        return *found;
    }
    let moves = (0..G::MOVES).filter_map(|choice| G::play(position, choice));
    let best = moves.map(|moved| after::<G>(moved, known)).max_by_key(|way| preference(*way)).unwrap();
    known.insert(G::key(position), best);
    best
}

/// The same by way of a move.
fn after<G: Game>(moved: Moved<G::Position>, known: &mut HashMap<u64, Solution>) -> Solution {
    if moved.over {
        return (moved.reward as i32, 1);
    }
    let (value, plies) = solve::<G>(moved.position, known);
    (-value, plies + 1)
}

/// In `least` out of a hundred positions that are won or lost the planner finds the shortest win or the longest defence and knows that it has;
/// in the others it claims nothing wrong.
fn plays_to_the_move<G: Game>(name: &str, overrides: &BTreeMap<String, Setting>, least: usize) {
    let model = GameModel::<G>::new();
    let mut forest = forest(name, &model, overrides);
    let mut world = worldwright_core::WorldModel::imagination(&model, forest.rows());
    let (mut known, mut decided, mut known_best, mut longest) = (HashMap::new(), 0, 0, 0);
    solve::<G>(G::start(), &mut known);
    let (mut seen, mut open) = (std::collections::HashSet::new(), vec![G::start()]);
    while let Some(position) = open.pop() {
        let moves = (0..G::MOVES).filter_map(|choice| G::play(position, choice));
        open.extend(moves.filter(|m| !m.over && seen.insert(G::key(m.position))).map(|m| m.position));
        let (value, plies) = solve::<G>(position, &mut known);
        if value == 0 || position == G::start() {
            continue;
        }
        decided += 1;
        world.observe(0, None, &GameModel::<G>::observation(position), Key::new(0)).unwrap();
        let report = forest.search(&mut *world, &Budget::default(), Key::new(9)).unwrap();
        if report.status != PlanStatus::Converged {
            continue;
        }
        assert_eq!(forest.value(0), Some(f64::from(value)), "{name}: {position:?}");
        let length = forest.length(0).unwrap();
        assert!(length.least <= plies && plies <= length.most, "{name}: {length:?}, not {plies} in {position:?}");
        if length.least < length.most {
            continue;
        }
        known_best += 1;
        longest = longest.max(plies);
        let choice = forest.decide(0).unwrap() as usize;
        let way = after::<G>(G::play(position, choice).unwrap(), &mut known);
        assert_eq!(way, (value, plies), "{name} does {choice} in {position:?}");
    }
    assert!(decided > 500 && longest > 4, "{decided} positions, {longest} moves at the most");
    assert!(100 * known_best >= least * decided, "{name} knows the best play in {known_best} of {decided}");
}

#[test]
fn each_method_wins_soon_and_loses_late() {
    for name in super::METHODS {
        // Gumbel goes back to moves that looked bad so rarely that it leaves many positions unproven.
        let (simulations, least) = if name == "gumbel" { (1_000, 30) } else { (8_000, 97) };
        let simulations = ("simulations", Integer(simulations));
        let plain = settings([simulations.clone(), ("leaves", Integer(1))]);
        let joined = settings([simulations, ("leaves", Integer(6)), ("transpositions", Bool(true))]);
        plays_to_the_move::<TicTacToe>(name, &plain, least);
        plays_to_the_move::<TicTacToe>(name, &joined, least);
        plays_to_the_move::<Misere>(name, &joined, least);
    }
}

/// What was proven of a position that is met again stays proven, also after saving.
#[test]
fn a_kept_tree_goes_on_shortening() {
    let model = GameModel::<ConnectFour>::new();
    let overrides = settings([("simulations", Integer(500)), ("reuse", Bool(true)), ("exploration", Float(1.0))]);
    let mut planner = crate::planner("uct", &model, 0, &overrides);
    let mut world = worldwright_core::WorldModel::imagination(&model, planner.rows());
    // X has three in a column and wins at once; what was proven of the position is found again.
    let position = Stones::after(&[3, 0, 3, 0, 3, 1]).unwrap();
    for _ in 0..3 {
        world.observe(0, None, &GameModel::<ConnectFour>::observation(position), Key::new(0)).unwrap();
        let report = planner.improve(&mut *world, 0, &Budget::default()).unwrap();
        let mut action = worldwright_core::Action::Integer(0);
        planner.act(0, &mut action);
        assert_eq!((action.integer(), report.value, report.status), (Some(3), 1.0, PlanStatus::Converged));
        let saved = planner.save();
        planner.restore(&saved).unwrap();
    }
}

/// Random positions of connect four beside the solver's scores, which count the moves to the end.
#[test]
fn connect_four_is_won_soon_and_lost_late() {
    let mut solver = Solver::new();
    let mut rng = worldwright_core::Rng::new(5);
    let model = GameModel::<ConnectFour>::new();
    let overrides = settings([("simulations", Integer(50_000)), ("transpositions", Bool(true))]);
    let mut forest = forest("uct", &model, &overrides);
    let mut world = worldwright_core::WorldModel::imagination(&model, forest.rows());
    let (mut count, mut right, mut exact) = (0, 0, 0);
    while count < 60 {
        let columns: Vec<usize> = (0..18 + rng.below(12)).map(|_| rng.below(7) as usize).collect();
        let Some(stones) = Stones::after(&columns) else { continue };
        let mut position = Position::new();
        columns.iter().for_each(|column| position.play(*column));
        let scores = solver.get_all_move_scores(&position);
        let best = scores.iter().flatten().copied().max().unwrap();
        let equal = scores.iter().flatten().filter(|score| **score == best).count();
        // Positions whose best move wins at once, or in which any move does, show nothing.
        if best == 0 || position.can_win_next() || equal == scores.iter().flatten().count() {
            continue;
        }
        count += 1;
        world.observe(0, None, &GameModel::<ConnectFour>::observation(stones), Key::new(0)).unwrap();
        forest.search(&mut *world, &Budget::default(), Key::new(1)).unwrap();
        right += usize::from(scores[forest.decide(0).unwrap() as usize] == Some(best));
        // A score of 1 is a win by the player's last stone, 2 by the one before.
        let Some(length) = forest.length(0) else { continue };
        let left = 42 - columns.len();
        let own = if best > 0 { left.div_ceil(2) } else { left / 2 };
        let plies = 2 * (own + 1 - usize::from(best.unsigned_abs())) - usize::from(best > 0);
        assert!(length.least <= plies && plies <= length.most, "{columns:?}: {length:?}, {plies} moves");
        exact += usize::from(length.least == length.most);
    }
    assert!(right >= 56, "{right} of {count}");
    assert!(exact >= 25, "{exact} of {count} are known to be the best");
}
