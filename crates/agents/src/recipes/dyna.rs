//! Algorithms whose policy learns from what a fitted model imagines.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::{learned_in_updates, model, planner, policy};
use crate::dyna_agent;
use crate::recipe::{Lessons, Recipe};

pub(super) const MBPO: Entry<Recipe> = Entry {
    name: "mbpo",
    summary: "a policy learned from real steps and from short branches that an ensemble imagines off them",
    source: "Janner, Fu, Zhang and Levine, NeurIPS 2019",
    parameters: &imagining(20.0),
    build: Recipe {
        roles: &[model("ensemble"), policy("sac")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: dyna_agent::build,
    },
};

pub(super) const LOOP: Entry<Recipe> = Entry {
    name: "loop",
    summary: "a plan of a few steps through an ensemble, led by a policy that is learned in it and closed by that policy's value",
    source: "Sikchi, Zhou and Held, CoRL 2021",
    parameters: &imagining(40.0),
    build: Recipe {
        roles: &[model("ensemble"), planner("icem"), policy("sac")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: dyna_agent::build,
    },
};

pub(super) const IMAGINED_STEPS: Parameter =
    Parameter { name: "imagined_steps", default: SettingDefault::Integer(5), summary: "steps of each branch" };
pub(super) const IMAGINED_SHARE: Parameter = Parameter {
    name: "imagined_share",
    default: SettingDefault::Float(0.9),
    summary: "share of imagined transitions in what an update learns from",
};

/// Settings of an agent whose policy learns from imagined transitions, in so many updates a step.
const fn imagining(per_step: f64) -> [Parameter; 8] {
    let [initial_steps, updates_per_step, discount] = learned_in_updates(per_step);
    [
        initial_steps,
        FIT_EVERY,
        updates_per_step,
        discount,
        Parameter {
            name: "branches",
            default: SettingDefault::Integer(64),
            summary: "branches that are imagined off real observations before the updates of a step",
        },
        IMAGINED_STEPS,
        IMAGINED_SHARE,
        Parameter {
            name: "curious",
            default: SettingDefault::Bool(true),
            summary: "whether a second policy explores what the model does not know while reward tells nothing",
        },
    ]
}

/// When a model is fitted that imagines for a policy: within long episodes too.
pub(super) const FIT_EVERY: Parameter = Parameter {
    name: "fit_every",
    default: SettingDefault::Integer(0),
    summary: "environment steps between fits; 0 fits at the end of each episode, and within one once a quarter has come to all before",
};
