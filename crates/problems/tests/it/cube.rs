//! Rubik's cube against published counts, and a two-level controller against its closed form.

use std::sync::OnceLock;

use worldwright_core::Rng;
use worldwright_envs::cube::{Cube, Metric, Move, format_moves, parse_moves};
use worldwright_problems::breadth_first::{distances, histogram};
use worldwright_problems::rubik::{
    Controller, Effort, Pocket, PocketSolver, Repair, ScriptedTurner, TwoPhase, counts_by_depth,
};

/// One set of tables for all tests.
fn solver() -> &'static TwoPhase {
    static SOLVER: OnceLock<TwoPhase> = OnceLock::new();
    SOLVER.get_or_init(TwoPhase::new)
}

#[test]
fn as_many_states_lie_near_the_solved_cube_as_published() {
    assert_eq!(counts_by_depth(Metric::HalfTurn, 5), [1, 18, 243, 3240, 43_239, 574_908]);
    assert_eq!(counts_by_depth(Metric::QuarterTurn, 5), [1, 12, 114, 1068, 10_011, 93_840]);
}

#[test]
fn the_pocket_cube_has_its_known_distances() {
    let half = PocketSolver::new(Metric::HalfTurn);
    let known = [1, 9, 54, 321, 1847, 9992, 50_136, 227_536, 870_072, 1_887_748, 623_800, 2644];
    assert_eq!(histogram(half.distances()), known);
    let quarter = PocketSolver::new(Metric::QuarterTurn);
    let known = [1, 6, 27, 120, 534, 2256, 8969, 33_058, 114_149, 360_508, 930_588, 1_350_852, 782_536, 90_280, 276];
    assert_eq!(histogram(quarter.distances()), known);
    for (solver, metric) in [(&half, Metric::HalfTurn), (&quarter, Metric::QuarterTurn)] {
        let mut rng = Rng::new(1);
        for _ in 0..200 {
            let pocket = Pocket::random(&mut rng);
            let moves = solver.solve(&pocket).unwrap();
            assert!(solver.after(&pocket, &moves).is_solved());
            let cost: usize = moves.iter().map(|turn| turn.cost(metric)).sum();
            assert_eq!(cost, solver.distance(&pocket));
        }
    }
}

/// The corners of a 3×3×3 cube are a 2×2×2 cube: whole-cube rotations and turns of all six faces agree between the two.
#[test]
fn the_pocket_cube_turns_like_the_corners_of_the_cube() {
    let solver = PocketSolver::new(Metric::HalfTurn);
    let one_colour = |cube: &Cube| {
        let letters: Vec<char> = cube.facelets().chars().collect();
        letters.chunks(9).all(|face| [2, 6, 8].iter().all(|i| face[*i] == face[0]))
    };
    let mut rng = Rng::new(2);
    for _ in 0..100 {
        let scramble: Vec<Move> = (0..15).map(|_| Move::ALL[rng.below(18) as usize]).collect();
        let pocket = solver.after(&Pocket::default(), &scramble);
        let solution = solver.solve(&pocket).unwrap();
        let cube = Cube::default().after(&scramble);
        assert!(one_colour(&cube.after(&solution)), "{}", format_moves(&scramble));
        assert_eq!(one_colour(&cube), pocket.is_solved());
    }
    let rotated = solver.after(&Pocket::default(), &parse_moves("R L'").unwrap());
    assert!(rotated.is_solved(), "turning both halves alike turns the whole");
}

#[test]
fn random_cubes_are_solved_in_few_turns() {
    let solver = solver();
    let mut rng = Rng::new(3);
    let mut total = 0;
    for _ in 0..40 {
        let cube = Cube::random(&mut rng);
        let solution = solver.solve(&cube, &Effort { target: 22, nodes: 2_000_000 }).unwrap();
        assert!(cube.after(&solution.moves).is_solved());
        assert!(solution.moves.len() <= 23, "{}", solution.moves.len());
        assert_eq!(solution, solver.solve(&cube, &Effort { target: 22, nodes: 2_000_000 }).unwrap());
        total += solution.moves.len();
    }
    assert!(total <= 40 * 22, "{total}");
}

#[test]
fn near_cubes_are_solved_in_the_turns_that_made_them() {
    let solver = solver();
    let mut rng = Rng::new(4);
    let effort = Effort { target: 0, nodes: 3_000_000 };
    for length in 0..6 {
        let scramble: Vec<Move> = (0..length).map(|_| Move::ALL[rng.below(18) as usize]).collect();
        let cube = Cube::default().after(&scramble);
        let solution = solver.solve(&cube, &effort).unwrap();
        assert!(cube.after(&solution.moves).is_solved() && solution.moves.len() <= length);
    }
    // The superflip needs 20 turns (Reid 1995), so less than that would be a fault of the cube itself.
    let superflip = Cube::default().after(&parse_moves("U R2 F B R B2 R U2 L B2 R U' D' R2 F R' L B2 U2 F2").unwrap());
    assert!(superflip.facelets().chars().enumerate().all(|(i, c)| {
        let corner_or_middle = matches!(i % 9, 0 | 2 | 4 | 6 | 8);
        corner_or_middle == (c == ['U', 'R', 'F', 'D', 'L', 'B'][i / 9])
    }));
    let solution = solver.solve(&superflip, &Effort { target: 22, nodes: 10_000_000 }).unwrap();
    assert!((20..=23).contains(&solution.moves.len()), "{}", solution.moves.len());
}

