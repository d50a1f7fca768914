//! Decision-time planners, a folder for each kind: given a model and a row of its arena, find what to do.
//!
//! [`ALL`] lists them; [`make`] builds one by name. All of them see a model only as [`Imagination`]: row 0 of the arena is
//! the root, rows `1..=N` are the candidates, stepped in place. The sampling planners are two hooks (`draw` candidates,
//! `update` the distribution) on the one loop in `sampling/base.rs`; budgets, risk, constraints, terminal values, policy
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
//! number `i` as [`Space::write_element`](worldwright_core::Space::write_element) counts them); larger ones are searched in their flat vector ([`Space::flatten`](worldwright_core::Space::flatten)), factor by factor,
//! and candidates are snapped to elements before a model sees them. Where nothing bounds a number, its spread begins at that of the data
//! and grows to where the reward is. A model takes what its planner gives: numbers of choices, or flat actions.
//!
//! Spaces of up to four dimensions need no search: [`grid`] finds their optimal values, by which the others are judged.
//!
//! [`Imagination`]: worldwright_core::Imagination

use std::collections::BTreeMap;

use worldwright_core::{Entry, Planner, Result, Setting, Settings, find};

mod actions;
mod adaptation;
mod common;
mod context;
mod continuous;
mod greedy;
pub mod grid;
mod objective;
mod sampling;
pub mod skills;
pub mod subgoal;
mod trajectory;
pub mod tree;

pub use adaptation::CovarianceAdaptation;
pub use context::{Build, PlannerContext};
pub use sampling::{BatchPlanner, Regulariser, make_regularised};

/// Every planner.
pub const ALL: &[Entry<Build>] = &[
    greedy::ENTRY,
    sampling::random_shooting::ENTRY,
    sampling::predictive_sampling::ENTRY,
    sampling::cem::ENTRY,
    sampling::icem::ENTRY,
    sampling::mppi::ENTRY,
    sampling::cma_es::ENTRY,
    trajectory::gradient::ENTRY,
    trajectory::ilqr::ILQR,
    trajectory::ilqr::DDP,
    trajectory::lqr::ENTRY,
    trajectory::collocation::ENTRY,
    tree::uct::ENTRY,
    tree::puct::ENTRY,
    tree::gumbel::ENTRY,
    continuous::PROGRESSIVE_WIDENING,
    continuous::SAMPLED_MCTS,
    grid::entry::ENTRY,
];

/// The planner called `name` with `overrides` laid over its default settings.
///
/// # Errors
/// [`Error::Unknown`](worldwright_core::Error::Unknown) for a name or setting that does not exist,
/// [`Error::Config`](worldwright_core::Error::Config) for a value out of range,
/// [`Error::Unsupported`](worldwright_core::Error::Unsupported) for an action space that it cannot search.
pub fn make(name: &str, context: &PlannerContext, overrides: &BTreeMap<String, Setting>) -> Result<Box<dyn Planner>> {
    let entry = find(ALL, "planner", name)?;
    (entry.build)(context, &Settings::resolve(name, entry.parameters, overrides)?)
}
