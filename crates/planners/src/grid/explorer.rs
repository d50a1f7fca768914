//! Room for asking the model a batch of points at a time.

use worldwright_core::{Imagination, Imagined, Observation};

use super::chart::Chart;

/// The first row of a batch.
pub(super) const FIRST: usize = 2;

/// Room for a batch.
pub(super) struct Explorer {
    rows: usize,
    /// Points in a full batch.
    pub(super) together: usize,
    pub(super) out: Imagined,
    pub(super) observation: Observation,
    pub(super) flat: Vec<f64>,
    pub(super) coordinates: Vec<f64>,
}

impl Explorer {
    pub(super) fn new(chart: &Chart, rows: usize, together: usize) -> Self {
        Self {
            rows,
            together,
            out: Imagined::default(),
            observation: Observation::Floats(vec![0.0; chart.width()]),
            flat: vec![0.0; chart.width()],
            coordinates: vec![0.0; chart.width()],
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Sizes the outcome for the model; allocates only for another shape than before.
    pub(super) fn prepare(&mut self, world: &dyn Imagination) {
        if self.out.members() != world.spec().members {
            self.out = Imagined::new(world.spec(), self.rows);
        }
    }
}
