//! What was experienced, as if somebody else had acted: each step with the action that was kept beside it.

use std::ops::Range;

use worldwright_core::{Dataset, Experience, Result, Sample, StepColumn};

use crate::refreshing::Advice;

/// Name of the columns that hold the other's flat action; numbers that are none where nobody said what to do.
pub(crate) const LABEL: &str = "expert_action";

/// The steps of an experience that were labelled, then or since. Its columns are the numbers of an action, and nothing else.
pub(crate) struct Labelled<'a> {
    pub(crate) all: &'a dyn Experience,
    /// What was said since, which holds.
    pub(crate) since: Option<&'a Advice>,
}

impl Labelled<'_> {
    /// Whether somebody said what to do at a transition that is held.
    fn has_label(&self, row: u64) -> bool {
        if self.newer(row).is_some() {
            return true;
        }
        let mut step = Sample::default();
        step.begin(1);
        self.all.gather(row, 1, 1.0, &mut step);
        // What is recorded without columns has no label.
        !step.columns.is_empty() && step.columns.iter().all(|number| number.is_finite())
    }

    fn newer(&self, row: u64) -> Option<&[f64]> {
        self.since.and_then(|since| since.get(&row)).map(Vec::as_slice)
    }
}

impl Experience for Labelled<'_> {
    fn observation_dim(&self) -> usize {
        self.all.observation_dim()
    }

    fn action_dim(&self) -> usize {
        self.all.action_dim()
    }

    fn columns(&self) -> &[StepColumn] {
        &[]
    }

    fn rows(&self) -> Range<u64> {
        self.all.rows()
    }

    fn taken(&self) -> u64 {
        self.all.taken()
    }

    fn is_open(&self) -> bool {
        self.all.is_open()
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        self.all.ends_sequence(row, length) && (length != 1 || self.has_label(row))
    }

    fn before(&self, row: u64) -> Option<u64> {
        self.all.before(row)
    }

    fn after(&self, row: u64) -> Option<u64> {
        self.all.after(row)
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
        let (actions, columns) = (out.actions.len(), out.columns.len());
        self.all.gather(first, length, weight, out);
        out.actions.truncate(actions);
        let labels = out.columns.split_off(columns);
        match self.newer(first).filter(|_| length == 1) {
            Some(newer) => out.actions.extend(newer),
            None => out.actions.extend(&labels),
        }
    }

    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64> {
        self.all.append_to(dataset, from)
    }
}
