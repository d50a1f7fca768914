//! Algorithms that learn a table, a transition at a time: an entry for each tabular learner, with its name, what it is and its source.

use worldwright_core::{Entry, Parameter};
use worldwright_finite::online;

use crate::recipe::{Lessons, Recipe, Role};
use crate::table_agent;
use crate::updates::learned_in_updates;

pub(super) const Q_LEARNING: Entry<Recipe> = entry("q-learning", &[learner("q-learning")]);
pub(super) const SARSA: Entry<Recipe> = entry("sarsa", &[learner("sarsa")]);
pub(super) const EXPECTED_SARSA: Entry<Recipe> = entry("expected-sarsa", &[learner("expected-sarsa")]);
pub(super) const N_STEP_SARSA: Entry<Recipe> = entry("n-step-sarsa", &[learner("n-step-sarsa")]);
pub(super) const TREE_BACKUP: Entry<Recipe> = entry("tree-backup", &[learner("tree-backup")]);
pub(super) const DOUBLE_Q_LEARNING: Entry<Recipe> = entry("double-q-learning", &[learner("double-q-learning")]);
pub(super) const DYNA_Q: Entry<Recipe> = entry("dyna-q", &[learner("dyna-q")]);
pub(super) const DYNA_Q_PLUS: Entry<Recipe> = entry("dyna-q+", &[learner("dyna-q+")]);
pub(super) const PRIORITISED_SWEEPING: Entry<Recipe> =
    entry("prioritised-sweeping", &[learner("prioritised-sweeping")]);
pub(super) const R_MAX: Entry<Recipe> = entry("r-max", &[learner("r-max")]);
pub(super) const PSRL: Entry<Recipe> = entry("psrl", &[learner("psrl")]);

/// The entry of the learner of that name; a name that no learner has is found when the program is built.
const fn entry(name: &str, roles: &'static [Role]) -> Entry<Recipe> {
    let mut i = 0;
    while !equal(online::ALL[i].name, name) {
        i += 1;
    }
    let learner = &online::ALL[i];
    Entry {
        name: learner.name,
        summary: learner.summary,
        source: learner.source,
        parameters: LEARNING,
        build: Recipe { roles, learns_from: Lessons::Any, both_sides: false, updates: 20, build: table_agent::build },
    }
}

/// Whether two names are the same.
const fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut i = 0;
    while i < one.len() && i < other.len() && one[i] == other[i] {
        i += 1;
    }
    i == one.len() && i == other.len()
}

const fn learner(default: &'static str) -> Role {
    Role { section: "learner", default }
}

/// Settings of every agent that learns a table.
const LEARNING: &[Parameter] = &{
    let [_, _, discount] = learned_in_updates(1.0);
    [discount]
};
