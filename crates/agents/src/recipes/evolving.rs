//! Algorithms that try a policy's numbers as a whole, an episode each.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::policy;
use crate::evolving_agent;
use crate::recipe::{Lessons, Recipe};

pub(super) const CMA_ES: Entry<Recipe> = Entry {
    name: "cma-es",
    summary: "covariance matrix adaptation over a small policy's numbers: no gradient, an episode a try",
    source: "Hansen, The CMA Evolution Strategy: A Tutorial, 2016",
    parameters: &[
        population(0, "episodes of a generation; 0 for 4 and three times the logarithm of the policy's numbers"),
        spread(0.5),
    ],
    build: Recipe {
        roles: &[policy("direct")],
        learns_from: Lessons::Own,
        both_sides: false,
        updates: 1,
        build: evolving_agent::build_cma_es,
    },
};

pub(super) const OPENAI_ES: Entry<Recipe> = Entry {
    name: "openai-es",
    summary: "a policy's numbers climb the gradient that mirrored pairs of tries show: no gradient of any network, an episode a try",
    source: "Salimans, Ho, Chen, Sidor and Sutskever, 2017",
    parameters: &[
        population(40, "episodes of a generation"),
        spread(0.3),
        Parameter {
            name: "learning_rate",
            default: SettingDefault::Float(0.2),
            summary: "step size of the mean, in the units of the policy's numbers",
        },
        Parameter {
            name: "weight_decay",
            default: SettingDefault::Float(0.0),
            summary: "by how much of itself the mean is drawn to zero beside its gradient",
        },
    ],
    build: Recipe {
        roles: &[policy("direct")],
        learns_from: Lessons::Own,
        both_sides: false,
        updates: 1,
        build: evolving_agent::build_openai_es,
    },
};

pub(super) const REPS: Entry<Recipe> = Entry {
    name: "reps",
    summary: "relative-entropy policy search: a policy's numbers move to where episodes paid, by a bounded number of nats a generation",
    source: "Peters, Mülling and Altun, AAAI 2010",
    parameters: &[
        population(30, "episodes of a generation"),
        spread(0.5),
        Parameter {
            name: "divergence",
            default: SettingDefault::Float(0.5),
            summary: "nats that a generation's weights are from being alike: more goes to the best faster, and settles earlier",
        },
    ],
    build: Recipe {
        roles: &[policy("direct")],
        learns_from: Lessons::Own,
        both_sides: false,
        updates: 1,
        build: evolving_agent::build_reps,
    },
};

const fn population(default: i64, summary: &'static str) -> Parameter {
    Parameter { name: "population", default: SettingDefault::Integer(default), summary }
}

const fn spread(default: f64) -> Parameter {
    Parameter {
        name: "spread",
        default: SettingDefault::Float(default),
        summary: "deviation of what is tried at first, where numbers of size one are neither much nor little",
    }
}
