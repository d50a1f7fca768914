//! What a latent model has learned, and what it goes on learning by.

use worldwright_core::{Array, Persist, Result, State};
use worldwright_nn::{Adam, AdamConfig, Store};

/// The numbers of a model's networks with their optimiser.
#[derive(Debug, Clone)]
pub(crate) struct Learned {
    pub(crate) store: Store,
    /// A slow copy, and how far it comes nearer with each update.
    slow: Option<(Store, f32)>,
    pub(crate) adam: Adam,
    /// How far values lie apart, for kinds that keep that.
    spread: Option<f64>,
    /// Whether there was an update: a model that learned nothing has nothing to imagine by.
    pub(crate) fitted: bool,
}

impl Learned {
    /// Numbers that nothing was learned by yet, to be learned by Adam.
    pub(crate) fn new(store: Store, adam: AdamConfig) -> Self {
        Self { adam: Adam::new(&store, adam), store, slow: None, spread: None, fitted: false }
    }

    /// With a slow copy that comes nearer by this share with each update.
    pub(crate) fn with_slow_copy(mut self, follow: f32) -> Self {
        self.slow = Some((self.store.twin(), follow));
        self
    }

    /// With an estimate of how far values lie apart, which begins at 1.
    pub(crate) fn with_spread(mut self) -> Self {
        self.spread = Some(1.0);
        self
    }

    /// How far values lie apart; 1 where nobody keeps that.
    pub(crate) fn spread(&self) -> f64 {
        self.spread.unwrap_or(1.0)
    }

    /// Brings the estimate nearer to what a batch showed, by this share.
    pub(crate) fn follow_spread(&mut self, shown: f64, rate: f64) {
        if let Some(spread) = self.spread.as_mut().filter(|_| shown.is_finite()) {
            *spread += rate * (shown - *spread);
        }
    }

    /// The numbers to value by: the slow copy's where there is one.
    pub(crate) fn judge(&self) -> &Store {
        self.slow.as_ref().map_or(&self.store, |(slow, _)| slow)
    }

    /// The same, to change.
    #[cfg(test)]
    pub(crate) fn judge_mut(&mut self) -> &mut Store {
        self.slow.as_mut().map_or(&mut self.store, |(slow, _)| slow)
    }

    /// Counts an update of the numbers.
    pub(super) fn updated(&mut self) -> Result<()> {
        self.fitted = true;
        match &mut self.slow {
            Some((slow, follow)) => slow.follow(&self.store, *follow),
            None => Ok(()),
        }
    }
}

impl Persist for Learned {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put("fitted", Array::U64(vec![u64::from(self.fitted)]));
        state.put_all("store", self.store.save());
        if let Some((slow, _)) = &self.slow {
            state.put_all("slow", slow.save());
        }
        state.put_all("adam", self.adam.save());
        if let Some(spread) = self.spread {
            state.put("spread", Array::F64(vec![1], vec![spread]));
        }
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let fitted = state.u64s("fitted", 1)?[0] != 0;
        if let Some(spread) = &mut self.spread {
            *spread = state.f64s("spread", 1)?[0];
        }
        self.store.restore(&state.part("store"))?;
        if let Some((slow, _)) = &mut self.slow {
            slow.restore(&state.part("slow"))?;
        }
        self.adam.restore(&state.part("adam"))?;
        self.fitted = fitted;
        Ok(())
    }
}
