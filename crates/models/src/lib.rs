//! World models, one file each.
//!
//! Every model is a [`LearnedModel`]: it is fitted to a [`Dataset`](worldwright_core::Dataset), saved and restored, and it opens
//! arenas in which planners imagine. [`ALL`] lists them; [`build`] makes one by name.
//! A model that learns transitions is one [`transition::Regressor`]; everything else is in [`transition`]. A model with latents of its own is a
//! [`LatentModel`], whose step is a cell on a graph.
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
//!     players: 1,
//!     discount: 0.99,
//!     seed: 0,
//! };
//! let model = build("linear", &context, &BTreeMap::new()).unwrap();
//! assert_eq!(model.spec().members, 1);
//! ```

#[cfg(test)]
mod adding_a_model;
mod arena;
mod auto;
mod brought;
mod context;
mod deterministic;
mod ensemble;
pub mod expression;
mod gp;
mod known;
mod latent;
mod linear;
mod muzero;
mod rssm;
mod tabular;
mod tdmpc2;
mod training;
pub mod transition;

pub use context::{Build, ModelContext};
pub use gp::{Foresight, build_foresight};
pub use known::Known;
pub use latent::LatentModel;
pub use muzero::{ROOT_VALUE, SEARCH_POLICY};

use std::collections::BTreeMap;

use worldwright_core::{Entry, LearnedModel, Result, Setting, Settings, find};

/// Every model that can be named.
pub const ALL: &[Entry<Build>] = &[
    known::ENTRY,
    tabular::ENTRY,
    linear::ENTRY,
    gp::ENTRY,
    deterministic::ENTRY,
    ensemble::ENTRY,
    auto::ENTRY,
    rssm::ENTRY,
    muzero::ENTRY,
    tdmpc2::ENTRY,
];

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
    entry.build.learned(context, &Settings::resolve(entry.name, entry.parameters, overrides)?)
}

/// The latent model called `name`, as [`build`] makes others.
///
/// # Errors
/// As for [`build`], and [`Error::Unsupported`](worldwright_core::Error::Unsupported) for a model whose step is no cell.
pub fn build_latent(
    name: &str,
    context: &ModelContext,
    overrides: &BTreeMap<String, Setting>,
) -> Result<Box<dyn LatentModel>> {
    let entry = find(ALL, "model", name)?;
    entry.build.latent(entry.name, context, &Settings::resolve(entry.name, entry.parameters, overrides)?)
}
