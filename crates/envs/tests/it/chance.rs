//! Games, grids and mazes: the environment against what planners and solvers know of the same definition, and against counted odds.

use worldwright_core::{Actions, Imagined, Key, Observation, Rng, Rows, Setting, Settings, Value, WorldModel, find};
use worldwright_envs::games::{ConnectFour, Game, GameModel, TicTacToe};
use worldwright_envs::gridworld::Gridworld;
use worldwright_envs::{ALL, Made, make};

fn made(name: &str, settings: &[(&str, Setting)]) -> Made {
    make(name, &settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()).unwrap()
}

fn numbers(observation: &Observation) -> &[f64] {
    observation.floats().expect("numbers")
}

/// A free cell of tic-tac-toe, each as likely.
fn free(board: &[f64], rng: &mut Rng) -> usize {
    let cells: Vec<usize> = (0..board.len()).filter(|cell| board[*cell] == 0.0).collect();
    cells[rng.below(cells.len() as u64) as usize]
}

#[test]
fn two_random_players_draw_as_often_as_counting_says() {
    // Of all games between random players 16 in 126 are drawn; who begins wins 737 in 1260, and who begins is drawn here.
    let mut made = made("tic-tac-toe", &[]);
    assert_eq!(made.environment.players(), 1);
    let mut rng = Rng::new(3);
    let games = 20_000;
    let mut counts = [0_u32; 3];
    for seed in 0..games {
        let mut board = made.environment.reset(seed).unwrap();
        let result = loop {
            let step = made.environment.step(&Value::Integer(free(numbers(&board), &mut rng) as i64)).unwrap();
            assert!(!step.truncated);
            if step.terminated {
                break step.reward;
            }
            assert_eq!(step.reward, 0.0);
            board = step.observation;
        };
        counts[(result + 1.0) as usize] += 1;
    }
    let near = |count: u32, share: f64| {
        let std = (games as f64 * share * (1.0 - share)).sqrt();
        assert!((f64::from(count) - games as f64 * share).abs() < 4.0 * std, "{counts:?}, expected a share of {share}");
    };
    near(counts[1], 16.0 / 126.0);
    near(counts[0], 55.0 / 126.0);
    near(counts[2], 55.0 / 126.0);
}

/// Plays a game of two players beside its model.
fn alternate<G: Game>(name: &str) {
    let mut made = made(name, &[("opponent", Setting::Text("none".to_owned()))]);
    let model = GameModel::<G>::new();
    assert_eq!(made.environment.observation_space(), &model.spec().observation_space);
    assert_eq!(made.environment.players(), 2);
    let (mut world, mut out) = (model.imagination(1), Imagined::new(model.spec(), 1));
    let mut rng = Rng::new(1);
    for seed in 0..50 {
        let first = made.environment.reset(seed).unwrap();
        world.observe(0, None, &first, Key::new(0)).unwrap();
        for turn in 0.. {
            assert_eq!(made.environment.to_play(), turn % 2);
            let mut seen = vec![0.0; G::CELLS];
            world.decode(0, 0, &mut seen).unwrap();
            let moves = G::applicable(G::read(&seen));
            let choice = loop {
                let choice = rng.below(G::MOVES as u64) as usize;
                if moves >> choice & 1 == 1 {
                    break choice;
                }
            };
            let step = made.environment.step(&Value::Integer(choice as i64)).unwrap();
            let actions = [choice as u32];
            world.step(Rows::Span(0..1), Actions::Discrete(&actions), Rows::Span(0..1), Key::new(0), &mut out).unwrap();
            world.decode(0, 0, &mut seen).unwrap();
            assert_eq!((numbers(&step.observation), step.reward), (&seen[..], out.reward[0]));
            assert_eq!(step.terminated, out.continuation[0] == 0.0);
            if step.terminated {
                break;
            }
        }
    }
}

#[test]
fn a_game_of_two_players_is_its_model() {
    alternate::<TicTacToe>("tic-tac-toe");
    alternate::<ConnectFour>("connect-four");
}

#[test]
fn a_forbidden_move_loses() {
    let mut made = made("tic-tac-toe", &[]);
    let board = made.environment.reset(0).unwrap();
    let cell = free(numbers(&board), &mut Rng::new(0)) as i64;
    let step = made.environment.step(&Value::Integer(cell)).unwrap();
    assert!(!step.terminated && numbers(&step.observation)[cell as usize] == 1.0);
    let step = made.environment.step(&Value::Integer(cell)).unwrap();
    assert_eq!((step.reward, step.terminated), (-1.0, true));
}

