//! Policies: actions straight from observations, without planning.

use crate::{Batch, Result, Rng};

/// A map from observations to actions, possibly random.
pub trait Policy: Send {
    /// Actions for a batch of flat observations; continuous actions as columns, discrete ones as one column of choices.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for observations of another dimension.
    fn act(&mut self, observations: &Batch, rng: &mut Rng) -> Result<Batch>;
}
