//! `reinforce`: the policy gradient as it stands, one step on whole episodes.
//!
//! It climbs `E Σ_t ln π(a_t|s_t) (G_t − b(s_t))` with the discounted sum of rewards `G_t` to the end of the episode (Williams, "Simple Statistical
//! Gradient-Following Algorithms for Connectionist Reinforcement Learning", Machine Learning 1992). The baseline `b` is a value that is learned beside it, or none.
//! With a baseline an episode that was cut goes on with it; without one it is worth what it paid.

use worldwright_core::{Entry, Parameter, Result, Rollout, SettingDefault as Default, Settings};

use super::{
    DECAY_UPDATES, HIDDEN, INITIAL_STD, MAX_NORM, Plan, VALUE_WEIGHT, Weights, entropy, learning_rate, normalise, plan,
    rollout_steps, taught,
};
use crate::{Build, LearnedPolicy, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "reinforce",
    summary: "the plain policy gradient: one step on whole episodes, with a learned baseline or without",
    source: "Williams, 1992",
    parameters: &[
        HIDDEN,
        rollout_steps(500, "environment steps after which the end of an episode brings an update"),
        learning_rate(3e-3),
        DECAY_UPDATES,
        entropy(0.0),
        Parameter {
            name: "baseline",
            default: Default::Bool(true),
            summary: "whether a value is learned that returns are compared with",
        },
        VALUE_WEIGHT,
        normalise(true),
        MAX_NORM,
        INITIAL_STD,
    ],
    build: Build::Experience(build),
};

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
    Ok(Box::new(taught(context, read(context, settings)?)?))
}

pub(super) fn read(context: &PolicyContext, settings: &Settings) -> Result<Plan> {
    let shared = plan(ENTRY.name, context, settings)?;
    let value = settings.float("value_weight", 0.0, 1e3)? as f32;
    Ok(Plan {
        wanted: Rollout { whole_episodes: true, ..shared.wanted },
        has_value: settings.bool("baseline")?,
        weights: Weights { value, ..shared.weights },
        ..shared
    })
}
