//! Replay: recent rows in memory, and uniform samples of transitions and of sequences from them.
//!
//! Rows lie as in the store: an episode of T steps is T + 1 rows, so observations are held once. A ring of rows forgets the
//! oldest. A transition is a row that is no reset and whose predecessor is still there; it is named by a number that never
//! changes and is never used again.

use worldwright_core::{Action, Array, Dataset, Error, Observation, Persist, Result, Rng, Space, State, Step};

use crate::{EpisodeStore, limits};

/// Flat numbers, kept as bytes where every one of them is a whole number below 256 by the kind of its space.
#[derive(Debug, Clone, PartialEq)]
enum Numbers {
    Bytes(Vec<u8>),
    Doubles(Vec<f64>),
}

impl Numbers {
    fn new(space: &Space, rows: usize) -> Self {
        let len = rows * space.flat_dim();
        if small(space) { Self::Bytes(vec![0; len]) } else { Self::Doubles(vec![0.0; len]) }
    }

    fn set(&mut self, start: usize, from: &[f64]) {
        match self {
            Self::Bytes(bytes) => {
                bytes[start..start + from.len()].iter_mut().zip(from).for_each(|(slot, n)| *slot = *n as u8);
            }
            Self::Doubles(numbers) => numbers[start..start + from.len()].copy_from_slice(from),
        }
    }

    fn get(&self, start: usize, out: &mut [f64]) {
        match self {
            Self::Bytes(bytes) => {
                out.iter_mut().zip(&bytes[start..]).for_each(|(slot, byte)| *slot = f64::from(*byte));
            }
            Self::Doubles(numbers) => out.copy_from_slice(&numbers[start..start + out.len()]),
        }
    }
}

fn small(space: &Space) -> bool {
    match space {
        Space::Box { element, .. } => element.is_bytes(),
        Space::Discrete { .. } | Space::MultiDiscrete { .. } | Space::MultiBinary { .. } => true,
        Space::Dict(_) | Space::Tuple(_) => space.parts().into_iter().all(|(_, part)| small(part)),
    }
}

/// A batch of sampled transitions or sequences, row-major, filled anew by each sample without allocation once it has grown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// Sequences in it; for transitions, how many.
    pub sequences: usize,
    /// Steps of each; 1 for transitions.
    pub length: usize,
    /// Numbers of the first transition of each sequence `[B]`.
    pub transitions: Vec<u64>,
    /// `[B][L][O]`.
    pub observations: Vec<f64>,
    /// `[B][L][A]`.
    pub actions: Vec<f64>,
    /// `[B][L]`.
    pub rewards: Vec<f64>,
    /// `[B][L][O]`.
    pub next_observations: Vec<f64>,
    /// `[B][L]`: the task itself ended.
    pub terminated: Vec<bool>,
    /// `[B][L]`: the episode was cut.
    pub truncated: Vec<bool>,
    /// Importance weights `[B]`, 1 for uniform samples.
    pub weights: Vec<f64>,
}

/// Recent rows in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    observation_space: Space,
    action_space: Space,
    capacity: usize,
    observations: Numbers,
    actions: Numbers,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    /// Which row of its episode each row is; 0 is a reset.
    steps: Vec<u64>,
    /// Rows ever added; row `i` lies in slot `i % capacity`.
    added: u64,
    open: bool,
    scratch: Vec<f64>,
}

impl Replay {
    /// Room for `capacity` rows: transitions plus one row for each episode.
    ///
    /// # Errors
    /// [`Error::Config`] for a capacity below 2, which holds no transition.
    pub fn new(observation_space: Space, action_space: Space, capacity: usize) -> Result<Self> {
        if capacity < 2 {
            return Err(Error::config("replay capacity", format!("must be at least 2 rows, got {capacity}")));
        }
        Ok(Self {
            observations: Numbers::new(&observation_space, capacity),
            actions: Numbers::new(&action_space, capacity),
            rewards: vec![0.0; capacity],
            terminated: vec![false; capacity],
            truncated: vec![false; capacity],
            steps: vec![0; capacity],
            added: 0,
            open: false,
            scratch: Vec::new(),
            observation_space,
            action_space,
            capacity,
        })
    }

