//! Where a run's environment and agent come from. The loop asks a [`Workshop`], so that it can be tried on any pair of them.

use worldwright_core::{Agent, Result};
use worldwright_envs::Made;

use crate::Experiment;

/// Makes what an experiment names.
pub trait Workshop {
    /// A new instance of the environment. Called once for training, once for evaluation, and again when one has broken.
    ///
    /// # Errors
    /// What the environment says of its settings, or of what it lacks.
    fn environment(&self, experiment: &Experiment) -> Result<Made>;

    /// The agent, for the spaces of `made`.
    ///
    /// # Errors
    /// What the agent or its parts say of their settings.
    fn agent(&self, experiment: &Experiment, made: &Made) -> Result<Box<dyn Agent>>;
}
