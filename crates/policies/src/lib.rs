//! Policies and their learners, one file each.
//!
//! A policy that learns from what was experienced is a [`LearnedPolicy`]: it samples what it wants of an
//! [`Experience`](worldwright_core::Experience), be that real or imagined. [`ALL`] lists the policies.

mod acting;
mod batch;
mod bc;
mod head;
mod sac;

pub use head::ActionHead;

use worldwright_core::{Entry, Learner, Policy, Result, Settings, Space};

/// What a policy is told of its task.
#[derive(Debug, Clone)]
pub struct PolicyContext {
    /// Numbers of what it sees: of a flat observation, or of a latent's features.
    pub inputs: usize,
    /// What can be done.
    pub action_space: Space,
    /// Factor on the future, per step.
    pub discount: f64,
    /// Seed of whatever it draws when it is built.
    pub seed: u64,
}

/// A policy that learns from experience.
pub trait LearnedPolicy: Policy + Learner {}

impl<T: Policy + Learner> LearnedPolicy for T {}

/// Builds a policy from a complete set of settings, by what it learns from.
#[derive(Debug, Clone, Copy)]
pub enum Build {
    /// From transitions or sequences that were experienced.
    Experience(fn(&PolicyContext, &Settings) -> Result<Box<dyn LearnedPolicy>>),
}

/// Every policy that can be named.
pub const ALL: &[Entry<Build>] = &[sac::ENTRY, bc::ENTRY];
