//! `sarsa`: `Q(s, a) += α (r + γ Q(s', a') − Q(s, a))` with the action that is taken next, which learns of the policy that acts.

use worldwright_core::{Entry, Result, Settings};

use super::n_step::{NStep, Target};
use super::settings::*;
use super::{Build, LearnerContext, TabularLearner};

/// The line in the list of learners.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "sarsa",
    summary: "the value of the policy that acts, its exploration included: keeps off edges that a slip would fall from",
    source: "Rummery and Niranjan, 1994; Sutton and Barto 2018, section 6.4",
    parameters: &[step_size(0.1), STEP_SIZE_POWER, EPSILON, EPSILON_DECAY, EPSILON_LEAST, INITIAL_VALUE],
    build,
};

fn build(context: &LearnerContext, settings: &Settings) -> Result<Box<dyn TabularLearner>> {
    Ok(Box::new(NStep::new(Target::Sarsa, 1, context, settings)?))
}
