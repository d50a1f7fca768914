//! The rows of each episode that a replay holds, so that any row of an episode is found at once from any other.
//!
//! Rows of an episode alone lie side by side, and its first one tells all. Only where episodes are under way at once is the place of each row kept, four bytes each.

use std::collections::{BTreeMap, VecDeque};

/// An episode.
#[derive(Debug, Clone, PartialEq)]
struct Held {
    /// Its reset.
    first: u64,
    /// Rows behind that.
    steps: u32,
    /// `[step - gone]`: how far behind the first each row lies; empty while each is next to the one before it.
    off: VecDeque<u32>,
    /// Steps whose rows were forgotten, and with them where they lie; none while `off` is empty.
    gone: u32,
}

/// The episodes that have a row in the chunks, by numbers that count up.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct EpisodesHeld {
    episodes: BTreeMap<u32, Held>,
    /// The number of the next one.
    next: u32,
}

impl EpisodesHeld {
    /// Begins one with a reset at `row`, and gives its number.
    pub(crate) fn begin(&mut self, row: u64) -> u32 {
        let episode = self.next;
        self.episodes.insert(episode, Held { first: row, steps: 0, off: VecDeque::new(), gone: 0 });
        self.next = episode.wrapping_add(1);
        episode
    }

    /// The next row of an episode.
    pub(crate) fn push(&mut self, episode: u32, row: u64) {
        let Some(held) = self.episodes.get_mut(&episode) else { return };
        held.steps += 1;
        let off = (row - held.first) as u32;
        if held.off.is_empty() && off != held.steps {
            held.off.extend(0..held.steps);
        }
        if !held.off.is_empty() {
            held.off.push_back(off);
        }
    }

    /// Rows behind row `step` of an episode.
    pub(crate) fn behind(&self, episode: u32, step: u32) -> u64 {
        self.episodes.get(&episode).map_or(0, |held| u64::from(held.steps - step))
    }

    /// Row `step` of an episode, none where it was forgotten.
    pub(crate) fn row(&self, episode: u32, step: u64) -> Option<u64> {
        let held = self.episodes.get(&episode).filter(|held| step <= u64::from(held.steps))?;
        if held.off.is_empty() {
            return Some(held.first + step);
        }
        let at = step.checked_sub(u64::from(held.gone))?;
        held.off.get(at as usize).map(|off| held.first + u64::from(*off))
    }

    /// Forgets the rows before `first`, and with them the episodes that have no other, wherever these stand among those that go on.
    pub(crate) fn forget_before(&mut self, first: u64) {
        self.episodes.retain(|_, held| {
            // The last one stays, so that there is one to go on from.
            while held.off.len() > 1 && held.first + u64::from(held.off[0]) < first {
                held.off.pop_front();
                held.gone += 1;
            }
            held.first + held.off.back().map_or(u64::from(held.steps), |off| u64::from(*off)) >= first
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One long episode beside many short ones, of which a memory of some rows holds few, and of the long one what it holds.
    #[test]
    fn what_is_forgotten_takes_no_room_beside_an_episode_that_goes_on() {
        let (mut held, capacity) = (EpisodesHeld::default(), 100);
        let long = held.begin(0);
        let mut row = 1;
        for _ in 0..1000 {
            let short = held.begin(row);
            for _ in 0..3 {
                held.push(short, row + 1);
                held.push(long, row + 2);
                row += 2;
            }
            row += 1;
            held.forget_before(row.saturating_sub(capacity));
            assert!(held.episodes.len() <= 2 + capacity as usize / 3, "{} episodes", held.episodes.len());
            assert!(held.episodes[&long].off.len() <= capacity as usize, "{} rows", held.episodes[&long].off.len());
        }
        assert_eq!((held.behind(long, 2990), held.row(long, 3000), held.row(long, 3)), (10, Some(row - 1), None));
    }
}
