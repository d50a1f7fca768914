//! Algorithms whose policy is improved by the derivatives of what a model foresees.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::{model, policy};
use crate::pilco;
use crate::recipe::{Lessons, Recipe};

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
