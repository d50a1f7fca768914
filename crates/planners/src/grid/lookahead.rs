//! Acting by the value: try every action with the model from where we are, and take the best.
//!
//! `a = argmax mean_k [ r_k + γ c_k V(x'_k) ]`. The model's own step is exact where the table's is interpolated, so the policy is better than
//! the value.

use worldwright_core::{Error, Imagination, Key, Result, Rows};

use super::explorer::FIRST;
use super::table::Outcome;
use super::value::GridValue;

/// The row at which a walk stands.
pub(super) const WALK: usize = 1;

/// The best of all actions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Its number: the zero-based choice, or the place in the grid of actions with the first dimension fastest.
    pub action: usize,
    /// What it is worth.
    pub value: f64,
    /// Outcomes that diverged.
    pub diverged: u64,
    /// Row where the world is after it.
    row: usize,
}

impl GridValue {
    /// Outcomes that a lookahead imagines.
    pub(super) fn steps_a_lookahead(&self) -> u64 {
        (self.actions.count().max(2) * self.samples * self.members) as u64
    }

    /// Tries every action from row `root` (0 or 1), which stays as it is. None when all of them diverge; of equal actions the first is
    /// taken.
    ///
    /// # Errors
    /// What the model gives.
    pub fn look_ahead(&mut self, world: &mut dyn Imagination, root: usize, key: Key) -> Result<Option<Choice>> {
        self.try_all(world, root, key, &mut 0)
    }

    /// As [`look_ahead`](Self::look_ahead), and counts what diverged even when all did.
    pub(super) fn try_all(
        &mut self,
        world: &mut dyn Imagination,
        root: usize,
        key: Key,
        diverged: &mut u64,
    ) -> Result<Option<Choice>> {
        self.explorer.prepare(world);
        let actions = self.actions.count();
        let rows = actions.max(2);
        let before = *diverged;
        self.worths[..rows].fill(0.0);
        for sample in 0..self.samples {
            world.copy(root, Rows::Span(FIRST..FIRST + rows));
            self.explorer.out.begin(rows);
            let span = || Rows::Span(FIRST..FIRST + rows);
            let batch = self.actions.batch(rows)?;
            world.step(span(), batch, span(), key.fold(sample as u64), &mut self.explorer.out)?;
            for row in 0..rows {
                for member in 0..self.members {
                    let outcome = self.outcome(world, FIRST + row, member, row)?;
                    *diverged += u64::from(outcome.reward == f32::NEG_INFINITY);
                    self.worths[row] += self.worth(&outcome, member, row);
                }
            }
        }
        let mut best: Option<usize> = None;
        for row in 0..rows {
            if self.worths[row].is_finite() && best.is_none_or(|most| self.worths[row] > self.worths[most]) {
                best = Some(row);
            }
        }
        Ok(best.map(|row| Choice {
            action: row % actions,
            value: self.worths[row] / (self.samples * self.members) as f64,
            diverged: *diverged - before,
            row: FIRST + row,
        }))
    }

    /// What an outcome is worth, with the reward in full precision.
    fn worth(&self, outcome: &Outcome, member: usize, row: usize) -> f64 {
        if outcome.reward == f32::NEG_INFINITY {
            return f64::NEG_INFINITY;
        }
        let at = self.explorer.out.at(member, row);
        let reward = self.explorer.out.reward[at] - self.epistemic_penalty * self.explorer.out.epistemic[at];
        let continuation = self.discount * self.explorer.out.continuation[at];
        reward + continuation * self.table.interpolate(&self.values, &outcome.cell)
    }

    /// Follows the greedy policy from row 0 for at most `steps` steps of the model: the return, and the steps until the world ends.
    ///
    /// # Errors
    /// What the model gives; [`Error::Diverged`] when every action diverges, [`Error::Unsupported`] for a model of several lanes.
    pub fn follow(&mut self, world: &mut dyn Imagination, steps: usize, key: Key) -> Result<(f64, usize)> {
        if self.members > 1 {
            return Err(Error::unsupported(
                "grid",
                "following its policy in a model of several lanes: step one of them",
            ));
        }
        world.copy(0, Rows::Span(WALK..WALK + 1));
        let (mut total, mut weight) = (0.0, 1.0);
        for step in 0..steps {
            let Some(choice) = self.look_ahead(world, WALK, key.fold(step as u64))? else {
                return Err(Error::Diverged { who: "grid".into(), why: format!("every action of step {step}") });
            };
            self.go(world, &choice);
            let at = self.explorer.out.at(0, choice.row - FIRST);
            total += weight * self.explorer.out.reward[at];
            weight *= self.explorer.out.continuation[at];
            if weight == 0.0 {
                return Ok((total, step + 1));
            }
        }
        Ok((total, steps))
    }

    /// Moves the walk to where a choice leads.
    pub(super) fn go(&mut self, world: &mut dyn Imagination, choice: &Choice) {
        world.copy(choice.row, Rows::Span(WALK..WALK + 1));
    }
}