    /// Room for a whole store, filled with it.
    ///
    /// # Errors
    /// When the rows do not fit the store's header, [`Error::Diverged`] naming the first number that is not finite, and
    /// [`Error::Unsupported`] for more than this machine's memory holds.
    pub fn from_store(store: &EpisodeStore) -> Result<Self> {
        let header = store.header();
        let rows = store.steps() + store.episodes().len();
        let numbers = limits::numbers(&header.observation_space, true) + limits::numbers(&header.action_space, true);
        // Held here, and once more as the transitions that a model learns from, whose observations come twice.
        limits::fits(
            &format!("{rows} rows of {numbers} numbers"),
            (rows.max(2) as u128).saturating_mul(numbers).saturating_mul(3 * 8),
        )?;
        for i in 0..store.episodes().len() {
            let mut step = 0;
            store.visit_flat(i, |observation, taken| {
                let (action, reward) = taken.map_or((&[][..], 0.0), |(action, reward)| (action, reward));
                for (what, numbers) in [("observation", observation), ("action", action), ("reward", &[reward][..])] {
                    if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
                        return Err(Error::Diverged {
                            who: format!("episode {i}, step {step}").into(),
                            why: format!(
                                "its {what} holds {number}, which no model can learn from; leave the episode out"
                            ),
                        });
                    }
                }
                step += 1;
                Ok(())
            })?;
        }
        let mut replay = Self::new(header.observation_space.clone(), header.action_space.clone(), rows.max(2))?;
        replay.extend_from_store(store)?;
        Ok(replay)
    }

    /// Adds every episode of a store.
    ///
    /// # Errors
    /// [`Error::Shape`] when the store is of other spaces.
    pub fn extend_from_store(&mut self, store: &EpisodeStore) -> Result<()> {
        for (i, summary) in store.episodes().iter().enumerate() {
            let mut row = 0;
            store.visit_flat(i, |observation, taken| {
                let last = row == summary.steps;
                let ends = (summary.terminated && last, summary.truncated && last);
                self.push_flat(observation, taken, ends)?;
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
        flat.resize(self.observation_space.flat_dim(), 0.0);
        let done = self
            .observation_space
            .flatten(observation, &mut flat)
            .and_then(|()| self.push_flat(&flat, None, (false, false)));
        self.scratch = flat;
        done
    }

    /// Adds a step and returns its transition's number.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for an action or observation of another kind or shape, [`Error::Config`] outside an episode.
    pub fn step(&mut self, action: &Action, step: &Step) -> Result<u64> {
        let (o, a) = (self.observation_space.flat_dim(), self.action_space.flat_dim());
        let mut flat = std::mem::take(&mut self.scratch);
        flat.resize(o + a, 0.0);
        let done = self
            .observation_space
            .flatten(&step.observation, &mut flat[..o])
            .and_then(|()| self.action_space.flatten(action, &mut flat[o..]))
            .and_then(|()| {
                self.push_flat(&flat[..o], Some((&flat[o..], step.reward)), (step.terminated, step.truncated))
            });
        self.scratch = flat;
        done.map(|()| self.added - 1)
    }

    fn push_flat(&mut self, observation: &[f64], taken: Option<(&[f64], f64)>, ends: (bool, bool)) -> Result<()> {
        let (o, a) = (self.observation_space.flat_dim(), self.action_space.flat_dim());
        if observation.len() != o {
            return Err(Error::shape("observation", &[o], &[observation.len()]));
        }
        let slot = self.slot(self.added);
        let step = match taken {
            None => 0,
            Some(_) if !self.open => {
                return Err(Error::config("replay", "no episode is under way: start one before its steps"));
            }
            Some((action, _)) if action.len() != a => return Err(Error::shape("action", &[a], &[action.len()])),
            Some((action, reward)) => {
                self.actions.set(slot * a, action);
                self.rewards[slot] = reward;
                self.steps[self.slot(self.added - 1)] + 1
            }
        };
        self.observations.set(slot * o, observation);
        self.steps[slot] = step;
        (self.terminated[slot], self.truncated[slot]) = ends;
        self.open = !(ends.0 || ends.1);
        self.added += 1;
        Ok(())
    }

    fn slot(&self, row: u64) -> usize {
        (row % self.capacity as u64) as usize
    }

    fn oldest(&self) -> u64 {
        self.added.saturating_sub(self.capacity as u64)
    }

    /// Rows ever added: the next row's number.
    pub fn added(&self) -> u64 {
        self.added
    }

    /// Most rows that are held.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Rows held now.
    pub fn rows(&self) -> usize {
        (self.added - self.oldest()) as usize
    }

    /// Whether `row` is the last row of `length` consecutive transitions of one episode that are all held.
    pub fn ends_sequence(&self, row: u64, length: usize) -> bool {
        row < self.added
            && row >= self.oldest().saturating_add(length as u64)
            && self.steps[self.slot(row)] >= length as u64
    }

    /// Numbers of the transitions held, oldest first.
    pub fn transitions(&self) -> impl Iterator<Item = u64> + '_ {
        (self.oldest()..self.added).filter(|row| self.ends_sequence(*row, 1))
    }

    /// Samples `count` transitions, each held one equally likely, with replacement.
    ///
    /// # Errors
    /// [`Error::Config`] when none is held.
    pub fn sample(&self, count: usize, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        self.sample_sequences(count, 1, rng, out)
    }

    /// Samples `count` sequences of `length` consecutive transitions of one episode, each such sequence equally likely, with
    /// replacement.
    ///
    /// # Errors
    /// [`Error::Config`] when `length` is zero or no episode held is so long.
    pub fn sample_sequences(&self, count: usize, length: usize, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        out.begin(length);
        for _ in 0..count {
            let last = self.draw(length, rng)?;
            self.gather(last + 1 - length as u64, length, 1.0, out);
        }
        Ok(())
    }

    /// A uniform last row of a sequence: by rejection, and after many of those by counting. Either is uniform, so both are.
    fn draw(&self, length: usize, rng: &mut Rng) -> Result<u64> {
        let rows = self.rows() as u64;
        if length > 0 && rows > 0 {
            for _ in 0..64 {
                let row = self.oldest() + rng.below(rows);
                if self.ends_sequence(row, length) {
                    return Ok(row);
                }
            }
            let ends = || (self.oldest()..self.added).filter(|row| self.ends_sequence(*row, length));
            let count = ends().count() as u64;
            if count > 0 {
                let chosen = rng.below(count) as usize;
                return ends().nth(chosen).ok_or_else(|| Error::config("replay", "has no such sequence"));
            }
        }
        Err(Error::config("replay", format!("holds no {length} consecutive transitions of one episode to sample")))
    }

    /// Appends the sequence that begins with transition `first` to a sample.
    pub(crate) fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample) {
        let (o, a) = (self.observation_space.flat_dim(), self.action_space.flat_dim());
        out.sequences += 1;
        out.transitions.push(first);
        out.weights.push(weight);
        for row in first..first + length as u64 {
            let slot = self.slot(row);
            self.observations.get(self.slot(row - 1) * o, grow(&mut out.observations, o));
            self.observations.get(slot * o, grow(&mut out.next_observations, o));
            self.actions.get(slot * a, grow(&mut out.actions, a));
            out.rewards.push(self.rewards[slot]);
            out.terminated.push(self.terminated[slot]);
            out.truncated.push(self.truncated[slot]);
        }
    }

    /// All transitions held, oldest first.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a number is not finite.
    pub fn dataset(&self) -> Result<Dataset> {
        let (o, a) = (self.observation_space.flat_dim(), self.action_space.flat_dim());
        let mut dataset = Dataset::new(o, a);
        let (mut before, mut after, mut action) = (vec![0.0; o], vec![0.0; o], vec![0.0; a]);
        for row in self.transitions() {
            let slot = self.slot(row);
            self.observations.get(self.slot(row - 1) * o, &mut before);
            self.observations.get(slot * o, &mut after);
            self.actions.get(slot * a, &mut action);
            let goes_on = row + 1 < self.added && self.steps[self.slot(row + 1)] > 0;
            let ends = self.terminated[slot] || self.truncated[slot] || !goes_on;
            dataset.push(&before, &action, self.rewards[slot], &after, self.terminated[slot], ends)?;
        }
        Ok(dataset)
    }
}

