//! A model, a planner and a memory put together: the named algorithms.
//!
//! An algorithm is a line in [`ALL`]: which model and which planner it uses unless told otherwise, and the settings of the
//! agent around them. [`resolve`] lays a user's choices over the algorithm's defaults and the preset for the environment
//! (see [`PRESETS`]) and checks every key; [`build`] makes the agent.

mod model_based;
mod presets;
mod resolve;

use std::sync::Arc;

use worldwright_core::{
    Agent, Entry, Interrupt, KnownModel, Parameter, Result, RewardFunction, SettingDefault, Simulator, Space,
};

pub use model_based::{ModelBasedAgent, build_model};
pub use presets::{Line, PRESETS, Preset};
pub use resolve::{Choice, Overrides, Parts, Resolved, environment_settings, resolve, reward_settings};

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
    /// The run's seed.
    pub seed: u64,
    /// A request to stop, which fits and decisions look at.
    pub interrupt: Interrupt,
}

/// How an algorithm is composed.
#[derive(Debug, Clone, Copy)]
pub struct Composition {
    /// The model used unless told otherwise.
    pub model: &'static str,
    /// The planner used unless told otherwise.
    pub planner: &'static str,
    /// Builds the agent.
    pub build: fn(&Resolved, &AgentContext) -> Result<Box<dyn Agent>>,
}

/// The named algorithms.
pub const ALL: &[Entry<Composition>] = &[
    Entry {
        name: "pets",
        summary: "probabilistic ensemble and trajectory sampling: plan at every step through a learned ensemble",
        source: "Chua, Calandra, McAllister and Levine, NeurIPS 2018",
        parameters: LEARNING,
        build: Composition { model: "ensemble", planner: "icem", build: model_based::build },
    },
    Entry {
        name: "gp-mpc",
        summary: "model-predictive control through Gaussian processes: the least data, below about 1,500 transitions",
        source: "Kamthe and Deisenroth, AISTATS 2018",
        parameters: LEARNING,
        build: Composition { model: "gp", planner: "icem", build: model_based::build },
    },
    Entry {
        name: "tabular",
        summary: "dynamic programming in the finite process that was counted, with optimism: for discrete observations",
        source: "Strehl and Littman, JCSS 2008",
        parameters: LEARNING,
        build: Composition { model: "tabular", planner: "greedy", build: model_based::build },
    },
    Entry {
        name: "mpc",
        summary: "model-predictive control on the known simulator: nothing is learned",
        source: "Rawlings, Mayne and Diehl, Model Predictive Control, 2017",
        parameters: LEARNING,
        build: Composition { model: "known", planner: "icem", build: model_based::build },
    },
];

/// Settings of every agent that plans through a model.
const LEARNING: &[Parameter] = &[
    Parameter {
        name: "initial_steps",
        default: SettingDefault::Integer(200),
        summary: "environment steps with random actions before the first fit",
    },
    Parameter {
        name: "fit_every",
        default: SettingDefault::Integer(0),
        summary: "environment steps between fits; 0 fits at the end of each episode",
    },
    Parameter {
        name: "exploration_noise",
        default: SettingDefault::Float(0.0),
        summary: "standard deviation of Gaussian noise on continuous actions while learning, as a share of half their range; \
                  for discrete ones the chance of a random choice",
    },
    Parameter {
        name: "replan_every",
        default: SettingDefault::Integer(1),
        summary: "environment steps that a plan is followed before planning again",
    },
    Parameter {
        name: "discount",
        default: SettingDefault::Float(1.0),
        summary: "what a reward one step later is worth",
    },
    Parameter {
        name: "decision_ms",
        default: SettingDefault::Float(0.0),
        summary: "milliseconds a decision may take, 0 for no limit; with a limit, results depend on the machine's speed",
    },
];

/// The algorithm where nobody said one: dynamic programming where everything can be counted and no other model or planner is
/// asked for, else an ensemble.
pub fn default_algorithm(given: &Parts, observations: &Space, actions: &Space) -> &'static str {
    const MOST_COUNTED: usize = 100_000;
    let few = |space: &Space, most: usize| space.count().is_some_and(|count| count <= most);
    let free = |choice: &Choice, name: &str| choice.name.as_deref().is_none_or(|given| given == name);
    let counted = few(observations, MOST_COUNTED) && few(actions, 1000);
    if counted && free(&given.model, "tabular") && free(&given.planner, "greedy") { "tabular" } else { "pets" }
}

/// Builds the agent that `resolved` describes.
///
/// # Errors
/// What the model, the planner or the agent says of its settings or of the spaces.
pub fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let entry = worldwright_core::find(ALL, "algorithm", &resolved.algorithm)?;
    (entry.build.build)(resolved, context)
}
