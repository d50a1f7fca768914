//! `tree-backup`: n steps off the policy, each weighted by whether the greedy policy would have taken it.

use worldwright_core::{Entry, Result, Settings};

use super::n_step::{NStep, Target};
use super::settings::*;
use super::{Build, LearnerContext, TabularLearner};

/// The line in the list of learners.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "tree-backup",
    summary: "returns of several steps of the greedy policy from steps of any policy, without importance weights",
    source: "Precup, Sutton and Singh, ICML 2000; Sutton and Barto 2018, section 7.5",
    parameters: &[n(4), step_size(0.1), STEP_SIZE_POWER, EPSILON, EPSILON_DECAY, EPSILON_LEAST, INITIAL_VALUE],
    build,
};

fn build(context: &LearnerContext, settings: &Settings) -> Result<Box<dyn TabularLearner>> {
    Ok(Box::new(NStep::new(Target::Tree, settings.count_in("n", 1, MOST_STEPS)?, context, settings)?))
}
