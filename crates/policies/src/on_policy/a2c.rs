//! `a2c`: advantage actor-critic, one step on each short rollout.
//!
//! It climbs `E ln π(a|s) A + β H(π)` while the value regresses on `A + v`: the synchronous form of A3C (Mnih et al., "Asynchronous Methods for Deep
//! Reinforcement Learning", ICML 2016). It is `ppo` with one pass over one part (Huang et al., "A2C is a Special Case of PPO", 2022); several places
//! (`environment.count`) make its rollouts less alike. Unlike the paper, the optimiser is Adam.

use worldwright_core::{Entry, Result, Settings};

use super::{
    DECAY_UPDATES, HIDDEN, INITIAL_STD, MAX_NORM, Plan, VALUE_WEIGHT, Weights, entropy, lambda, learning_rate,
    normalise, plan, rollout_steps, taught,
};
use crate::{Build, LearnedPolicy, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "a2c",
    summary: "advantage actor-critic: one step on each short rollout",
    source: "Mnih et al., ICML 2016",
    parameters: &[
        HIDDEN,
        rollout_steps(64, "environment steps between updates, which learn from these and no others"),
        learning_rate(1e-3),
        DECAY_UPDATES,
        lambda(0.95),
        entropy(0.0),
        VALUE_WEIGHT,
        normalise(true),
        MAX_NORM,
        INITIAL_STD,
    ],
    build: Build::Experience(build),
};

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
    let shared = plan(ENTRY.name, context, settings)?;
    let value = settings.float("value_weight", 0.0, 1e3)? as f32;
    let plan =
        Plan { lambda: settings.float("lambda", 0.0, 1.0)?, weights: Weights { value, ..shared.weights }, ..shared };
    Ok(Box::new(taught(context, plan)?))
}
