//! What is believed in an episode of a latent model that learns as it goes: filtered once, by the model as it was at each step, and carried on into the arena of
//! the model as it is now. It is not filtered anew, since every update would then cost as much as the episode is long.

use worldwright_core::{Action, Array, Imagination, Key, Observation, Result, Space, State};

/// Rows of the arena that a belief takes: where it is, and where the next goes.
pub(crate) const ROWS: usize = 2;

/// A belief that is carried on through updates, as it was filtered. One that is filtered anew is a [`RefilteredBelief`](crate::planned::RefilteredBelief).
pub(crate) struct CarriedBelief {
    key: Key,
    /// The row of the arena that holds it, and the other.
    rows: [usize; 2],
    /// Observations that were filtered.
    seen: u64,
    /// What was done last.
    last: Option<Action>,
    /// What the row holds, to be carried on into another arena; what a policy looks at.
    latent: Vec<f64>,
}

impl CarriedBelief {
    /// Nothing is believed yet; its rows begin at `first`, of latents of `width` numbers.
    pub(crate) fn new(first: usize, width: usize, key: Key) -> Self {
        Self { key, rows: [first, first + 1], seen: 0, last: None, latent: vec![0.0; width] }
    }

    /// An episode begins.
    pub(crate) fn begin(&mut self, key: Key) {
        (self.key, self.seen, self.last) = (key, 0, None);
    }

    /// Forgets what was filtered, for another model.
    pub(crate) fn forget(&mut self) {
        self.seen = 0;
    }

    /// Filters an observation into the other row, which it gives, and keeps the belief as it is.
    pub(crate) fn look(&self, arena: &mut dyn Imagination, observation: &Observation) -> Result<usize> {
        let [now, next] = self.rows;
        // What was done before anything was filtered, at random, is not known to the row.
        let previous = self.last.as_ref().filter(|_| self.seen > 0).map(|action| (now, action));
        arena.observe(next, previous, observation, self.key.fold(self.seen))?;
        Ok(next)
    }

    /// Takes an observation into the belief, and gives its row.
    pub(crate) fn filter(&mut self, arena: &mut dyn Imagination, observation: &Observation) -> Result<usize> {
        let row = self.look(arena, observation)?;
        self.rows.swap(0, 1);
        self.seen += 1;
        arena.read_latent(row, &mut self.latent)?;
        Ok(row)
    }

    /// Remembers what was done.
    pub(crate) fn did(&mut self, action: &Action) {
        self.last = Some(action.clone());
    }

    /// What is believed, as the numbers of a latent.
    pub(crate) fn latent(&self) -> &[f64] {
        &self.latent
    }

    /// Writes it into another arena.
    pub(crate) fn carry(&self, arena: &mut dyn Imagination) -> Result<()> {
        if self.seen > 0 { arena.write_latent(self.rows[0], &self.latent) } else { Ok(()) }
    }

    /// Puts it beside what else is saved of a place. The belief was filtered by the model as it was at each step, which cannot be done again.
    pub(crate) fn save(&self, state: &mut State, space: &Space) {
        state.put("seen", Array::U64(vec![self.seen]));
        state.put("belief", Array::F64(vec![self.latent.len()], self.latent.clone()));
        let mut last = vec![0.0; space.flat_dim()];
        let known = self.last.as_ref().is_some_and(|taken| space.flatten(taken, &mut last).is_ok());
        state.put("last", Array::F64(vec![last.len()], last));
        state.put("acted", Array::U64(vec![u64::from(known)]));
    }

    /// Takes it back.
    pub(crate) fn restore(&mut self, state: &State, space: &Space) -> Result<()> {
        self.latent = state.f64s("belief", self.latent.len())?.to_vec();
        self.seen = state.u64s("seen", 1)?[0];
        let last = state.f64s("last", space.flat_dim())?;
        self.last = if state.u64s("acted", 1)?[0] > 0 { Some(space.unflatten(last)?) } else { None };
        Ok(())
    }
}
