//! Optimal control against known optima.

mod derivatives;
mod planners;
mod problems;
mod riccati;
mod trajectories;
