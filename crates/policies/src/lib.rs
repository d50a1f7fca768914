//! Policies and their learners, one file each.
//!
//! A policy that learns from what was experienced is a [`LearnedPolicy`]: it samples what it wants of an
//! [`Experience`](worldwright_core::Experience), be that real or imagined. One that learns by unrolling a latent model is an [`ImaginedPolicy`], one
//! whose numbers are tried as a whole an [`EvolvedPolicy`], one that climbs derivatives by its actions a [`ReparametrisedPolicy`], one that learns by what is
//! foreseen of normal distributions a [`MomentPolicy`]; what tells values for plans to end in is a [`LearnedValue`].
//! [`ALL`] lists the policies.

mod acting;
mod actor_critic;
#[cfg(test)]
mod adding_a_policy;
mod batch;
mod bc;
mod behaviour;
mod context;
mod critics;
mod direct;
mod dqn;
mod draws;
mod fitted_q;
mod foreseen;
mod gaussian;
mod iql;
mod judging;
mod moments;
mod networks;
mod on_policy;
mod options;
mod returns;
mod sac;
mod scaling;
mod taught;
mod td3;
mod value_ensemble;

use worldwright_core::Entry;

pub use behaviour::Behaviour;
pub use context::{
    Build, EvolvedPolicy, ImaginedPolicy, LearnedPolicy, LearnedValue, MomentPolicy, PolicyContext,
    ReparametrisedPolicy,
};
pub use fitted_q::{FittedQ, FittedQConfig, episode_numbers};

/// Every policy that can be named.
pub const ALL: &[Entry<Build>] = &[
    sac::ENTRY,
    td3::ENTRY,
    dqn::ENTRY,
    dqn::TREE,
    on_policy::PPO,
    on_policy::A2C,
    on_policy::REINFORCE,
    direct::ENTRY,
    bc::ENTRY,
    td3::ANCHORED,
    iql::ENTRY,
    sac::CONSERVATIVE,
    actor_critic::ENTRY,
    gaussian::ENTRY,
    value_ensemble::ENTRY,
    foreseen::rbf::ENTRY,
    foreseen::linear::ENTRY,
];
