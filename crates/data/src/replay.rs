//! Replay: what was experienced, in memory, for those who learn from it ([`Experience`]).
//!
//! Rows lie as in the store: an episode of T steps is T + 1 rows, so observations are held once, and numbers that are bytes stay bytes. Rows
//! are kept in chunks of about a megabyte, so that growing copies nothing and what is held is what was asked for; the oldest chunk
//! goes when none of its rows is wanted any more. A transition is a row that is no reset and whose predecessor is still there; it is named by
//! a number that never changes and is never used again.
//!
//! Several episodes may be under way at once, each at a place of its own. Their rows lie in the order in which they came, so that the memory of a run
//! that was cut is read back row for row, and each row knows how far off the one before it and the one behind it are.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use worldwright_core::{
    Action, Dataset, Error, Experience, Numbers, Observation, Result, Sample, Space, Step, StepColumn,
};

use crate::episodes_held::EpisodesHeld;
use crate::{EpisodeStore, limits};

/// Bytes of a chunk, about.
const CHUNK_BYTES: usize = 1 << 20;

/// Whether all flat numbers of a space are bytes.
fn small(space: &Space) -> bool {
    match space {
        Space::Box { element, .. } => element.is_bytes(),
        Space::Discrete { .. } | Space::MultiDiscrete { .. } | Space::MultiBinary { .. } => true,
        Space::Dict(_) | Space::Tuple(_) => space.parts().into_iter().all(|(_, part)| small(part)),
    }
}

/// Consecutive rows.
#[derive(Debug, Clone, PartialEq)]
struct Chunk {
    observations: Numbers,
    /// Zeros at a reset.
    actions: Numbers,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    /// Which row of its episode each row is; 0 is a reset.
    steps: Vec<u32>,
    /// The episode of each row, by its number among those that are held.
    episode: Vec<u32>,
    /// How many rows back the one before it in its episode lies; 0 at a reset.
    back: Vec<u32>,
    /// How many rows on the next one of its episode lies; 0 where none has come.
    on: Vec<u32>,
    /// What an agent kept beside each step; zeros at a reset.
    columns: Vec<f64>,
}

/// A row as it is added.
#[derive(Debug, Clone, Copy)]
struct Row<'a> {
    observation: &'a [f64],
    /// Action, reward and columns; none at a reset.
    taken: Option<(&'a [f64], f64, &'a [f64])>,
    terminated: bool,
    truncated: bool,
}

/// What was experienced, in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    observation_space: Space,
    action_space: Space,
    columns: Vec<StepColumn>,
    /// O, A and K: numbers of an observation, of an action, of all columns.
    dims: (usize, usize, usize),
    /// Most rows that are held.
    capacity: usize,
    chunk_rows: usize,
    chunks: VecDeque<Chunk>,
    /// Number of the first row in the chunks; a multiple of `chunk_rows`.
    first: u64,
    /// Rows ever added.
    added: u64,
    taken: u64,
    /// The last row of the episode under way at each place.
    open: Vec<Option<u64>>,
    /// The most rows from one of an episode to the next.
    reach: u64,
    episodes: EpisodesHeld,
    scratch: Vec<f64>,
}

impl Replay {
    /// Room for `capacity` rows (transitions plus one row for each episode), the oldest of which then go, or for all that come
    /// with `usize::MAX`. `columns` are what an agent keeps beside each step. Memory is taken as rows come.
    ///
    /// # Errors
    /// [`Error::Config`] for a capacity below 2, which holds no transition.
    pub fn new(
        observation_space: Space,
        action_space: Space,
        columns: Vec<StepColumn>,
        capacity: usize,
    ) -> Result<Self> {
        if capacity < 2 {
            return Err(Error::config("replay capacity", format!("must be at least 2 rows, got {capacity}")));
        }
        let dims = (
            observation_space.flat_dim(),
            action_space.flat_dim(),
            columns.iter().map(|column| column.width).sum::<usize>(),
        );
        let each = |space: &Space| if small(space) { 1 } else { 8 };
        let row = dims.0 * each(&observation_space) + dims.1 * each(&action_space) + 8 * dims.2 + 26;
        Ok(Self {
            dims,
            chunk_rows: (CHUNK_BYTES / row).clamp(1, 1 << 16).min(capacity),
            columns,
            capacity,
            chunks: VecDeque::new(),
            first: 0,
            added: 0,
            taken: 0,
            open: Vec::new(),
            reach: 1,
            episodes: EpisodesHeld::default(),
            scratch: Vec::new(),
            observation_space,
            action_space,
        })
    }

