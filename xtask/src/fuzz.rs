//! The one door to the tests that can run long: properties and fuzzers, by name, with a number of cases.
//!
//! Each of them is a test that is short in continuous integration. What is told here is how many cases it takes instead: proptest
//! reads `PROPTEST_CASES`, loops of our own read `WORLDWRIGHT_FUZZ_CASES`.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{cargo, step};

/// A fuzzer: its name here, what it tries, and the test that it is: crate, test binary and name.
struct Fuzzer {
    name: &'static str,
    tries: &'static str,
    krate: &'static str,
    filter: &'static str,
}

/// Add a line for each new one.
const ALL: &[Fuzzer] = &[
    Fuzzer {
        name: "settings",
        tries: "nonsense values of every key of every list, built in one process",
        krate: "worldwright-runs",
        filter: "nonsense::any_value_of_any_key",
    },
    Fuzzer {
        name: "commands",
        tries: "nonsense on the command line, each in a process of its own with little memory",
        krate: "worldwright-cli",
        filter: "nonsense::nonsense_on_the_command_line",
    },
    Fuzzer {
        name: "episodes",
        tries: "damaged and mutated files of recorded episodes",
        krate: "worldwright-data",
        filter: "fuzz::",
    },
];

/// Runs the fuzzer called `name` for `cases` cases; without a name it says which there are.
pub(crate) fn run(name: Option<&str>, cases: Option<&str>) -> Result<()> {
    let Some(name) = name else {
        for fuzzer in ALL {
            println!("{:<10} {}", fuzzer.name, fuzzer.tries);
        }
        return Ok(());
    };
    let Some(fuzzer) = ALL.iter().find(|fuzzer| fuzzer.name == name) else {
        let names: Vec<&str> = ALL.iter().map(|fuzzer| fuzzer.name).collect();
        bail!("no fuzzer is called '{name}'; there are {}", names.join(", "));
    };
    let cases: u64 = cases.unwrap_or("10000").parse()?;
    let mut command: Command = cargo();
    command
        .args(["test", "--package", fuzzer.krate, "--test", "it", "--", fuzzer.filter, "--nocapture"])
        .env("PROPTEST_CASES", cases.to_string())
        .env("WORLDWRIGHT_FUZZ_CASES", cases.to_string());
    step(&format!("{name}: {cases} cases"), &mut command)
}
