//! Places in a store to which it can be cut back.

use worldwright_core::{Array, Result, State};

/// A place in a store between two batches, to which it can be cut back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The segment being written.
    pub segment: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Batches in the whole store.
    pub batches: u64,
    /// Episodes begun in the whole store.
    pub episodes: u64,
    /// Steps in the whole store.
    pub steps: u64,
    /// Rows of the episode that was begun last, 0 when it has ended.
    pub open_rows: u64,
}

impl Position {
    /// As an array for a checkpoint.
    pub fn save(&self) -> Array {
        Array::U64(vec![self.segment, self.bytes, self.batches, self.episodes, self.steps, self.open_rows])
    }

    /// From a checkpoint's array.
    ///
    /// # Errors
    /// When the state holds no position of that name.
    pub fn restore(state: &State, name: &str) -> Result<Self> {
        let saved = state.u64s(name, 6)?;
        Ok(Self {
            segment: saved[0],
            bytes: saved[1],
            batches: saved[2],
            episodes: saved[3],
            steps: saved[4],
            open_rows: saved[5],
        })
    }
}
