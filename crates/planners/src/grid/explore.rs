//! Asking the model what every action does at every point, a batch of points at a time.
//!
//! Row 0 of the arena is the caller's root and row 1 its place for a walk; batches use the rows from 2 on.

use worldwright_core::{Imagination, Observation, Result, Rows};

use super::explorer::FIRST;
use super::table::{Outcome, Worst};
use super::value::GridValue;

impl GridValue {
    /// Where the world of row `row`, lane `member` is, what the step paid and how it goes on, from the last step's outcome at
    /// place `i` of its batch.
    pub(super) fn outcome(&mut self, world: &dyn Imagination, row: usize, member: usize, i: usize) -> Result<Outcome> {
        let explorer = &mut self.explorer;
        let at = explorer.out.at(member, i);
        let reward = explorer.out.reward[at] - self.epistemic_penalty * explorer.out.epistemic[at];
        let continuation = self.discount * explorer.out.continuation[at];
        if !reward.is_finite() || !continuation.is_finite() {
            return Ok(Outcome::DIVERGED);
        }
        world.decode(row, member, &mut explorer.flat)?;
        self.chart.coordinates(&explorer.flat, &mut explorer.coordinates);
        let outcome = match self.grid.locate(&explorer.coordinates) {
            Some(cell) => Outcome { cell, reward: reward as f32, continuation: continuation as f32 },
            // Where a world that ended went does not matter.
            None if continuation == 0.0 => Outcome { reward: reward as f32, continuation: 0.0, ..Outcome::DIVERGED },
            None => Outcome::DIVERGED,
        };
        Ok(outcome)
    }

    /// Asks about the next batch, at most `most` points. What was asked before stays.
    pub(super) fn explore_some(&mut self, world: &mut dyn Imagination, most: usize) -> Result<u64> {
        self.explorer.prepare(world);
        let count = self.explorer.together.min(self.grid.points() - self.progress.explored).min(most);
        let (first, actions, draws) = (self.progress.explored, self.actions.count(), self.samples * self.members);
        let rows = count * actions;
        let span = || Rows::Span(FIRST..FIRST + rows);
        let (mut worst, mut diverged) = (self.progress.worst, self.progress.diverged);
        for sample in 0..self.samples {
            for i in 0..count {
                let row = FIRST + i * actions;
                let dims = self.grid.axes().len();
                self.grid.coordinates(first + i, &mut self.explorer.coordinates[..dims]);
                if let Observation::Floats(numbers) = &mut self.explorer.observation {
                    self.chart.observation(&self.explorer.coordinates[..dims], numbers);
                }
                world.observe(row, None, &self.explorer.observation, self.key)?;
                if actions > 1 {
                    world.copy(row, Rows::Span(row + 1..row + actions));
                }
            }
            let key = self.key.fold(first as u64).fold(sample as u64);
            self.explorer.out.begin(rows);
            world.step(span(), self.actions.batch(rows)?, span(), key, &mut self.explorer.out)?;
            for i in 0..rows {
                for member in 0..self.members {
                    let outcome = self.outcome(world, FIRST + i, member, i)?;
                    if outcome.reward.is_finite() {
                        worst = Worst {
                            reward: worst.reward.min(f64::from(outcome.reward)),
                            continuation: worst.continuation.max(f64::from(outcome.continuation)),
                        };
                    } else {
                        diverged += 1;
                    }
                    self.table.set((first * actions + i) * draws + sample * self.members + member, outcome);
                }
            }
        }
        (self.progress.worst, self.progress.diverged) = (worst, diverged);
        self.progress.explored += count;
        Ok(count as u64 * self.steps_a_point())
    }
}
