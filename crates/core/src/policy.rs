//! Policies: actions straight from what is seen or believed, without planning.

use crate::{Batch, Columns, Error, Priors, Result, Rng, State, StepColumn};

/// What an action is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To learn from: drawn from the policy's distribution.
    Explore,
    /// To do well: the distribution's mode.
    Exploit,
}

/// What a policy is given to learn from that learns from nothing but what it did itself since it learned last. It acts from its first step on, since
/// what others did, be it drawn at random, would teach it nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollout {
    /// Transitions of a rollout at least.
    pub steps: u64,
    /// Whether it ends with an episode only.
    pub whole_episodes: bool,
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

    /// What it learns from at a time, where that must be its own steps since it learned last; none where it learns from any transitions.
    fn rollout(&self) -> Option<Rollout> {
        None
    }

    /// What it wants kept beside each of its steps, for itself to learn from.
    fn columns(&self) -> Vec<StepColumn> {
        Vec::new()
    }

    /// Writes the numbers of these columns for the last batch's action at `row`, one column behind the other.
    fn keep(&self, _row: usize, _out: &mut [f64]) {}

    /// Whether it can tell what inputs are worth and how its actions spread there, for a planner to be guided by.
    fn judges(&self) -> bool {
        false
    }

    /// Whether it can tell how its actions spread, be it without values: who judges can.
    fn proposes(&self) -> bool {
        self.judges()
    }

    /// The return that it expects from each input on, in the units of the reward.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for policies that do not [judge](Self::judges), [`Error::Shape`] for other sizes.
    fn value(&mut self, _inputs: Columns<'_>, _out: &mut [f64]) -> Result<()> {
        Err(Error::unsupported("this policy", "telling values: it has no critic"))
    }

    /// How many critics it has that tell values each of their own.
    fn critics(&self) -> usize {
        0
    }

    /// Whether it was taught that the entropy of what it does is worth something by itself, so that its [values](Self::values) are those of drawn actions.
    fn is_soft(&self) -> bool {
        false
    }

    /// The return that each [critic](Self::critics) expects from each input on `[critic][row]`, and what the entropy of the action there is worth beside it
    /// `[row]`, both in the units of the reward. Who is [soft](Self::is_soft) tells both of an action that it draws there, `Q_i(s, a)` and `−α ln π(a|s)`, where the critics count all
    /// entropy that comes later; all others tell them of their mode, whose entropy is worth zero.
    ///
    /// # Errors
    /// As for [`value`](Self::value).
    fn values(&mut self, _inputs: Columns<'_>, _rng: &mut Rng, _out: [&mut [f64]; 2]) -> Result<()> {
        Err(Error::unsupported("this policy", "telling values by several critics: it has none"))
    }

    /// The distribution of its actions for each input: rows of `out` are resized to fit.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for policies that do not [propose](Self::proposes), [`Error::Shape`] for other sizes.
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
