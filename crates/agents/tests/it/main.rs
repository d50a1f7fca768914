//! Agents against the environments they are for.

mod belief;
mod model_based;
mod resolving;
mod tiger;
