//! Optimal control against known optima.

mod derivatives;
mod models;
mod planners;
mod problems;
mod riccati;
mod trajectories;
