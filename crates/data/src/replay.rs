//! Replay: what was experienced, in memory, for those who learn from it ([`Experience`]).
//!
//! Rows lie as in the store: an episode of T steps is T + 1 rows, so observations are held once, and numbers that are bytes stay bytes. Rows
//! are kept in chunks of about a megabyte, so that growing copies nothing and what is held is what was asked for; the oldest chunk
//! goes when none of its rows is wanted any more. A transition is a row that is no reset and whose predecessor is still there; it is named by
//! a number that never changes and is never used again.

use std::collections::VecDeque;
use std::ops::Range;

use worldwright_core::{
    Action, Dataset, Error, Experience, Numbers, Observation, Result, Sample, Space, Step, StepColumn,
};

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
    open: bool,
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
        let row = dims.0 * each(&observation_space) + dims.1 * each(&action_space) + 8 * dims.2 + 16;
        Ok(Self {
            dims,
            chunk_rows: (CHUNK_BYTES / row).clamp(1, 1 << 16).min(capacity),
            columns,
            capacity,
            chunks: VecDeque::new(),
            first: 0,
            added: 0,
            taken: 0,
            open: false,
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
        replay.extend_from_store(store)?;
        replay.end_episode();
        Ok(replay)
    }

    /// Adds every episode of a store. One that had not ended when the store was cut goes on with the next step.
    ///
    /// # Errors
    /// [`Error::Shape`] when the store is of other spaces, [`Error::Diverged`] naming the first number that is not finite.
    pub fn extend_from_store(&mut self, store: &EpisodeStore) -> Result<()> {
        let columns = vec![0.0; self.dims.2];
        for (i, summary) in store.episodes().iter().enumerate() {
            let mut row = 0;
            store.visit_flat(i, |observation, taken| {
                let (action, reward, kept) = taken.unwrap_or((&[], 0.0, &[]));
                for (what, numbers) in [("observation", observation), ("action", action), ("reward", &[reward])] {
                    if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
                        return Err(Error::Diverged {
                            who: format!("episode {i}, step {row}").into(),
                            why: format!(
                                "its {what} holds {number}, which no model can learn from; leave the episode out"
                            ),
                        });
                    }
                }
                let last = row == summary.steps;
                // Episodes that others recorded lack what this agent keeps.
                let kept = if kept.len() == columns.len() { kept } else { &columns };
                self.push(Row {
                    observation,
                    taken: taken.map(|_| (action, reward, kept)),
                    terminated: summary.terminated && last,
                    truncated: summary.truncated && last,
                })?;
                row += 1;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Begins an episode.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for an observation of another kind or shape.
    pub fn start_episode(&mut self, observation: &Observation) -> Result<()> {
        let mut flat = std::mem::take(&mut self.scratch);
        flat.resize(self.dims.0, 0.0);
        let done = self
            .observation_space
            .flatten(observation, &mut flat)
            .and_then(|()| self.push(Row { observation: &flat, taken: None, terminated: false, truncated: false }));
        self.scratch = flat;
        done
    }

    /// Adds a step, with what the agent keeps beside it, and returns its transition's number.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for an action or observation of another kind or shape, [`Error::Shape`] for other columns,
    /// [`Error::Config`] outside an episode.
    pub fn step(&mut self, action: &Action, step: &Step, kept: &[f64]) -> Result<u64> {
        let (o, a, _) = self.dims;
        let mut flat = std::mem::take(&mut self.scratch);
        flat.resize(o + a, 0.0);
        let done = self
            .observation_space
            .flatten(&step.observation, &mut flat[..o])
            .and_then(|()| self.action_space.flatten(action, &mut flat[o..]))
            .and_then(|()| {
                self.push(Row {
                    observation: &flat[..o],
                    taken: Some((&flat[o..], step.reward, kept)),
                    terminated: step.terminated,
                    truncated: step.truncated,
                })
            });
        self.scratch = flat;
        done.map(|()| self.added - 1)
    }

    /// The episode under way ends where it stands, cut.
    pub fn end_episode(&mut self) {
        if std::mem::take(&mut self.open) {
            let at = self.added - 1;
            let (chunk, row) = self.place(at);
            self.chunks[chunk].truncated[row] = self.chunks[chunk].steps[row] > 0;
        }
    }

    fn push(&mut self, row: Row<'_>) -> Result<()> {
        let (o, a, k) = self.dims;
        if row.observation.len() != o {
            return Err(Error::shape("observation", &[o], &[row.observation.len()]));
        }
        let step = match row.taken {
            None => 0,
            Some(_) if !self.open => {
                return Err(Error::config("replay", "no episode is under way: start one before its steps"));
            }
            Some((action, ..)) if action.len() != a => return Err(Error::shape("action", &[a], &[action.len()])),
            Some((.., kept)) if kept.len() != k => return Err(Error::shape("columns of a step", &[k], &[kept.len()])),
            Some(_) => self.step_of(self.added - 1).saturating_add(1),
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
            chunk.terminated.push(row.terminated);
            chunk.truncated.push(row.truncated);
        }
        self.open = !(row.terminated || row.truncated);
        self.taken += u64::from(row.taken.is_some());
        self.added += 1;
        while self.first + self.chunk_rows as u64 <= self.rows().start {
            self.chunks.pop_front();
            self.first += self.chunk_rows as u64;
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

    /// Whether the episode ended, or stopped, with this row.
    fn ends(&self, row: u64) -> bool {
        let (chunk, at) = self.place(row);
        let chunk = &self.chunks[chunk];
        let stopped = row + 1 == self.added || self.step_of(row + 1) == 0;
        chunk.terminated[at] || chunk.truncated[at] || stopped
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
        self.open
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        let rows = self.rows();
        row < rows.end
            && row >= rows.start.saturating_add(length as u64)
            && u64::from(self.step_of(row)) >= length as u64
    }

    fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample) {
        let (o, a, k) = self.dims;
        out.sequences += 1;
        out.transitions.push(first);
        out.weights.push(weight);
        let (chunk, at) = self.place(first - 1);
        out.observations.extend_from(&self.chunks[chunk].observations, at * o, o);
        for row in first..first + length as u64 {
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
        for row in from.max(self.rows().start)..self.added {
            if !self.ends_sequence(row, 1) {
                continue;
            }
            let (chunk, at) = self.place(row - 1);
            self.chunks[chunk].observations.copy_to(at * o, &mut before);
            let (chunk, at) = self.place(row);
            let chunk = &self.chunks[chunk];
            chunk.observations.copy_to(at * o, &mut after);
            chunk.actions.copy_to(at * a, &mut action);
            let ends = self.ends(row) && !(row + 1 == self.added && self.open);
            dataset.push(&before, &action, chunk.rewards[at], &after, chunk.terminated[at], ends)?;
        }
        Ok(self.added)
    }
}
