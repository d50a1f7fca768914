//! `ppo`: proximal policy optimisation, several passes over each rollout with a gain that ends where the policy has moved far enough.
//!
//! With `ρ = π(a|s) / π_then(a|s)` it climbs `E min(ρ A, clip(ρ, 1 − ε, 1 + ε) A) + β H(π)` in shuffled parts, while the value regresses on `A + v`
//! (Schulman, Wolski, Dhariwal, Radford and Klimov, "Proximal Policy Optimization Algorithms", 2017). Advantages are normalised part by part, and the whole
//! gradient's norm is bounded, as implementations have it (Huang, Dossa, Raffin, Kanervisto and Wang, "The 37 Implementation Details of Proximal Policy
//! Optimization", ICLR blog track 2022). The bound on a value's own change is off, since it was found to hurt (Andrychowicz et al., "What Matters in On-Policy
//! Reinforcement Learning?", ICLR 2021).

use worldwright_core::{Entry, Parameter, Result, SettingDefault as Default, Settings};

use super::{
    DECAY_UPDATES, HIDDEN, INITIAL_STD, MAX_NORM, Plan, Surrogate, VALUE_WEIGHT, Weights, entropy, lambda,
    learning_rate, normalise, plan, rollout_steps, taught,
};
use crate::{Build, LearnedPolicy, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "ppo",
    summary: "proximal policy optimisation: several passes over what it did last, each bounded in how far it moves the policy",
    source: "Schulman et al., 2017",
    parameters: &[
        HIDDEN,
        rollout_steps(2048, "environment steps between updates, which learn from these and no others"),
        Parameter { name: "epochs", default: Default::Integer(10), summary: "passes over a rollout" },
        Parameter { name: "batch", default: Default::Integer(64), summary: "transitions a step" },
        learning_rate(3e-4),
        DECAY_UPDATES,
        lambda(0.95),
        Parameter {
            name: "clip",
            default: Default::Float(0.2),
            summary: "ε, how far the ratio of probabilities may leave 1 before nothing more is gained",
        },
        Parameter {
            name: "value_clip",
            default: Default::Float(0.0),
            summary: "how far a value may move in an update, in deviations of returns; 0 for any distance",
        },
        entropy(0.0),
        VALUE_WEIGHT,
        normalise(true),
        MAX_NORM,
        Parameter {
            name: "target_kl",
            default: Default::Float(0.0),
            summary: "divergence from the policy that acted at which an update ends; 0 for none",
        },
        INITIAL_STD,
    ],
    build: Build::Experience(build),
};

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
    Ok(Box::new(taught(context, read(context, settings)?)?))
}

pub(super) fn read(context: &PolicyContext, settings: &Settings) -> Result<Plan> {
    let shared = plan(ENTRY.name, context, settings)?;
    let weights = Weights {
        surrogate: Surrogate::Clipped(settings.float("clip", 1e-3, 1e3)? as f32),
        value: settings.float("value_weight", 0.0, 1e3)? as f32,
        value_clip: settings.float("value_clip", 0.0, 1e3)? as f32,
        ..shared.weights
    };
    Ok(Plan {
        lambda: settings.float("lambda", 0.0, 1.0)?,
        epochs: settings.count_in("epochs", 1, 10_000)?,
        batch: settings.count_in("batch", 1, super::MOST_BATCH)?,
        target_kl: settings.float("target_kl", 0.0, 1e3)?,
        weights,
        ..shared
    })
}
