//! The candidate action sequences of one iteration, laid out as models read them: `[H][A][n]`, one column an action dimension.

use worldwright_core::{Actions, Columns, Result};

use crate::actions::{ActionKind, Flat, Sequence, Snap};

/// Room for a number of candidates; the present number may be smaller, and the layout is then packed to it.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    horizon: usize,
    dims: usize,
    count: usize,
    values: Vec<f64>,
    choices: Vec<u32>,
}

impl Candidates {
    /// Room for `capacity` candidates.
    pub(crate) fn new(kind: &ActionKind, horizon: usize, capacity: usize) -> Self {
        let dims = kind.dims();
        Self {
            horizon,
            dims,
            count: capacity,
            values: vec![0.0; horizon * dims * capacity],
            choices: if dims == 0 { vec![0; horizon * capacity] } else { Vec::new() },
        }
    }

    /// Sets how many candidates there are now, at most the capacity; what they hold is unspecified.
    pub(crate) fn begin(&mut self, count: usize) {
        self.count = count;
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The actions of step `h`, as a model reads them.
    pub(crate) fn actions(&self, h: usize) -> Result<Actions<'_>> {
        let n = self.count;
        Ok(if self.dims == 0 {
            Actions::Discrete(&self.choices[h * n..(h + 1) * n])
        } else {
            let width = self.dims * n;
            Actions::Continuous(Columns::new(&self.values[h * width..(h + 1) * width], self.dims, n)?)
        })
    }

    /// Dimension `dim` at step `h` of every candidate.
    pub(crate) fn column(&self, h: usize, dim: usize) -> &[f64] {
        let start = (h * self.dims + dim) * self.count;
        &self.values[start..start + self.count]
    }

    /// The same, to write.
    pub(crate) fn column_mut(&mut self, h: usize, dim: usize) -> &mut [f64] {
        let start = (h * self.dims + dim) * self.count;
        &mut self.values[start..start + self.count]
    }

    /// The choice at step `h` of every candidate.
    pub(crate) fn choices(&self, h: usize) -> &[u32] {
        &self.choices[h * self.count..(h + 1) * self.count]
    }

    /// The same, to write.
    pub(crate) fn choices_mut(&mut self, h: usize) -> &mut [u32] {
        &mut self.choices[h * self.count..(h + 1) * self.count]
    }

    /// Makes the actions of all candidates elements of the space.
    pub(crate) fn snap(&mut self, kind: &ActionKind) {
        let ActionKind::Continuous { form: Flat::Snapped { parts, .. }, .. } = kind else { return };
        for h in 0..self.horizon() {
            for part in parts {
                match *part {
                    Snap::Whole { dim } => self.column_mut(h, dim).iter_mut().for_each(|x| *x = x.round()),
                    Snap::OneOf { first, n } => {
                        for i in 0..self.count() {
                            let largest = (first + 1..first + n).fold(first, |best, dim| {
                                if self.column(h, dim)[i] > self.column(h, best)[i] { dim } else { best }
                            });
                            for dim in first..first + n {
                                self.column_mut(h, dim)[i] = f64::from(u8::from(dim == largest));
                            }
                        }
                    }
                }
            }
        }
    }

    /// Writes candidate `i`.
    pub(crate) fn set(&mut self, i: usize, sequence: &Sequence) {
        for (row, value) in sequence.values.iter().enumerate() {
            self.values[row * self.count + i] = *value;
        }
        for (h, choice) in sequence.choices.iter().enumerate() {
            self.choices[h * self.count + i] = *choice;
        }
    }

    /// Reads candidate `i`.
    pub(crate) fn get(&self, i: usize, sequence: &mut Sequence) {
        for (row, value) in sequence.values.iter_mut().enumerate() {
            *value = self.values[row * self.count + i];
        }
        for (h, choice) in sequence.choices.iter_mut().enumerate() {
            *choice = self.choices[h * self.count + i];
        }
    }

    /// Writes all of another set of candidates from number `first` on.
    pub(crate) fn place(&mut self, first: usize, others: &Self) {
        let span = first..first + others.count;
        for h in 0..self.horizon {
            for dim in 0..self.dims {
                self.column_mut(h, dim)[span.clone()].copy_from_slice(others.column(h, dim));
            }
            if self.dims == 0 {
                self.choices_mut(h)[span.clone()].copy_from_slice(others.choices(h));
            }
        }
    }

    /// Writes the last `count` of the candidates that were [placed](Self::place) at `first` back to where they came from.
    pub(crate) fn hand_back(&self, first: usize, count: usize, others: &mut Self) {
        let end = first + others.count;
        let from = others.count - count;
        for h in 0..self.horizon {
            for dim in 0..self.dims {
                others.column_mut(h, dim)[from..].copy_from_slice(&self.column(h, dim)[end - count..end]);
            }
            if self.dims == 0 {
                others.choices_mut(h)[from..].copy_from_slice(&self.choices(h)[end - count..end]);
            }
        }
    }

    /// Steps of each candidate.
    pub(crate) fn horizon(&self) -> usize {
        self.horizon
    }
}
