//! Exact value iteration and point-based bounds on problems of the literature, against enumeration by brute force.

use worldwright_core::pomdp::Outcome;
use worldwright_core::{Key, Rng};
use worldwright_pomdp::{
    Exact, ExactConfig, PointBased, PointBasedConfig, PointBasedEnd, Table, exact_update, parse_pomdp, qmdp,
};

const PROBLEMS: [(&str, &str); 6] = [
    ("shuttle", include_str!("files/shuttle.pomdp")),
    ("line", include_str!("files/line.pomdp")),
    ("paint", include_str!("files/paint.pomdp")),
    ("concert", include_str!("files/concert.pomdp")),
    ("cheese", include_str!("files/cheese.pomdp")),
    ("grid", include_str!("files/grid.pomdp")),
];

fn problem(name: &str) -> Table {
    let (_, text) = PROBLEMS.iter().find(|problem| problem.0 == name).unwrap();
    parse_pomdp(name, text).unwrap().table
}

/// The value of the best plan of so many steps, by trying every action and following every observation.
fn enumerated(table: &Table, belief: &[f64], steps: usize) -> f64 {
    if steps == 0 {
        return 0.0;
    }
    let mut next = vec![0.0; belief.len()];
    let mut best = f64::NEG_INFINITY;
    for action in 0..table.actions() {
        let mut value: f64 = (0..belief.len()).map(|state| belief[state] * table.reward(state, action)).sum();
        for observation in 0..table.observations() {
            if let Ok(probability) = exact_update(table, belief, action, observation, &mut next) {
                value += table.discount() * probability * enumerated(table, &next.clone(), steps - 1);
            }
        }
        best = best.max(value);
    }
    best
}

/// A belief over a few states, some of them ruled out.
fn belief(states: usize, rng: &mut Rng) -> Vec<f64> {
    let weights: Vec<f64> =
        (0..states).map(|_| if rng.uniform() < 0.3 { 0.0 } else { -(1.0 - rng.uniform()).ln() }).collect();
    let sum: f64 = weights.iter().sum();
    if sum == 0.0 { vec![1.0 / states as f64; states] } else { weights.iter().map(|weight| weight / sum).collect() }
}

fn finite(table: &Table, steps: usize) -> Exact {
    Exact::solve(table, &ExactConfig { horizon: Some(steps), ..ExactConfig::default() }).unwrap()
}

#[test]
fn a_horizon_gives_the_value_of_every_plan_tried() {
    for (name, text) in PROBLEMS {
        let table = parse_pomdp(name, text).unwrap().table;
        let solved = finite(&table, 3);
        let unrolled = table.with_horizon(3, 1 << 30).unwrap();
        let mut rng = Key::new(7).rng();
        for _ in 0..10 {
            let belief = belief(table.states(), &mut rng);
            for (done, left) in [(0, 3), (1, 2), (2, 1)] {
                let (want, got) = (enumerated(&table, &belief, left), solved.decide(done, &belief).unwrap().1);
                assert!((want - got).abs() <= 1e-9 + solved.error, "{name}, {left} steps: {got} instead of {want}");
            }
        }
        assert!(solved.decide(3, table.initial()).is_err(), "nothing is left to decide");
        // The unrolled table says the same to what knows no horizon.
        let mut points = PointBased::new(&unrolled).unwrap();
        let report = points.improve(&PointBasedConfig { gap: 1e-9, ..PointBasedConfig::default() }).unwrap();
        let want = enumerated(&table, table.initial(), 3);
        assert!((report.lower - want).abs() < 1e-8 && (report.upper - want).abs() < 1e-8, "{name}: {report:?}, {want}");
        assert_eq!(report.ended, PointBasedEnd::Gap);
        assert!(qmdp(&unrolled, 1e-9).unwrap().best(unrolled.initial()).1 >= want - 1e-9);
    }
}

/// Random tables, small enough to try every plan, with a discount of 1 among them.
#[test]
fn random_tables_are_solved_as_by_enumeration() {
    for seed in 0..40 {
        let mut rng = Key::new(seed).rng();
        let (states, actions, seen) = (2 + seed as usize % 3, 2 + seed as usize % 2, 1 + seed as usize % 3);
        let discount = if seed % 4 == 0 { 1.0 } else { 0.9 };
        let moves: Vec<Vec<f64>> = (0..states * actions).map(|_| belief(states, &mut rng)).collect();
        let shows: Vec<Vec<f64>> = (0..states * actions).map(|_| belief(seen, &mut rng)).collect();
        let pays: Vec<f64> = (0..states * actions).map(|_| rng.uniform() * 20.0 - 10.0).collect();
        let row = |row: &[f64]| row.iter().copied().enumerate().collect::<Vec<_>>();
        let table = Table::new(
            (states, actions, seen),
            discount,
            vec![1.0 / states as f64; states],
            |s, a| Outcome { next: row(&moves[a * states + s]), reward: pays[a * states + s] },
            |a, s| row(&shows[a * states + s]),
        )
        .unwrap();
        let solved = finite(&table, 4);
        for _ in 0..10 {
            let belief = belief(states, &mut rng);
            let (want, got) = (enumerated(&table, &belief, 4), solved.value(&belief));
            assert!((want - got).abs() <= 1e-9 + solved.error, "seed {seed}: {got} instead of {want}");
        }
    }
}

