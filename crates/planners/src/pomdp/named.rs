//! A table whose states, actions and observations have names.

use super::Table;

/// The table and the names, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The problem.
    pub table: Table,
    /// Its states.
    pub states: Vec<String>,
    /// Its actions.
    pub actions: Vec<String>,
    /// Its observations.
    pub observations: Vec<String>,
}
