//! `expected-sarsa`: `Q(s, a) += α (r + γ Σ π(a' | s') Q(s', a') − Q(s, a))`, and the same behind n rewards.

use worldwright_core::{Entry, Result, Settings};

use super::n_step::{NStep, Target};
use super::settings::*;
use super::{Build, LearnerContext, TabularLearner};

/// The line in the list of learners.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "expected-sarsa",
    summary: "sarsa with the policy's expectation in place of the next action: less noise at the same bias",
    source: "van Seijen, van Hasselt, Whiteson and Wiering, ADPRL 2009",
    parameters: &[n(1), step_size(0.1), STEP_SIZE_POWER, EPSILON, EPSILON_DECAY, EPSILON_LEAST, INITIAL_VALUE],
    build,
};

fn build(context: &LearnerContext, settings: &Settings) -> Result<Box<dyn TabularLearner>> {
    Ok(Box::new(NStep::new(Target::Expected, settings.count_in("n", 1, MOST_STEPS)?, context, settings)?))
}