/// The shuttle took minutes before beliefs were settled between exact steps, and a wider gap did not help.
#[test]
fn endless_problems_are_solved_within_their_gap() {
    for (name, gap, most) in [("shuttle", 1e-3, 40), ("cheese", 1e-6, 40), ("paint", 1e-6, 40), ("line", 1e-6, 40)] {
        let table = problem(name);
        let config = ExactConfig { tolerance: gap, iterations: most, ..ExactConfig::default() };
        let exact = Exact::solve(&table, &config).unwrap();
        assert!(exact.error <= gap && !exact.is_cut, "{name}: {}", exact.error);
        let mut points = PointBased::new(&table).unwrap();
        let report = points.improve(&PointBasedConfig { gap: 1e-4, ..PointBasedConfig::default() }).unwrap();
        let value = exact.value(table.initial());
        assert!(report.lower <= value + gap && report.upper >= value - gap, "{name}: {value} and {report:?}");
        // One step back by hand changes the value nowhere by more than twice the error.
        let mut rng = Key::new(3).rng();
        let mut next = vec![0.0; table.states()];
        for _ in 0..20 {
            let belief = belief(table.states(), &mut rng);
            let mut best = f64::NEG_INFINITY;
            for action in 0..table.actions() {
                let mut value: f64 = (0..belief.len()).map(|s| belief[s] * table.reward(s, action)).sum();
                for observation in 0..table.observations() {
                    if let Ok(probability) = exact_update(&table, &belief, action, observation, &mut next) {
                        value += table.discount() * probability * exact.value(&next);
                    }
                }
                best = best.max(value);
            }
            let here = exact.value(&belief);
            assert!((best - here).abs() <= 2.0 * exact.error, "{name}: {here} and {best} one step back");
        }
    }
}

#[test]
fn what_has_no_finite_value_or_is_too_large_is_refused() {
    let endless = problem("concert");
    for why in [
        Exact::solve(&endless, &ExactConfig::default()).unwrap_err(),
        PointBased::new(&endless).map(|_| ()).unwrap_err(),
        qmdp(&endless, 1e-3).map(|_| ()).unwrap_err(),
    ] {
        assert!(why.to_string().contains("set horizon=N, or a discount below 1"), "{why}");
    }
    let wide = parse_pomdp(
        "wide",
        "discount: 0.9 values: reward states: 3000 actions: 2 observations: 2\nT: * identity\nO: * uniform",
    );
    let wide = wide.unwrap().table;
    let why = Exact::solve(&wide, &ExactConfig::default()).unwrap_err().to_string();
    assert!(why.contains("3000 states") && why.contains("method=point-based"), "{why}");
    let why = wide.with_horizon(1_000_000, 1 << 30).unwrap_err().to_string();
    assert!(why.starts_with("horizon: 1000000 steps of 3000 states take") && why.contains("`memory` allows"), "{why}");
    let few = ExactConfig { vectors: 3, ..ExactConfig::default() };
    let why = Exact::solve(&problem("shuttle"), &few).unwrap_err().to_string();
    assert!(why.contains("more than 3 vectors") && why.contains("point-based"), "{why}");
}

/// Each limit ends the search, and the report says which.
#[test]
fn the_search_says_why_it_ended() {
    let table = problem("grid");
    let run = |config: PointBasedConfig| PointBased::new(&table).unwrap().improve(&config).unwrap();
    let config = PointBasedConfig { gap: 1e-2, ..PointBasedConfig::default() };
    assert_eq!(run(config).ended, PointBasedEnd::Gap);
    assert_eq!(run(PointBasedConfig { backups: 30, ..config }).ended, PointBasedEnd::Backups);
    assert_eq!(run(PointBasedConfig { time: Some(std::time::Duration::ZERO), ..config }).ended, PointBasedEnd::Time);
    assert_eq!(run(PointBasedConfig { memory: 100_000, ..config }).ended, PointBasedEnd::Memory);
    let stalled = run(PointBasedConfig { beliefs: 50, gap: 1e-6, ..config });
    assert_eq!(stalled.ended, PointBasedEnd::Beliefs);
    assert!(stalled.backups < 100_000, "a search that cannot go on does not run to the end: {stalled:?}");
}
