//! Optimal control against known optima.

mod derivatives;
mod models;
mod planners;
