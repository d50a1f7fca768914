//! Partially observed problems from text in Cassandra's format.

use worldwright_core::Rng;
use worldwright_core::pomdp::Pomdp;
use worldwright_envs::tiger::Tiger;
use worldwright_pomdp::{
    Exact, ExactConfig, FileConfig, Simulated, Table, exact_update, parse_pomdp, parse_pomdp_with,
};

const TIGER: &str = worldwright_pomdp::TIGER_FILE;

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
        let built_in = Table::of(&Tiger { discount: discount.parse().unwrap() }).unwrap();
        let pairs = (0..2).flat_map(|state| (0..3).map(move |action| (state, action)));
        pairs.for_each(|(s, a)| assert_eq!(named.table.reward(s, a), built_in.reward(s, a)));
        assert_eq!((named.states.name(0).as_ref(), named.actions.name(2).as_ref()), ("tiger-left", "open-right"));
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
        // Two numbers for two states are probabilities.
        ("start: 0 1", [0.0, 1.0]),
        ("", [0.5, 0.5]),
    ] {
        let named = parse_pomdp("other", &format!("{other}{start}\n")).unwrap();
        assert_eq!(named.table.initial(), want, "{start}");
    }
}

/// What public files write although the grammar has other words for it.
#[test]
fn what_is_plainly_meant_is_understood() {
    let text = "values: costs states: a b c actions: 1 observations: 1 start: a c\nT: * identity\nO: * uniform\nR: * : a : * : * 4\n";
    let usual = FileConfig { usual_discount: Some(0.9), ..FileConfig::default() };
    let named = parse_pomdp_with("f", text, &usual).unwrap();
    assert_eq!(named.table.initial(), [0.5, 0.0, 0.5]);
    assert_eq!((named.table.reward(0, 0), named.table.discount()), (-4.0, 0.9));
    assert!(named.notes.iter().any(|note| note.contains("0.9 is taken")), "{:?}", named.notes);
    assert!(parse_pomdp("f", text).unwrap_err().to_string().contains("no 'discount:' line"));
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
        ("discount: 0.95", "discount: 1.5", "tiger.pomdp:3:11: ", "must lie in (0, 1]"),
        ("values: reward", "values: rewadr", "tiger.pomdp:4:9: ", "neither reward nor cost"),
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
    let table = Table::of(&Tiger { discount: 0.95 }).unwrap();
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

/// A problem of two states with these lines in place of some of its own.
fn small(preamble: &str, lines: &str) -> String {
    format!("discount: 0.9\nvalues: reward\n{preamble}\n{lines}\n")
}

const TWO: &str = "states: a b\nactions: x y\nobservations: u v";

#[test]
fn counts_are_counts() {
    for (count, what) in [
        ("0", "'0' is no count of states"),
        ("-3", "'-3' is no count of states"),
        ("2.5", "'2.5' is no count of states"),
        ("1e3", "'1e3' is no count of states"),
        ("99999999999", "'99999999999' is no count of states"),
        ("*", "'*' is no name"),
        ("a 0.5", "'0.5' is no name"),
    ] {
        let text = small(&format!("states: {count}\nactions: 2\nobservations: 2"), "T: * uniform\nO: * uniform");
        let error = parse_pomdp("c", &text).unwrap_err().to_string();
        assert!(error.starts_with("c:3:") && error.contains(what), "{error}");
    }
    // A thousand million states are read as such, and are more than a table can have.
    let text = small("states: 1000000000\nactions: 2\nobservations: 2", "T: * uniform\nO: * uniform");
    let error = parse_pomdp("c", &text).unwrap_err().to_string();
    assert!(error.starts_with("c:6:1: 1000000000 states times 2 actions are too many rows"), "{error}");
    assert!(error.contains("4096 MiB") && error.contains("`memory`"), "{error}");
    let text = small("states: 2\nactions: 2\nobservations: 1000000000", "T: * uniform\nO: * : * : 3 1");
    let error = parse_pomdp("c", &text).unwrap_err().to_string();
    assert!(error.contains("1000000000 observations takes") && error.contains("`memory` allows"), "{error}");
}

#[test]
fn what_is_not_said_at_all_is_refused_with_a_line_to_add() {
    let bare = small(TWO, "");
    let error = |text: &str| parse_pomdp("f", text).unwrap_err().to_string();
    assert_eq!(error(&bare), "f: has no 'T:' line: say what each action does, for instance `T: * uniform`");
    assert!(error(&format!("{bare}T: * uniform")).starts_with("f: has no 'O:' line"));
    let partly = error(&format!("{bare}T: x uniform\nO: * uniform"));
    assert!(partly.ends_with("add a line such as `T: y : a uniform`"), "{partly}");
    assert!(error(&bare.replace("discount: 0.9", "")).contains("discount as a setting (discount=0.95)"));
    let given = FileConfig { discount: Some(0.5), ..FileConfig::default() };
    let whole = format!("{bare}T: * uniform\nO: * uniform");
    assert_eq!(parse_pomdp_with("f", &whole.replace("discount: 0.9", ""), &given).unwrap().table.discount(), 0.5);
    let named = parse_pomdp_with("f", &whole, &given).unwrap();
    assert_eq!(
        (named.table.discount(), named.notes.len()),
        (0.5, 1),
        "the file's own is passed over, and that is said"
    );
    assert_eq!(parse_pomdp("f", &whole.replace("values: reward", "")).unwrap().notes.len(), 1);
}

/// Every way to write a statement that the grammar has, and the lenient ones, means what its longhand means.
#[test]
fn every_statement_has_its_longhand() {
    let table = |lines: &str| parse_pomdp("f", &small(TWO, lines)).unwrap_or_else(|why| panic!("{lines}: {why}")).table;
    let rest = "O: * uniform\nT: y uniform\n";
    for (short, long) in [
        ("T: x identity", "T: x : a : a 1\nT: x : b : b 1"),
        ("T: x uniform", "T: x : * : * 0.5"),
        ("T: x\n.25 .75\n1. 0", "T: x : a : a 0.25\nT: x : a : b 0.75\nT: x : b : a 1"),
        ("T: 0 : 1 0.5 0.5\nT: x : a 1 0", "T: x : a : a 1\nT: x : b uniform"),
        ("T:x:*1 0\nT : x : b : * 2.5e-1\nT: x :b: b 75E-2", "T: x : a : a 1\nT: x : b : a 0.25\nT: x : b : b 0.75"),
        ("T: x : * 1 0 # to a\nT: x : b 0 1#!", "T: x identity"),
        (
            "T: x identity\nR: x : a : a : u - 5\nR: x : b : b +2 -.5",
            "T: x identity\nR: x : a : a : u -5\nR: x : b : b : u 2\nR: x : b : b : v -0.5",
        ),
        (
            "T: x identity\nR: x : a 1 2 3 4",
            "T: x identity\nR: x : a : a : u 1\nR: x : a : a : v 2\nR: x : a : b : u 3\nR: x : a : b : v 4",
        ),
        (
            "T: x identity\nR: * : * : * : * 1\nR: x : * : * : * 2\nR: * : b : * : * 3",
            "T: x identity\nR: y : a : * : * 1\nR: x : a : * : * 2\nR: * : b : * : * 3",
        ),
        // The last of all that fit counts, however narrow an earlier one is.
        ("T: x identity\nR: x : a : a : u 9\nR: * : * : * : * 1", "T: x identity\nR: * : * : * : * 1"),
        ("T: x identity\nO: x : * : u 1\nO: x : * : v 0", "T: x identity\nO: x\n1 0\n1 0"),
        ("T: x identity\nT: x : a : b 1\nT: x : a : a 0", "T: x : * 0 1"),
        ("start include: a\nT: x reset", "start: a\nT: x : * : a 1\nT: x : * : b 0"),
        ("start exclude: 0\nT: x : * reset", "start: 0 1\nT: x : * : b 1"),
        ("start include: *\nT: x identity", "start: uniform\nT: x identity"),
        ("start: b\nT: x identity", "start: 1\nT: x identity"),
    ] {
        let lines = format!("{rest}{short}");
        assert_eq!(table(&lines), table(&format!("{rest}{long}")), "{short}");
        let windows = lines.replace('\n', "\r\n");
        let old = lines.replace('\n', "\r");
        // Without a line's end, with those of other systems, with a mark of byte order.
        for lines in [&windows, &old] {
            assert_eq!(table(lines), table(&lines.replace(['\r', '\n'], "\n")), "{short}");
        }
        let marked = format!("\u{feff}{}", small(TWO, &lines));
        assert!(parse_pomdp("f", &marked).is_ok());
    }
    // A lone T, O or R may be a name; names that are numbers are names.
    let turns = small(
        "states: 1 2\nactions: L R\nobservations: T O",
        "T: R : 2 : 1 1\nT: R : 1 : 1 1\nT: L uniform\nO: * : * : T 1",
    );
    let named = parse_pomdp("f", &turns).unwrap();
    assert_eq!((named.actions.name(1).as_ref(), named.observations.name(0).as_ref()), ("R", "T"));
    let mixed = turns.replace("T: L uniform", "T: L : 0 uniform");
    assert!(
        parse_pomdp("f", &mixed).unwrap_err().to_string().contains("unknown state '0'"),
        "neither a name nor a place"
    );
}

#[test]
fn errors_of_statements_name_line_and_mend() {
    let rest = "O: * uniform\nT: y uniform\n";
    for (lines, what) in [
        ("T: x\n0.5 0.5\n1", "f:9:1: row 2 of 2 of the 'T:' of line 6 has 1 of 2 numbers"),
        ("T: x : a 1", "f:7:1: the 'T:' of line 6 has 1 of 2 numbers"),
        ("T: x\n1 0\n0 1\n0", "f:9:1: '0' is a number too many for the 'T:' of line 6"),
        ("T: x : c uniform", "f:6:8: unknown state 'c'"),
        ("T: x : 2 uniform", "f:6:8: unknown state '2': they are numbered from 0 to 1"),
        ("T: x : a : a 1.5", "f:6:14: 1.5 is not a probability"),
        ("T: x : a : a nan", "a number, found 'nan'"),
        ("T: x identity\nR: x : a : a : u inf", "the reward, a number, found 'inf'"),
        ("T: x identity\nR: x : a : a : u 1e999", "the reward, a number, found '1e999'"),
        ("T: x identity\nR: x : a : a : u 1e200", "beyond 1e100"),
        ("T: x : a 0.5 0.4\nT: x : b uniform", "f:6:1: the T of action 'x' and state 'a' sums to 0.9, not to 1"),
        ("states: a b c\nT: x identity", "f:6:1: 'states:' stands in line 3 already"),
        ("T: x reset\nstart: a", "f:7:1: 'start:' must stand before the 'reset' of line 6"),
        ("T: x identity\nT x", "expected ':' after T"),
        ("start include:\nT: x identity", "no state is left"),
        ("E: x identity", "unknown statement 'E'"),
    ] {
        let text = small(TWO, &format!("{lines}\n{rest}"));
        let error = parse_pomdp("f", &text).unwrap_err().to_string();
        assert!(error.contains(what), "{lines}\n{error}");
    }
}

/// What grows with the square of the states is not stored where a word says it.
#[test]
fn large_files_are_read_sparsely_or_refused_by_size() {
    let many = small("states: 20000\nactions: 3\nobservations: 20000", "");
    let within = |memory: usize, lines: &str| {
        parse_pomdp_with("f", &format!("{many}{lines}"), &FileConfig { memory, ..FileConfig::default() })
    };
    let lines = "T: * identity\nT: 1 uniform\nT: 2 : * reset\nT: 2 : 7 : * 0\nT: 2 : 7 : 19999 1\nO: * : * : 5 1\nR: * : 3 : * : * 2\nR: 1 : * : 6 : * 4";
    let named = within(64 << 20, lines).unwrap();
    assert_eq!(named.table.reward(3, 0), 2.0);
    assert!((named.table.reward(9, 1) - 4.0 / 20_000.0).abs() < 1e-15);
    assert_eq!(named.table.reward(9, 2), 0.0);
    let error = within(64 << 20, "T: * identity\nO: * uniform").unwrap_err().to_string();
    assert!(
        error.contains("takes 6104 MiB, more than the 64 MiB") || error.contains("MiB, more than the 64 MiB"),
        "{error}"
    );
}
