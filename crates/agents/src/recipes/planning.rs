//! Algorithms that plan through a model, which is fitted to all that was experienced.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::{learned_in_updates, model, planner, policy};
use crate::model_based;
use crate::recipe::{Lessons, Recipe, Role};

pub(super) const PETS: Entry<Recipe> = Entry {
    name: "pets",
    summary: "probabilistic ensemble and trajectory sampling: plan at every step through a learned ensemble",
    source: "Chua, Calandra, McAllister and Levine, NeurIPS 2018",
    parameters: LEARNING,
    build: planning(&[model("ensemble"), planner("icem")]),
};

pub(super) const GP_MPC: Entry<Recipe> = Entry {
    name: "gp-mpc",
    summary: "model-predictive control through Gaussian processes: the least data, below about 1,500 transitions",
    source: "Kamthe and Deisenroth, AISTATS 2018",
    parameters: LEARNING,
    build: planning(&[model("gp"), planner("icem")]),
};

pub(super) const TABULAR: Entry<Recipe> = Entry {
    name: "tabular",
    summary: "dynamic programming in the finite process that was counted, with optimism: for discrete observations",
    source: "Azar, Osband and Munos, ICML 2017",
    parameters: LEARNING,
    build: planning(&[model("tabular"), planner("greedy")]),
};

pub(super) const MPC: Entry<Recipe> = Entry {
    name: "mpc",
    summary: "model-predictive control on the known simulator: nothing is learned",
    source: "Rawlings, Mayne and Diehl, Model Predictive Control, 2017",
    parameters: LEARNING,
    build: planning(&[model("known"), planner("icem")]),
};

pub(super) const POLO: Entry<Recipe> = Entry {
    name: "polo",
    summary: "plan online, learn offline: plans on the known simulator that end in learned values, which hope for much where nobody has been",
    source: "Lowrey et al., ICLR 2019",
    parameters: CLOSED,
    build: planning(&[model("known"), planner("icem"), policy("value-ensemble")]),
};

/// Settings of an agent whose plans end in learned values.
pub(crate) const CLOSED: &[Parameter] = &{
    let [initial_steps, fit_every, exploration_noise, replan_every, _, decision_ms] = *LEARNING else {
        panic!("the settings of planning changed")
    };
    let [_, updates_per_step, discount] = learned_in_updates(1.0);
    [initial_steps, fit_every, exploration_noise, replan_every, updates_per_step, discount, decision_ms]
};

/// A recipe of an agent that plans in a model, which is fitted to all data at once.
const fn planning(roles: &'static [Role]) -> Recipe {
    Recipe { roles, learns_from: Lessons::Any, both_sides: false, updates: 1, build: model_based::build }
}

/// Settings of every agent that plans through a model.
pub(crate) const LEARNING: &[Parameter] = &[
    Parameter {
        name: "initial_steps",
        default: SettingDefault::Integer(200),
        summary: "environment steps with random actions before the first fit",
    },
    Parameter {
        name: "fit_every",
        default: SettingDefault::Integer(0),
        summary: "environment steps between fits; 0 fits at the end of each episode",
    },
    Parameter {
        name: "exploration_noise",
        default: SettingDefault::Float(0.0),
        summary: "standard deviation of Gaussian noise on continuous actions while learning, as a share of half their range; \
                  for discrete ones the chance of a random choice",
    },
    Parameter {
        name: "replan_every",
        default: SettingDefault::Integer(1),
        summary: "environment steps that a plan is followed before planning again",
    },
    Parameter {
        name: "discount",
        default: SettingDefault::Float(1.0),
        summary: "what a reward one step later is worth",
    },
    Parameter {
        name: "decision_ms",
        default: SettingDefault::Float(0.0),
        summary: "milliseconds a decision may take, 0 for no limit; with a limit, results depend on the machine's speed",
    },
];
