//! Optimal control against known optima.

pub mod problems;
mod trajectories;
