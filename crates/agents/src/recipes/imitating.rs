//! Algorithms whose policy learns what a planner says.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::{model, planner, policy, value};
use crate::imitating_agent;
use crate::planning_settings::{CLOSED, LEARNING};
use crate::recipe::{Lessons, Recipe};
use crate::updates::learned_in_updates;

pub(super) const DAGGER: Entry<Recipe> = Entry {
    name: "dagger",
    summary: "a policy that learns what a planner would do where the policy itself goes, and acts without planning",
    source: "Ross, Gordon and Bagnell, AISTATS 2011",
    parameters: IMITATING,
    build: Recipe {
        roles: &[model("known"), planner("icem"), policy("bc")],
        learns_from: Lessons::Own,
        both_sides: false,
        updates: 1,
        build: imitating_agent::build,
    },
};

pub(super) const GPS: Entry<Recipe> = Entry {
    name: "gps",
    summary: "guided policy search: a trajectory optimiser finds what is best within some nats of the policy, which learns it",
    source: "Levine and Koltun, ICML 2013; Montgomery and Levine, NeurIPS 2016",
    parameters: TETHERED,
    build: Recipe {
        roles: &[model("known"), planner("ilqr"), policy("bc")],
        learns_from: Lessons::Own,
        both_sides: false,
        updates: 1,
        build: imitating_agent::build_tethered,
    },
};

/// The settings of one whose planner keeps near the policy.
const TETHERED: &[Parameter] = &{
    let [initial_steps, fit_every, updates_per_step, expert_share, discount, decision_ms] = *IMITATING else {
        panic!("the settings of imitating changed")
    };
    [
        initial_steps,
        fit_every,
        updates_per_step,
        expert_share,
        Parameter {
            name: "tether",
            default: SettingDefault::Float(0.01),
            summary: "reward that leaving the policy costs a nat at first; it moves to keep to the bound",
        },
        Parameter {
            name: "divergence",
            default: SettingDefault::Float(0.5),
            summary: "nats that what is planned may be from the policy",
        },
        discount,
        decision_ms,
    ]
};

pub(super) const BMPC: Entry<Recipe> = Entry {
    name: "bmpc",
    summary: "bootstrapped planning: a policy learns what was planned, plans begin from it and end in learned values; plans are made where values are in doubt",
    source: "Wang, Zhang, Xie, Wang and Wang, ICLR 2025",
    parameters: LEADING,
    build: Recipe {
        roles: &[model("ensemble"), planner("icem"), policy("bc"), value("value-ensemble")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 2000,
        build: imitating_agent::build_led,
    },
};

/// Settings of an agent whose plans a policy leads: a plan is made anew at each step, as above.
const LEADING: &[Parameter] = &{
    let [initial_steps, fit_every, _, _, updates_per_step, discount, decision_ms] = *CLOSED else {
        panic!("the settings of planning changed")
    };
    [
        initial_steps,
        fit_every,
        updates_per_step,
        Parameter {
            name: "planned_share",
            default: SettingDefault::Float(1.0),
            summary: "share of decisions that are planned, those whose values are in doubt the most; the policy makes the others",
        },
        Parameter {
            name: "refreshed_per_step",
            default: SettingDefault::Float(0.2),
            summary: "stored steps that are planned again, by what is known now, for each environment step; below 1, one every few steps",
        },
        discount,
        decision_ms,
    ]
};

/// A plan is made anew at each step, without noise: what it would do later, or did by chance, is no advice.
const IMITATING: &[Parameter] = &{
    let [_, updates_per_step, _] = learned_in_updates(2.0);
    let [_, fit_every, _, _, discount, decision_ms] = *LEARNING else { panic!("the settings of planning changed") };
    [
        Parameter {
            name: "initial_steps",
            default: SettingDefault::Integer(200),
            summary: "environment steps that the planner acts before the policy does; where its model is learned, at random before the first fit",
        },
        fit_every,
        updates_per_step,
        Parameter {
            name: "expert_share",
            default: SettingDefault::Float(0.0),
            summary: "chance that a later step is the planner's own",
        },
        discount,
        decision_ms,
    ]
};
