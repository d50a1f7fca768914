//! World models, one file each.
//!
//! Every model is a [`LearnedModel`]: it is fitted to a [`Dataset`](worldwright_core::Dataset), saved and restored, and it opens
//! arenas in which planners imagine. [`ALL`] lists them; [`build`] makes one by name.
//! A model that learns transitions is one [`transition::Regressor`]; everything else is in [`transition`].
//!
//! ```
//! use std::collections::BTreeMap;
//! use worldwright_core::Space;
//! use worldwright_models::{ModelContext, build};
//!
//! let context = ModelContext {
//!     observation_space: Space::unbounded(4),
//!     action_space: Space::vector(&[-1.0], &[1.0]),
//!     reward: None, // learned from the data
//!     simulator: None,
//!     known: None,
//!     discount: 0.99,
//!     seed: 0,
//! };
//! let model = build("linear", &context, &BTreeMap::new()).unwrap();
//! assert_eq!(model.spec().members, 1);
//! ```

mod arena;
mod auto;
mod brought;
mod deterministic;
mod ensemble;
pub mod expression;
mod gp;
mod known;
mod linear;
mod tabular;
mod training;
pub mod transition;

pub use known::Known;

use std::collections::BTreeMap;
use std::sync::Arc;

use worldwright_core::{
    Entry, KnownModel, LearnedModel, Result, RewardFunction, Setting, Settings, Simulator, Space, find,
};

/// What a model is told of the task that it will model.
#[derive(Clone)]
pub struct ModelContext {
    /// What is observed. Models see flat observations (see [`Space::flat_dim`]).
    pub observation_space: Space,
    /// What can be done. Models see flat actions, or numbers of choices.
    pub action_space: Space,
    /// Reward and termination where they are known; `None` has the model learn both from the data.
    pub reward: Option<Arc<dyn RewardFunction>>,
    /// The dynamics where they are known, for the model `known`.
    pub simulator: Option<Arc<dyn Simulator>>,
    /// The world as a model of its own, where it is known and no simulator stands for it.
    pub known: Option<KnownModel>,
    /// Factor on the future, per step: an imagined continuation is this where the task goes on.
    pub discount: f64,
    /// Seed of whatever the model draws when it is built.
    pub seed: u64,
}

/// Builds a model for a task from a complete set of settings.
pub type Build = fn(&ModelContext, &Settings) -> Result<Box<dyn LearnedModel>>;

/// Every model that can be named.
pub const ALL: &[Entry<Build>] =
    &[known::ENTRY, tabular::ENTRY, linear::ENTRY, gp::ENTRY, deterministic::ENTRY, ensemble::ENTRY, auto::ENTRY];

/// The model called `name` with `overrides` laid over its default settings.
///
/// # Errors
/// [`Error::Unknown`](worldwright_core::Error::Unknown) for a name or a setting that is not listed, and what the model itself
/// refuses.
pub fn build(
    name: &str,
    context: &ModelContext,
    overrides: &BTreeMap<String, Setting>,
) -> Result<Box<dyn LearnedModel>> {
    let entry = find(ALL, "model", name)?;
    (entry.build)(context, &Settings::resolve(entry.name, entry.parameters, overrides)?)
}
