//! What a planner is built from.

use worldwright_core::{ModelSpec, Planner, Result, Settings, Space};

/// What a planner must know of its model when it is built.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannerContext {
    /// What the model can be told to do.
    pub action_space: Space,
    /// Lanes that each row carries: members of an ensemble, or particles. At least 1.
    pub members: usize,
    /// How many numbers a row's latent has; zero where latents cannot be read.
    pub latent_dim: usize,
    /// Whether the model gives values of rows.
    pub has_value: bool,
    /// Whether a step of the model depends on nothing but row and action.
    pub deterministic: bool,
    /// The seed of all the planner's random numbers.
    pub seed: u64,
}

impl PlannerContext {
    /// The context of a model.
    pub fn for_model(spec: &ModelSpec, seed: u64) -> Self {
        Self {
            action_space: spec.action_space.clone(),
            members: spec.members,
            latent_dim: spec.latent_dim,
            has_value: spec.capabilities.value,
            deterministic: spec.deterministic,
            seed,
        }
    }
}

/// Builds a planner from checked settings.
pub type Build = fn(&PlannerContext, &Settings) -> Result<Box<dyn Planner>>;
