//! A model, a planner and a memory put together: the named algorithms.
//!
//! An algorithm is a line in [`ALL`]: a [`Recipe`] of roles with who plays them unless told otherwise, and the settings of the
//! agent around them. [`resolve`] lays a user's choices over the algorithm's defaults and the preset for the environment
//! (see [`PRESETS`]) and checks every key; [`build`] makes the agent.

mod believing;
mod carried_belief;
mod caution;
mod choosing;
mod closing;
mod context;
mod deciding;
mod doubting;
mod dreaming;
mod dyna_agent;
mod estimating;
mod evolution;
mod evolving_agent;
mod expanding;
mod fitted;
mod fitting;
mod goals;
mod guided;
mod imitating_agent;
mod interaction;
mod interest;
mod kept;
mod labelled;
mod latent_agent;
mod latent_arena;
mod masked;
mod mixture;
mod model_based;
mod newest;
mod parts;
mod pilco;
mod places;
mod planned;
mod planning_settings;
mod policy_agent;
mod practising_agent;
mod presets;
mod random;
mod recipe;
mod recipes;
mod refreshing;
mod resolve;
mod search_agent;
mod svg;
mod table_agent;
mod tally;
mod tether;
mod updates;
mod walking;

use worldwright_core::{Agent, Entry, Result};

pub use choosing::{AUTO, Chosen, choose};
pub use context::AgentContext;
pub use estimating::{Decide, Estimate, LEVEL, Question, Weighed, Weighing, estimate, per_decision};
pub use goals::Reaching;
pub use interaction::{Failure, Interaction, Start, Taken};
pub use model_based::{ModelBasedAgent, build_model};
pub use parts::{Choice, Overrides, Part, Parts, Resolved};
pub use presets::{Line, PRESETS, Preset, PresetPart};
pub use random::RandomAgent;
pub use recipe::{Lessons, Recipe, Role, SECTIONS, Section};
pub use recipes::ALL;
pub use resolve::{environment_settings, resolve};

/// The algorithm that plans in a model of this name unless told otherwise; of other models the first one that plans.
pub fn algorithm_of(model: &str) -> &'static str {
    let plays = |entry: &&Entry<Recipe>| {
        let role = |section: &str| entry.build.roles.iter().find(|role| role.section == section);
        role("planner").is_some() && role("model").is_some_and(|role| role.default == model)
    };
    ALL.iter().find(plays).map_or(ALL[0].name, |entry| entry.name)
}

/// Builds the agent that `resolved` describes.
///
/// # Errors
/// What the model, the planner or the agent says of its settings or of the spaces.
pub fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let entry = worldwright_core::find(ALL, "algorithm", &resolved.algorithm)?;
    // Errors of a part's settings have its section by then.
    (entry.build.build)(resolved, context).map_err(|error| error.in_section("agent", |key| resolved.agent.has(key)))
}
