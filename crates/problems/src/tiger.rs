//! The tiger behind one of two doors.

use worldwright_core::{Entry, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::belief::{
    BACKUPS, BELIEFS, GAP, HORIZON, MEMORY, METHOD, PARTICLES, SCENARIOS, SIMULATIONS, STEPS, TIME, TRIALS, VECTORS,
    solve_named,
};
use super::cube::SEED;
use super::solution::Solution;
use worldwright_envs::tiger::Tiger;
use worldwright_pomdp::{Named, Names, Table};

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "tiger",
    summary: "a tiger is behind one of two doors: listen, or open one",
    source: "Kaelbling, Littman and Cassandra 1998; Silver and Veness 2010 (POMCP); Somani et al. 2013 (DESPOT)",
    parameters: &[
        Parameter { name: "discount", default: Default::Float(0.95), summary: "what a reward one step later counts" },
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
    let named = Named {
        table: Table::of(&Tiger { discount: settings.float("discount", 0.0, 1.0)? })?,
        states: Names::listed(&["tiger-left", "tiger-right"]),
        actions: Names::listed(&["listen", "open-left", "open-right"]),
        observations: Names::listed(&["hear-left", "hear-right"]),
        notes: Vec::new(),
    };
    solve_named(&named, settings)
}
