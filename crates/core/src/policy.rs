//! Policies: actions straight from what is seen or believed, without planning.

use crate::{Batch, Columns, Error, Priors, Result, Rng, State};

/// What an action is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To learn from: drawn from the policy's distribution.
    Explore,
    /// To do well: the distribution's mode.
    Exploit,
}

/// A map from flat observations, or from the features of a latent, to actions.
pub trait Policy: Send {
    /// Numbers of what it sees.
    fn inputs(&self) -> usize;

    /// Flat actions `[A]` in the units of the action space for a batch of inputs, a row each. `out` is begun by the caller with as many rows.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for inputs or an `out` of other sizes, [`Error::Diverged`](crate::Error::Diverged) where what the
    /// policy gives is not finite.
    fn act(&mut self, inputs: Columns<'_>, mode: Mode, rng: &mut Rng, out: &mut Batch) -> Result<()>;

    /// Whether it can tell what inputs are worth and how its actions spread there, for a planner to be guided by.
    fn judges(&self) -> bool {
        false
    }

    /// The return that it expects from each input on, in the units of the reward.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for policies that do not [judge](Self::judges), [`Error::Shape`] for other sizes.
    fn value(&mut self, _inputs: Columns<'_>, _out: &mut [f64]) -> Result<()> {
        Err(Error::unsupported("this policy", "telling values: it has no critic"))
    }

    /// The distribution of its actions for each input: rows of `out` are resized to fit.
    ///
    /// # Errors
    /// As for [`value`](Self::value).
    fn prior(&mut self, _inputs: Columns<'_>, _out: &mut Priors) -> Result<()> {
        Err(Error::unsupported("this policy", "telling how its actions spread"))
    }

    /// What acting needs of its state, without what only learning needs.
    fn weights(&self) -> State;

    /// Takes on weights that [`weights`](Self::weights) gave.
    ///
    /// # Errors
    /// As for [`Persist::restore`](crate::Persist::restore).
    fn restore_weights(&mut self, weights: &State) -> Result<()>;
}
