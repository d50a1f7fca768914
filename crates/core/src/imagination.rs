//! The meeting place of every model and every planner: an arena of latent rows that a model advances one batch at a time.

use crate::linearization::{Differences, Linearizations, Pulled, by_differences, pull_by_linearizing};
use crate::{Columns, Key, ModelSpec, Observation, Result, Rows, refusal};

/// Actions for a batch of rows.
#[derive(Debug, Clone, Copy)]
pub enum Actions<'a> {
    /// One column a number of the flat action, in the units of the action space; choices within it one-hot.
    Continuous(Columns<'a>),
    /// Zero-based choices, one a row: the numbers of elements of any space that can be counted.
    Discrete(&'a [u32]),
}

impl Actions<'_> {
    /// How many rows have an action.
    pub fn rows(&self) -> usize {
        match self {
            Self::Continuous(columns) => columns.rows(),
            Self::Discrete(choices) => choices.len(),
        }
    }
}

/// What a batch of imagined steps gave, preallocated by the caller. Every array is `[members][rows]`, members outermost.
///
/// A number that is not finite in `reward` or `continuation` marks that row as diverged: planners rank it last and count it.
#[derive(Debug, Clone, Default)]
pub struct Imagined {
    members: usize,
    rows: usize,
    constraints_each: usize,
    /// Reward of the step.
    pub reward: Vec<f64>,
    /// Discount × not terminal: what multiplies all that follows. Negative when the other player moves next.
    pub continuation: Vec<f64>,
    /// Epistemic spread: standard deviation between members, averaged over the latent dimensions, in units of the
    /// training data's standard deviation. Zero for models that know no better.
    pub epistemic: Vec<f64>,
    /// Constraint values `[constraint][members][rows]`; satisfied where not positive.
    pub constraints: Vec<f64>,
}

impl Imagined {
    /// Room for `rows` rows of a model with this spec.
    pub fn new(spec: &ModelSpec, rows: usize) -> Self {
        let mut imagined = Self { members: spec.members, constraints_each: spec.constraints, ..Self::default() };
        imagined.begin(rows);
        imagined
    }

    /// Sets the number of rows of the coming step; allocates only beyond the largest number seen.
    pub fn begin(&mut self, rows: usize) {
        self.rows = rows;
        let n = self.members * rows;
        self.reward.resize(n, 0.0);
        self.continuation.resize(n, 0.0);
        self.epistemic.resize(n, 0.0);
        self.constraints.resize(self.constraints_each * n, 0.0);
    }

    /// Lanes of each row.
    pub fn members(&self) -> usize {
        self.members
    }

    /// Rows of the last step.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The place of `(member, row)` in `reward`, `continuation` and `epistemic`.
    #[inline]
    pub fn at(&self, member: usize, row: usize) -> usize {
        member * self.rows + row
    }
}

/// Values of a batch of rows, `[members][rows]`.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// Expected return from each row on.
    pub value: Vec<f64>,
}

/// Action priors of a batch of rows.
#[derive(Debug, Clone, Default)]
pub struct Priors {
    /// Discrete actions: logits `[rows][actions]`. Continuous: the mean, `[rows][action dims]`.
    pub mean: Vec<f64>,
    /// Continuous actions: standard deviation `[rows][action dims]`; empty for discrete ones.
    pub std: Vec<f64>,
}

/// Which actions rows may take: one bit an action, in words of 64, the first action the lowest bit of the first word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applicable {
    actions: usize,
    rows: usize,
    /// `[rows][words]`; bits beyond the last action are zero.
    pub bits: Vec<u64>,
}

impl Applicable {
    /// Room for `rows` rows with `actions` actions each.
    pub fn new(actions: usize, rows: usize) -> Self {
        let mut applicable = Self { actions, ..Self::default() };
        applicable.begin(rows);
        applicable
    }

    /// Makes every action of `rows` rows applicable; allocates only beyond the largest number of rows seen.
    pub fn begin(&mut self, rows: usize) {
        self.rows = rows;
        let (words, rest) = (self.words(), self.actions % 64);
        self.bits.clear();
        self.bits.resize(rows * words, u64::MAX);
        if rest > 0 {
            self.bits.iter_mut().skip(words - 1).step_by(words).for_each(|word| *word = (1 << rest) - 1);
        }
    }

    /// Words of each row.
    pub fn words(&self) -> usize {
        self.actions.div_ceil(64)
    }

    /// Actions of each row.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// Rows asked for.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The words of a row.
    #[inline]
    pub fn row(&self, row: usize) -> &[u64] {
        let words = self.words();
        &self.bits[row * words..(row + 1) * words]
    }

    /// Takes an action from a row.
    #[inline]
    pub fn forbid(&mut self, row: usize, action: usize) {
        let words = self.words();
        self.bits[row * words + action / 64] &= !(1 << (action % 64));
    }
}

/// A preallocated arena of latent rows in a model's own representation.
///
/// Each row carries `spec().members` lanes that evolve side by side. Planners hold row numbers only. After construction
/// no method allocates, and results depend on the arguments alone: the same key gives the same bytes on any number of threads.
pub trait Imagination: Send {
    /// The spec of the model behind.
    fn spec(&self) -> &ModelSpec;

