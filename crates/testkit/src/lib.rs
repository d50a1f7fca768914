//! Oracles with closed forms and public conformance checks for Worldwright's traits.
//!
//! - Oracles: [`lqr`] (Riccati recursions), [`kalman`], [`tabular`] (value iteration), on the small dense [`matrix`].
//! - Models to plan in: [`DynamicsModel`] makes a [`WorldModel`](worldwright_core::WorldModel) of anything that advances one
//!   state vector ([`Dynamics`]): [`LinearQuadratic`], [`Pendulum`], [`MountainCar`], [`golden_ratio`], [`minimum_time`], [`dubins_car`], and whatever is
//!   [`Told`] by one function; [`Faulty`] breaks any model on purpose; [`ProcessModel`] makes a stochastic model of a table.
//! - Conformance: [`check_agent`], [`check_environment`], [`check_learner`], [`check_planner`], [`check_world_model`] panic with what was violated; every
//!   room runs them over every entry of its list.
//! - [`allocations`] counts what a piece of code allocates; [`strategies`] are proptest's generators of the shared types; [`cases`]
//!   says how many of them a test tries.

pub mod allocations;
mod cases;
mod conformance;
mod dynamics;
mod faulty;
pub mod kalman;
mod linear_quadratic;
pub mod lqr;
pub mod matrix;
mod mountain_car;
mod pendulum;
mod process_model;
pub mod strategies;
pub mod tabular;
mod told;

pub use cases::cases;
pub use conformance::agent::{MakeAgent, check_agent, random_transitions};
pub use conformance::environment::check_environment;
pub use conformance::learner::check_learner;
pub use conformance::planner::check_planner;
pub use conformance::world_model::check_world_model;
pub use dynamics::{Dynamics, DynamicsModel, LaneAction, Outcome, Place, plain_spec};
pub use faulty::{Fault, Faulty};
pub use linear_quadratic::LinearQuadratic;
pub use mountain_car::MountainCar;
pub use pendulum::Pendulum;
pub use process_model::ProcessModel;
pub use told::{Told, dubins_car, golden_ratio, minimum_time};
