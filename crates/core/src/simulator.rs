//! Known dynamics as batched functions: what the `known` model plans in, and what native environments are made of.

use crate::{Actions, Columns, ColumnsMut, Result, Space};

/// Deterministic known dynamics over a state vector, a batch at a time.
pub trait Simulator: Send + Sync {
    /// What is observed.
    fn observation_space(&self) -> &Space;

    /// What it takes.
    fn action_space(&self) -> &Space;

    /// Length of the state vector.
    fn state_dim(&self) -> usize;

    /// The state that shows itself as `observation` (flat).
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) when the observation does not determine the state.
    fn state_from_observation(&self, observation: &[f64], state: &mut [f64]) -> Result<()>;

    /// The flat observation of a state.
    fn observe(&self, state: &[f64], observation: &mut [f64]);

    /// How beliefs about its state are kept, where an observation does not determine it; none where it does.
    fn filter(&self) -> Option<&dyn Filter> {
        None
    }

    /// Advances a batch by one step. Actions beyond the bounds are treated as the environment treats them.
    fn step(
        &self,
        states: Columns<'_>,
        actions: Actions<'_>,
        next_states: &mut ColumnsMut<'_>,
        reward: &mut [f64],
        terminated: &mut [bool],
    );
}

/// A belief about the state of a [`Simulator`], updated by what is done and seen: a mean to plan from, and numbers that tell how far to
/// trust it, a covariance for instance. No method allocates.
pub trait Filter: Send + Sync {
    /// Numbers of a belief beside the mean.
    fn spread_dim(&self) -> usize;

    /// The belief with which an episode begins, before anything is seen.
    fn begin(&self, mean: &mut [f64], spread: &mut [f64]);

    /// The belief after an action (flat), before what it led to is seen.
    fn predict(&self, mean: &mut [f64], spread: &mut [f64], action: &[f64]);

    /// The belief after an observation (flat).
    fn correct(&self, mean: &mut [f64], spread: &mut [f64], observation: &[f64]);
}
