//! What a model is built from.

use std::sync::Arc;

use worldwright_core::{Error, KnownModel, LearnedModel, Result, RewardFunction, Settings, Simulator, Space};

use crate::latent::LatentModel;

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
    /// How many players take turns: with two of them, what follows a step is the other's, and an imagined continuation is negative. Models without
    /// values of their own have no use for it.
    pub players: usize,
    /// Factor on the future, per step: an imagined continuation is this where the task goes on.
    pub discount: f64,
    /// Seed of whatever the model draws when it is built.
    pub seed: u64,
}

/// Builds a model for a task from a complete set of settings, by how it learns.
#[derive(Debug, Clone, Copy)]
pub enum Build {
    /// A model that is fitted to a set of transitions.
    Transitions(fn(&ModelContext, &Settings) -> Result<Box<dyn LearnedModel>>),
    /// A model with latents of its own, which learns in updates as well and whose step policies can unroll.
    Latent(fn(&ModelContext, &Settings) -> Result<Box<dyn LatentModel>>),
}

impl Build {
    /// The model, whichever way it learns.
    ///
    /// # Errors
    /// What the model itself refuses.
    pub fn learned(self, context: &ModelContext, settings: &Settings) -> Result<Box<dyn LearnedModel>> {
        match self {
            Self::Transitions(build) => build(context, settings),
            Self::Latent(build) => Ok(build(context, settings)?),
        }
    }

    /// The model to learn in updates and to imagine on graphs. `name` is its name, for the refusal.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a model whose step is no cell, and what the model itself refuses.
    pub fn latent(self, name: &str, context: &ModelContext, settings: &Settings) -> Result<Box<dyn LatentModel>> {
        match self {
            Self::Latent(build) => build(context, settings),
            Self::Transitions(_) => Err(Error::unsupported(
                name.to_owned(),
                "learning a latent in updates: choose a model that does (rssm, tdmpc2, muzero), or an algorithm that plans in models of transitions, such as pets",
            )),
        }
    }
}