    /// How many rows the arena holds.
    fn rows(&self) -> usize;

    /// Sets `row` to the belief after `observation`. `previous` names the row before and the action that led here, which a
    /// model with memory needs and others ignore; without it an episode begins, and such a model takes the belief before anything was
    /// seen. A row may not be its own previous one.
    ///
    /// # Errors
    /// [`Error::NotInSpace`](crate::Error::NotInSpace) or [`Error::Shape`](crate::Error::Shape) for a foreign observation, [`Error::NotFitted`](crate::Error::NotFitted) before learning.
    fn observe(
        &mut self,
        row: usize,
        previous: Option<(usize, &crate::Action)>,
        observation: &Observation,
        key: Key,
    ) -> Result<()>;

    /// Copies row `from` into each of `to`.
    fn copy(&mut self, from: usize, to: Rows<'_>);

    /// Advances each row of `from` by its action into the row of `to` at the same place. The two may be the same rows in
    /// the same order, and otherwise do not overlap. `out` receives one column a row, in the order of `from`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for a wrong number of rows or action columns. Numbers that diverge are no error: see [`Imagined`].
    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()>;

    /// Tells whether what follows is imagined to explore: a model that knows how little it was tried may then hope for more of it in
    /// its values and priors. Off at first; models without such hope have no use for it.
    fn explore(&mut self, _on: bool) {}

    /// The values of rows.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) unless the spec declares it.
    fn value(&mut self, _rows: Rows<'_>, _out: &mut Values) -> Result<()> {
        refusal::value(self.spec())
    }

    /// Action priors of rows.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) unless the spec declares it.
    fn prior(&mut self, _rows: Rows<'_>, _out: &mut Priors) -> Result<()> {
        refusal::prior(self.spec())
    }

    /// Takes from `out` the discrete actions that rows may not take; it comes with every action applicable
    /// ([`Applicable::begin`]). The reward of a step by such an action is not a finite number. Models whose spec declares no rules leave it as it is.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when `out` was begun for other rows.
    fn applicable(&mut self, _rows: Rows<'_>, _out: &mut Applicable) -> Result<()> {
        Ok(())
    }

    /// A number for the state that each row stands for: the same for equal states, so that a search can join the ways that
    /// lead to one, and different for others but for a chance of about 2^−64 a pair.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) unless the spec declares them.
    fn state_keys(&mut self, _rows: Rows<'_>, _out: &mut [u64]) -> Result<()> {
        refusal::keys(self.spec())
    }

    /// The observation that lane `member` of `row` predicts, flattened (see [`Space::flat_dim`](crate::Space::flat_dim)).
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) unless the spec declares it: value-equivalent models predict none. [`Error::Shape`](crate::Error::Shape) for a lane that is not there.
    fn decode(&self, _row: usize, _member: usize, _out: &mut [f64]) -> Result<()> {
        refusal::decode(self.spec())
    }

    /// Writes the latent of `row` as `spec().latent_dim` numbers: the mean over its lanes.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) for models whose latents are not a few numbers.
    fn read_latent(&self, _row: usize, _out: &mut [f64]) -> Result<()> {
        refusal::read_latent(self.spec())
    }

    /// Sets all lanes of `row` to a latent; what the latent does not tell stays as it was.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) for models whose latents are not a few numbers.
    fn write_latent(&mut self, _row: usize, _latent: &[f64]) -> Result<()> {
        refusal::write_latent(self.spec())
    }

    /// Next latents, rewards and their derivatives for a batch of rows under actions; the rows stay as they are. The default
    /// takes finite differences, in batches over `differences.scratch`.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) for discrete actions, random models, or latents that cannot be read; what the model's steps give.
    fn linearize(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        differences: &Differences,
        out: &mut Linearizations,
    ) -> Result<()> {
        by_differences(self, &rows, actions, differences, out)
    }

    /// The gradients of `reward + cotangent · next latent` by latent and action for a batch of rows; `cotangents` is `[rows][Z]`.
    /// The default goes through [`linearize`](Self::linearize), whose results it leaves in `linear`; a model that pulls back without
    /// Jacobians leaves next latents, rewards and continuations there.
    ///
    /// # Errors
    /// As for [`linearize`](Self::linearize).
    fn pullback(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        cotangents: &[f64],
        differences: &Differences,
        linear: &mut Linearizations,
        out: &mut Pulled,
    ) -> Result<()> {
        pull_by_linearizing(self, &rows, actions, cotangents, differences, linear, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_applicable_until_one_is_forbidden() {
        let mut applicable = Applicable::new(70, 2);
        assert_eq!(applicable.bits, [u64::MAX, 63, u64::MAX, 63]);
        applicable.forbid(1, 64);
        applicable.forbid(0, 1);
        assert_eq!((applicable.row(0), applicable.row(1)), (&[u64::MAX - 2, 63][..], &[u64::MAX, 62][..]));
        applicable.begin(1);
        assert_eq!(applicable.bits, [u64::MAX, 63]);
        assert_eq!(Applicable::new(64, 1).bits, [u64::MAX]);
    }
}
