//! Where an episode of a native environment stands: its randomness, its time limit, and whether it has begun or is over.

use worldwright_core::{Array, Error, Key, Result, Rng, State};

/// Keeps the episodes' randomness apart from other uses of the same seed.
const RESET_STREAM: u64 = 0x0E57;

/// Where an episode stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    NotBegun,
    Running,
    Over,
}

/// An episode: seeded, counted, cut at its limit.
#[derive(Debug, Clone)]
pub(crate) struct Episode {
    /// What all chance in the episode comes from.
    pub(crate) rng: Rng,
    elapsed: usize,
    phase: Phase,
}

impl Episode {
    /// Before the first reset.
    pub(crate) fn new() -> Self {
        Self { rng: Rng::new(0), elapsed: 0, phase: Phase::NotBegun }
    }

    /// Begins anew with a seed.
    pub(crate) fn begin(&mut self, seed: u64) {
        *self = Self { rng: Key::new(seed).fold(RESET_STREAM).rng(), elapsed: 0, phase: Phase::Running };
    }

    /// Whether there is nothing to see yet.
    pub(crate) fn has_begun(&self) -> bool {
        self.phase != Phase::NotBegun
    }

    /// # Errors
    /// [`Error::Config`] where the environment `id` cannot take a step now.
    pub(crate) fn check(&self, id: &'static str) -> Result<()> {
        match self.phase {
            Phase::Running => Ok(()),
            Phase::NotBegun => Err(Error::config(id, "the episode has not begun: call reset first")),
            Phase::Over => Err(Error::config(id, "the episode is over: call reset first")),
        }
    }

    /// Counts a step, and says whether the limit cuts the episode there.
    pub(crate) fn count(&mut self, terminated: bool, limit: Option<usize>) -> bool {
        self.elapsed += 1;
        let truncated = !terminated && limit.is_some_and(|limit| self.elapsed >= limit);
        if terminated || truncated {
            self.phase = Phase::Over;
        }
        truncated
    }

    /// Puts everything into a saved state.
    pub(crate) fn save(&self, state: &mut State) {
        state.put("rng", self.rng.save());
        state.put("episode", Array::U64(vec![self.elapsed as u64, self.phase as u64]));
    }

    /// What [`save`](Self::save) put.
    ///
    /// # Errors
    /// [`Error::External`] for a state that holds no episode.
    pub(crate) fn restored(state: &State) -> Result<Self> {
        let (elapsed, phase) = match state.u64s("episode", 2)? {
            [elapsed, 0] => (*elapsed, Phase::NotBegun),
            [elapsed, 1] => (*elapsed, Phase::Running),
            [elapsed, 2] => (*elapsed, Phase::Over),
            _ => return Err(Error::external("saved state", "'episode' holds no phase that is known here")),
        };
        let mut rng = Rng::new(0);
        rng.restore(state, "rng")?;
        Ok(Self { rng, elapsed: elapsed as usize, phase })
    }
}
