//! A model that is fitted now and then, with the arena that is open in it, and when it is fitted: what every agent keeps that imagines in a model without places of its own there.

use worldwright_core::{Array, Experience, Interrupt, LearnedModel, Metrics, Result, State, WorldModel};

use crate::fitting::Fitting;
use crate::model_based::lost;
use crate::planned::{LearnedArena, learned_arena};

/// A model, its arena, and its fits.
pub(crate) struct Fitted {
    /// None only while a fit or a restore holds the model.
    world: Option<LearnedArena>,
    /// Rows of the arena.
    rows: usize,
    pub(crate) fitting: Fitting,
}

impl Fitted {
    /// Opens an arena of so many rows.
    pub(crate) fn new(model: Box<dyn LearnedModel>, rows: usize, fitting: Fitting) -> Self {
        Self { world: Some(learned_arena(model, rows, 0)), rows, fitting }
    }

    /// The model with its arena.
    ///
    /// # Errors
    /// As [`lost`] says, where a fit failed while it held the model.
    pub(crate) fn world(&mut self) -> Result<&mut LearnedArena> {
        self.parts().map(|(world, _)| world)
    }

    /// The same, and what it was fitted to.
    ///
    /// # Errors
    /// As for [`world`](Self::world).
    pub(crate) fn parts(&mut self) -> Result<(&mut LearnedArena, &Fitting)> {
        Ok((self.world.as_mut().ok_or_else(lost)?, &self.fitting))
    }

    /// An arena borrows its model, so a model that changes is taken out and gets a new one.
    fn change<T>(&mut self, by: impl FnOnce(&mut dyn LearnedModel, &mut Fitting) -> Result<T>) -> Result<T> {
        let mut model = self.world.take().ok_or_else(lost)?.into_owner();
        let changed = by(model.as_mut(), &mut self.fitting);
        self.world = Some(learned_arena(model, self.rows, 0));
        changed
    }

    /// Fits the model to all that was experienced at so many places.
    pub(crate) fn fit(&mut self, experience: &dyn Experience, places: usize, interrupt: &Interrupt) -> Result<Metrics> {
        let report = self.change(|model, fitting| fitting.fit(model, experience, places, interrupt))?;
        let mut told = vec![("fit_epochs", report.epochs as f64), ("training_loss", report.training_loss)];
        told.extend(report.holdout_mse.map(|mse| ("holdout_mse", mse)));
        Ok(told)
    }

    /// Whether it was ever fitted.
    pub(crate) fn is_fitted(&self) -> bool {
        self.fitting.fits > 0
    }

    /// Whether it was fitted to all that was experienced.
    pub(crate) fn is_up_to_date(&self, experience: &dyn Experience) -> bool {
        self.is_fitted() && self.fitting.fitted_at >= experience.taken()
    }

    /// The model, once it was fitted.
    pub(crate) fn model(&self) -> Option<&dyn WorldModel> {
        let world = self.world.as_ref().filter(|_| self.is_fitted())?;
        Some(world.borrow_owner().as_world_model())
    }

    fn put_model(&self, state: &mut State) {
        if let Some(world) = &self.world {
            state.put_all("model", world.borrow_owner().save());
        }
    }

    /// Puts what a bundle keeps.
    pub(crate) fn put_weights(&self, state: &mut State) {
        self.put_model(state);
        state.put("fits", Array::U64(vec![self.fitting.fits]));
    }

    /// Takes on what [`put_weights`](Self::put_weights) put.
    pub(crate) fn take_weights(&mut self, weights: &State) -> Result<()> {
        self.change(|model, _| model.restore(&weights.part("model")))?;
        self.fitting.fits = weights.u64s("fits", 1)?[0];
        Ok(())
    }

    pub(crate) fn save(&self, state: &mut State) {
        self.put_model(state);
        self.fitting.save(state);
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        self.change(|model, _| model.restore(&state.part("model")))?;
        self.fitting.restore(state)
    }
}
