//! Which candidates are of which problem.

use worldwright_core::Key;

/// Candidates of one problem: so many after those of the problems before, all from the same root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    /// Its row in the arena.
    pub(crate) root: usize,
    pub(crate) count: usize,
    pub(crate) key: Key,
}
