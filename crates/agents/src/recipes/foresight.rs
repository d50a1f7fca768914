//! Algorithms whose policy is improved by the derivatives of what a model foresees.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::dyna::FIT_EVERY;
use super::{model, policy};
use crate::recipe::{Lessons, Recipe};
use crate::updates::learned_in_updates;
use crate::{pilco, svg};

pub(super) const PILCO: Entry<Recipe> = Entry {
    name: "pilco",
    summary: "a policy improved by the exact derivatives of the return that Gaussian processes foresee: smooth systems in seconds of experience",
    source: "Deisenroth and Rasmussen, ICML 2011",
    parameters: FORESEEING,
    build: Recipe {
        roles: &[model("gp"), policy("rbf")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 1,
        build: pilco::build,
    },
};

pub(super) const SVG: Entry<Recipe> = Entry {
    name: "svg",
    summary: "stochastic value gradients: a policy improved by derivatives that go back along real or imagined steps of a learned model",
    source: "Heess, Wayne, Silver, Lillicrap, Tassa and Erez, NeurIPS 2015",
    parameters: GOING_BACK,
    build: Recipe {
        roles: &[model("deterministic"), policy("gaussian")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: svg::build,
    },
};

/// Settings of an agent whose derivatives go back along trajectories.
const GOING_BACK: &[Parameter] = &{
    let [initial_steps, updates_per_step, discount] = learned_in_updates(1.0);
    [
        initial_steps,
        FIT_EVERY,
        updates_per_step,
        discount,
        Parameter {
            name: "horizon",
            default: SettingDefault::Integer(5),
            summary: "steps of the model that derivatives go back through: 0 for svg(0), 1 for svg(1), an episode's for svg(∞)",
        },
        Parameter {
            name: "critic",
            default: SettingDefault::Bool(true),
            summary: "whether a learned value stands for what comes behind these steps; svg(∞) has none",
        },
        Parameter {
            name: "imagined",
            default: SettingDefault::Bool(true),
            summary: "whether the steps are imagined from where the agent has been; else they are those that it took",
        },
        Parameter { name: "trajectories", default: SettingDefault::Integer(32), summary: "trajectories of an update" },
    ]
};

/// Settings of an agent that improves its policy after each fit.
const FORESEEING: &[Parameter] = &[
    Parameter {
        name: "initial_steps",
        default: SettingDefault::Integer(40),
        summary: "environment steps with random actions before the first fit",
    },
    Parameter {
        name: "fit_every",
        default: SettingDefault::Integer(0),
        summary: "environment steps between fits; 0 fits at the end of each episode",
    },
    Parameter { name: "horizon", default: SettingDefault::Integer(40), summary: "steps that are foreseen" },
    Parameter {
        name: "evaluations",
        default: SettingDefault::Integer(250),
        summary: "returns to foresee from each policy that a search begins at",
    },
    Parameter {
        name: "restarts",
        default: SettingDefault::Integer(1),
        summary: "fresh policies that a search begins at, besides the one that acts",
    },
    Parameter {
        name: "points",
        default: SettingDefault::Integer(200),
        summary: "points over which a reward is averaged whose expectation has no closed form",
    },
    Parameter {
        name: "discount",
        default: SettingDefault::Float(1.0),
        summary: "what a reward one step later is worth",
    },
];
