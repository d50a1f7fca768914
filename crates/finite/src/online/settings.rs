//! Settings that several learners share.

use worldwright_core::{Parameter, SettingDefault as Default};

pub(super) const fn step_size(default: f64) -> Parameter {
    Parameter {
        name: "step_size",
        default: Default::Float(default),
        summary: "how far a value goes towards what a step says of it, above 0 and at most 1",
    }
}

pub(super) const STEP_SIZE_POWER: Parameter = Parameter {
    name: "step_size_power",
    default: Default::Float(0.0),
    summary: "the n-th update of a pair is made with the step size over n to this power; 0 keeps it constant, above 0.5 values converge",
};

pub(super) const EPSILON: Parameter =
    Parameter { name: "epsilon", default: Default::Float(0.1), summary: "chance of a random action while exploring" };

pub(super) const EPSILON_DECAY: Parameter = Parameter {
    name: "epsilon_decay",
    default: Default::Float(1.0),
    summary: "what that chance is multiplied by at the end of each episode",
};

pub(super) const EPSILON_LEAST: Parameter = Parameter {
    name: "epsilon_least",
    default: Default::Float(0.0),
    summary: "the chance below which it does not decay",
};

pub(super) const INITIAL_VALUE: Parameter = Parameter {
    name: "initial_value",
    default: Default::Float(0.0),
    summary: "what an action is believed to be worth before it was tried; above what can be reached, everything is tried",
};

pub(super) const fn n(default: i64) -> Parameter {
    Parameter {
        name: "n",
        default: Default::Integer(default),
        summary: "rewards that are summed before the rest is taken from the table",
    }
}

/// The most rewards that a return of n steps sums.
pub(super) const MOST_STEPS: usize = 100_000;

pub(super) const PLANNING_STEPS: Parameter = Parameter {
    name: "planning_steps",
    default: Default::Integer(5),
    summary: "updates from remembered transitions after each real one",
};

pub(super) const COUNTS: Parameter = Parameter {
    name: "counts",
    default: Default::Bool(false),
    summary: "whether what follows a pair is drawn from all that followed it, as chance needs, or is what followed last, as changing worlds need",
};
