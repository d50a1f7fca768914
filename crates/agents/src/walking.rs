//! A policy followed by each member of a model on its own: a row of the arena for each lane of each start.
//!
//! Rows of an arena share an action between their lanes, but where lanes have gone different ways a policy would do different things. So each start has a row for each lane, which follows that
//! lane alone: what members believe of a policy's returns is then told apart by what they believe, not by an action that was meant for another.

use worldwright_core::{Batch, Imagination, Imagined, Key, Mode, Policy, Result, Rng, Rows};

use crate::deciding::actions;

/// Where the rows stand, and what they were paid.
pub(crate) struct Walking {
    /// Lanes of the model.
    lanes: usize,
    rows: usize,
    pub(crate) seen: Batch,
    /// `[start][lane]`: what was paid so far, each reward by what followed then counted by.
    pub(crate) paid: Vec<f64>,
    /// `[start][lane]`: what follows counts by; zero behind an end.
    pub(crate) ahead: Vec<f64>,
    chosen: Batch,
    choices: Vec<u32>,
    out: Imagined,
    flat: Vec<f64>,
}

impl Walking {
    /// Room for so many starts in a model with so many lanes.
    pub(crate) fn new(starts: usize, lanes: usize) -> Self {
        Self {
            lanes,
            rows: starts * lanes,
            seen: Batch::zeros(0, 0),
            paid: Vec::new(),
            ahead: Vec::new(),
            chosen: Batch::zeros(0, 0),
            choices: Vec::new(),
            out: Imagined::default(),
            flat: Vec::new(),
        }
    }

    pub(crate) fn lanes(&self) -> usize {
        self.lanes
    }

    /// Rows that it needs in an arena, from the first on.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Sets out anew, in a world of such observations and actions; every start has to be [set](Self::set).
    pub(crate) fn begin(&mut self, arena: &dyn Imagination) {
        let spec = arena.spec();
        let (o, a) = (spec.observation_space.flat_dim(), spec.action_space.flat_dim());
        if self.flat.len() != o || self.chosen.dims() != a || self.out.rows() != self.rows {
            (self.seen, self.chosen) = (Batch::zeros(o, self.rows), Batch::zeros(a, self.rows));
            self.out = Imagined::new(spec, self.rows);
            self.flat.resize(o, 0.0);
        }
        self.paid.clear();
        self.paid.resize(self.rows, 0.0);
        self.ahead.clear();
        self.ahead.resize(self.rows, 1.0);
    }

    /// A start: where it is, what was paid before, and what follows counts by.
    pub(crate) fn set(&mut self, start: usize, seen: &[f64], (paid, ahead): (f64, f64)) {
        for row in start * self.lanes..(start + 1) * self.lanes {
            self.seen.columns_mut().set_row(row, seen);
            (self.paid[row], self.ahead[row]) = (paid, ahead);
        }
    }

    /// Pays each row where it stands, counted by what the next reward is.
    pub(crate) fn pay(&mut self, each: &[f64]) {
        for ((paid, ahead), pay) in self.paid.iter_mut().zip(&self.ahead).zip(each) {
            // Where an end was, the policy may say anything of what is behind it.
            if *ahead != 0.0 {
                *paid += ahead * pay;
            }
        }
    }

    /// A step of every row; what a diverged one was paid is no number from then on.
    pub(crate) fn step(
        &mut self,
        arena: &mut dyn Imagination,
        policy: &mut dyn Policy,
        (mode, key): (Mode, Key),
        rng: &mut Rng,
    ) -> Result<()> {
        let rows = self.rows;
        for row in 0..rows {
            self.seen.columns().copy_row(row, &mut self.flat);
            let seen = arena.spec().observation_space.unflatten(&self.flat)?;
            arena.observe(row, None, &seen, key)?;
        }
        policy.act(self.seen.columns(), mode, rng, &mut self.chosen)?;
        let space = arena.spec().action_space.clone();
        let actions = actions(&space, &self.chosen, &mut self.choices);
        arena.step(Rows::Span(0..rows), actions, Rows::Span(0..rows), key, &mut self.out)?;
        for row in 0..rows {
            if self.ahead[row] == 0.0 {
                continue;
            }
            let lane = row % self.lanes;
            let at = self.out.at(lane, row);
            arena.decode(row, lane, &mut self.flat)?;
            self.paid[row] += self.ahead[row] * self.out.reward[at];
            self.ahead[row] *= self.out.continuation[at];
            if self.flat.iter().all(|number| number.is_finite()) {
                self.seen.columns_mut().set_row(row, &self.flat);
            } else {
                (self.paid[row], self.ahead[row]) = (f64::NAN, 0.0);
            }
        }
        Ok(())
    }
}
