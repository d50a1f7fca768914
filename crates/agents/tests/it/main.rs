//! Agents against the environments they are for.

mod belief;
mod beliefs;
mod model_based;
mod resolving;
