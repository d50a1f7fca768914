//! Settings of agents that plan through a model.

use worldwright_core::{Parameter, SettingDefault};

use crate::updates::learned_in_updates;

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

/// Settings of an agent whose plans end in learned values.
pub(crate) const CLOSED: &[Parameter] = &{
    let [initial_steps, fit_every, exploration_noise, replan_every, _, decision_ms] = *LEARNING else {
        panic!("the settings of planning changed")
    };
    let [_, updates_per_step, discount] = learned_in_updates(1.0);
    [initial_steps, fit_every, exploration_noise, replan_every, updates_per_step, discount, decision_ms]
};
