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
