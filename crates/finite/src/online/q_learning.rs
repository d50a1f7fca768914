//! `q-learning`: `Q(s, a) += α (r + γ max Q(s', ·) − Q(s, a))`, which learns of the greedy policy whatever policy acts.

use worldwright_core::{Entry, Result, Settings};

use super::n_step::{NStep, Target};
use super::settings::*;
use super::{Build, LearnerContext, TabularLearner};

/// The line in the list of learners.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "q-learning",
    summary: "the best action's value, learned from each step whatever it explored by",
    source: "Watkins and Dayan, Machine Learning 8, 1992",
    parameters: &[step_size(0.1), STEP_SIZE_POWER, EPSILON, EPSILON_DECAY, EPSILON_LEAST, INITIAL_VALUE],
    build,
};

fn build(context: &LearnerContext, settings: &Settings) -> Result<Box<dyn TabularLearner>> {
    Ok(Box::new(NStep::new(Target::Tree, 1, context, settings)?))
}