impl Sample {
    pub(crate) fn begin(&mut self, length: usize) {
        self.sequences = 0;
        self.length = length;
        self.transitions.clear();
        self.weights.clear();
        self.terminated.clear();
        self.truncated.clear();
        for numbers in [&mut self.observations, &mut self.actions, &mut self.rewards, &mut self.next_observations] {
            numbers.clear();
        }
    }
}

fn grow(numbers: &mut Vec<f64>, by: usize) -> &mut [f64] {
    let start = numbers.len();
    numbers.resize(start + by, 0.0);
    &mut numbers[start..]
}

impl Persist for Replay {
    fn save(&self) -> State {
        let mut state = State::new();
        let bits = |flags: &[bool]| Array::U8(flags.iter().map(|flag| u8::from(*flag)).collect());
        let numbers = |numbers: &Numbers, dim: usize| match numbers {
            Numbers::Bytes(bytes) => Array::U8(bytes[..self.rows() * dim].to_vec()),
            Numbers::Doubles(doubles) => Array::F64(vec![self.rows(), dim], doubles[..self.rows() * dim].to_vec()),
        };
        let rows = self.rows();
        state.put("place", Array::U64(vec![self.capacity as u64, self.added, u64::from(self.open)]));
        state.put("observations", numbers(&self.observations, self.observation_space.flat_dim()));
        state.put("actions", numbers(&self.actions, self.action_space.flat_dim()));
        state.put("rewards", Array::F64(vec![rows], self.rewards[..rows].to_vec()));
        state.put("terminated", bits(&self.terminated[..rows]));
        state.put("truncated", bits(&self.truncated[..rows]));
        state.put("steps", Array::U64(self.steps[..rows].to_vec()));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let place = state.u64s("place", 3)?;
        if place[0] != self.capacity as u64 {
            return Err(Error::shape("replay capacity", &[self.capacity], &[place[0] as usize]));
        }
        let mut fresh = Self::new(self.observation_space.clone(), self.action_space.clone(), self.capacity)?;
        (fresh.added, fresh.open) = (place[1], place[2] != 0);
        let rows = fresh.rows();
        let fill = |numbers: &mut Numbers, name: &str, dim: usize| match (numbers, state.array(name)?) {
            (Numbers::Bytes(bytes), Array::U8(saved)) if saved.len() == rows * dim => {
                bytes[..saved.len()].copy_from_slice(saved);
                Ok(())
            }
            (Numbers::Doubles(doubles), Array::F64(_, saved)) if saved.len() == rows * dim => {
                doubles[..saved.len()].copy_from_slice(saved);
                Ok(())
            }
            _ => Err(Error::external("saved replay", format!("'{name}' does not fit: it is of other spaces"))),
        };
        fill(&mut fresh.observations, "observations", self.observation_space.flat_dim())?;
        fill(&mut fresh.actions, "actions", self.action_space.flat_dim())?;
        fresh.rewards[..rows].copy_from_slice(state.f64s("rewards", rows)?);
        fresh.steps[..rows].copy_from_slice(state.u64s("steps", rows)?);
        for (name, flags) in [("terminated", &mut fresh.terminated), ("truncated", &mut fresh.truncated)] {
            match state.array(name)? {
                Array::U8(saved) if saved.len() == rows => {
                    flags.iter_mut().zip(saved).for_each(|(flag, byte)| *flag = *byte != 0);
                }
                _ => return Err(Error::external("saved replay", format!("'{name}' is damaged"))),
            }
        }
        *self = fresh;
        Ok(())
    }
}
