//! What the model said of each (point, action, draw), and the sweeps over it.
//!
//! One entry is the place of the next state, its reward and its continuation, side by side, in the order in which a sweep reads them:
//! a sweep is bound by this stream, 20 bytes an entry in two dimensions.

use super::axes::{Cell, Grid, MOST_DIMS};
use super::stencil::{Interpolation, Stencil};
use worldwright_numerics::Change;

/// One outcome, whatever the number of dimensions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outcome {
    pub(super) cell: Cell,
    /// Minus infinity where the step diverged.
    pub(super) reward: f32,
    pub(super) continuation: f32,
}

impl Outcome {
    pub(super) const DIVERGED: Self =
        Self { cell: Cell { base: 0, fraction: [0.0; MOST_DIMS] }, reward: f32::NEG_INFINITY, continuation: 0.0 };
}

/// What counts for a point all of whose actions diverge: the worst reward and the largest continuation seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worst {
    pub(super) reward: f64,
    pub(super) continuation: f64,
}

/// A table over a grid of any number of dimensions.
pub(super) trait Table: Send + Sync {
    /// Room for this many entries.
    fn len(&self) -> usize;
    fn set(&mut self, entry: usize, outcome: Outcome);
    fn get(&self, entry: usize) -> Outcome;
    /// Backs up the points from `first` on into `next`.
    fn backup(&self, first: usize, values: &[f64], next: &mut [f64], worst: Worst) -> Change;
    /// Backs up all points in place, in order or backwards.
    fn backup_in_place(&self, values: &mut [f64], backwards: bool, worst: Worst) -> Change;
    /// The interpolated value at a cell.
    fn interpolate(&self, values: &[f64], cell: &Cell) -> f64;
}

/// A table for a grid, with `actions` actions a point and `draws` draws an action.
pub(super) fn make(grid: &Grid, interpolation: Interpolation, actions: usize, draws: usize) -> Box<dyn Table> {
    let simplex = interpolation == Interpolation::Simplex;
    match (grid.axes().len(), simplex) {
        (1, _) => Box::new(Entries::<1, false>::new(grid, actions, draws)),
        (2, false) => Box::new(Entries::<2, false>::new(grid, actions, draws)),
        (2, true) => Box::new(Entries::<2, true>::new(grid, actions, draws)),
        (3, false) => Box::new(Entries::<3, false>::new(grid, actions, draws)),
        (3, true) => Box::new(Entries::<3, true>::new(grid, actions, draws)),
        (_, false) => Box::new(Entries::<4, false>::new(grid, actions, draws)),
        (_, true) => Box::new(Entries::<4, true>::new(grid, actions, draws)),
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry<const D: usize> {
    base: u32,
    fraction: [f32; D],
    reward: f32,
    continuation: f32,
}

struct Entries<const D: usize, const SIMPLEX: bool> {
    stencil: Stencil<D>,
    actions: usize,
    draws: usize,
    entries: Vec<Entry<D>>,
}

impl<const D: usize, const SIMPLEX: bool> Entries<D, SIMPLEX> {
    fn new(grid: &Grid, actions: usize, draws: usize) -> Self {
        let blank = Entry { base: 0, fraction: [0.0; D], reward: 0.0, continuation: 0.0 };
        let entries = vec![blank; grid.points() * actions * draws];
        Self { stencil: Stencil::new(grid), actions, draws, entries }
    }

    #[inline(always)]
    fn between(&self, values: &[f64], base: u32, fraction: &[f32; D]) -> f64 {
        if SIMPLEX {
            self.stencil.simplex(values, base as usize, fraction)
        } else {
            self.stencil.multilinear(values, base as usize, fraction)
        }
    }

    #[inline(always)]
    fn worth(&self, values: &[f64], entry: &Entry<D>) -> f64 {
        f64::from(entry.reward) + f64::from(entry.continuation) * self.between(values, entry.base, &entry.fraction)
    }

    /// The best value of a point.
    #[inline(always)]
    fn point(&self, point: usize, values: &[f64], worst: Worst) -> f64 {
        let each = self.actions * self.draws;
        let entries = &self.entries[point * each..(point + 1) * each];
        let mut best = f64::NEG_INFINITY;
        if self.draws == 1 {
            for entry in entries {
                let worth = self.worth(values, entry);
                best = if worth > best { worth } else { best };
            }
        } else {
            let share = 1.0 / self.draws as f64;
            for draws in entries.chunks_exact(self.draws) {
                let sum: f64 = draws.iter().map(|entry| self.worth(values, entry)).sum();
                best = if sum * share > best { sum * share } else { best };
            }
        }
        if best == f64::NEG_INFINITY { worst.reward + worst.continuation * values[point] } else { best }
    }
}

impl<const D: usize, const SIMPLEX: bool> Table for Entries<D, SIMPLEX> {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn set(&mut self, entry: usize, outcome: Outcome) {
        self.entries[entry] = Entry {
            base: outcome.cell.base,
            fraction: std::array::from_fn(|dim| outcome.cell.fraction[dim]),
            reward: outcome.reward,
            continuation: outcome.continuation,
        };
    }

    fn get(&self, entry: usize) -> Outcome {
        let entry = &self.entries[entry];
        let mut fraction = [0.0; MOST_DIMS];
        fraction[..D].copy_from_slice(&entry.fraction);
        let cell = Cell { base: entry.base, fraction };
        Outcome { cell, reward: entry.reward, continuation: entry.continuation }
    }

    fn backup(&self, first: usize, values: &[f64], next: &mut [f64], worst: Worst) -> Change {
        let mut change = Change::NONE;
        for (i, slot) in next.iter_mut().enumerate() {
            *slot = self.point(first + i, values, worst);
            change.add(*slot - values[first + i]);
        }
        change
    }

    fn backup_in_place(&self, values: &mut [f64], backwards: bool, worst: Worst) -> Change {
        let mut change = Change::NONE;
        for i in 0..values.len() {
            let point = if backwards { values.len() - 1 - i } else { i };
            let value = self.point(point, values, worst);
            change.add(value - values[point]);
            values[point] = value;
        }
        change
    }

    fn interpolate(&self, values: &[f64], cell: &Cell) -> f64 {
        self.between(values, cell.base, &std::array::from_fn(|dim| cell.fraction[dim]))
    }
}
