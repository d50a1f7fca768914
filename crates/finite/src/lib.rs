//! Finite Markov decision processes: dynamic programming, and learning by it.
//!
//! This is the referee of everything that learns or searches: its values come with a proven interval ([`Certificate`]) where
//! the process discounts. (Grids over continuous spaces are the planner `grid`.)
//!
//! - [`Mdp`] holds a process in compressed sparse form; [`MdpBuilder`] checks what goes in; [`enumerate`] finds one by exploring any
//!   [`Imagination`](worldwright_core::Imagination).
//! - [`value_iteration`], [`policy_iteration`], [`modified_policy_iteration`] and [`prioritised_sweeping`] find the optimal value;
//!   [`finite_horizon`] the value of each number of remaining steps; [`average_reward`] the gain of a process without end.
//! - [`online`] holds the tabular learners, which act and learn from one transition at a time: Q-learning and Sarsa with their kin, Dyna,
//!   prioritised sweeping, R-max, posterior sampling.
//! - [`SuccessorFeatures`] carry what was learned of some tasks over to any other one with the same features.
//!
//! ```
//! use worldwright_finite::{MdpBuilder, Stop, Sweep, value_iteration};
//!
//! // Stay for 1 a step, or leave once for 5.
//! let mut builder = MdpBuilder::new(0.9);
//! builder.state().action().outcome(1.0, 1.0, Some(0)).action().outcome(1.0, 5.0, None);
//! let solution = value_iteration(&builder.build()?, Sweep::Synchronous, &Stop::default())?;
//! assert!((solution.values[0] - 10.0).abs() < 1e-6);
//! assert_eq!(solution.policy[0], 0);
//! # Ok::<(), worldwright_core::Error>(())
//! ```

mod average;
mod certificate;
mod enumerate;
mod horizon;
mod linear;
mod mdp;
pub mod online;
mod policy_iteration;
mod prioritised;
mod states;
mod successor;
mod value_iteration;

pub use average::{AverageReward, average_reward};
pub use certificate::{Certificate, NO_ACTION, Solution, Stop};
pub use enumerate::{Enumerated, Enumeration, enumerate};
pub use horizon::{Stages, finite_horizon};
pub use mdp::{Mdp, MdpBuilder};
pub use policy_iteration::{evaluate, modified_policy_iteration, policy_iteration};
pub use prioritised::prioritised_sweeping;
pub use successor::SuccessorFeatures;
pub use value_iteration::{Sweep, value_iteration, value_iteration_from};
