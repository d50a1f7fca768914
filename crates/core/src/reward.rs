//! Rewards as functions of transitions: known, learned, or written as an expression.

use crate::{Actions, Columns};

/// A batch of transitions, one row each; observations are flat (see [`Space::flat_dim`](crate::Space::flat_dim)).
#[derive(Debug, Clone, Copy)]
pub struct Transitions<'a> {
    /// What was seen before.
    pub observations: Columns<'a>,
    /// What was done.
    pub actions: Actions<'a>,
    /// What was seen after.
    pub next_observations: Columns<'a>,
}

/// A reward that is one at a target and fades with the distance from it: `exp(−½ (o − t)ᵀ W (o − t))` of the flat observation o after the step.
#[derive(Debug, Clone, PartialEq)]
pub struct Bell {
    /// t `[O]`.
    pub target: Vec<f64>,
    /// W `[O][O]`, symmetric and positive semi-definite.
    pub precision: Vec<f64>,
}

/// Reward and termination of a batch of transitions. Must not allocate.
pub trait RewardFunction: Send + Sync {
    /// Writes each row's reward, and whether the task ends there.
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]);

    /// Whether [`evaluate`](Self::evaluate) ever reports termination.
    fn terminates(&self) -> bool {
        false
    }

    /// The form of the reward where it is a bell and never ends a task, so that its expectation has a closed form.
    fn bell(&self) -> Option<Bell> {
        None
    }
}
