//! Tree search over real-valued actions: an arena of nodes that are rows of the model, grown a batch of simulations at a time.
//!
//! `progressive-widening` tries ever more actions at a node as it is visited more, and ever more outcomes of an action where the
//! model is random; `sampled-mcts` draws a fixed number of actions a node from the policy prior. Both are a [`Rule`] on the one
//! search in `search.rs`.

mod progressive_widening;
mod sampled;
mod search;
mod tree;
mod wave;

pub(crate) use progressive_widening::ENTRY as PROGRESSIVE_WIDENING;
pub(crate) use sampled::ENTRY as SAMPLED_MCTS;

use worldwright_core::{Parameter, SettingDefault as Default};

/// What tells one search from the other.
pub(crate) trait Rule: Send {
    /// The most actions that a node may ever have, after so many simulations.
    fn most_actions(&self, simulations: usize) -> usize;

    /// How many actions a node with this many visits may have.
    fn actions_at(&self, visits: f64) -> usize;

    /// How many outcomes an action with this many visits may have, where the model is random.
    fn outcomes_at(&self, visits: f64) -> usize;

    /// Whether a node takes all its actions before any is tried twice.
    fn all_at_once(&self) -> bool;

    /// What an action promises beyond its value on the scale of 0 to 1, at a node with `visits` and `actions`.
    fn bonus(&self, visits: f64, tried: f64, actions: usize) -> f64;
}

pub(crate) const SIMULATIONS: Parameter = Parameter {
    name: "simulations",
    default: Default::Integer(500),
    summary: "simulations a decision: nodes of the tree, and rows of the model's arena",
};
pub(crate) const BATCH: Parameter = Parameter {
    name: "batch",
    default: Default::Integer(8),
    summary: "simulations that go down the tree before the model steps them together",
};
pub(crate) const LEAF: Parameter = Parameter {
    name: "leaf",
    default: Default::Text("auto"),
    summary: "what a new node is worth: the model's 'value', a 'rollout' to the horizon, or 'auto': the value where there is one",
};
pub(crate) const LOCAL_SHARE: Parameter = Parameter {
    name: "local_share",
    default: Default::Float(0.5),
    summary: "share of new actions that are drawn near the best one of the node, in [0, 1]",
};
pub(crate) const CONSTRAINT_PENALTY: Parameter = Parameter {
    name: "constraint_penalty",
    default: Default::Float(1000.0),
    summary: "reward taken off per unit of each constraint's violation at each step",
};

/// The children of a node and the outcomes of an action are linked lists; this ends them.
pub(crate) const NONE: u32 = u32::MAX;