#[test]
fn a_gridworld_moves_with_the_chances_that_solvers_sum_over() {
    let entry = find(ALL, "environment", "gridworld").unwrap();
    let settings = Settings::resolve("gridworld", entry.parameters, &Default::default()).unwrap();
    let grid = Gridworld::new(&settings).unwrap();
    let mut made = made("gridworld", &[]);
    for towards in 0..Gridworld::MOVES.len() {
        let trials = 3000;
        let mut reached = vec![0_u32; grid.cells.len()];
        for seed in 0..trials {
            made.environment.reset(seed).unwrap();
            let step = made.environment.step(&Value::Integer(towards as i64)).unwrap();
            reached[numbers(&step.observation)[0] as usize] += 1;
        }
        for (cell, count) in reached.iter().enumerate() {
            let share: f64 =
                grid.ways(grid.start, towards).iter().filter(|way| way.2 == cell).map(|(chance, ..)| chance).sum();
            let std = (trials as f64 * share * (1.0 - share)).sqrt();
            assert!((f64::from(*count) - trials as f64 * share).abs() <= 4.0 * std, "{cell}: {count}, share {share}");
        }
    }
}

#[test]
fn the_shortest_way_through_a_maze_is_as_long_as_breadth_first_search_says() {
    use worldwright_envs::maze::{Maze, MazeModel};
    let mut made =
        made("maze", &[("side", Setting::Integer(5)), ("layout", Setting::Integer(7)), ("loops", Setting::Integer(3))]);
    let maze = Maze::random(5, 3, &mut Key::new(7).rng());
    let way = maze.way(0, maze.cells.len() - 1).unwrap();
    let model = MazeModel::new(maze, way[way.len() - 1], 1.0, 0.0).unwrap();
    assert_eq!(made.environment.observation_space(), &model.spec().observation_space);
    let mut cell = numbers(&made.environment.reset(0).unwrap())[0] as usize;
    for (taken, next) in way[1..].iter().enumerate() {
        let choice = (0..4).find(|choice| model.next(cell, *choice) == *next).expect("a neighbour");
        let step = made.environment.step(&Value::Integer(choice as i64)).unwrap();
        cell = numbers(&step.observation)[0] as usize;
        let there = taken + 2 == way.len();
        assert_eq!((cell, step.reward, step.terminated), (*next, f64::from(u8::from(there)), there));
    }
}

#[test]
fn a_scrambled_cube_is_solved_by_the_turns_back_and_not_before() {
    use worldwright_envs::cube::{Cube, Move};
    for (name, scramble) in [("cube", "R U F2"), ("pocket-cube", "R U F2")] {
        let turns = worldwright_envs::cube::parse_moves(scramble).unwrap();
        let mut made = made(name, &[("turns", Setting::Integer(1))]);
        made.environment.reset(0).unwrap();
        // A state is saved as its pieces: here that of three known turns.
        let cube = Cube::default().after(&turns);
        let pieces = cube.corners.iter().chain(&cube.twists).chain(&cube.edges).chain(&cube.flips);
        let persist = made.environment.as_persist().unwrap();
        let mut saved = persist.save();
        saved.put("world", worldwright_core::Array::U64(pieces.map(|piece| u64::from(*piece)).collect()));
        persist.restore(&saved).unwrap();
        for (i, turn) in turns.iter().rev().enumerate() {
            let step = made.environment.step(&Value::Integer(turn.inverse().index() as i64)).unwrap();
            assert_eq!((step.reward, step.terminated), (-1.0, i == 2), "{name}");
        }
    }
    // One turn away, one of the eighteen solves it.
    let mut one = made("pocket-cube", &[("turns", Setting::Integer(1))]);
    for seed in 0..5 {
        let solving = (0..Move::ALL.len()).filter(|turn| {
            one.environment.reset(seed).unwrap();
            one.environment.step(&Value::Integer(*turn as i64)).unwrap().terminated
        });
        // The opposite face turned the other way leaves the same cube lying otherwise.
        assert_eq!(solving.count(), 2);
    }
}

