//! The one door to the tests that can run long: properties and fuzzers, by name, with a number of cases.
//!
//! Each of them is a test that is short in continuous integration. What is told here is how many cases it takes instead: proptest
//! reads `PROPTEST_CASES`, loops of our own read `WORLDWRIGHT_FUZZ_CASES`.

use std::path::Path;

use anyhow::{Result, bail, ensure};

use crate::{cargo, package, root, step};

/// A fuzzer: its name here, what it tries, and the tests that it is: package, and a part of their names.
struct Fuzzer {
    name: &'static str,
    tries: &'static str,
    package: &'static str,
    filter: &'static str,
}

const fn fuzzer(name: &'static str, tries: &'static str, package: &'static str, filter: &'static str) -> Fuzzer {
    Fuzzer { name, tries, package, filter }
}

/// The package whose tests are Python's.
const PYTHON: &str = "worldwright-py";

/// Add a line for each new one.
const ALL: &[Fuzzer] = &[
    fuzzer(
        "settings",
        "nonsense values of every key of every list, built in one process",
        "worldwright-runs",
        "nonsense::",
    ),
    fuzzer("written", "the text of any accepted experiment, read back", "worldwright-runs", "settings::"),
    fuzzer("bundles", "damaged bundles", "worldwright-runs", "whole::a_damaged_bundle"),
    fuzzer(
        "commands",
        "nonsense on the command line, a process each, with little memory",
        "worldwright-cli",
        "nonsense::nonsense",
    ),
    fuzzer("formats", "any space and any sample through every format and back", "worldwright-data", "roundtrip::"),
    fuzzer("columns", "misspelled columns", "worldwright-data", "tables::slips"),
    fuzzer("episodes", "damaged and mutated files of recorded episodes", "worldwright-data", "fuzz::"),
    fuzzer("states", "environments in any state, the extremes too", "worldwright-envs", "extremes::"),
    fuzzer("planners", "every planner in any action space", "worldwright-planners", "conformance::"),
    fuzzer("pddl", "mutated PDDL", "worldwright-symbolic", "mutated::"),
    fuzzer("pomdp", "mutated .pomdp files, read and solved", "worldwright-pomdp", "fuzz::"),
    fuzzer("motion", "curves and nearest neighbours of motion planning", "worldwright-motion", "motion::"),
    fuzzer(
        "spaces",
        "any nested space of Gymnasium's in any memory layout, through the Python package",
        PYTHON,
        "test_properties.py",
    ),
];

/// Runs the fuzzer called `name` for `cases` cases; without a name it says which there are.
pub(crate) fn run(name: Option<&str>, cases: Option<&str>) -> Result<()> {
    let Some(name) = name else {
        for fuzzer in ALL {
            println!("{:<9} {}", fuzzer.name, fuzzer.tries);
        }
        return Ok(());
    };
    let Some(fuzzer) = ALL.iter().find(|fuzzer| fuzzer.name == name) else {
        let names: Vec<&str> = ALL.iter().map(|fuzzer| fuzzer.name).collect();
        bail!("no fuzzer is called '{name}'; there are {}", names.join(", "));
    };
    let cases: u64 = cases.unwrap_or("10000").parse()?;
    let mut command;
    if fuzzer.package == PYTHON {
        command = package::pytest(&[])?;
        command.arg(root().join("crates/py/tests").join(fuzzer.filter));
    } else {
        let mut listed = cargo();
        listed.args(["test", "--quiet", "--package", fuzzer.package, "--test", "it", "--", fuzzer.filter, "--list"]);
        let listed = String::from_utf8_lossy(&listed.output()?.stdout).into_owned();
        // A test that has another name by now would be passed over in silence.
        ensure!(
            listed.lines().any(|line| line.ends_with(": test")),
            "{} has no test '{}'",
            fuzzer.package,
            fuzzer.filter
        );
        command = cargo();
        command.args(["test", "--package", fuzzer.package, "--test", "it", "--", fuzzer.filter, "--nocapture"]);
    }
    // Files that are made and thrown away are flushed to a disk all the same: some hundred times slower than in memory.
    if Path::new("/dev/shm").is_dir() {
        command.env("TMPDIR", "/dev/shm");
    }
    command.env("PROPTEST_CASES", cases.to_string()).env("WORLDWRIGHT_FUZZ_CASES", cases.to_string());
    step(&format!("{name}: {cases} cases"), &mut command)
}
