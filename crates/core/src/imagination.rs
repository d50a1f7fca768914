//! The meeting place of every model and every planner: an arena of latent rows that a model advances one batch at a time.

use crate::linearization::{Differences, Linearizations, Pulled, by_differences, pull};
use crate::{Columns, Error, Key, ModelSpec, Observation, Result, Rows};

/// Actions for a batch of rows.
#[derive(Debug, Clone, Copy)]
pub enum Actions<'a> {
    /// One column an action dimension, in the units of the action space.
    Continuous(Columns<'a>),
    /// Zero-based choices, one a row.
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
    /// model with memory needs and others ignore.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] or [`Error::Shape`] for a foreign observation, [`Error::NotFitted`] before learning.
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
    /// [`Error::Shape`] for a wrong number of rows or action columns. Numbers that diverge are no error: see [`Imagined`].
    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()>;

    /// The values of rows.
    ///
    /// # Errors
    /// [`Error::Unsupported`] unless the spec says `has_value`.
    fn value(&mut self, _rows: Rows<'_>, _out: &mut Values) -> Result<()> {
        Err(Error::unsupported(self.spec().name.clone(), "values of rows: use a model with a value head"))
    }

    /// Action priors of rows.
    ///
    /// # Errors
    /// [`Error::Unsupported`] unless the spec says `has_prior`.
    fn prior(&mut self, _rows: Rows<'_>, _out: &mut Priors) -> Result<()> {
        Err(Error::unsupported(self.spec().name.clone(), "action priors: use a model with a policy head"))
    }

    /// The observation that lane `member` of `row` predicts, flattened (see [`Space::flat_dim`](crate::Space::flat_dim)).
    ///
    /// # Errors
    /// [`Error::Unsupported`] for value-equivalent models, which predict none.
    fn decode(&self, _row: usize, _member: usize, _out: &mut [f64]) -> Result<()> {
        Err(Error::unsupported(self.spec().name.clone(), "decoding a latent row to an observation"))
    }

    /// Writes the latent of `row` as `spec().latent_dim` numbers: the mean over its lanes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for models whose latents are not a few numbers.
    fn read_latent(&self, _row: usize, _out: &mut [f64]) -> Result<()> {
        Err(Error::unsupported(self.spec().name.clone(), "reading a latent row as numbers"))
    }

    /// Sets all lanes of `row` to a latent; what the latent does not tell stays as it was.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for models whose latents are not a few numbers.
    fn write_latent(&mut self, _row: usize, _latent: &[f64]) -> Result<()> {
        Err(Error::unsupported(self.spec().name.clone(), "writing a latent row from numbers"))
    }

    /// Next latents, rewards and their derivatives for a batch of rows under actions; the rows stay as they are. The default
    /// takes finite differences, in batches over `differences.scratch`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for discrete actions, random models, or latents that cannot be read; what the model's steps give.
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
    /// The default goes through [`linearize`](Self::linearize), whose results it leaves in `linear`.
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
        let count = rows.len();
        let expected = count * self.spec().latent_dim;
        if cotangents.len() != expected {
            return Err(Error::shape("cotangents", &[expected], &[cotangents.len()]));
        }
        self.linearize(rows, actions, differences, linear)?;
        pull(linear, cotangents, count, out);
        Ok(())
    }
}
