//! A partially observed problem from a file.

use worldwright_core::{Entry, Error, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::belief::{BACKUPS, GAP, METHOD, PARTICLES, SCENARIOS, SIMULATIONS, STEPS, TRIALS, solve_named};
use super::cube::SEED;
use super::solution::Solution;
use crate::pomdp::parse_pomdp;

/// What is read where no file is named: the tiger, as an example of the format.
const EXAMPLE: &str = include_str!("tiger.pomdp");

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "pomdp",
    summary: "a partially observed problem from a file in Cassandra's format (also --pomdp FILE)",
    source: "Cassandra, Littman and Zhang 1997; Smith and Simmons 2005 (HSVI2); Kurniawati, Hsu and Lee 2008 (SARSOP)",
    parameters: &[
        Parameter { name: "file", default: Default::Text(""), summary: "the file; none: the tiger's" },
        METHOD,
        STEPS,
        GAP,
        BACKUPS,
        SIMULATIONS,
        SCENARIOS,
        TRIALS,
        PARTICLES,
        SEED,
    ],
    build: solve,
};

fn solve(settings: &Settings) -> Result<Solution> {
    let file = settings.text("file")?;
    if file.is_empty() {
        return solve_named(&parse_pomdp("tiger.pomdp", EXAMPLE)?, settings);
    }
    let text =
        std::fs::read_to_string(file).map_err(|why| Error::external(format!("cannot read {file}"), why.to_string()))?;
    solve_named(&parse_pomdp(file, &text)?, settings)
}
