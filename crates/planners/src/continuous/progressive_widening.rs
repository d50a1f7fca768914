//! Double progressive widening (Couëtoux, Hoock, Sokolovska, Teytaud and Bonnard, "Continuous Upper Confidence Trees", LION 2011).
//!
//! A node with N visits has `⌈k N^α⌉` actions at most, an action tried n times `⌈k' n^α'⌉` outcomes; a new one is drawn while there are
//! fewer, else the action of the highest `Q̂ + c √(ln N / n)` is taken and its least visited outcome. Q̂ is scaled so
//! that the node's mean is ½ and its best 1. Where we deviate: a share of new actions is drawn near the best one of the node.

use worldwright_core::{Entry, Parameter, Planner, Result, SettingDefault as Default, Settings};

use super::search::Search;
use super::{BATCH, CONSTRAINT_PENALTY, LEAF, LOCAL_SHARE, Rule, SIMULATIONS};
use crate::{Build, PlannerContext, common};

const PARAMETERS: &[Parameter] = &[
    common::HORIZON,
    SIMULATIONS,
    BATCH,
    Parameter { name: "exploration", default: Default::Float(0.3), summary: "c, on values scaled to 0–1" },
    Parameter {
        name: "widening",
        default: Default::Float(2.0),
        summary: "k: actions of a node are k times visits to the power of widening_power",
    },
    Parameter { name: "widening_power", default: Default::Float(0.5), summary: "α of the actions, in [0, 1]" },
    Parameter {
        name: "outcome_widening",
        default: Default::Float(1.0),
        summary: "k of an action's outcomes, where the model is random",
    },
    Parameter { name: "outcome_power", default: Default::Float(0.5), summary: "α of the outcomes, in [0, 1]" },
    LOCAL_SHARE,
    LEAF,
    common::ACTION_STD,
    common::RISK,
    common::CVAR_ALPHA,
    common::EPISTEMIC_PENALTY,
    CONSTRAINT_PENALTY,
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "progressive-widening",
    summary: "tree search over real-valued actions that tries more of them, and more outcomes, where it looks more often",
    source: "Couëtoux et al. 2011",
    parameters: PARAMETERS,
    build,
};

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let rule = ProgressiveWidening {
        exploration: settings.float("exploration", 0.0, f64::MAX)?,
        actions: (settings.float("widening", 1e-9, 1e6)?, settings.float("widening_power", 0.0, 1.0)?),
        outcomes: (settings.float("outcome_widening", 1e-9, 1e6)?, settings.float("outcome_power", 0.0, 1.0)?),
    };
    Ok(Box::new(Search::new("progressive-widening", rule, context, settings)?))
}

struct ProgressiveWidening {
    exploration: f64,
    /// (k, α)
    actions: (f64, f64),
    outcomes: (f64, f64),
}

fn widened((factor, power): (f64, f64), visits: f64) -> usize {
    (factor * visits.max(1.0).powf(power)).ceil() as usize
}

impl Rule for ProgressiveWidening {
    fn most_actions(&self, simulations: usize) -> usize {
        // An edge is added by a simulation, so there are no more of them altogether.
        simulations
    }

    fn actions_at(&self, visits: f64) -> usize {
        widened(self.actions, visits)
    }

    fn outcomes_at(&self, visits: f64) -> usize {
        widened(self.outcomes, visits)
    }

    fn all_at_once(&self) -> bool {
        false
    }

    fn bonus(&self, visits: f64, tried: f64, _actions: usize) -> f64 {
        self.exploration * (visits.max(1.0).ln() / tried).sqrt()
    }
}
