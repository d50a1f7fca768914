//! Sub-goal trees (Jurgenson, Avner, Groshev and Tamar, "Sub-goal trees: a framework for goal-based reinforcement learning", ICML 2020,
//! section 3): dynamic programming over the middle state.
//!
//! `V_0 = V` of the low level, `V_{k+1}(s, g) = max_m V_k(s, m) + V_k(m, g)`. After k levels every way of up to 2^k legs is exact, so
//! that ⌈log₂ n⌉ levels give all shortest paths of n states, at n³ additions a level (a product of matrices over max and plus).
//! Values are held in single precision.

use worldwright_core::{Error, Result};

use super::value::GoalValue;

/// The values of all pairs at each level.
#[derive(Debug, Clone, PartialEq)]
pub struct SubgoalTree {
    states: usize,
    /// `[level][from][to]`
    levels: Vec<Vec<f32>>,
    /// Pairs whose value was not a number.
    diverged: u64,
}

/// Rows of the right matrix that stay in the cache while all rows of the left one pass: 64 rows of 1000 states are 256 KiB.
const BLOCK: usize = 64;

impl SubgoalTree {
    /// Computes up to `levels` levels; fewer when nothing changes any more.
    ///
    /// # Errors
    /// [`Error::Config`] for no states.
    pub fn new(value: &dyn GoalValue, levels: usize) -> Result<Self> {
        let n = value.states();
        if n == 0 {
            return Err(Error::config("states", "there are no states to go between"));
        }
        let mut diverged = 0;
        let mut first = vec![f32::NEG_INFINITY; n * n];
        for (i, slot) in first.iter_mut().enumerate() {
            let value = value.value(i / n, i % n) as f32;
            diverged += u64::from(value.is_nan());
            *slot = if i / n == i % n { 0.0 } else { value.max(f32::NEG_INFINITY) };
        }
        let mut tree = Self { states: n, levels: vec![first], diverged };
        for level in 0..levels {
            let next = doubled(&tree.levels[level], n);
            if next == tree.levels[level] {
                break;
            }
            tree.levels.push(next);
        }
        Ok(tree)
    }

    /// Levels above the low level's own values.
    pub fn levels(&self) -> usize {
        self.levels.len() - 1
    }

    /// Pairs for which the low level's value was not a number; they count as impossible.
    pub fn diverged(&self) -> u64 {
        self.diverged
    }

    /// The value of the best way found, minus infinity where there is none.
    pub fn value(&self, from: usize, to: usize) -> f64 {
        self.levels.last().map_or(f64::NEG_INFINITY, |last| f64::from(last[from * self.states + to]))
    }

    /// The states from `from` to `to`, both among them, such that the low level can go from each to the next; none where no way
    /// was found. Of equal middle states the one with the smallest number.
    pub fn path(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let mut path = vec![from];
        (self.value(from, to) > f64::NEG_INFINITY).then(|| {
            self.descend(self.levels.len() - 1, from, to, &mut path);
            path
        })
    }

    fn descend(&self, level: usize, from: usize, to: usize, path: &mut Vec<usize>) {
        if from == to {
            return;
        }
        let Some(below) = level.checked_sub(1).map(|below| &self.levels[below]) else {
            path.push(to);
            return;
        };
        let (n, want) = (self.states, self.levels[level][from * self.states + to]);
        let middle = (0..n).find(|m| below[from * n + m] + below[m * n + to] == want);
        match middle {
            // The level below knew it already.
            _ if below[from * n + to] == want => self.descend(level - 1, from, to, path),
            Some(middle) => {
                self.descend(level - 1, from, middle, path);
                self.descend(level - 1, middle, to, path);
            }
            None => path.push(to),
        }
    }
}

/// `max_m V(s, m) + V(m, g)` for all pairs.
fn doubled(value: &[f32], n: usize) -> Vec<f32> {
    let mut out = value.to_vec();
    for first in (0..n).step_by(BLOCK) {
        let block = first..(first + BLOCK).min(n);
        for (row, left) in out.chunks_exact_mut(n).zip(value.chunks_exact(n)) {
            for m in block.clone().filter(|m| left[*m] > f32::NEG_INFINITY) {
                let (step, right) = (left[m], &value[m * n..(m + 1) * n]);
                for (slot, rest) in row.iter_mut().zip(right) {
                    let sum = step + rest;
                    *slot = if sum > *slot { sum } else { *slot };
                }
            }
        }
    }
    out
}
