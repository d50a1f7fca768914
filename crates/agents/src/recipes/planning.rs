//! Algorithms that plan through a model, which is fitted to all that was experienced.

use worldwright_core::Entry;

use super::{model, planner, policy};
use crate::model_based;
use crate::planning_settings::{CLOSED, LEARNING};
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

/// A recipe of an agent that plans in a model, which is fitted to all data at once.
const fn planning(roles: &'static [Role]) -> Recipe {
    Recipe { roles, learns_from: Lessons::Any, both_sides: false, updates: 1, build: model_based::build }
}
