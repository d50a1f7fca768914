//! `n-step-sarsa`: n rewards, then the value of the action that is taken there.

use worldwright_core::{Entry, Result, Settings};

use super::n_step::{NStep, Target};
use super::settings::*;
use super::{Build, LearnerContext, TabularLearner};

/// The line in the list of learners.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "n-step-sarsa",
    summary: "sarsa behind several rewards: what is found late is known early",
    source: "Sutton and Barto 2018, section 7.2",
    parameters: &[n(4), step_size(0.1), STEP_SIZE_POWER, EPSILON, EPSILON_DECAY, EPSILON_LEAST, INITIAL_VALUE],
    build,
};

fn build(context: &LearnerContext, settings: &Settings) -> Result<Box<dyn TabularLearner>> {
    Ok(Box::new(NStep::new(Target::Sarsa, settings.count_in("n", 1, MOST_STEPS)?, context, settings)?))
}
