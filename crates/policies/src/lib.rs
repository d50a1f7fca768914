//! Policies and their learners, one file each.
//!
//! A policy that learns from what was experienced is a [`LearnedPolicy`]: it samples what it wants of an
//! [`Experience`](worldwright_core::Experience), be that real or imagined. One that learns by unrolling a latent model is an [`ImaginedPolicy`].
//! [`ALL`] lists the policies.

mod acting;
mod actor_critic;
#[cfg(test)]
mod adding_a_policy;
mod batch;
mod bc;
mod context;
mod critics;
mod dqn;
mod draws;
mod judging;
mod networks;
mod options;
mod sac;
mod scaling;
mod taught;
mod td3;

use worldwright_core::Entry;

pub use context::{Build, ImaginedPolicy, LearnedPolicy, PolicyContext};

/// Every policy that can be named.
pub const ALL: &[Entry<Build>] = &[sac::ENTRY, td3::ENTRY, dqn::ENTRY, bc::ENTRY, actor_critic::ENTRY];
