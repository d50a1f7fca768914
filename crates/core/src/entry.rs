//! A line in a room's list: the name, what it is, where it comes from, its settings, and how to build it.

use crate::{Error, Parameter, Result};

/// One thing that a room offers. `B` is the function that builds it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<B: 'static> {
    /// The name that users write.
    pub name: &'static str,
    /// One line: what it is.
    pub summary: &'static str,
    /// The paper, book or program it follows.
    pub source: &'static str,
    /// Its settings with their defaults.
    pub parameters: &'static [Parameter],
    /// Builds it.
    pub build: B,
}

/// The entry called `name`.
///
/// # Errors
/// [`Error::Unknown`] with the nearest name; `what` says what kind of name it is.
pub fn find<'a, B>(all: &'a [Entry<B>], what: &'static str, name: &str) -> Result<&'a Entry<B>> {
    all.iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| Error::unknown(what, name, all.iter().map(|entry| entry.name)))
}
