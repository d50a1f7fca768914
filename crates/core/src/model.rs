//! World models: what was learned or known, immutable and shared between threads while planners use it.

use std::sync::Arc;

use crate::{Dataset, Imagination, Interrupt, ModelSpec, Persist, Result, Rng};

/// A model of how a world moves and pays.
pub trait WorldModel: Send + Sync {
    /// What it is.
    fn spec(&self) -> &ModelSpec;

    /// An arena of `rows` rows; allocates everything it will ever need.
    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_>;
}

/// Makes a world model of a known world that no simulator of numbers stands for, with this factor on the future.
pub type KnownModel = Arc<dyn Fn(f64) -> Box<dyn WorldModel> + Send + Sync>;

/// What a fit did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FitReport {
    /// Passes over the data.
    pub epochs: usize,
    /// Loss on the training part at the end, in the model's own unit.
    pub training_loss: f64,
    /// Mean squared error of one-step prediction on held-out transitions, each dimension in units of the data's variance.
    /// None where nothing was held out, or what is predicted are not observations to compare.
    pub holdout_mse: Option<f64>,
    /// The choice that the model made, in words (kernel, elites, `auto`'s reason …); empty when there was none.
    pub note: String,
}

/// A model that learns from transitions.
pub trait Learn {
    /// Fits to `dataset`, starting from what was learned before. The result depends on the model's state, the data and
    /// `rng` alone. A long fit looks at `interrupt` as it goes; interrupted, it leaves the model as it was.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for data of other dimensions, [`Error::Config`](crate::Error::Config) for too
    /// little data, [`Error::Diverged`](crate::Error::Diverged) when training gave numbers that are not finite,
    /// [`Error::Interrupted`](crate::Error::Interrupted) once `interrupt` is requested.
    fn fit(&mut self, dataset: &Dataset, rng: &mut Rng, interrupt: &Interrupt) -> Result<FitReport>;

    /// Whether a fit changes anything, so that there is something to wait for before planning in it.
    fn learns(&self) -> bool {
        true
    }
}

/// A model that can be used, fitted, saved and restored: what the list of models builds.
pub trait LearnedModel: WorldModel + Learn + Persist {
    /// The same object as a model to plan in.
    fn as_world_model(&self) -> &dyn WorldModel;
}

impl<T: WorldModel + Learn + Persist> LearnedModel for T {
    fn as_world_model(&self) -> &dyn WorldModel {
        self
    }
}
