//! Dynamic programming: the referee of every algorithm that learns or searches.
//!
//! A [`FiniteMdp`] is built by hand, by [`enumerate`] from a model with discrete actions, or by a [`Grid`] over a continuous space;
//! [`value_iteration`], [`policy_iteration`], [`prioritized_sweeping`] and [`finite_horizon`] solve it and say how far from
//! optimal the answer can be.

mod enumerate;
mod grid;
mod iteration;
mod mdp;
mod sweeping;

pub use enumerate::{Enumerated, enumerate};
pub use grid::{Axis, Grid, GridModel};
pub use iteration::{FiniteHorizon, Solution, Stop, finite_horizon, policy_iteration, value_iteration};
pub use mdp::{FiniteMdp, MdpBuilder};
pub use sweeping::prioritized_sweeping;
