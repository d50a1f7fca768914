//! What algorithms are made of: roles, each filled by an entry of a room's list.

use worldwright_core::{Agent, Parameter, Result, find};

use crate::{AgentContext, Resolved};

/// A section of an experiment that chooses an entry of a list for a role.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its name, which stands before the dot of its settings' keys.
    pub name: &'static str,
    /// The settings of an entry, by its name.
    pub parameters: fn(&str) -> Result<&'static [Parameter]>,
}

/// Every section that chooses for a role.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "model",
        parameters: |name| find(worldwright_models::ALL, "model", name).map(|entry| entry.parameters),
    },
    Section {
        name: "planner",
        parameters: |name| find(worldwright_planners::ALL, "planner", name).map(|entry| entry.parameters),
    },
    Section {
        name: "policy",
        parameters: |name| find(worldwright_policies::ALL, "policy", name).map(|entry| entry.parameters),
    },
    Section {
        name: "value",
        parameters: |name| find(worldwright_policies::ALL, "policy", name).map(|entry| entry.parameters),
    },
    Section {
        name: "learner",
        parameters: |name| find(worldwright_finite::online::ALL, "learner", name).map(|entry| entry.parameters),
    },
];

/// A role of an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// The section that chooses who plays it.
    pub section: &'static str,
    /// Who does unless told otherwise.
    pub default: &'static str,
}

/// What an algorithm learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lessons {
    /// Its own steps and recorded ones alike.
    Any,
    /// Recorded episodes alone: what it does itself is no experience to learn from.
    Recorded,
    /// Its own steps alone: what others did would teach it nothing.
    Own,
}

/// How an algorithm is put together.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// Its roles.
    pub roles: &'static [Role],
    /// What it learns from.
    pub learns_from: Lessons,
    /// Whether it plays every side of a game whose players take turns, and learns from all of them.
    pub both_sides: bool,
    /// Updates on recorded episodes where a run takes no step in an environment and nobody says how many.
    pub updates: u64,
    /// Builds the agent.
    pub build: fn(&Resolved, &AgentContext) -> Result<Box<dyn Agent>>,
}
