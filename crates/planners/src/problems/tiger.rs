//! The tiger behind one of two doors.

use worldwright_core::{Entry, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::belief::{BACKUPS, GAP, METHOD, PARTICLES, SCENARIOS, SIMULATIONS, STEPS, TRIALS, solve_named};
use super::cube::SEED;
use super::solution::Solution;
use crate::pomdp::{Named, tiger};

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "tiger",
    summary: "a tiger is behind one of two doors: listen, or open one",
    source: "Kaelbling, Littman and Cassandra 1998; Silver and Veness 2010 (POMCP); Somani et al. 2013 (DESPOT)",
    parameters: &[
        Parameter { name: "discount", default: Default::Float(0.95), summary: "what a reward one step later counts" },
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
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let named = Named {
        table: tiger(settings.float("discount", 0.0, 1.0)?)?,
        states: names(&["tiger-left", "tiger-right"]),
        actions: names(&["listen", "open-left", "open-right"]),
        observations: names(&["hear-left", "hear-right"]),
    };
    solve_named(&named, settings)
}
