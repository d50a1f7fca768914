//! The finite set of actions that a grid tries: the model's choices, or evenly spaced numbers within its bounds.

use worldwright_core::{Actions, Columns, Error, Result, Space, is_bounded};

use crate::actions::{ActionKind, Sequence};

/// The most actions tried at a point.
const MOST_ACTIONS: usize = 1 << 16;

/// Actions by number, and room to lay out a batch of them.
#[derive(Debug, Clone)]
pub(super) struct ActionSet {
    pub(super) kind: ActionKind,
    count: usize,
    /// `[count][dims]`; empty for choices.
    numbers: Vec<f64>,
    /// Column-major `[dims][rows]`, for a batch.
    columns: Vec<f64>,
    choices: Vec<u32>,
}

impl ActionSet {
    /// `points` numbers for each dimension of a box (one for all dimensions or one each), both bounds among them; a single one is the
    /// middle.
    pub(super) fn new(space: &Space, points: &[usize]) -> Result<Self> {
        let kind = match space {
            Space::Box { element, .. } if element.is_float() => ActionKind::new("grid", space)?,
            _ => ActionKind::listed("grid", space)?,
        };
        let mut numbers = Vec::new();
        let mut count = kind.choices();
        if let ActionKind::Continuous { low, high, .. } = &kind {
            let dims = low.len();
            if low.iter().zip(high).any(|(low, high)| !is_bounded(*low, *high)) {
                return Err(Error::unsupported("grid", "actions without bounds: bound them, or use cem or icem"));
            }
            if points.len() != 1 && points.len() != dims || points.contains(&0) {
                let why =
                    format!("needs one count of at least 1 for all {dims} dimensions or one each, got {points:?}");
                return Err(Error::config("action_points", why));
            }
            let points: Vec<usize> = (0..dims).map(|dim| points[dim.min(points.len() - 1)]).collect();
            count = points.iter().fold(1_usize, |product, points| product.saturating_mul(*points));
            if count > MOST_ACTIONS {
                return Err(Error::config("action_points", format!("{count} actions are more than {MOST_ACTIONS}")));
            }
            for action in 0..count {
                let mut rest = action;
                for dim in 0..dims {
                    let place = rest % points[dim];
                    rest /= points[dim];
                    let middle = 0.5 * (low[dim] + high[dim]);
                    let share = if points[dim] == 1 { 0.0 } else { place as f64 / (points[dim] - 1) as f64 - 0.5 };
                    // About the middle, so that zero is exact where the bounds are symmetric.
                    numbers.push((middle + (high[dim] - low[dim]) * share).clamp(low[dim], high[dim]));
                }
            }
        }
        Ok(Self { kind, count, numbers, columns: Vec::new(), choices: Vec::new() })
    }

    /// Makes room for batches of `rows`.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.columns.resize(rows * self.kind.dims(), 0.0);
        self.choices.resize(if self.kind.dims() == 0 { rows } else { 0 }, 0);
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The actions of `rows` rows, one after the other and over again.
    pub(super) fn batch(&mut self, rows: usize) -> Result<Actions<'_>> {
        let dims = self.kind.dims();
        if dims == 0 {
            self.choices[..rows].iter_mut().enumerate().for_each(|(row, slot)| *slot = (row % self.count) as u32);
            return Ok(Actions::Discrete(&self.choices[..rows]));
        }
        for dim in 0..dims {
            let column = &mut self.columns[dim * rows..(dim + 1) * rows];
            for (row, slot) in column.iter_mut().enumerate() {
                *slot = self.numbers[(row % self.count) * dims + dim];
            }
        }
        Ok(Actions::Continuous(Columns::new(&self.columns[..dims * rows], dims, rows)?))
    }

    /// The plan before anything is known: the middle of the numbers, or the first choice, at every step.
    pub(super) fn unplanned(&self, horizon: usize) -> Sequence {
        let mut sequence = Sequence::new(&self.kind, horizon);
        let middle = if self.kind.dims() == 0 { 0 } else { self.count / 2 };
        (0..horizon).for_each(|t| self.write(middle, t, &mut sequence));
        sequence
    }

    /// Writes action `action` as step `t` of a sequence.
    pub(super) fn write(&self, action: usize, t: usize, sequence: &mut Sequence) {
        let dims = self.kind.dims();
        if dims == 0 {
            sequence.choices[t] = action as u32;
        } else {
            let numbers = &self.numbers[action * dims..(action + 1) * dims];
            sequence.values[t * dims..(t + 1) * dims].copy_from_slice(numbers);
        }
    }

    /// Copies step `from` of a sequence to step `to`.
    pub(super) fn repeat(&self, from: usize, to: usize, sequence: &mut Sequence) {
        let dims = self.kind.dims();
        if dims == 0 {
            sequence.choices[to] = sequence.choices[from];
        } else {
            sequence.values.copy_within(from * dims..(from + 1) * dims, to * dims);
        }
    }
}