    /// All of a store.
    ///
    /// # Errors
    /// When the rows do not fit the store's header, [`Error::Diverged`] naming the first number that is not finite, and
    /// [`Error::Unsupported`] for more than this machine's memory holds.
    pub fn from_store(store: &EpisodeStore) -> Result<Self> {
        let header = store.header();
        let mut replay = Self::new(
            header.observation_space.clone(),
            header.action_space.clone(),
            header.columns.clone(),
            usize::MAX,
        )?;
        let rows = store.steps() + store.episodes().len();
        let numbers = limits::numbers(&header.observation_space, true) + limits::numbers(&header.action_space, true);
        // Held here, and once more as the transitions that a model learns from.
        limits::fits(
            &format!("{rows} rows of {numbers} numbers"),
            (rows.max(2) as u128).saturating_mul(numbers).saturating_mul(2 * 8),
        )?;
        replay.extend_from_store(store, &[])?;
        Ok(replay)
    }

    /// Adds the rows of a store in the order in which they were written. `under_way` names the episode that goes on at each place, by its number in
    /// the store; others that had not ended there were left off and end where they stand, cut.
    ///
    /// # Errors
    /// [`Error::Shape`] when the store is of other spaces, [`Error::Diverged`] naming the first number that is not finite.
    pub fn extend_from_store(&mut self, store: &EpisodeStore, under_way: &[Option<u64>]) -> Result<()> {
        let columns = vec![0.0; self.dims.2];
        // The last row of each episode that has not ended yet.
        let mut last = BTreeMap::new();
        store.visit_rows(|i, step, observation, taken| {
            let summary = &store.episodes()[i];
            let (action, reward, kept) = taken.unwrap_or((&[], 0.0, &[]));
            for (what, numbers) in [("observation", observation), ("action", action), ("reward", &[reward])] {
                if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
                    return Err(Error::Diverged {
                        who: format!("episode {i}, step {step}").into(),
                        why: format!("its {what} holds {number}, which no model can learn from; leave the episode out"),
                    });
                }
            }
            let ends = step == summary.steps;
            // Episodes that others recorded lack what this agent keeps.
            let kept = if kept.len() == columns.len() { kept } else { &columns };
            let row = Row {
                observation,
                taken: taken.map(|_| (action, reward, kept)),
                terminated: summary.terminated && ends,
                truncated: summary.truncated && ends,
            };
            match last.remove(&summary.id) {
                Some(before) => self.push(row, Some(before))?,
                None => self.push(row, None)?,
            }
            if !(ends && summary.ended()) {
                last.insert(summary.id, self.added - 1);
            }
            Ok(())
        })?;
        for (place, episode) in under_way.iter().enumerate() {
            if let Some(row) = episode.and_then(|episode| last.remove(&episode)) {
                *self.at_place(place) = Some(row);
            }
        }
        last.values().for_each(|row| self.cut(*row));
        Ok(())
    }

    /// Begins an episode at a place. One that was under way there ends where it stands, cut.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for an observation of another kind or shape.
    pub fn start_episode(&mut self, place: usize, observation: &Observation) -> Result<()> {
        let mut flat = std::mem::take(&mut self.scratch);
        flat.resize(self.dims.0, 0.0);
        let done = self.observation_space.flatten(observation, &mut flat).and_then(|()| {
            self.end_episode(place);
            self.push(Row { observation: &flat, taken: None, terminated: false, truncated: false }, None)
        });
        self.scratch = flat;
        done?;
        *self.at_place(place) = Some(self.added - 1);
        Ok(())
    }

    /// Adds a step of the episode at a place, with what the agent keeps beside it, and returns its transition's number.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for an action or observation of another kind or shape, [`Error::Shape`] for other columns,
    /// [`Error::Config`] outside an episode.
    pub fn step(&mut self, place: usize, action: &Action, step: &Step, kept: &[f64]) -> Result<u64> {
        let Some(before) = *self.at_place(place) else {
            return Err(Error::config("replay", "no episode is under way: start one before its steps"));
        };
        let (o, a, _) = self.dims;
        let mut flat = std::mem::take(&mut self.scratch);
        flat.resize(o + a, 0.0);
        let done = self
            .observation_space
            .flatten(&step.observation, &mut flat[..o])
            .and_then(|()| self.action_space.flatten(action, &mut flat[o..]))
            .and_then(|()| {
                let row = Row {
                    observation: &flat[..o],
                    taken: Some((&flat[o..], step.reward, kept)),
                    terminated: step.terminated,
                    truncated: step.truncated,
                };
                self.push(row, Some(before))
            });
        self.scratch = flat;
        done?;
        let row = self.added - 1;
        *self.at_place(place) = (!step.done()).then_some(row);
        Ok(row)
    }

    /// The episode under way at a place ends where it stands, cut.
    pub fn end_episode(&mut self, place: usize) {
        if let Some(row) = self.at_place(place).take() {
            self.cut(row);
        }
    }

    fn at_place(&mut self, place: usize) -> &mut Option<u64> {
        if self.open.len() <= place {
            self.open.resize(place + 1, None);
        }
        &mut self.open[place]
    }

    /// The episode of a row ends there.
    fn cut(&mut self, row: u64) {
        if row >= self.first {
            let (chunk, at) = self.place(row);
            self.chunks[chunk].truncated[at] = self.chunks[chunk].steps[at] > 0;
        }
    }

    /// Adds a row behind the one `before` it in its episode.
    fn push(&mut self, row: Row<'_>, before: Option<u64>) -> Result<()> {
        let (o, a, k) = self.dims;
        if row.observation.len() != o {
            return Err(Error::shape("observation", &[o], &[row.observation.len()]));
        }
        match row.taken {
            Some((action, ..)) if action.len() != a => return Err(Error::shape("action", &[a], &[action.len()])),
            Some((.., kept)) if kept.len() != k => return Err(Error::shape("columns of a step", &[k], &[kept.len()])),
            _ => {}
        }
        // A predecessor that is forgotten already, in a memory smaller than what happens between two steps, leaves the row a reset.
        let before = before.filter(|before| *before >= self.first);
        let step = before.map_or(0, |before| self.step_of(before).saturating_add(1));
        let back = before.map_or(0, |before| self.added - before);
        self.reach = self.reach.max(back);
        let back = back as u32;
        let episode = if let Some(before) = before {
            let (chunk, at) = self.place(before);
            self.chunks[chunk].on[at] = back;
            let episode = self.chunks[chunk].episode[at];
            self.episodes.push(episode, self.added);
            episode
        } else {
            self.episodes.begin(self.added)
        };
        if self.added == self.first + (self.chunks.len() * self.chunk_rows) as u64 {
            let chunk = self.chunk();
            self.chunks.push_back(chunk);
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.observations.extend(row.observation);
            let (action, reward, kept) = row.taken.unwrap_or((&[], 0.0, &[]));
            chunk.actions.extend(action);
            chunk.columns.extend_from_slice(kept);
            if row.taken.is_none() {
                (0..a).for_each(|_| chunk.actions.extend(&[0.0]));
                chunk.columns.resize(chunk.columns.len() + k, 0.0);
            }
            chunk.rewards.push(reward);
            chunk.steps.push(step);
            chunk.episode.push(episode);
            chunk.back.push(back);
            chunk.on.push(0);
            chunk.terminated.push(row.terminated);
            chunk.truncated.push(row.truncated);
        }
        self.taken += u64::from(row.taken.is_some());
        self.added += 1;
        while self.first + self.chunk_rows as u64 <= self.rows().start {
            self.chunks.pop_front();
            self.first += self.chunk_rows as u64;
            self.episodes.forget_before(self.first);
        }
        Ok(())
    }

    fn chunk(&self) -> Chunk {
        let ((o, a, k), rows) = (self.dims, self.chunk_rows);
        let numbers = |space: &Space, dim: usize| {
            if small(space) {
                Numbers::Bytes(Vec::with_capacity(rows * dim))
            } else {
                Numbers::Floats(Vec::with_capacity(rows * dim))
            }
        };
        Chunk {
            observations: numbers(&self.observation_space, o),
            actions: numbers(&self.action_space, a),
            rewards: Vec::with_capacity(rows),
            terminated: Vec::with_capacity(rows),
            truncated: Vec::with_capacity(rows),
            steps: Vec::with_capacity(rows),
            episode: Vec::with_capacity(rows),
            back: Vec::with_capacity(rows),
            on: Vec::with_capacity(rows),
            columns: Vec::with_capacity(rows * k),
        }
    }

    /// The chunk of a row, and the row's place in it.
    fn place(&self, row: u64) -> (usize, usize) {
        let at = (row - self.first) as usize;
        (at / self.chunk_rows, at % self.chunk_rows)
    }

    fn step_of(&self, row: u64) -> u32 {
        let (chunk, at) = self.place(row);
        self.chunks[chunk].steps[at]
    }

    /// What was observed.
    pub fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    /// What was done.
    pub fn action_space(&self) -> &Space {
        &self.action_space
    }

    /// Most rows that are held.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Numbers of the transitions held, oldest first.
    pub fn transitions(&self) -> impl Iterator<Item = u64> + '_ {
        self.rows().filter(|row| self.ends_sequence(*row, 1))
    }

    /// Whether the episode ended with this row.
    fn ends(&self, row: u64) -> bool {
        let (chunk, at) = self.place(row);
        self.chunks[chunk].terminated[at] || self.chunks[chunk].truncated[at]
    }

    /// The row so many links before this one, if it is held.
    fn back(&self, row: u64, links: usize) -> Option<u64> {
        (0..links).try_fold(row, |row, _| {
            let (chunk, at) = self.place(row);
            let back = u64::from(self.chunks[chunk].back[at]);
            row.checked_sub(back).filter(|before| back > 0 && *before >= self.rows().start)
        })
    }

    /// The row of its episode behind this one, if there is one.
    fn on(&self, row: u64) -> Option<u64> {
        let (chunk, at) = self.place(row);
        let on = u64::from(self.chunks[chunk].on[at]);
        (on > 0).then_some(row + on)
    }

    /// The transitions from a row on, those of each episode together in the order in which the episodes come first.
    fn together(&self, from: u64) -> Vec<u64> {
        let rows = from.max(self.rows().start)..self.added;
        if self.reach <= 1 {
            return rows.filter(|row| self.ends_sequence(*row, 1)).collect();
        }
        let heads = rows.clone().filter(|row| {
            self.ends_sequence(*row, 1)
                && !self.back(*row, 1).is_some_and(|before| before >= rows.start && self.ends_sequence(before, 1))
        });
        heads.flat_map(|head| std::iter::successors(Some(head), |row| self.on(*row))).collect()
    }
}

