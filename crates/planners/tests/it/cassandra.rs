//! Partially observed problems from text in Cassandra's format.

use worldwright_core::Rng;
use worldwright_planners::pomdp::{Exact, ExactConfig, Pomdp, Simulated, Table, exact_update, parse_pomdp, tiger};

const TIGER: &str = include_str!("../../src/problems/tiger.pomdp");

fn exact(table: &Table) -> f64 {
    Exact::solve(table, &ExactConfig::default()).unwrap().value(table.initial())
}

/// The known values, and the rewards of the table that is built in.
#[test]
fn the_tiger_has_its_known_values() {
    for (discount, want) in [("0.95", 19.371_368), ("0.75", 1.933_439)] {
        let text = TIGER.replace("discount: 0.95", &format!("discount: {discount}"));
        let named = parse_pomdp("tiger.pomdp", &text).unwrap();
        assert!((exact(&named.table) - want).abs() < 1e-6);
        let built_in = tiger(discount.parse().unwrap()).unwrap();
        let pairs = (0..2).flat_map(|state| (0..3).map(move |action| (state, action)));
        pairs.for_each(|(s, a)| assert_eq!(named.table.reward(s, a), built_in.reward(s, a)));
        assert_eq!((named.states[0].as_str(), named.actions[2].as_str()), ("tiger-left", "open-right"));
    }
}

/// The same problem in other words: single entries, rows, numbers in place of names, wildcards, costs, a later entry that replaces.
#[test]
fn all_forms_mean_the_same() {
    let other = "
values: cost   # so that every number is negated
discount :0.95
states: 2
actions: listen open-left open-right
observations: 2
T: * : * : * 0.5
T: listen : * : * 0
T: 0 : 0 : 0 1.0
T: listen : 1 : 1 1
O: * uniform
O: listen : 0
0.85 1.5e-1
O: listen : 1 : 0 0.15
O: listen : 1 : 1 0.85
R: * : * : * : * 7
R: listen : * : * : * 1
R: 1 : 0
100 100
100 100
R: open-left : 1 : *
-10 -10
R: 2 : 0 : 0 : * -10
R: 2 : 0 : 1 : * -10
R: 2 : 1 : * : * 100
";
    assert_eq!(parse_pomdp("other", other).unwrap().table, parse_pomdp("tiger.pomdp", TIGER).unwrap().table);
    for (start, want) in [
        ("start: 0.25 0.75", [0.25, 0.75]),
        ("start: uniform", [0.5, 0.5]),
        ("start: 1", [0.0, 1.0]),
        ("start include: 0", [1.0, 0.0]),
        ("start exclude: 0", [0.0, 1.0]),
        ("", [0.5, 0.5]),
    ] {
        let named = parse_pomdp("other", &format!("{other}{start}\n")).unwrap();
        assert_eq!(named.table.initial(), want, "{start}");
    }
}

/// Rewards that depend on what follows: the expectation over next states and observations.
#[test]
fn rewards_are_expected_over_what_follows() {
    let text = "discount: 0.5 values: reward states: a b actions: go observations: x y start: a
T: go
0.25 0.75
0 1
O: go
1 0
0.4 0.6
R: go : a
1 2
10 20
R: go : b : b : y 100
T: go : b reset";
    let named = parse_pomdp("rewards", text).unwrap();
    let want = 0.25 + 0.75 * (0.4 * 10.0 + 0.6 * 20.0);
    assert!((named.table.reward(0, 0) - want).abs() < 1e-12);
    // A reset goes to the start, so that the rule for b that ends in b never counts.
    assert_eq!(named.table.reward(1, 0), 0.0);
    let mut next = [0.0; 2];
    exact_update(&named.table, &[0.0, 1.0], 0, 0, &mut next).unwrap();
    assert_eq!(next, [1.0, 0.0]);
}

#[test]
fn errors_say_where_and_what() {
    let spoilt = |from: &str, to: &str| {
        assert!(TIGER.contains(from), "{from}");
        parse_pomdp("tiger.pomdp", &TIGER.replacen(from, to, 1)).unwrap_err().to_string()
    };
    for (from, to, where_, what) in [
        ("discount: 0.95", "discount: 1.5", "tiger.pomdp:3:11: ", "must lie in (0, 1)"),
        ("values: reward", "values: rewards", "tiger.pomdp:4:9: ", "neither reward nor cost"),
        ("T: listen\n", "T: lisen\n", "tiger.pomdp:10:4: ", "unknown action 'lisen'; did you mean 'listen'?"),
        ("identity", "identitie", "tiger.pomdp:11:1: ", "a probability, a number, found 'identitie'"),
        ("0.85 0.15\n0.15 0.85", "0.85 0.25\n0.15 0.85", "tiger.pomdp:17:1: ", "sums to 1.1, not to 1"),
        ("0.85 0.15\n", "1.85 0.15\n", "tiger.pomdp:18:1: ", "is not a probability"),
        ("R: listen : * : * : * -1", "R: listen : * : * : *", "tiger.pomdp:26:1: ", "the reward, a number, found 'R'"),
        ("R: listen : * : * : * -1", "R listen", "tiger.pomdp:25:3: ", "expected ':' after R"),
        ("states: tiger-left tiger-right", "states: tiger-left tiger-left", "tiger.pomdp:5:20: ", "stands twice"),
        ("start: uniform", "start: 0.5 0.6", "tiger.pomdp:8:1: ", "the start sums to 1.1"),
        ("start: uniform", "strat: uniform", "tiger.pomdp:8:1: ", "unknown statement 'strat'; did you mean 'start'?"),
        ("actions: listen open-left open-right\n", "", "tiger.pomdp:9:1: ", "'actions:' must stand before"),
        ("discount: 0.95\n", "", "tiger.pomdp: ", "no 'discount:' line"),
        (
            "T: open-right\nuniform\n",
            "",
            "tiger.pomdp: ",
            "no T is given for action 'open-right' and state 'tiger-left'",
        ),
    ] {
        let error = spoilt(from, to);
        assert!(error.starts_with(where_) && error.contains(what), "{error}");
    }
    let cut =
        parse_pomdp("cut", "discount: 0.9\nstates: 2\nactions: 1\nobservations: 1\nT: 0\n1 0").unwrap_err().to_string();
    assert!(cut.starts_with("cut:6:4: ") && cut.contains("the text ends where a probability should stand"), "{cut}");
    assert!(cut.ends_with("  6 | 1 0\n    |    ^"), "{cut}");
}

/// The simulator of a table does what the table says: shares of next states and observations, and likelihoods.
#[test]
fn a_simulated_table_follows_its_probabilities() {
    let table = tiger(0.95).unwrap();
    let simulated = Simulated::new(&table).unwrap();
    let mut rng = Rng::new(3);
    let (mut heard, mut n) = (0, 0);
    for _ in 0..20_000 {
        let mut state = 0;
        let step = simulated.step(&mut state, 0, &mut rng);
        assert_eq!((state, step.reward, step.terminated), (0, -1.0, false));
        heard += u32::from(step.observation == 0);
        n += 1;
    }
    let share = f64::from(heard) / f64::from(n);
    assert!((share - 0.85).abs() < 5.0 * (0.85 * 0.15 / f64::from(n)).sqrt(), "{share}");
    assert_eq!(simulated.step_given(&mut 0, 0, 0, &mut rng), Some(0.85));
    assert_eq!(simulated.reward_range(), 110.0);
    // Whoever sees the tiger opens the other door for ever.
    assert!((simulated.upper_bound(&0) - 200.0).abs() < 1e-3);
}
