//! Graphs of latent models as their arenas run them.

use worldwright_core::{ActionHead, Actions, Result};
use worldwright_nn::{Predictor, Scratch};

/// A packed graph with room to run it.
pub(crate) struct Packed {
    pub(crate) predictor: Predictor,
    pub(crate) scratch: Scratch,
}

impl Packed {
    /// Makes the room.
    pub(crate) fn new(predictor: Predictor) -> Self {
        let scratch = predictor.scratch();
        Self { predictor, scratch }
    }

    /// One row, on this thread.
    pub(crate) fn one(&mut self, x: &[&[f32]], out: &mut [&mut [f32]]) -> Result<()> {
        self.predictor.predict_member(0, x, out, &mut self.scratch)
    }
}

/// Writes what networks are told of action `i` of a batch.
pub(crate) fn write_action(
    head: &ActionHead,
    actions: &Actions<'_>,
    i: usize,
    flat: &mut [f64],
    out: &mut [f32],
) -> Result<()> {
    match actions {
        Actions::Continuous(columns) => {
            columns.copy_row(i, flat);
            head.write_network(flat, out)
        }
        Actions::Discrete(choices) => head.write_choice(choices[i] as usize, out),
    }
}
