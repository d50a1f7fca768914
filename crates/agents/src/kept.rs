//! Imagined steps with what their policy kept beside them, as an experience of its own.

use std::ops::Range;

use worldwright_core::{Dataset, Experience, Result, Sample, StepColumn};

/// The steps of a set, each with the numbers of some columns.
pub(crate) struct Kept<'a> {
    pub(crate) steps: &'a Dataset,
    pub(crate) columns: &'a [StepColumn],
    /// `[step][numbers of all columns]`
    pub(crate) numbers: &'a [f64],
}

impl Experience for Kept<'_> {
    fn observation_dim(&self) -> usize {
        self.steps.observation_dim()
    }

    fn action_dim(&self) -> usize {
        self.steps.action_dim()
    }

    fn columns(&self) -> &[StepColumn] {
        self.columns
    }

    fn rows(&self) -> Range<u64> {
        self.steps.rows()
    }

    fn taken(&self) -> u64 {
        self.steps.taken()
    }

    fn is_open(&self) -> bool {
        self.steps.is_open()
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        self.steps.ends_sequence(row, length)
    }

    fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample) {
        self.steps.gather(first, length, weight, out);
        let width: usize = self.columns.iter().map(|column| column.width).sum();
        let (from, to) = (first as usize * width, (first as usize + length) * width);
        out.columns.extend_from_slice(&self.numbers[from..to]);
    }

    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64> {
        self.steps.append_to(dataset, from)
    }
}