impl Experience for Replay {
    fn observation_dim(&self) -> usize {
        self.dims.0
    }

    fn action_dim(&self) -> usize {
        self.dims.1
    }

    fn columns(&self) -> &[StepColumn] {
        &self.columns
    }

    fn rows(&self) -> Range<u64> {
        self.added.saturating_sub(self.capacity as u64)..self.added
    }

    fn taken(&self) -> u64 {
        self.taken
    }

    fn is_open(&self) -> bool {
        self.added > self.first && self.open.contains(&Some(self.added - 1))
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        let rows = self.rows();
        let within = row < rows.end
            && row >= rows.start.saturating_add(length as u64)
            && u64::from(self.step_of(row)) >= length as u64;
        // Where episodes lie between each other, the first row may be forgotten although there are as many rows before the last.
        within && (self.reach <= 1 || rows.start == 0 || self.back(row, length).is_some())
    }

    fn before(&self, row: u64) -> Option<u64> {
        let held = Some(row).filter(|row| self.rows().contains(row))?;
        self.back(held, 1).filter(|before| self.ends_sequence(*before, 1))
    }

    fn after(&self, row: u64) -> Option<u64> {
        if row < self.rows().start || row >= self.added { None } else { self.on(row) }
    }

    fn reach(&self) -> u64 {
        self.reach
    }

