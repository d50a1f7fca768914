//! Agents against the environments they are for.

mod design;
mod model_based;
mod resolving;
