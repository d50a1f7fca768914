//! Native environments and the worker that drives Python ones.
//!
//! [`make`] builds any environment by the name that users write; [`ALL`] lists the native ones. What comes back is [`Made`]:
//! the environment, and where they are known its reward as a function of transitions and its dynamics as a simulator.
//!
//! ```
//! use worldwright_core::Value;
//!
//! let mut made = worldwright_envs::make("pendulum", &Default::default())?;
//! let first = made.environment.reset(0)?;
//! let step = made.environment.step(&Value::Floats(vec![0.5]))?;
//! assert!(step.reward < 0.0 && !step.terminated);
//! # Ok::<(), worldwright_core::Error>(())
//! ```
//!
//! A native environment is one file that implements the private trait `World` and one line in [`ALL`]. Actions beyond the
//! bounds are treated as the original treats them; pictures are 320 × 240.

#[allow(dead_code)] // The coming environments use the rest of it.
mod draw;
mod native;
mod pendulum;
mod settings;
mod trig;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use worldwright_core::{Entry, Environment, Result, RewardFunction, Setting, Settings, Simulator, find};

/// An environment, and what is known about it besides.
pub struct Made {
    /// The environment.
    pub environment: Box<dyn Environment>,
    /// Reward and termination as functions of observed transitions, where they are known.
    pub reward: Option<Arc<dyn RewardFunction>>,
    /// Its dynamics, where they are known; without noise and time limit.
    pub simulator: Option<Arc<dyn Simulator>>,
    /// A name for each number of the flat observation.
    pub observation_channels: Vec<String>,
    /// A name for each action dimension, or for each choice.
    pub action_channels: Vec<String>,
    /// Steps until an episode is cut, where that is fixed.
    pub episode_steps: Option<usize>,
}

/// Builds an environment from its settings.
pub type Build = fn(&Settings) -> Result<Made>;

/// The native environments.
pub const ALL: &[Entry<Build>] = &[Entry {
    name: "pendulum",
    summary: "swing a pendulum up with a torque too weak to lift it at once; continuous",
    source: "Gymnasium 1.x, Pendulum-v1",
    parameters: pendulum::PARAMETERS,
    build: pendulum::make,
}];

/// Other names of native environments: the identifiers under which their originals are known.
pub const ALIASES: &[(&str, &str)] = &[("Pendulum-v1", "pendulum")];

/// Builds the environment that users call `id`: a name of [`ALL`] or [`ALIASES`], with `overrides` over its settings.
///
/// # Errors
/// [`Error::Unknown`](worldwright_core::Error::Unknown) for a name that nothing has, with the nearest that something has;
/// [`Error::Config`](worldwright_core::Error::Config) for settings of another type or out of range.
pub fn make(id: &str, overrides: &BTreeMap<String, Setting>) -> Result<Made> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == id).map_or(id, |(_, name)| name);
    let entry = find(ALL, "environment", name)?;
    (entry.build)(&Settings::resolve(entry.name, entry.parameters, overrides)?)
}
