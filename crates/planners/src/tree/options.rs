//! Settings that all tree searches share.

use worldwright_core::{Error, Parameter, Result, SettingDefault as Default, Settings, cost};

use super::backup::Backup;
use super::outcomes::Widening;
use crate::PlannerContext;

pub(super) const SIMULATIONS: Parameter = Parameter {
    name: "simulations",
    default: Default::Integer(128),
    summary: "simulations a decision, where no budget says otherwise",
};
pub(super) const HORIZON: Parameter = Parameter {
    name: "horizon",
    default: Default::Integer(100),
    summary: "steps that the tree looks ahead at the most",
};
pub(super) const LEAVES: Parameter = Parameter {
    name: "leaves",
    default: Default::Integer(1),
    summary: "simulations at once, whose steps the model takes in one batch",
};
pub(super) const VIRTUAL_LOSS: Parameter = Parameter {
    name: "virtual_loss",
    default: Default::Float(0.5),
    summary: "how far below its mean an edge under way seems to return, in ranges of the values seen",
};
pub(super) const EVALUATION: Parameter = Parameter {
    name: "evaluation",
    default: Default::Text("auto"),
    summary: "what a leaf is worth: the model's 'value', a random 'rollout', or 'auto': the value where the model has one",
};
pub(super) const ROLLOUT_STEPS: Parameter = Parameter {
    name: "rollout_steps",
    default: Default::Integer(50),
    summary: "steps after which a random rollout ends",
};
pub(super) const BACKUP: Parameter = Parameter {
    name: "backup",
    default: Default::Text("mean"),
    summary: "a node's value: the 'mean' of its returns, or the 'maximum' over its edges (DP-UCT), good with chance",
};
pub(super) const SOLVE: Parameter = Parameter {
    name: "solve",
    default: Default::Bool(true),
    summary: "prove values where all play ends, in deterministic models",
};
pub(super) const WIN: Parameter = Parameter {
    name: "win",
    default: Default::Float(1.0),
    summary: "the best return of a game for two, which proves a move alone",
};
pub(super) const TEMPERATURE: Parameter = Parameter {
    name: "temperature",
    default: Default::Float(0.0),
    summary: "0 does the most visited action, T > 0 draws in proportion to visits^(1/T)",
};
pub(super) const CHANCE_FACTOR: Parameter = Parameter {
    name: "chance_factor",
    default: Default::Float(1.0),
    summary: "k: in a stochastic model an action with n visits has up to k n^exponent samples",
};
pub(super) const CHANCE_EXPONENT: Parameter = Parameter {
    name: "chance_exponent",
    default: Default::Float(0.5),
    summary: "exponent of chance_factor; take 1 where the model tells equal states by their keys",
};
pub(super) const TRANSPOSITIONS: Parameter = Parameter {
    name: "transpositions",
    default: Default::Bool(false),
    summary: "one node for all ways to a state, in models that give keys of states",
};
pub(super) const REUSE: Parameter = Parameter {
    name: "reuse",
    default: Default::Bool(false),
    summary: "keep the searched part below what was done for the next decision, in deterministic models",
};
pub(super) const NODES: Parameter = Parameter {
    name: "nodes",
    default: Default::Integer(0),
    summary: "nodes that the tree has room for; 0 for the root and one a simulation, twice that with 'reuse'",
};

/// The most rows that a search may ask for.
const MOST_ROWS: usize = 1 << 30;

/// All shared settings.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) name: &'static str,
    pub(super) roots: usize,
    pub(super) simulations: usize,
    pub(super) horizon: usize,
    pub(super) leaves: usize,
    pub(super) virtual_loss: f64,
    pub(super) evaluation: Leaf,
    pub(super) rollout_steps: usize,
    pub(super) backup: Backup,
    pub(super) temperature: f64,
    /// For stochastic models.
    pub(super) widening: Option<Widening>,
    pub(super) transpositions: bool,
    pub(super) reuse: bool,
    /// Nodes of a tree.
    pub(super) capacity: usize,
    pub(super) epistemic_penalty: f64,
}

/// How leaves are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Auto,
    Value,
    Rollout,
}

impl Options {
    pub(super) fn read(
        name: &'static str,
        context: &PlannerContext,
        settings: &Settings,
        roots: usize,
    ) -> Result<Self> {
        let simulations = settings.count("simulations", 1)?;
        let leaves = settings.count("leaves", 1)?;
        let chance = !context.deterministic;
        let declared = |key: &str| settings.iter().any(|(name, _)| name == key);
        let reuse = declared("reuse") && settings.bool("reuse")?;
        if reuse && chance {
            return Err(Error::unsupported(name, "keeping the tree of a stochastic model: leave 'reuse' out"));
        }
        let nodes = settings.count("nodes", 0)?;
        let fresh = simulations + 1;
        let capacity = match nodes {
            0 if reuse => simulations + fresh,
            0 => fresh,
            nodes => nodes,
        };
        if reuse && capacity < fresh {
            return Err(Error::config("nodes", format!("reuse needs at least {fresh}, one more than simulations")));
        }
        if capacity.saturating_mul(roots) > MOST_ROWS {
            return Err(Error::config("nodes", format!("{capacity} nodes of {roots} trees are beyond {MOST_ROWS}")));
        }
        let (horizon, rollout_steps) = (settings.count("horizon", 1)?, settings.count("rollout_steps", 1)?);
        let actions = context.action_space.flat_dim().max(1) as f64;
        let (nodes, members) = (capacity as f64 * roots as f64, context.members.max(1) as f64);
        let batch = roots as f64 * leaves as f64;
        let each = 64.0 * (actions + 2.0) + if chance { 256.0 } else { 0.0 };
        let particles = context.members.max(1);
        let room = [
            ("simulations", simulations),
            ("nodes", capacity),
            ("leaves", leaves),
            ("horizon", horizon),
            ("particles", particles),
        ];
        cost::memory(&room, nodes * each + batch * (24.0 * horizon as f64 + 32.0 * members + 16.0 * actions))?;
        let steps = simulations as f64 * (1.0 + rollout_steps as f64) * members;
        cost::work(
            &[("simulations", simulations), ("rollout_steps", rollout_steps), ("particles", particles)],
            "steps of the model a decision",
            steps,
            cost::MOST_MODEL_STEPS,
        )?;
        let widening = Widening {
            factor: settings.float("chance_factor", 0.0, f64::MAX)?,
            exponent: settings.float("chance_exponent", 0.0, 1.0)?,
        };
        let by_maximum = settings.choice("backup", &["mean", "maximum"])? == 1;
        Ok(Self {
            name,
            roots,
            simulations,
            horizon,
            leaves,
            virtual_loss: settings.float("virtual_loss", 0.0, f64::MAX)?,
            evaluation: match settings.choice("evaluation", &["auto", "value", "rollout"])? {
                0 => Leaf::Auto,
                1 => Leaf::Value,
                _ => Leaf::Rollout,
            },
            rollout_steps,
            backup: Backup {
                by_maximum,
                solve: settings.bool("solve")? && !chance,
                win: settings.float("win", -f64::MAX, f64::MAX)?,
                range_of_means: false,
            },
            temperature: if declared("temperature") { settings.float("temperature", 0.0, 1e6)? } else { 0.0 },
            widening: chance.then_some(widening),
            transpositions: settings.bool("transpositions")?,
            reuse,
            capacity,
            epistemic_penalty: settings.float("epistemic_penalty", 0.0, f64::MAX)?,
        })
    }
}
