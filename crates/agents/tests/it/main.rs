//! Agents against the environments they are for.

mod belief;
mod beliefs;
mod bootstrapping;
mod climbing;
mod closing;
mod conformance;
mod estimating;
mod in_updates;
mod learning;
mod model_based;
mod resolving;
mod searching;
mod tables;
