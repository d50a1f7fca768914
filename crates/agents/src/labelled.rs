//! What was experienced, as if somebody else had acted: each step with the action that was kept beside it.

use std::ops::Range;

use worldwright_core::{Dataset, Experience, Result, Sample, StepColumn};

/// Name of the columns that hold the other's flat action; numbers that are none where nobody said what to do.
pub(crate) const LABEL: &str = "expert_action";

/// The steps of an experience that were labelled. Its columns are the numbers of an action, and nothing else.
pub(crate) struct Labelled<'a>(pub(crate) &'a dyn Experience);

impl Labelled<'_> {
    /// Whether somebody said what to do at a transition that is held.
    fn has_label(&self, row: u64) -> bool {
        let mut step = Sample::default();
        step.begin(1);
        self.0.gather(row, 1, 1.0, &mut step);
        step.columns.iter().all(|number| number.is_finite())
    }
}

impl Experience for Labelled<'_> {
    fn observation_dim(&self) -> usize {
        self.0.observation_dim()
    }

    fn action_dim(&self) -> usize {
        self.0.action_dim()
    }

    fn columns(&self) -> &[StepColumn] {
        &[]
    }

    fn rows(&self) -> Range<u64> {
        self.0.rows()
    }

    fn taken(&self) -> u64 {
        self.0.taken()
    }

    fn is_open(&self) -> bool {
        self.0.is_open()
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        self.0.ends_sequence(row, length) && (length != 1 || self.has_label(row))
    }

    fn before(&self, row: u64) -> Option<u64> {
        self.0.before(row)
    }

    fn after(&self, row: u64) -> Option<u64> {
        self.0.after(row)
    }

    fn reach(&self) -> u64 {
        self.0.reach()
    }

    fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample) {
        let (actions, columns) = (out.actions.len(), out.columns.len());
        self.0.gather(first, length, weight, out);
        out.actions.truncate(actions);
        let labels = out.columns.split_off(columns);
        out.actions.extend(&labels);
    }

    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64> {
        self.0.append_to(dataset, from)
    }
}
