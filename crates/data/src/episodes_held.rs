//! The rows of each episode that a replay holds, so that any row of an episode is found at once from any other.
//!
//! Rows of an episode alone lie side by side, and its first one tells all. Only where episodes are under way at once is the place of each row kept, four bytes each.

use std::collections::VecDeque;

/// An episode.
#[derive(Debug, Clone, PartialEq)]
struct Held {
    /// Its reset.
    first: u64,
    /// Rows behind that.
    steps: u32,
    /// `[step]`: how far behind the first each row lies; empty while each is next to the one before it.
    off: Vec<u32>,
}

/// The episodes that have a row in the chunks, by numbers that count up.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct EpisodesHeld {
    episodes: VecDeque<Held>,
    /// The number of the first of them.
    gone: u32,
}

impl EpisodesHeld {
    /// Begins one with a reset at `row`, and gives its number.
    pub(crate) fn begin(&mut self, row: u64) -> u32 {
        self.episodes.push_back(Held { first: row, steps: 0, off: Vec::new() });
        self.gone.wrapping_add(self.episodes.len() as u32 - 1)
    }

    /// The next row of an episode.
    pub(crate) fn push(&mut self, episode: u32, row: u64) {
        let Some(held) = self.episodes.get_mut(episode.wrapping_sub(self.gone) as usize) else { return };
        held.steps += 1;
        let off = (row - held.first) as u32;
        if held.off.is_empty() && off != held.steps {
            held.off.extend(0..held.steps);
        }
        if !held.off.is_empty() {
            held.off.push(off);
        }
    }

    /// Rows behind row `step` of an episode.
    pub(crate) fn behind(&self, episode: u32, step: u32) -> u64 {
        self.held(episode).map_or(0, |held| u64::from(held.steps - step))
    }

    /// Row `step` of an episode.
    pub(crate) fn row(&self, episode: u32, step: u64) -> Option<u64> {
        let held = self.held(episode).filter(|held| step <= u64::from(held.steps))?;
        Some(held.first + held.off.get(step as usize).map_or(step, |off| u64::from(*off)))
    }

    /// Forgets the oldest that have no row from `first` on.
    pub(crate) fn forget_before(&mut self, first: u64) {
        let over =
            |held: &Held| held.first + held.off.last().map_or(u64::from(held.steps), |off| u64::from(*off)) < first;
        while self.episodes.front().is_some_and(over) {
            self.episodes.pop_front();
            self.gone = self.gone.wrapping_add(1);
        }
    }

    fn held(&self, episode: u32) -> Option<&Held> {
        self.episodes.get(episode.wrapping_sub(self.gone) as usize)
    }
}
