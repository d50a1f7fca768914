//! A model broken on purpose, to see what its users do about it.

use worldwright_core::{
    Action, Actions, Applicable, Error, Imagination, Imagined, Key, ModelSpec, Observation, Priors, Result, Rows,
    Values, WorldModel,
};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every step of every row whose place in the batch is a multiple of this number rewards NaN.
    NanRows(usize),
    /// The step of this number (from 0, counted over the arena's life) fails with an error; others are well.
    ErrorAt(usize),
}

/// Any model, with a fault.
pub struct Faulty<'m> {
    inner: &'m dyn WorldModel,
    fault: Fault,
}

impl<'m> Faulty<'m> {
    /// Breaks `inner`.
    pub fn new(inner: &'m dyn WorldModel, fault: Fault) -> Self {
        Self { inner, fault }
    }
}

impl WorldModel for Faulty<'_> {
    fn spec(&self) -> &ModelSpec {
        self.inner.spec()
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(FaultyArena { inner: self.inner.imagination(rows), fault: self.fault, steps: 0 })
    }
}

struct FaultyArena<'m> {
    inner: Box<dyn Imagination + 'm>,
    fault: Fault,
    steps: usize,
}

impl Imagination for FaultyArena<'_> {
    fn spec(&self) -> &ModelSpec {
        self.inner.spec()
    }

    fn rows(&self) -> usize {
        self.inner.rows()
    }

    fn observe(
        &mut self,
        row: usize,
        previous: Option<(usize, &Action)>,
        observation: &Observation,
        key: Key,
    ) -> Result<()> {
        self.inner.observe(row, previous, observation, key)
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        self.inner.copy(from, to);
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        let this = self.steps;
        self.steps += 1;
        if self.fault == Fault::ErrorAt(this) {
            return Err(Error::external("faulty model", "failed on purpose"));
        }
        self.inner.step(from, actions, to, key, out)?;
        if let Fault::NanRows(every) = self.fault {
            for member in 0..out.members() {
                for row in (0..out.rows()).step_by(every) {
                    let at = out.at(member, row);
                    out.reward[at] = f64::NAN;
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        self.inner.value(rows, out)
    }

    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        self.inner.prior(rows, out)
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        self.inner.read_latent(row, out)
    }

    fn write_latent(&mut self, row: usize, latent: &[f64]) -> Result<()> {
        self.inner.write_latent(row, latent)
    }

    fn applicable(&mut self, rows: Rows<'_>, out: &mut Applicable) -> Result<()> {
        self.inner.applicable(rows, out)
    }

    fn state_keys(&mut self, rows: Rows<'_>, out: &mut [u64]) -> Result<()> {
        self.inner.state_keys(rows, out)
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.inner.decode(row, member, out)
    }
}
