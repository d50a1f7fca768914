//! Where a run's environment and agent come from. The loop asks a [`Workshop`], so that it can be tried on any pair of them.

use worldwright_core::{Agent, Dataset, Error, Interrupt, Result};
use worldwright_data::{EpisodeStore, Replay};
use worldwright_envs::Made;

use crate::{Experiment, RunFolder};

/// Makes what an experiment names.
pub trait Workshop {
    /// A new instance of the environment. Called once for training, once for evaluation, and again when one has broken.
    ///
    /// # Errors
    /// What the environment says of its settings, or of what it lacks.
    fn environment(&self, experiment: &Experiment) -> Result<Made>;

    /// The agent, for the spaces of `made`; its fits and decisions look at `interrupt`.
    ///
    /// # Errors
    /// What the agent or its parts say of their settings.
    fn agent(&self, experiment: &Experiment, made: &Made, interrupt: &Interrupt) -> Result<Box<dyn Agent>>;

    /// The transitions that the agent begins with, where the experiment names some.
    ///
    /// # Errors
    /// [`Error::Config`] where its name is no folder of recorded episodes.
    fn recorded(&self, experiment: &Experiment) -> Result<Option<Dataset>> {
        if experiment.data.is_empty() {
            return Ok(None);
        }
        // A run's folder keeps its episodes one level down.
        let within = RunFolder::new(&experiment.data).episodes();
        let folder = if within.exists() { within } else { experiment.data.clone().into() };
        let unread = |error: Error| {
            let why =
                format!("{} holds no recorded episodes ({error}); `worldwright collect` records some", experiment.data);
            Error::config("data", why)
        };
        let store = EpisodeStore::open(&folder).map_err(unread)?;
        Replay::from_store(&store)?.dataset().map(Some)
    }
}
