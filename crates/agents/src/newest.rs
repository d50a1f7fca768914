//! What was experienced since something was last learned from it.

use std::ops::Range;

use worldwright_core::{Dataset, Experience, Result, Sample, StepColumn};

/// The transitions of an experience from a row on: nothing before it is held, though what was seen before the first of them is told with it.
pub(crate) struct Newest<'a> {
    pub(crate) all: &'a dyn Experience,
    pub(crate) from: u64,
}

impl Experience for Newest<'_> {
    fn observation_dim(&self) -> usize {
        self.all.observation_dim()
    }

    fn action_dim(&self) -> usize {
        self.all.action_dim()
    }

    fn columns(&self) -> &[StepColumn] {
        self.all.columns()
    }

    fn rows(&self) -> Range<u64> {
        let rows = self.all.rows();
        self.from.clamp(rows.start, rows.end)..rows.end
    }

    fn taken(&self) -> u64 {
        self.all.taken()
    }

    fn is_open(&self) -> bool {
        self.all.is_open()
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        let first = (1..length).try_fold(row, |row, _| self.all.before(row));
        first.is_some_and(|first| first >= self.from) && self.all.ends_sequence(row, length)
    }

    fn before(&self, row: u64) -> Option<u64> {
        self.all.before(row).filter(|before| *before >= self.from)
    }

    fn after(&self, row: u64) -> Option<u64> {
        self.all.after(row).filter(|after| *after >= self.from)
    }

    fn behind(&self, row: u64) -> u64 {
        self.all.behind(row)
    }

    fn ahead(&self, row: u64, steps: u64) -> Option<u64> {
        self.all.ahead(row, steps)
    }

    fn reach(&self) -> u64 {
        self.all.reach()
    }

    fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample) {
        self.all.gather(first, length, weight, out);
    }

    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64> {
        self.all.append_to(dataset, from.max(self.from))
    }
}
