//! Algorithms whose policy learns from what a fitted model imagines.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::{model, planner, policy};
use crate::recipe::{Lessons, Recipe};
use crate::updates::learned_in_updates;
use crate::{dyna_agent, practising_agent};

pub(super) const MBPO: Entry<Recipe> = Entry {
    name: "mbpo",
    summary: "a policy learned from real steps and from short branches that an ensemble imagines off them",
    source: "Janner, Fu, Zhang and Levine, NeurIPS 2019",
    parameters: IMAGINING,
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
    parameters: IMAGINING,
    build: Recipe {
        roles: &[model("ensemble"), planner("icem"), policy("sac")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: dyna_agent::build,
    },
};

pub(super) const STEVE: Entry<Recipe> = Entry {
    name: "steve",
    summary: "critics learn from targets that an ensemble looks ahead for, each length by how sure it is; one length alone with `agent.weighted=false`",
    source: "Buckman, Hafner, Tucker, Brevdo and Lee, NeurIPS 2018; Feinberg et al., 2018",
    parameters: EXPANDING,
    build: Recipe {
        roles: &[model("ensemble"), policy("td3")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: dyna_agent::build_expanding,
    },
};

pub(super) const DHMBPO: Entry<Recipe> = Entry {
    name: "dhmbpo",
    summary: "two horizons: long branches say where the policy would be, targets of a few steps what that is worth",
    source: "Kubo, Chanpaisit and Hiraoka, 2025",
    parameters: DOUBLE,
    build: Recipe {
        roles: &[model("ensemble"), policy("sac")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: dyna_agent::build_double,
    },
};

pub(super) const MB_PPO: Entry<Recipe> = Entry {
    name: "mb-ppo",
    summary: "a policy that practises in an ensemble, a member each trajectory, until too few members see it improve",
    source: "Kurutach, Clavera, Duan, Tamar and Abbeel, ICLR 2018; Schulman et al., 2017",
    parameters: PRACTISING,
    build: Recipe {
        roles: &[model("ensemble"), policy("ppo")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 200,
        build: practising_agent::build,
    },
};

pub(super) const IMAGINED_STEPS: Parameter =
    Parameter { name: "imagined_steps", default: SettingDefault::Integer(5), summary: "steps of each branch" };
pub(super) const IMAGINED_SHARE: Parameter = Parameter {
    name: "imagined_share",
    default: SettingDefault::Float(0.9),
    summary: "share of imagined transitions in what an update learns from",
};

const BRANCHES: Parameter = Parameter {
    name: "branches",
    default: SettingDefault::Integer(64),
    summary: "branches that are imagined off real observations before the updates of a step",
};
/// How branches grow.
const GROWTH: [Parameter; 2] = [
    Parameter {
        name: "imagined_steps_last",
        default: SettingDefault::Integer(0),
        summary: "steps of each branch once the model knows more; 0 for as many as at first",
    },
    Parameter {
        name: "imagined_steps_until",
        default: SettingDefault::Integer(0),
        summary: "environment steps over which branches come to that length",
    },
];
/// How far targets look ahead.
const HORIZON: Parameter = Parameter {
    name: "horizon",
    default: SettingDefault::Integer(5),
    summary: "steps that targets of critics look ahead in the model; 0 for plain targets",
};
const WEIGHTED: Parameter = Parameter {
    name: "weighted",
    default: SettingDefault::Bool(true),
    summary: "whether targets of all lengths count, each by the inverse of its variance over model and critics; else the longest alone",
};
const EXPANDED: Parameter = Parameter {
    name: "expanded",
    default: SettingDefault::Integer(256),
    summary: "transitions that get such targets before the updates of a step, 20 at most",
};

/// Settings of an agent whose critics learn from targets of what it did.
const EXPANDING: &[Parameter] = &{
    let [initial_steps, updates_per_step, discount] = learned_in_updates(10.0);
    [initial_steps, FIT_EVERY, updates_per_step, discount, HORIZON, WEIGHTED, EXPANDED]
};

/// The same of what it would do.
const DOUBLE: &[Parameter] = &{
    let [initial_steps, updates_per_step, discount] = learned_in_updates(10.0);
    let [last, until] = GROWTH;
    [
        initial_steps,
        FIT_EVERY,
        updates_per_step,
        discount,
        BRANCHES,
        Parameter { default: SettingDefault::Integer(20), ..IMAGINED_STEPS },
        last,
        until,
        IMAGINED_SHARE,
        HORIZON,
        WEIGHTED,
        EXPANDED,
    ]
};

/// Settings of an agent whose policy practises.
const PRACTISING: &[Parameter] = &{
    let [initial_steps, _, discount] = learned_in_updates(1.0);
    [
        initial_steps,
        FIT_EVERY,
        discount,
        Parameter {
            default: SettingDefault::Integer(40),
            summary: "steps of each trajectory at most, of which an update has as many as policy.rollout_steps fill, and of those that returns are foreseen by",
            ..IMAGINED_STEPS
        },
        Parameter {
            name: "practice_updates",
            default: SettingDefault::Integer(60),
            summary: "updates between two fits of the model at most",
        },
        Parameter {
            name: "checked_every",
            default: SettingDefault::Integer(5),
            summary: "updates after which the policy's return is foreseen by each member",
        },
        Parameter {
            name: "improved_share",
            default: SettingDefault::Float(0.7),
            summary: "share of the members in which it has to have improved for practice to go on",
        },
    ]
};

/// Settings of an agent whose policy learns from imagined transitions.
const IMAGINING: &[Parameter] = &{
    let [initial_steps, updates_per_step, discount] = learned_in_updates(40.0);
    let [last, until] = GROWTH;
    [
        initial_steps,
        FIT_EVERY,
        updates_per_step,
        discount,
        BRANCHES,
        IMAGINED_STEPS,
        last,
        until,
        IMAGINED_SHARE,
        Parameter {
            name: "curious",
            default: SettingDefault::Bool(true),
            summary: "whether a second policy explores what the model does not know while reward tells nothing",
        },
    ]
};

/// When a model is fitted that imagines for a policy: within long episodes too.
pub(super) const FIT_EVERY: Parameter = Parameter {
    name: "fit_every",
    default: SettingDefault::Integer(0),
    summary: "environment steps between fits; 0 fits at the end of each episode, and within one once a quarter has come to all before",
};
