//! What making an environment gives.

use std::sync::Arc;

use worldwright_core::{Environment, KnownModel, Result, RewardFunction, Settings, Simulator};

/// An environment, and what is known about it besides.
pub struct Made {
    /// The environment.
    pub environment: Box<dyn Environment>,
    /// Reward and termination as functions of observed transitions, where they are known.
    pub reward: Option<Arc<dyn RewardFunction>>,
    /// Its dynamics, where they are known; without noise and time limit.
    pub simulator: Option<Arc<dyn Simulator>>,
    /// The world as a model of beliefs or positions, where it is known and no simulator stands for it.
    pub model: Option<KnownModel>,
    /// A name for each number of the flat observation.
    pub observation_channels: Vec<String>,
    /// A name for each action dimension, or for each choice.
    pub action_channels: Vec<String>,
    /// Steps until an episode is cut, where that is fixed.
    pub episode_steps: Option<usize>,
    /// The mean return of an optimal policy from the environment's own resets, where it is known.
    pub optimum: Option<f64>,
    /// Whether that is [`EPISODE_STEPS`](crate::EPISODE_STEPS) for want of a limit of the environment's own or the user's.
    pub episode_steps_assumed: bool,
}

/// Builds an environment from its settings.
pub type Build = fn(&Settings) -> Result<Made>;
