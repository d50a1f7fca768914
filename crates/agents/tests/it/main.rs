//! Agents against the environments they are for.

mod model_based;
mod resolving;
