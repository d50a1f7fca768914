//! Algorithms that learn from recorded episodes alone, and from what these paid.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::dyna::{IMAGINED_SHARE, IMAGINED_STEPS};
use super::{model, policy};
use crate::caution::Kind;
use crate::recipe::{Lessons, Recipe, Role};
use crate::updates::DISCOUNT;
use crate::{dyna_agent, policy_agent};

pub(super) const TD3_BC: Entry<Recipe> = Entry {
    name: "td3-bc",
    summary: "recorded episodes alone: a critic's advice, kept near what was done",
    source: "Fujimoto and Gu, NeurIPS 2021",
    parameters: &[DISCOUNT],
    build: recorded(&[policy("td3-bc")]),
};

pub(super) const IQL: Entry<Recipe> = Entry {
    name: "iql",
    summary: "recorded episodes alone: does more often what turned out better than usual there",
    source: "Kostrikov, Nair and Levine, ICLR 2022",
    parameters: &[DISCOUNT],
    build: recorded(&[policy("iql")]),
};

pub(super) const CQL: Entry<Recipe> = Entry {
    name: "cql",
    summary: "recorded episodes alone: soft actor-critic whose critics expect little of what was not done",
    source: "Kumar, Zhou, Tucker and Levine, NeurIPS 2020",
    parameters: &[DISCOUNT],
    build: recorded(&[policy("cql")]),
};

pub(super) const MOPO: Entry<Recipe> = Entry {
    name: "mopo",
    summary: "recorded episodes alone: a policy learned in an ensemble that pays less where its members disagree",
    source: "Yu et al., NeurIPS 2020",
    parameters: &[
        DISCOUNT,
        BRANCHES,
        IMAGINED_STEPS,
        IMAGINED_SHARE,
        Parameter {
            name: "penalty",
            default: SettingDefault::Float(0.2),
            summary: "price of a unit of disagreement, the deviation of what was recorded, in units of the size of rewards",
        },
    ],
    build: Recipe {
        build: |resolved, context| dyna_agent::build_cautious(resolved, context, Kind::Penalty),
        ..imagined()
    },
};

pub(super) const MOREL: Entry<Recipe> = Entry {
    name: "morel",
    summary: "recorded episodes alone: a policy learned in an ensemble, in which everything ends badly where its members disagree",
    source: "Kidambi et al., NeurIPS 2020",
    parameters: &[
        DISCOUNT,
        BRANCHES,
        IMAGINED_STEPS,
        IMAGINED_SHARE,
        Parameter {
            name: "threshold",
            default: SettingDefault::Float(4.0),
            summary: "disagreement beyond which a branch ends, in units of what 99 of 100 recorded transitions stay below",
        },
        Parameter {
            name: "halt_penalty",
            default: SettingDefault::Float(0.0),
            summary: "what each step after such an end costs beyond the worst recorded reward, in units of the size of rewards",
        },
    ],
    build: Recipe {
        build: |resolved, context| dyna_agent::build_cautious(resolved, context, Kind::Halt),
        ..imagined()
    },
};

pub(super) const MOBILE: Entry<Recipe> = Entry {
    name: "mobile",
    summary: "recorded episodes alone: a policy learned in an ensemble that pays less where its members differ in what follows is worth",
    source: "Sun et al., ICML 2023",
    parameters: &[
        DISCOUNT,
        BRANCHES,
        IMAGINED_STEPS,
        IMAGINED_SHARE,
        Parameter {
            name: "penalty",
            default: SettingDefault::Float(0.5),
            summary: "price of the deviation between members of the value that follows",
        },
    ],
    build: Recipe {
        build: |resolved, context| dyna_agent::build_cautious(resolved, context, Kind::Values),
        ..imagined()
    },
};

const fn recorded(roles: &'static [Role]) -> Recipe {
    Recipe {
        roles,
        learns_from: Lessons::Recorded,
        both_sides: false,
        updates: 10_000,
        build: policy_agent::build_recorded,
    }
}

const fn imagined() -> Recipe {
    Recipe { updates: 15_000, ..recorded(IMAGINING) }
}

const IMAGINING: &[Role] = &[model("ensemble"), policy("sac")];

const BRANCHES: Parameter = Parameter {
    name: "branches",
    default: SettingDefault::Integer(256),
    summary: "branches that are imagined off recorded observations for every 20 updates",
};
