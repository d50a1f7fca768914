//! Algorithms that pursue goals, and learn from each episode as if what was reached had been its goal.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::policy;
use crate::policy_agent;
use crate::recipe::{Lessons, Recipe};
use crate::updates::learned_in_updates;

pub(super) const HER: Entry<Recipe> = Entry {
    name: "her",
    summary: "hindsight: any off-policy learner, told transitions with goals that were reached later; for environments that show goals",
    source: "Andrychowicz et al., NeurIPS 2017; Schaul et al., ICML 2015",
    parameters: &{
        let [initial_steps, updates_per_step, discount] = learned_in_updates(1.0);
        let discount = Parameter { default: SettingDefault::Float(0.98), ..discount };
        [initial_steps, updates_per_step, discount, SHARE, TOLERANCE, REACHED, MISSED, ENDS]
    },
    build: Recipe {
        roles: &[policy("sac")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: policy_agent::build_pursuing,
    },
};

pub(super) const TDM: Entry<Recipe> = Entry {
    name: "tdm",
    summary: "temporal difference models: how near to any goal any number of steps leads, and plans over that number",
    source: "Pong, Gu, Dalal and Levine, ICLR 2018",
    parameters: &{
        let [initial_steps, updates_per_step, _] = learned_in_updates(1.0);
        [initial_steps, updates_per_step, HORIZON, SHARE, TOLERANCE]
    },
    build: Recipe {
        roles: &[policy("td3")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: policy_agent::build_counting_down,
    },
};

pub(super) const GCSL: Entry<Recipe> = Entry {
    name: "gcsl",
    summary: "does what was done on the way to a goal; with goals one step ahead it is an inverse model: which action led there",
    source: "Ghosh et al., ICLR 2021",
    parameters: &{
        let [initial_steps, updates_per_step, _] = learned_in_updates(1.0);
        [initial_steps, updates_per_step, REACH, Parameter { default: SettingDefault::Float(1.0), ..SHARE }]
    },
    build: Recipe {
        roles: &[policy("bc")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: policy_agent::build_pursuing_by_imitation,
    },
};

const SHARE: Parameter = Parameter {
    name: "share",
    default: SettingDefault::Float(0.8),
    summary: "chance that a transition is told with a goal that was reached later, in place of the one that was desired",
};
const REACH: Parameter = Parameter {
    name: "reach",
    default: SettingDefault::Integer(0),
    summary: "steps ahead that such a goal lies at most; 0 for the rest of the episode",
};
const HORIZON: Parameter = Parameter {
    name: "horizon",
    default: SettingDefault::Integer(15),
    summary: "the greatest number of steps left, at most 255",
};
const TOLERANCE: Parameter = Parameter {
    name: "tolerance",
    default: SettingDefault::Float(0.05),
    summary: "distance from a goal up to which it counts as reached, in the goal's own units",
};
const REACHED: Parameter = Parameter {
    name: "reached_reward",
    default: SettingDefault::Float(0.0),
    summary: "what a step pays that reaches its goal, where the environment does not tell; as it pays itself",
};
const MISSED: Parameter = Parameter {
    name: "missed_reward",
    default: SettingDefault::Float(-1.0),
    summary: "what any other step pays, likewise",
};
const ENDS: Parameter = Parameter {
    name: "ends_when_reached",
    default: SettingDefault::Bool(false),
    summary: "whether the task ends at its goal, likewise",
};
