//! No file makes the reader or a solver panic, abort or hang: mutations of the problems in `pomdp_files`.
//!
//! Brief here; `cargo xtask fuzz pomdp` runs long.

use worldwright_core::{Key, Rng};
use worldwright_pomdp::{
    FileConfig, Named, PointBased, PointBasedConfig, Pomcp, PomcpConfig, Simulated, parse_pomdp_with, qmdp,
};
use worldwright_testkit::cases;

const FILES: [&str; 7] = [
    worldwright_pomdp::TIGER_FILE,
    include_str!("files/shuttle.pomdp"),
    include_str!("files/line.pomdp"),
    include_str!("files/paint.pomdp"),
    include_str!("files/concert.pomdp"),
    include_str!("files/cheese.pomdp"),
    include_str!("files/grid.pomdp"),
];

/// Words that a mutation puts in the place of others.
const WORDS: [&str; 48] = [
    "discount",
    "values",
    "states",
    "actions",
    "observations",
    "start",
    "T",
    "O",
    "R",
    ":",
    "*",
    "uniform",
    "identity",
    "reset",
    "include",
    "exclude",
    "reward",
    "cost",
    "0",
    "1",
    "-1",
    "2",
    "0.5",
    "1.0",
    "1e-3",
    "1e308",
    "-1e308",
    "1e-320",
    "nan",
    "inf",
    "-",
    "+",
    ".",
    "#",
    "\n",
    "\r",
    "\r\n",
    "\u{feff}",
    "é",
    "20000",
    "1000000",
    "4294967296",
    "18446744073709551616",
    "0.999999999",
    "T: *",
    "O: * uniform",
    "T: * identity",
    "R: * : * : * : *",
];

/// Numbers that a mutation puts in the place of others.
const NUMBERS: [&str; 14] =
    ["0", "1", "2", "3", "-1", "0.5", "1.0", ".5", "1e-3", "100", "-1e9", "1e90", "0.99999", "1e-300"];

/// The text in words, with the space between them.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let space = first.is_whitespace();
        let end = rest.find(|letter: char| letter.is_whitespace() != space).unwrap_or(rest.len());
        words.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    words
}

fn below(rng: &mut Rng, most: usize) -> usize {
    rng.below(most.max(1) as u64) as usize
}

/// A text with a few words changed, left out, doubled, moved or cut off.
fn mutated(rng: &mut Rng) -> String {
    let mut text = words(FILES[below(rng, FILES.len())]);
    for _ in 0..=below(rng, 3) {
        if text.is_empty() {
            break;
        }
        let (at, other) = (below(rng, text.len()), below(rng, text.len()));
        match below(rng, 12) {
            0 => _ = text.remove(at),
            1 => text.insert(at, format!("{} ", text[other])),
            2 => text.swap(at, other),
            3 => text.truncate(at),
            4 => {
                // A stretch is left out, or stands twice.
                let end = (at + 1 + below(rng, 30)).min(text.len());
                let stretch: Vec<String> = text[at..end].to_vec();
                if below(rng, 2) == 0 {
                    text.drain(at..end);
                } else {
                    text.splice(at..at, stretch);
                }
            }
            5..9 => {
                // A number becomes another, which may still be a problem.
                let numbers = || text[at..].iter().position(|word| word.parse::<f64>().is_ok());
                if let Some(place) = numbers() {
                    text[at + place] = NUMBERS[below(rng, NUMBERS.len())].to_owned();
                }
            }
            _ => text[at] = WORDS[below(rng, WORDS.len())].to_owned(),
        }
    }
    text.concat()
}

/// Everything that solves a table, briefly.
fn solve(named: &Named) {
    let table = &named.table;
    if table.states() * table.actions() > 200 {
        return;
    }
    let finite = table.with_horizon(3, 1 << 20).expect("three steps of a small problem");
    for table in [table, &finite] {
        if table.discount() > 0.999 && table.horizon().is_none() {
            continue;
        }
        qmdp(table, 1e-3).expect("a discount below one or a horizon");
        let mut search = PointBased::new(table).expect("a discount below one or a horizon");
        let config = PointBasedConfig { backups: 20, beliefs: 200, ..PointBasedConfig::default() };
        let report = search.improve(&config).expect("sound settings");
        assert!(report.lower <= report.upper + 1e-6 * report.upper.abs().max(1.0), "{report:?}");
        let simulated = Simulated::new(table).expect("a discount below one or a horizon");
        let config = PomcpConfig { simulations: 20, particles: 20, depth: 10, ..PomcpConfig::default() };
        Pomcp::new(&simulated, config, 1).expect("sound settings").search();
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "a long run says how many cases it tried")]
fn mutated_files_are_read_or_refused() {
    let cases = u64::from(cases(300));
    let (mut read, mut slowest) = (0, (0.0, 0));
    for case in 0..cases {
        let text = mutated(&mut Key::new(case).rng());
        let begun = std::time::Instant::now();
        let config = FileConfig { memory: 32 << 20, ..FileConfig::default() };
        match parse_pomdp_with("fuzzed", &text, &config) {
            Ok(named) => {
                read += 1;
                solve(&named);
            }
            Err(why) => assert!(why.to_string().starts_with("fuzzed"), "case {case}: {why}"),
        }
        let seconds = begun.elapsed().as_secs_f64();
        if seconds > slowest.0 {
            slowest = (seconds, case);
        }
        // A guard against hanging, not a measurement.
        assert!(seconds < 60.0, "case {case} takes {seconds} s:\n{text}");
    }
    println!("{cases} cases, {read} read, the slowest {:.2} s (case {})", slowest.0, slowest.1);
    assert!(read * 20 > cases, "{read} of {cases} were read: the mutations are too rough to try the solvers");
}
