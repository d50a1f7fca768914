//! What an algorithm is built from.

use std::sync::Arc;

use worldwright_core::{Interrupt, KnownModel, RewardFunction, Simulator, Space};
use worldwright_models::ModelContext;

/// What an algorithm is told of the environment.
#[derive(Clone)]
pub struct AgentContext {
    /// What is observed.
    pub observation_space: Space,
    /// What can be done.
    pub action_space: Space,
    /// The reward as a function, or none where it must be learned.
    pub reward: Option<Arc<dyn RewardFunction>>,
    /// The true dynamics, where they are known.
    pub simulator: Option<Arc<dyn Simulator>>,
    /// The world as a model of its own, where it is known and no simulator stands for it.
    pub known: Option<KnownModel>,
    /// How many players take turns.
    pub players: usize,
    /// Episodes that the agent acts in at once, at least 1.
    pub places: usize,
    /// The run's seed.
    pub seed: u64,
    /// A request to stop, which fits and decisions look at.
    pub interrupt: Interrupt,
}

impl AgentContext {
    /// What a model is told of it, and how much later rewards count.
    pub(crate) fn for_model(&self, discount: f64) -> ModelContext {
        ModelContext {
            observation_space: self.observation_space.clone(),
            action_space: self.action_space.clone(),
            reward: self.reward.clone(),
            simulator: self.simulator.clone(),
            known: self.known.clone(),
            players: self.players,
            discount,
            seed: self.seed,
        }
    }
}
