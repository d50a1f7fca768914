//! A model broken on purpose, to see what its users do about it.

use worldwright_core::{
    Actions, ArenaWrapper, Differences, Error, Imagination, Imagined, Key, Linearizations, ModelSpec, Pulled, Result,
    Rows, WorldModel,
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

impl FaultyArena<'_> {
    /// Counts a call that steps, and fails where it is its turn.
    fn begin(&mut self) -> Result<()> {
        let this = self.steps;
        self.steps += 1;
        if self.fault == Fault::ErrorAt(this) {
            Err(Error::external("faulty model", "failed on purpose"))
        } else {
            Ok(())
        }
    }

    /// Spoils the rewards of lanes of `rows` rows each.
    fn spoil(&self, rewards: &mut [f64], rows: usize) {
        if let Fault::NanRows(every) = self.fault {
            for lane in rewards.chunks_exact_mut(rows.max(1)) {
                lane.iter_mut().step_by(every).for_each(|reward| *reward = f64::NAN);
            }
        }
    }
}

impl ArenaWrapper for FaultyArena<'_> {
    fn inner(&self) -> &dyn Imagination {
        &*self.inner
    }

    fn inner_mut(&mut self) -> &mut dyn Imagination {
        &mut *self.inner
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        self.begin()?;
        self.inner.step(from, actions, to, key, out)?;
        let rows = out.rows();
        self.spoil(&mut out.reward, rows);
        Ok(())
    }

    fn linearize(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        differences: &Differences,
        out: &mut Linearizations,
    ) -> Result<()> {
        self.begin()?;
        let count = rows.len();
        self.inner.linearize(rows, actions, differences, out)?;
        self.spoil(&mut out.reward[..count], count);
        Ok(())
    }

    fn pullback(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        cotangents: &[f64],
        differences: &Differences,
        linear: &mut Linearizations,
        out: &mut Pulled,
    ) -> Result<()> {
        self.begin()?;
        let count = rows.len();
        self.inner.pullback(rows, actions, cotangents, differences, linear, out)?;
        self.spoil(&mut linear.reward[..count], count);
        Ok(())
    }
}