#[test]
fn a_cube_is_read_as_it_looks() {
    let mut rng = Rng::new(5);
    for _ in 0..50 {
        let cube = Cube::random(&mut rng);
        assert_eq!(Cube::from_facelets(&cube.facelets()).unwrap(), cube);
    }
    // After R, the front shows the down face's colour on the right, and up shows the front's.
    let seen = Cube::default().after(&parse_moves("R").unwrap()).facelets();
    assert_eq!(seen, "UUFUUFUUFRRRRRRRRRFFDFFDFFDDDBDDBDDBLLLLLLLLLUBBUBBUBB");
    // One twisted corner: up-right-front shows its stickers one place on.
    let mut letters: Vec<char> = Cube::default().facelets().chars().collect();
    (letters[8], letters[9], letters[20]) = ('F', 'U', 'R');
    let twisted: String = letters.iter().collect();
    assert!(Cube::from_facelets(&twisted).unwrap_err().to_string().contains("corner is twisted"));
    assert!(Cube::from_facelets("UUU").unwrap_err().to_string().contains("3 letters"));
    assert!(parse_moves("R U X").unwrap_err().to_string().contains("'X' at place 5"));
}

/// Mean tries L / p, and the share solved within n tries by the negative binomial distribution.
#[test]
fn an_unsure_hand_takes_as_many_turns_as_expected() {
    let solver = solver();
    let p = 0.8;
    let mut turner = ScriptedTurner { failure: 0.15, overshoot: 0.05 };
    let effort = Effort { target: 23, nodes: 1_000_000 };
    let cube = Cube::random(&mut Rng::new(6));
    let plan = solver.solve(&cube, &effort).unwrap().moves;
    let planned = plan.len();
    let endless = Controller { solver, effort, repair: Repair::TurnOn, tries: 10_000 };
    let limit = (planned as f64 / p).round() as usize;
    let (mut rng, runs) = (Rng::new(7), 4000);
    let (mut tries, mut in_time) = (0, 0);
    for _ in 0..runs {
        let mut real = cube;
        let episode = endless.follow(plan.clone(), &mut real, &mut turner, &mut rng).unwrap();
        assert!(episode.solved && real.is_solved() && episode.planned == planned);
        tries += episode.tries;
        in_time += usize::from(episode.tries <= limit);
    }
    let (l, n) = (planned as f64, f64::from(runs));
    let mean = tries as f64 / n;
    let error = (l * (1.0 - p)).sqrt() / p / n.sqrt();
    assert!((mean - l / p).abs() < 4.0 * error, "{mean} tries, expected {} ± {error}", l / p);
    let mut chance = p.powi(planned as i32);
    let mut expected = 0.0;
    for extra in 0..=limit - planned {
        expected += chance;
        chance *= (1.0 - p) * (planned + extra) as f64 / (extra + 1) as f64;
    }
    let share = in_time as f64 / n;
    let error = (expected * (1.0 - expected) / n).sqrt();
    assert!((share - expected).abs() < 4.0 * error, "{share} in time, expected {expected} ± {error}");
    // With no more tries than the plan has turns, success is success of every single one.
    let strict = Controller { tries: planned, ..endless };
    let mut run = || strict.follow(plan.clone(), &mut { cube }, &mut turner, &mut rng).unwrap();
    let solved = (0..runs).filter(|_| run().solved).count();
    let expected = p.powi(planned as i32);
    let error = (expected * (1.0 - expected) / n).sqrt();
    assert!((solved as f64 / n - expected).abs() < 4.0 * error);
}

#[test]
fn planning_anew_never_takes_longer_than_turning_on() {
    let solver = solver();
    let effort = Effort { target: 22, nodes: 50_000 };
    let mean = |repair| {
        let mut rng = Rng::new(8);
        let controller = Controller { solver, effort, repair, tries: 1000 };
        let mut turner = ScriptedTurner { failure: 0.0, overshoot: 0.5 };
        let mut run = || controller.run(&mut Cube::random(&mut Rng::new(9)), &mut turner, &mut rng).unwrap();
        (0..60).map(|_| run()).inspect(|episode| assert!(episode.solved)).map(|e| e.tries).sum::<usize>() as f64 / 60.0
    };
    let (anew, on) = (mean(Repair::PlanAnew), mean(Repair::TurnOn));
    assert!(anew < on, "{anew} against {on}");
}

/// The 8-puzzle: 181,440 states, two of them 31 moves away, 21.9724 on average (Reinefeld 1993).
#[test]
fn the_eight_puzzle_has_its_known_distances() {
    let rank = |tiles: &[u8; 9]| {
        (0..9).fold(0, |sum, i| {
            let smaller = tiles[i + 1..].iter().filter(|tile| **tile < tiles[i]).count();
            sum * (9 - i) + smaller
        })
    };
    let unrank = |mut rank: usize| {
        let mut digits = [0; 9];
        for i in (0..9).rev() {
            digits[i] = rank % (9 - i);
            rank /= 9 - i;
        }
        let mut left: Vec<u8> = (0..9).collect();
        digits.map(|digit| left.remove(digit))
    };
    let found = distances(362_880, 0, 4, |state, i| {
        let mut tiles = unrank(state);
        let hole = tiles.iter().position(|tile| *tile == 0).unwrap();
        let (row, column) = (hole / 3, hole % 3);
        let exists = [row > 0, row < 2, column > 0, column < 2][i];
        if exists {
            tiles.swap(hole, [hole.wrapping_sub(3), hole + 3, hole.wrapping_sub(1), hole + 1][i]);
        }
        rank(&tiles)
    });
    let counts = histogram(&found);
    assert_eq!(counts.iter().sum::<u64>(), 181_440);
    assert_eq!((counts.len() - 1, counts[31]), (31, 2));
    let sum: u64 = counts.iter().enumerate().map(|(depth, count)| depth as u64 * count).sum();
    assert!((sum as f64 / 181_440.0 - 21.9724).abs() < 5e-5);
}
