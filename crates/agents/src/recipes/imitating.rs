//! Algorithms whose policy does what a planner says.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::planning::LEARNING;
use super::{learned_in_updates, model, planner, policy};
use crate::dagger_agent;
use crate::recipe::{Lessons, Recipe};

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
        build: dagger_agent::build,
    },
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