/// Plays a fixed sequence of actions, and counts what came of it: sums of rewards by step, and how often each number was seen.
fn seen_after(
    made: &mut Made,
    actions: &[i64],
    at: usize,
    episodes: u64,
) -> (Vec<f64>, std::collections::BTreeMap<u64, u32>) {
    let (mut rewards, mut seen) = (vec![0.0; actions.len()], std::collections::BTreeMap::new());
    for seed in 0..episodes {
        made.environment.reset(seed).unwrap();
        for (t, action) in actions.iter().enumerate() {
            let step = made.environment.step(&Value::Integer(*action)).unwrap();
            rewards[t] += step.reward / episodes as f64;
            if t + 1 == actions.len() {
                *seen.entry(numbers(&step.observation)[at] as u64).or_insert(0) += 1;
            }
        }
    }
    (rewards, seen)
}

#[test]
fn listening_twice_agrees_as_often_as_the_tigers_probabilities_say() {
    use worldwright_core::pomdp::Tabulated;
    use worldwright_envs::tiger::Tiger;
    let mut made = made("tiger", &[]);
    let episodes = 20_000;
    let mut agreed = 0;
    for seed in 0..episodes {
        assert_eq!(numbers(&made.environment.reset(seed).unwrap()), [0.0]);
        let first = made.environment.step(&Value::Integer(0)).unwrap();
        let second = made.environment.step(&Value::Integer(0)).unwrap();
        assert_eq!((first.reward, second.reward), (-1.0, -1.0));
        agreed += u32::from(first.observation == second.observation);
    }
    let right = Tiger { discount: 1.0 }.emission(0, 0)[0].1;
    let share = right * right + (1.0 - right) * (1.0 - right);
    let std = (episodes as f64 * share * (1.0 - share)).sqrt();
    assert!((f64::from(agreed) - episodes as f64 * share).abs() < 4.0 * std, "{agreed}");
    // Opening a door blindly pays 10 or −100, as often.
    let (rewards, _) = seen_after(&mut made, &[1], 0, episodes);
    assert!((rewards[0] + 45.0).abs() < 4.0 * 55.0 / (episodes as f64).sqrt(), "{rewards:?}");
}

#[test]
fn a_rover_sees_and_earns_what_the_table_of_its_problem_says() {
    use worldwright_core::pomdp::Tabulated;
    use worldwright_envs::rock_sample::RockSample;
    let problem = RockSample::sized(3, 1, 4, 2.0, 0.95).unwrap();
    let settings = [
        ("size", Setting::Integer(3)),
        ("rocks", Setting::Integer(1)),
        ("layout", Setting::Integer(4)),
        ("half_efficiency", Setting::Float(2.0)),
    ];
    let mut made = made("rock-sample", &settings);
    let episodes = 5000;
    // The belief over the table's states, moved by the actions: what is paid and seen on average.
    for actions in [&[5, 0, 5][..], &[3], &[1, 1, 5], &[2, 2, 4], &[0, 1, 0, 4, 5]] {
        let mut belief = Tabulated::initial(&problem);
        let mut paid = Vec::new();
        let mut says = [0.0; 3];
        for action in actions {
            let (mut next, mut reward) = (vec![0.0; belief.len()], 0.0);
            says = [0.0; 3];
            for (state, share) in belief.iter().enumerate().filter(|(_, share)| **share > 0.0) {
                let outcome = problem.outcome(state, *action as usize);
                reward += share * outcome.reward;
                for (to, chance) in outcome.next {
                    next[to] += share * chance;
                    problem
                        .emission(*action as usize, to)
                        .iter()
                        .for_each(|(seen, p)| says[*seen] += share * chance * p);
                }
            }
            paid.push(reward);
            belief = next;
        }
        let (rewards, seen) = seen_after(&mut made, actions, 2, episodes);
        for (got, want) in rewards.iter().zip(&paid) {
            assert!(
                (got - want).abs() < 4.0 * 10.0 / (episodes as f64).sqrt(),
                "{actions:?}: {rewards:?} and {paid:?}"
            );
        }
        for (number, share) in says.iter().enumerate() {
            let count = f64::from(seen.get(&(number as u64)).copied().unwrap_or(0));
            let std = (episodes as f64 * share * (1.0 - share)).max(0.0).sqrt();
            assert!(
                (count - episodes as f64 * share).abs() <= 4.0 * std + 1e-6,
                "{actions:?} {number}: {count}, {share}"
            );
        }
    }
}
