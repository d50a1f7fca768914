//! Every problem of the list: solved by its defaults, the same for the same seed, and judged by something that did not solve it.

use std::collections::BTreeMap;

use worldwright_core::Setting::{self, Float, Integer, Numbers, Text};
use worldwright_core::{Error, SettingDefault, find};
use worldwright_envs::cube::{Cube, Metric, Move, parse_moves};
use worldwright_envs::games::{ConnectFour, Game, TicTacToe};
use worldwright_envs::maze::{FOUR_ROOMS, Maze};
use worldwright_motion::{Dubins, Shape, segment_distance};
use worldwright_problems::rubik::{Pocket, PocketSolver};
use worldwright_problems::{ALL, Cell, Solution, Status, closet, solve};

use crate::settings;

const DEFAULT_SCRAMBLE: &str = "R U F2 L' D B2 U' R2 F L2 B' D2";

fn of(name: &str, overrides: &[(&str, Setting)]) -> Solution {
    let overrides = overrides.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    solve(name, &overrides).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text(text: &str) -> Setting {
    Text(text.to_owned())
}

fn fact(solution: &Solution, name: &str) -> f64 {
    let fact = solution.get(name).unwrap_or_else(|| panic!("no fact '{name}' among {:?}", solution.facts));
    fact.number().unwrap_or_else(|| panic!("{name} is no number"))
}

#[test]
fn every_problem_is_solved_soundly_and_the_same_for_the_same_seed() {
    for entry in ALL {
        let solution = of(entry.name, &[]);
        assert_ne!(solution.status, Status::Unsolved, "{}: {:?}", entry.name, solution.notes);
        assert!(!solution.rows.is_empty() && !solution.facts.is_empty(), "{}", entry.name);
        assert!(solution.rows.iter().all(|row| row.len() == solution.columns.len()), "{}", entry.name);
        assert_eq!(solution, of(entry.name, &[]), "{} is not the same again", entry.name);
        judge(entry.name, &solution);
        if entry.parameters.iter().any(|parameter| parameter.name == "seed") {
            let other = of(entry.name, &[("seed", Integer(1))]);
            assert_ne!(other.status, Status::Unsolved, "{} with seed 1: {:?}", entry.name, other.notes);
        }
        let slip = solve(entry.name, &settings([("sede", Integer(1))]));
        assert!(matches!(slip, Err(Error::Unknown { .. })), "{}", entry.name);
    }
}

#[test]
fn every_method_of_every_problem_solves_it() {
    for entry in ALL {
        let Some(method) = entry.parameters.iter().find(|parameter| parameter.name == "method") else { continue };
        let error = solve(entry.name, &settings([("method", text("none such"))])).unwrap_err().to_string();
        let listed = error.split_once("there are ").map(|(_, names)| names);
        let names = listed.unwrap_or_else(|| panic!("{}: {error}", entry.name));
        for name in names.split(", ") {
            assert!(method.summary.contains(name), "{}: '{}' does not name {name}", entry.name, method.summary);
            let mut overrides = vec![("method", text(name))];
            // Large enough to show that it works, small enough to be quick.
            if entry.name == "rock-sample" {
                overrides.extend([("size", Integer(4)), ("rocks", Integer(3)), ("scenarios", Integer(100))]);
            }
            let solution = of(entry.name, &overrides);
            assert_ne!(solution.status, Status::Unsolved, "{} by {name}", entry.name);
            if !["rock-sample", "tiger", "pomdp"].contains(&entry.name) {
                judge(entry.name, &solution);
            }
        }
    }
}

/// Judges the solution of a problem's default settings.
fn judge(name: &str, solution: &Solution) {
    match name {
        "hanoi" => hanoi(solution, 4),
        "gridworld" => assert!((fact(solution, "value of the start") - 0.542_025_932).abs() < 1e-8),
        "tiger" | "pomdp" => {
            assert!((fact(solution, "value") - 19.371_368).abs() <= fact(solution, "error at most") + 1e-6);
            assert!(fact(solution, "error at most") <= 1e-3);
        }
        "rock-sample" => rock_sample(solution, 0.95),
        "tic-tac-toe" => assert!((1.0..=9.0).contains(&fact(solution, "play"))),
        "connect-four" => assert_eq!(fact(solution, "play"), 4.0),
        "reach" => reach(solution),
        "arm" => arm(solution),
        "dubins" => assert!((fact(solution, "length") - 5.813_437_014).abs() < 1e-8),
        "tabletop" => tabletop(solution),
        "maze" => maze(solution),
        "rooms" => rooms(solution),
        "cube" => assert!(Cube::default().after(&scrambled()).after(&turns(solution)).is_solved()),
        "pocket-cube" => {
            let solver = PocketSolver::new(Metric::HalfTurn);
            let pocket = solver.after(&Pocket::default(), &scrambled());
            assert!(solver.after(&pocket, &turns(solution)).is_solved());
            assert_eq!(fact(solution, "turns"), turns(solution).len() as f64);
        }
        other => panic!("say here how a solution of {other} is judged"),
    }
}

fn scrambled() -> Vec<Move> {
    parse_moves(DEFAULT_SCRAMBLE).unwrap()
}

fn turns(solution: &Solution) -> Vec<Move> {
    parse_moves(&solution.texts("turn").join(" ")).unwrap()
}

/// Moves the discs by the rules.
fn hanoi(solution: &Solution, discs: usize) {
    match solution.status {
        Status::Optimal => assert_eq!(solution.rows.len(), (1 << discs) - 1),
        _ => assert!(solution.rows.len() >= (1 << discs) - 1),
    }
    let mut pegs: BTreeMap<&str, Vec<usize>> =
        BTreeMap::from([("a", (1..=discs).rev().collect()), ("b", vec![]), ("c", vec![])]);
    for (disc, to) in solution.texts("disc").iter().zip(solution.texts("to")) {
        let disc: usize = disc[1..].parse().unwrap();
        let from = *pegs.iter().find(|(_, peg)| peg.last() == Some(&disc)).expect("the disc lies on top").0;
        pegs.get_mut(from).unwrap().pop();
        let on = to.strip_prefix('d').map(|disc| disc.parse::<usize>().unwrap());
        let peg =
            pegs.iter_mut().find(|(name, peg)| on.map_or(**name == to && peg.is_empty(), |on| peg.last() == Some(&on)));
        let peg = peg.expect("what it is put on is on top").1;
        assert!(peg.last().is_none_or(|below| *below > disc));
        peg.push(disc);
    }
    assert_eq!(pegs["c"].len(), discs);
}

/// Follows the rover: where it is, what it is paid, and the return.
fn rock_sample(solution: &Solution, discount: f64) {
    let (xs, ys, rewards) = (solution.numbers("x"), solution.numbers("y"), solution.numbers("reward"));
    let actions = solution.texts("action");
    for t in 1..actions.len() {
        let by = match actions[t - 1] {
            "north" => [0.0, 1.0],
            "east" => [1.0, 0.0],
            "south" => [0.0, -1.0],
            "west" => [-1.0, 0.0],
            _ => [0.0, 0.0],
        };
        assert_eq!([xs[t], ys[t]], [xs[t - 1] + by[0], ys[t - 1] + by[1]]);
    }
    let paid: f64 = rewards.iter().enumerate().map(|(t, reward)| discount.powi(t as i32) * reward).sum();
    assert!((paid - fact(solution, "discounted return of this episode")).abs() < 1e-9);
    assert_eq!((actions.last(), rewards.last()), (Some(&"east"), Some(&10.0)), "the rover leaves");
}

/// The room of the default settings.
fn obstacles() -> Vec<Shape> {
    let boxes = [[4.9, 0.0, 5.1, 4.5], [4.9, 5.3, 5.1, 10.0]];
    let discs = [[2.0, 3.0, 0.6], [2.6, 6.6, 0.7], [7.4, 4.2, 0.8], [7.0, 7.8, 0.6]];
    let boxes = boxes.map(|[x, y, to_x, to_y]| Shape::rectangle([x, y], [to_x, to_y]).unwrap());
    boxes.into_iter().chain(discs.map(|[x, y, radius]| Shape::disc([x, y], radius))).collect()
}

/// Goes along the path in small steps with a disc of its own.
fn reach(solution: &Solution) {
    let (xs, ys) = (solution.numbers("x"), solution.numbers("y"));
    let points: Vec<[f64; 2]> = xs.iter().zip(&ys).map(|(x, y)| [*x, *y]).collect();
    assert_eq!((points[0], *points.last().unwrap()), ([0.5, 0.5], [9.5, 9.5]));
    let obstacles = obstacles();
    let mut length = 0.0;
    for pair in points.windows(2) {
        length += (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
        for i in 0..=1000 {
            let at = [0, 1].map(|d| pair[0][d] + f64::from(i) / 1000.0 * (pair[1][d] - pair[0][d]));
            // A hair less than the disc: where the path touches, rounding decides.
            let disc = Shape::disc(at, 0.15 - 1e-9);
            assert!(!obstacles.iter().any(|shape| shape.as_convex().touches(&disc.as_convex())), "at {at:?}");
            assert!(at.iter().all(|x| (0.15 - 1e-9..=9.85 + 1e-9).contains(x)));
        }
    }
    assert!((length - fact(solution, "length")).abs() < 1e-9);
    // No way is shorter than the straight one.
    assert!(length >= 9.0 * 2.0_f64.sqrt() && length < 16.0, "{length}");
}

/// Turns the joints in small steps; links are segments, posts are points with a radius.
fn arm(solution: &Solution) {
    let links = [0.7, 0.7, 0.6, 0.5];
    let posts = [([1.2, 0.9], 0.25), ([-0.3, 1.6], 0.3), ([1.4, -1.0], 0.3)];
    let angles: Vec<&Vec<f64>> = solution
        .rows
        .iter()
        .flatten()
        .filter_map(|cell| if let Cell::Numbers(angles) = cell { Some(angles) } else { None })
        .collect();
    assert_eq!((angles[0][0], angles.last().unwrap()[0]), (0.05, 2.4));
    for pair in angles.windows(2) {
        for i in 0..=200 {
            let (mut heading, mut at) = (0.0, [0.0, 0.0]);
            for (joint, length) in links.iter().enumerate() {
                let mut by = pair[1][joint] - pair[0][joint];
                if joint == 0 {
                    by -= std::f64::consts::TAU * (by / std::f64::consts::TAU).round();
                }
                heading += pair[0][joint] + f64::from(i) / 200.0 * by;
                let to = [at[0] + length * f64::cos(heading), at[1] + length * f64::sin(heading)];
                for (post, radius) in posts {
                    // Checked at a resolution, the arm may cut in by a little between two checks.
                    assert!(segment_distance(at, to, post, post) > radius + 0.04 - 0.03, "link {joint} hits {post:?}");
                }
                at = to;
            }
        }
    }
}

/// Carries the plan out on names alone, and looks where things are put.
fn tabletop(solution: &Solution) {
    let world = closet().unwrap();
    let mut held: Option<String> = None;
    let mut at: BTreeMap<String, String> = BTreeMap::new();
    let (xs, ys) = (solution.numbers("x"), solution.numbers("y"));
    for (i, action) in solution.texts("action").iter().enumerate() {
        let (verb, rest) = action.trim_end_matches(')').split_once('(').unwrap();
        let words: Vec<&str> = rest.split(", ").collect();
        if verb == "pick" {
            assert!(held.is_none());
            held = Some(words[0].to_owned());
            at.remove(words[0]);
        } else {
            assert_eq!(held.take().as_deref(), Some(words[0]));
            let region = world.regions.iter().find(|region| region.name == words[1]).unwrap();
            let radius = world.objects.iter().find(|object| object.name == words[0]).unwrap().radius;
            for (d, x) in [xs[i], ys[i]].into_iter().enumerate() {
                assert!(x - radius >= region.low[d] - 1e-9 && x + radius <= region.high[d] + 1e-9, "{action}");
            }
            at.insert(words[0].to_owned(), words[1].to_owned());
        }
    }
    assert_eq!(at.get("red").map(String::as_str), Some("slot"));
    // Blue obstructs the closet and green the slot: each must go first, with a pick and a place.
    assert_eq!(solution.rows.len(), 6);
}

/// Walks on the picture: the steps between S and G that it needs.
fn maze(solution: &Solution) {
    let lines: Vec<Vec<char>> = solution.picture.lines().map(|line| line.chars().collect()).collect();
    let maze = Maze::parse(&solution.picture);
    let find = |letter: char| {
        let places = (0..lines.len()).flat_map(|y| (0..lines[y].len()).map(move |x| [x, y]));
        maze.at(places.into_iter().find(|[x, y]| lines[*y][*x] == letter).unwrap()).unwrap()
    };
    let shortest = maze.steps_from(find('S'))[find('G')].unwrap();
    let (steps, legs) = (fact(solution, "steps"), solution.numbers("steps"));
    assert_eq!(steps, legs.iter().sum::<f64>());
    assert!(legs.iter().all(|leg| *leg <= 5.0), "a leg is no longer than what is known");
    match solution.status {
        Status::Optimal => assert_eq!(steps, f64::from(shortest)),
        _ => assert!(steps >= f64::from(shortest)),
    }
}

fn rooms(solution: &Solution) {
    let maze = Maze::parse(FOUR_ROOMS);
    let shortest = maze.steps_from(maze.at([1, 1]).unwrap())[maze.at([9, 8]).unwrap()].unwrap();
    assert_eq!(fact(solution, "steps"), f64::from(shortest), "{:?}", solution.rows);
    let end = solution.rows.last().unwrap();
    assert_eq!((&end[3], &end[4]), (&Cell::Integer(9), &Cell::Integer(8)));
}

#[test]
fn games_are_proven_where_they_can_be() {
    let start = of("tic-tac-toe", &[("seed", Integer(2))]);
    assert_eq!((start.status, fact(&start, "value")), (Status::Optimal, 0.0));
    // After a corner only the centre does not lose.
    let corner = of("tic-tac-toe", &[("moves", text("1"))]);
    assert_eq!((corner.status, fact(&corner, "play"), fact(&corner, "value")), (Status::Optimal, 5.0, 0.0));
    // Three in a row with both ends open: the next one wins.
    let three = of("connect-four", &[("moves", text("314157"))]);
    assert_eq!((three.status, fact(&three, "value"), fact(&three, "moves to the end")), (Status::Optimal, 1.0, 1.0));
    for (moves, why) in [("8", "digit"), ("1x", "digit"), ("1111111", "taken"), ("1213141", "over")] {
        let error = solve("connect-four", &settings([("moves", text(moves))])).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!((TicTacToe::MOVES, ConnectFour::MOVES), (9, 7));
}

#[test]
fn settings_change_what_is_solved() {
    hanoi(&of("hanoi", &[("discs", Integer(3))]), 3);
    assert_eq!(of("hanoi", &[]).status, Status::Optimal);
    assert_eq!(of("hanoi", &[("method", text("gbfs"))]).status, Status::Solved);
    let tiger = of("tiger", &[("discount", Float(0.75)), ("gap", Float(1e-6))]);
    assert!((fact(&tiger, "value") - 1.933_439).abs() < 2e-6);
    // Without slips the goal is six steps away: 0.9^5.
    let firm = of("gridworld", &[("slip", Float(0.0)), ("discount", Float(0.9))]);
    assert!((fact(&firm, "value of the start") - 0.9_f64.powi(5)).abs() < 1e-9);
    let numbers = |numbers: &[f64]| Numbers(numbers.to_vec());
    let back = of("dubins", &[("goal", numbers(&[0.0, 0.0, std::f64::consts::PI]))]);
    assert!((fact(&back, "length") - 7.0 / 3.0 * std::f64::consts::PI).abs() < 1e-9);
    let around = of("dubins", &[("boxes", numbers(&[2.0, -1.0, 2.5, 3.0]))]);
    let straight = Dubins::shortest([0.0; 3], [4.0, 4.0, std::f64::consts::FRAC_PI_2], 1.0).length();
    assert!(around.status == Status::Solved && fact(&around, "length") > straight);
    let quarter = of("pocket-cube", &[("scramble", text("R2")), ("metric", text("quarter-turn"))]);
    assert_eq!(fact(&quarter, "turns"), 2.0);
    let solved = of("cube", &[("scramble", text("R U R' U'")), ("failure", Float(0.0)), ("overshoot", Float(0.0))]);
    assert!(solved.get("tries by the hand").is_none() && fact(&solved, "turns") <= 4.0);
}

/// Trees along long straight ways hold hundreds of thousands of configurations in order.
#[test]
fn fine_steps_and_large_rooms_are_no_harder_than_their_size() {
    let vast = [("high", Numbers(vec![20_000.0; 2])), ("goal", Numbers(vec![19_000.0, 19_500.0]))];
    for (name, overrides, least) in [
        ("reach", &[("step", Float(1e-3))][..], 1_000.0),
        ("arm", &[("step", Float(1e-5))], 10_000.0),
        ("reach", &vast, 5_000.0),
    ] {
        let solution = of(name, overrides);
        assert!(fact(&solution, "nodes") > least, "{name}: {:?}", solution.facts);
    }
    for (name, method, key) in
        [("maze", "dc-mcts", "depth"), ("reach", "rrt-star", "samples"), ("reach", "leap", "subgoals")]
    {
        let beyond = solve(name, &settings([("method", text(method)), (key, Integer(1_000_000_000))])).unwrap_err();
        let said = beyond.to_string();
        assert!(said.contains(key) && said.contains("1000000000"), "{beyond}");
    }
}

/// A count that makes no sense is refused by whichever method, also where that method does not use it.
#[test]
fn no_setting_goes_unread() {
    for entry in ALL {
        let methods = if entry.parameters.iter().any(|parameter| parameter.name == "method") {
            // The error for a method that does not exist lists those that do.
            let error = solve(entry.name, &settings([("method", text("?"))])).unwrap_err().to_string();
            let listed = error.split_once("there are ").map(|(_, names)| names);
            listed.unwrap_or_else(|| panic!("{}: {error}", entry.name)).split(", ").map(str::to_owned).collect()
        } else {
            vec![String::new()]
        };
        for (method, parameter) in methods.iter().flat_map(|method| entry.parameters.iter().map(move |p| (method, p))) {
            if matches!(parameter.default, SettingDefault::Integer(_)) {
                let mut overrides = settings([(parameter.name, Integer(-1))]);
                if !method.is_empty() {
                    overrides.insert("method".to_owned(), text(method));
                }
                let error = solve(entry.name, &overrides).err().map(|error| error.to_string());
                let said = error.as_deref().is_some_and(|error| error.contains(parameter.name) && error.contains("-1"));
                assert!(said, "{} {method} took {} = -1: {error:?}", entry.name, parameter.name);
            }
        }
    }
}

#[test]
fn what_cannot_be_is_said() {
    let walled = of("maze", &[("map", text("S#G"))]);
    assert!(walled.status == Status::Unsolved && walled.notes[0].contains("there is no way"));
    let shut = of("reach", &[("boxes", Numbers(vec![4.9, 0.0, 5.1, 10.0])), ("samples", Integer(300))]);
    assert!(shut.status == Status::Unsolved && shut.rows.is_empty());
    let wrong = |name: &str, key: &str, value: Setting| {
        let overrides = BTreeMap::from([(key.to_owned(), value)]);
        solve(name, &overrides).map_or_else(|error| error.to_string(), |_| panic!("{name} took {key}"))
    };
    for (name, key, value, why) in [
        ("reach", "start", Numbers(vec![4.95, 2.0]), "touches an obstacle"),
        ("reach", "discs", Numbers(vec![1.0, 2.0]), "x, y and radius"),
        ("arm", "goal", Numbers(vec![0.0]), "4 finite angles"),
        ("dubins", "start", Numbers(vec![0.0]), "heading"),
        ("tabletop", "goal", text("red tabel"), "did you mean 'table'?"),
        ("gridworld", "map", text("S.X"), "'X' at place 3 of line 1"),
        ("gridworld", "map", text("..G"), "0 starts"),
        ("maze", "map", text("S..S.G"), "2 times 'S'"),
        ("maze", "loops", Integer(1_000_000_000), "at most 10000"),
        ("maze", "map", text(&format!("S{}G", ".".repeat(3000))), "3002 free cells"),
        ("reach", "step", Float(1e-9), "too short"),
        ("arm", "step", Float(1e-8), "too short"),
        ("tabletop", "rounds", Integer(1_000_000_000), "at most 16"),
        ("rooms", "start", Numbers(vec![0.0, 0.0]), "no free cell"),
        ("hanoi", "discs", Integer(40), "at most 12"),
        ("hanoi", "heuristic", text("lmcut"), "did you mean 'lm-cut'?"),
        ("cube", "failure", Float(1.0), "below 1"),
        ("rock-sample", "rocks", Integer(17), "16 rocks"),
        ("tiger", "discount", Float(1.0), "set horizon=N, or a discount below 1"),
        ("pomdp", "discount", Float(1.0), "set horizon=N, or a discount below 1"),
        ("pomdp", "horizon", Integer(1_000_000_000), "horizon: 1000000000 steps of 2 states take"),
        ("tiger", "steps", Integer(1_000_000_000), "steps = 1000000000 would take about 400 GB"),
        ("tiger", "memory", Integer(-1), "at least 0"),
        ("tiger", "time", Float(1e300), "must lie in"),
        ("pomdp", "file", text("nowhere.pomdp"), "cannot read nowhere.pomdp"),
    ] {
        let error = wrong(name, key, value);
        assert!(error.contains(why), "{name}: {error}");
    }
    assert!(matches!(find(ALL, "problem", "tigr"), Err(Error::Unknown { nearest: Some(name), .. }) if name == "tiger"));
}