    fn behind(&self, row: u64) -> u64 {
        let (chunk, at) = self.place(row);
        self.episodes.behind(self.chunks[chunk].episode[at], self.chunks[chunk].steps[at])
    }

    fn ahead(&self, row: u64, steps: u64) -> Option<u64> {
        let (chunk, at) = self.place(row);
        let step = u64::from(self.chunks[chunk].steps[at]).saturating_add(steps);
        self.episodes.row(self.chunks[chunk].episode[at], step)
    }

    fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample) {
        let (o, a, k) = self.dims;
        out.sequences += 1;
        out.transitions.push(first);
        out.weights.push(weight);
        out.spans.push(length);
        let mut row = self.back(first, 1).unwrap_or(first - 1);
        let (chunk, at) = self.place(row);
        out.observations.extend_from(&self.chunks[chunk].observations, at * o, o);
        for _ in 0..length {
            row = self.on(row).unwrap_or(row);
            let (chunk, at) = self.place(row);
            let chunk = &self.chunks[chunk];
            out.observations.extend_from(&chunk.observations, at * o, o);
            out.actions.extend_from(&chunk.actions, at * a, a);
            out.rewards.push(chunk.rewards[at]);
            out.terminated.push(chunk.terminated[at]);
            out.truncated.push(chunk.truncated[at]);
            out.columns.extend_from_slice(&chunk.columns[at * k..(at + 1) * k]);
        }
    }

    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64> {
        let (o, a, _) = self.dims;
        let (mut before, mut after, mut action) = (vec![0.0; o], vec![0.0; o], vec![0.0; a]);
        let rows = self.together(from);
        for (i, row) in rows.iter().copied().enumerate() {
            let (chunk, at) = self.place(self.back(row, 1).unwrap_or(row - 1));
            self.chunks[chunk].observations.copy_to(at * o, &mut before);
            let (chunk, at) = self.place(row);
            let chunk = &self.chunks[chunk];
            chunk.observations.copy_to(at * o, &mut after);
            chunk.actions.copy_to(at * a, &mut action);
            // What does not go on with the next transition ends, as far as the set goes; the last one may go on there later.
            let goes_on = rows.get(i + 1).map_or(self.is_open(), |next| self.on(row) == Some(*next));
            let ends = self.ends(row) || !goes_on;
            dataset.push(&before, &action, chunk.rewards[at], &after, chunk.terminated[at], ends)?;
        }
        Ok(self.added)
    }
}
