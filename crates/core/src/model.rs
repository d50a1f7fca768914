//! World models: what was learned or known, immutable and shared between threads while planners use it.

use std::sync::Arc;

use crate::{Dataset, Error, Imagination, Interrupt, Persist, Result, Rng, Space};

/// What a planner may know of a model before using it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// The model's name in its list.
    pub name: String,
    /// What it observes.
    pub observation_space: Space,
    /// What it can be told to do.
    pub action_space: Space,
    /// Lanes that each row carries: members of an ensemble, or particles. At least 1.
    pub members: usize,
    /// Constraint values a step; satisfied where not positive.
    pub constraints: usize,
    /// Z, how many numbers [`Imagination::read_latent`] gives for a row; zero where latents cannot be read.
    pub latent_dim: usize,
    /// Whether a step depends on nothing but row and action.
    pub deterministic: bool,
    /// What else it can do.
    pub capabilities: Capabilities,
}

impl ModelSpec {
    /// Refuses to decode a lane that is not there, or into room for another observation.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape).
    pub fn check_decoded(&self, member: usize, room: usize) -> Result<()> {
        let width = self.observation_space.flat_dim();
        if member < self.members && room == width {
            return Ok(());
        }
        Err(Error::shape("decoded lane and length", &[self.members, width], &[member, room]))
    }
}

/// What only some models can do: declared here once, and then delivered; what is not declared is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Whether its rows are beliefs that depend on all that was seen: [`Imagination::observe`] then needs the row before and the action.
    pub memory: bool,
    /// Whether [`Imagination::value`] is there.
    pub value: bool,
    /// Whether [`Imagination::prior`] is there.
    pub prior: bool,
    /// Whether [`Imagination::state_keys`] is there.
    pub keys: bool,
    /// Whether [`Imagination::decode`] is there.
    pub decode: bool,
    /// Whether [`Imagination::applicable`] may take actions away.
    pub rules: bool,
    /// Whether [`Imagination::linearize`] and [`Imagination::pullback`] know the derivatives of a step, rather than find them by
    /// differences of many. Either way they are those of what a step computes.
    pub derivatives: bool,
}

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
