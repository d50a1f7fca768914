//! A known world that brings its own model: rows are beliefs or positions, not states of numbers.

use worldwright_core::{
    Dataset, FitReport, Imagination, Interrupt, Learn, ModelSpec, Persist, Result, Rng, State, WorldModel,
};

/// A model as its world made it; nothing is learned.
pub(crate) struct Brought(pub(crate) Box<dyn WorldModel>);

impl WorldModel for Brought {
    fn spec(&self) -> &ModelSpec {
        self.0.spec()
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        self.0.imagination(rows)
    }
}

impl Learn for Brought {
    /// Leaves the model as it is.
    fn fit(&mut self, _dataset: &Dataset, _rng: &mut Rng, _interrupt: &Interrupt) -> Result<FitReport> {
        Ok(nothing_learned())
    }

    fn learns(&self) -> bool {
        false
    }
}

impl Persist for Brought {
    fn save(&self) -> State {
        State::new()
    }

    fn restore(&mut self, _state: &State) -> Result<()> {
        Ok(())
    }
}

/// The report of a fit that leaves what is known as it is.
pub(crate) fn nothing_learned() -> FitReport {
    FitReport { note: "the dynamics are known; nothing was learned".into(), ..FitReport::default() }
}
