//! Sampled MCTS: each node draws K actions from the policy prior and searches among them (Hubert et al., "Learning and Planning in Complex
//! Action Spaces", ICML 2021: Sampled MuZero).
//!
//! With β = π the weights of the sampled actions are 1 / K each, and an action is chosen by
//! `Q̂ + c (1 / K) √N / (1 + n)`, Q̂ scaled so that the node's mean is ½ and its best 1. A model without a prior is searched
//! with actions drawn evenly within their bounds.

use worldwright_core::{Entry, Parameter, Planner, Result, SettingDefault as Default, Settings};

use super::search::Search;
use super::{BATCH, CONSTRAINT_PENALTY, LEAF, LOCAL_SHARE, Rule, SIMULATIONS};
use crate::{Build, PlannerContext, common};

const PARAMETERS: &[Parameter] = &[
    common::HORIZON,
    SIMULATIONS,
    BATCH,
    Parameter { name: "samples", default: Default::Integer(20), summary: "K, actions that a node draws" },
    Parameter { name: "exploration", default: Default::Float(1.25), summary: "c, on values scaled to 0–1" },
    Parameter {
        name: "outcomes",
        default: Default::Integer(4),
        summary: "outcomes of an action at most, where the model is random",
    },
    Parameter { default: Default::Float(0.0), ..LOCAL_SHARE },
    LEAF,
    common::ACTION_STD,
    common::RISK,
    common::CVAR_ALPHA,
    common::EPISTEMIC_PENALTY,
    CONSTRAINT_PENALTY,
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "sampled-mcts",
    summary: "tree search over actions that each node draws from the policy prior",
    source: "Hubert et al. 2021 (Sampled MuZero)",
    parameters: PARAMETERS,
    build,
};

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let rule = Sampled {
        samples: settings.count("samples", 1)?,
        exploration: settings.float("exploration", 0.0, f64::MAX)?,
        outcomes: settings.count("outcomes", 1)?,
    };
    Ok(Box::new(Search::new("sampled-mcts", rule, context, settings)?))
}

struct Sampled {
    samples: usize,
    exploration: f64,
    outcomes: usize,
}

impl Rule for Sampled {
    fn most_actions(&self, simulations: usize) -> usize {
        self.samples.saturating_mul(simulations.saturating_add(1))
    }

    fn actions_at(&self, _visits: f64) -> usize {
        self.samples
    }

    fn outcomes_at(&self, visits: f64) -> usize {
        self.outcomes.min(visits.max(1.0).sqrt().ceil() as usize)
    }

    fn all_at_once(&self) -> bool {
        true
    }

    fn bonus(&self, visits: f64, tried: f64, actions: usize) -> f64 {
        self.exploration / actions as f64 * visits.max(1.0).sqrt() / (1.0 + tried)
    }
}
