//! Decision-time planners, one file each: given a model and a row of its arena, find what to do.
//!
//! [`ALL`] lists them; [`make`] builds one by name. All of them see a model only as [`Imagination`]: row 0 of the arena is
//! the root, rows `1..=N` are the candidates, stepped in place. The sampling planners are two hooks (`draw` candidates,
//! `update` the distribution) on the one loop in `sampling.rs`; budgets, risk, constraints, terminal values, policy
//! priors, diverged rows, saving and restoring live there and are the same for all of them.
//!
//! ```no_run
//! use std::collections::BTreeMap;
//! use worldwright_core::{Action, Budget, Key, Observation, Result, WorldModel};
//! use worldwright_planners::{PlannerContext, make};
//!
//! fn decide(model: &dyn WorldModel, observation: &Observation) -> Result<Action> {
//!     let context = PlannerContext::for_model(model.spec(), 7);
//!     let mut planner = make("icem", &context, &BTreeMap::new())?;
//!     let mut world = model.imagination(planner.rows());
//!     world.observe(0, None, observation, Key::new(7))?;
//!     planner.improve(&mut *world, 0, &Budget::default())?;
//!     let mut action = Action::Integer(0);
//!     planner.act(0, &mut action);
//!     planner.shift(1); // before the next decision
//!     Ok(action)
//! }
//! ```
//!
//! Budgets: with none, a planner runs its configured iterations. A limit in time or model steps without one in iterations lets it
//! go on past them until the limit is reached or the spread is below `tolerance`; set `iterations` too to only cap it. When
//! nothing could be improved (no budget, or every candidate diverged) the plan stands and the report's value is minus infinity.
//!
//! Any action space is searched. Single choices, and spaces of several places with few elements, are lists of zero-based choices (element
//! number `i` as [`Space::write_element`] counts them); larger ones are searched in their flat vector ([`Space::flatten`]), factor by factor,
//! and candidates are snapped to elements before a model sees them. Where nothing bounds a number, its spread begins at that of the data
//! and grows to where the reward is. A model takes what its planner gives: numbers of choices, or flat actions.
//!
//! Tasks that are stated in symbols (PDDL) have no model to imagine with; [`symbolic`] reads, grounds and searches them.
//! Finite processes and spaces of up to four dimensions need no search: [`dp`] finds their optimal values, by which the others are judged.
//! [`problems`] lists what such planners solve: one page of a solution from a few settings.
//!
//! [`Imagination`]: worldwright_core::Imagination

use std::collections::BTreeMap;
use std::sync::Arc;

use worldwright_core::{Entry, Error, ModelSpec, Planner, Result, Setting, Settings, Space, find};

mod actions;
mod batch;
pub mod breadth_first;
mod candidates;
mod cem;
mod cholesky;
mod cma_es;
mod collocation;
mod common;
mod continuous_tree;
pub mod control;
pub mod cube;
mod distribution;
pub mod dp;
mod elites;
mod exponential;
pub mod games;
mod gradient;
mod greedy;
mod icem;
mod ilqr;
mod interner;
mod lqr;
pub mod maze;
pub mod motion;
mod mppi;
mod noise;
mod objective;
mod plan;
pub mod pomdp;
mod predictive_sampling;
mod prior;
pub mod problems;
mod projection;
mod random_shooting;
mod ranking;
mod regulariser;
mod rollout;
mod sampling;
mod search;
mod shooting;
pub mod skills;
mod spline;
pub mod subgoal;
pub mod symbolic;
pub mod task_motion;
pub mod tree;

pub use batch::BatchPlanner;
pub use regulariser::Regulariser;

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
            has_value: spec.has_value,
            deterministic: spec.deterministic,
            seed,
        }
    }
}

/// Builds a planner from checked settings.
pub type Build = fn(&PlannerContext, &Settings) -> Result<Box<dyn Planner>>;

/// Every planner.
pub const ALL: &[Entry<Build>] = &[
    greedy::ENTRY,
    random_shooting::ENTRY,
    predictive_sampling::ENTRY,
    cem::ENTRY,
    icem::ENTRY,
    mppi::ENTRY,
    cma_es::ENTRY,
    gradient::ENTRY,
    ilqr::ILQR,
    ilqr::DDP,
    lqr::ENTRY,
    collocation::ENTRY,
    tree::uct::ENTRY,
    tree::puct::ENTRY,
    tree::gumbel::ENTRY,
    continuous_tree::PROGRESSIVE_WIDENING,
    continuous_tree::SAMPLED_MCTS,
    dp::grid::entry::ENTRY,
];

/// Those of [`ALL`] that sample: they take a [`Regulariser`] and plan for a [batch](BatchPlanner) of problems.
const SAMPLERS: &[search::Sampler] = &[
    random_shooting::SAMPLER,
    predictive_sampling::SAMPLER,
    cem::SAMPLER,
    icem::SAMPLER,
    mppi::SAMPLER,
    cma_es::SAMPLER,
];

/// The planner called `name` with `overrides` laid over its default settings.
///
/// # Errors
/// [`Error::Unknown`] for a name or setting that does not exist,
/// [`Error::Config`] for a value out of range,
/// [`Error::Unsupported`] for an action space that it cannot search.
pub fn make(name: &str, context: &PlannerContext, overrides: &BTreeMap<String, Setting>) -> Result<Box<dyn Planner>> {
    let entry = find(ALL, "planner", name)?;
    (entry.build)(context, &Settings::resolve(name, entry.parameters, overrides)?)
}

/// The sampling planner called `name`, as [`make`] builds it, with `regulariser` in its objective.
///
/// # Errors
/// As [`make`], and [`Error::Unsupported`] for a planner that does not sample.
pub fn make_regularised(
    name: &str,
    context: &PlannerContext,
    overrides: &BTreeMap<String, Setting>,
    regulariser: Arc<dyn Regulariser>,
) -> Result<Box<dyn Planner>> {
    let sampler = sampler(name)?;
    let settings = Settings::resolve(name, sampler.parameters, overrides)?;
    let regularised = Some(regulariser::Regularised::new(regulariser));
    Ok(Box::new(sampling::Sampling::new(sampler, context, &settings, regularised)?))
}

/// The sampling planner called `name`.
fn sampler(name: &str) -> Result<&'static search::Sampler> {
    let entry = find(ALL, "planner", name)?;
    SAMPLERS.iter().find(|sampler| sampler.name == entry.name).ok_or_else(|| {
        let names: Vec<&str> = SAMPLERS.iter().map(|sampler| sampler.name).collect();
        Error::unsupported(entry.name, format!("batches of problems and regularisers: use one of {}", names.join(", ")))
    })
}
