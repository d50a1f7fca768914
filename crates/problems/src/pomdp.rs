//! A partially observed problem from a file.

use std::io::Read;

use worldwright_core::{Entry, Error, Parameter, Result, SettingDefault as Default, Settings, utf8};

use super::Solve;
use super::belief::{
    BACKUPS, BELIEFS, GAP, HORIZON, MEMORY, METHOD, PARTICLES, SCENARIOS, SIMULATIONS, STEPS, TIME, TRIALS, VECTORS,
    memory, solve_named,
};
use super::cube::SEED;
use super::solution::Solution;
use worldwright_pomdp::{FileConfig, TIGER_FILE, parse_pomdp_with};

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "pomdp",
    summary: "a partially observed problem from a file in Cassandra's format (also --pomdp FILE)",
    source: "Cassandra, Littman and Zhang 1997; Smith and Simmons 2005 (HSVI2); Kurniawati, Hsu and Lee 2008 (SARSOP)",
    parameters: &[
        Parameter { name: "file", default: Default::Text(""), summary: "the file; none: the tiger's" },
        Parameter {
            name: "discount",
            default: Default::Float(0.0),
            summary: "what a reward one step later counts, in place of what the file says; 0: as in the file, and where it \
                      says nothing 0.95, or 1 with a horizon",
        },
        METHOD,
        STEPS,
        HORIZON,
        GAP,
        VECTORS,
        BACKUPS,
        BELIEFS,
        TIME,
        MEMORY,
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
    let discount = settings.float("discount", 0.0, 1.0)?;
    let config = FileConfig {
        discount: (discount > 0.0).then_some(discount),
        usual_discount: Some(if settings.count("horizon", 0)? > 0 { 1.0 } else { 0.95 }),
        memory: memory(settings)?,
    };
    if file.is_empty() {
        return solve_named(&parse_pomdp_with("tiger.pomdp", TIGER_FILE, &config)?, settings);
    }
    let failed = |why: std::io::Error| Error::external(format!("cannot read {file}"), why.to_string());
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(failed)?;
    opened.take(config.memory as u64).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() >= config.memory {
        let why = format!("is longer than the {} MiB that `memory` allows", config.memory >> 20);
        return Err(Error::config(file, why));
    }
    solve_named(&parse_pomdp_with(file, utf8(file, &bytes)?, &config)?, settings)
}
