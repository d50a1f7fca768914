//! A table whose states, actions and observations have names.

use std::borrow::Cow;

use super::Table;

/// The table and the names, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The problem.
    pub table: Table,
    /// Its states.
    pub states: Names,
    /// Its actions.
    pub actions: Names,
    /// Its observations.
    pub observations: Names,
    /// What was taken to be meant where a file left it open, a sentence each.
    pub notes: Vec<String>,
}

/// Names by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// So many, each called by its number from zero on. Nothing is stored for them, so that a count costs nothing.
    Numbered(usize),
    /// Each with a name of its own.
    Listed(Vec<String>),
}

impl Names {
    /// Names of one's own.
    pub fn listed(names: &[&str]) -> Self {
        Self::Listed(names.iter().map(|name| (*name).to_owned()).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbered(count) => *count,
            Self::Listed(names) => names.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of a place; its number where there is no such place.
    pub fn name(&self, place: usize) -> Cow<'_, str> {
        match self {
            Self::Listed(names) if place < names.len() => Cow::Borrowed(&names[place]),
            _ => Cow::Owned(place.to_string()),
        }
    }
}
