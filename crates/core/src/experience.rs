//! What was experienced, as those see it who learn from it: samples of transitions and of sequences, or all of it.
//!
//! Rows have numbers that never change: row `n` is the `n`-th thing that was seen, resets included. A transition is named by the row that
//! it led to.

use crate::{Dataset, Error, Priorities, Result, Rng};

/// A column of numbers that an agent has kept beside each of its steps: the policy of its search, a root's value ….
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepColumn {
    /// Its name, as files show it.
    pub name: String,
    /// Numbers a step.
    pub width: usize,
}

/// Flat numbers in the width that they are kept in: bytes stay bytes until a network takes them.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// Whole numbers below 256: pictures, and choices one-hot.
    Bytes(Vec<u8>),
    /// All others.
    Floats(Vec<f64>),
}

impl Default for Numbers {
    fn default() -> Self {
        Self::Floats(Vec::new())
    }
}

impl Numbers {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Floats(floats) => floats.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all of them and keeps the allocation.
    pub fn clear(&mut self) {
        match self {
            Self::Bytes(bytes) => bytes.clear(),
            Self::Floats(floats) => floats.clear(),
        }
    }

    /// Number `i`.
    pub fn get(&self, i: usize) -> f64 {
        match self {
            Self::Bytes(bytes) => f64::from(bytes[i]),
            Self::Floats(floats) => floats[i],
        }
    }

    /// Forgets all of them and takes floats from now on.
    fn begin_floats(&mut self) {
        match self {
            Self::Bytes(_) => *self = Self::Floats(Vec::new()),
            Self::Floats(floats) => floats.clear(),
        }
    }

    /// Forgets those from `len` on.
    pub fn truncate(&mut self, len: usize) {
        match self {
            Self::Bytes(bytes) => bytes.truncate(len),
            Self::Floats(floats) => floats.truncate(len),
        }
    }

    /// Copies the numbers from `start` on into `out`.
    pub fn copy_to(&self, start: usize, out: &mut [f64]) {
        match self {
            Self::Bytes(bytes) => {
                out.iter_mut().zip(&bytes[start..]).for_each(|(slot, byte)| *slot = f64::from(*byte));
            }
            Self::Floats(floats) => out.copy_from_slice(&floats[start..start + out.len()]),
        }
    }

    /// Puts numbers in the place of those from `start` on; those that are no bytes are rounded into them where bytes are kept.
    pub fn put(&mut self, start: usize, from: &[f64]) {
        match self {
            Self::Bytes(bytes) => {
                bytes[start..].iter_mut().zip(from).for_each(|(slot, number)| *slot = *number as u8);
            }
            Self::Floats(floats) => floats[start..start + from.len()].copy_from_slice(from),
        }
    }

    /// Adds numbers behind the others; those that are no bytes are rounded into them where bytes are kept.
    pub fn extend(&mut self, from: &[f64]) {
        match self {
            Self::Bytes(bytes) => bytes.extend(from.iter().map(|number| *number as u8)),
            Self::Floats(floats) => floats.extend_from_slice(from),
        }
    }

    /// Adds `count` numbers of `from`, from `start` on, in the width that they have there.
    pub fn extend_from(&mut self, from: &Self, start: usize, count: usize) {
        match (&mut *self, from) {
            (Self::Bytes(to), Self::Bytes(bytes)) => to.extend_from_slice(&bytes[start..start + count]),
            (Self::Floats(to), Self::Floats(floats)) => to.extend_from_slice(&floats[start..start + count]),
            (Self::Floats(to), Self::Bytes(bytes)) if !to.is_empty() => {
                to.extend(bytes[start..start + count].iter().map(|byte| f64::from(*byte)));
            }
            (Self::Bytes(to), Self::Floats(floats)) if !to.is_empty() => {
                let mut all: Vec<f64> = to.iter().map(|byte| f64::from(*byte)).collect();
                all.extend_from_slice(&floats[start..start + count]);
                *self = Self::Floats(all);
            }
            (_, Self::Bytes(bytes)) => *self = Self::Bytes(bytes[start..start + count].to_vec()),
            (_, Self::Floats(floats)) => *self = Self::Floats(floats[start..start + count].to_vec()),
        }
    }
}

/// A batch of sequences of L transitions each, row-major, filled anew by each sample without allocation once it has grown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// B: sequences in it.
    pub sequences: usize,
    /// L: transitions of each.
    pub length: usize,
    /// The first transition of each sequence `[B]`.
    pub transitions: Vec<u64>,
    /// `[B][L + 1][O]`: what was seen before the first action and after each.
    pub observations: Numbers,
    /// `[B][L][A]`.
    pub actions: Numbers,
    /// `[B][L]`.
    pub rewards: Vec<f64>,
    /// `[B][L]`: the task itself ended.
    pub terminated: Vec<bool>,
    /// `[B][L]`: the episode was cut.
    pub truncated: Vec<bool>,
    /// `[B][L][K]`: the columns that were kept beside each step.
    pub columns: Vec<f64>,
    /// Importance weights `[B]`, 1 for uniform samples.
    pub weights: Vec<f64>,
    /// Steps that each sequence spans `[B]`: L, but for [`Want::Returns`].
    pub spans: Vec<usize>,
}

impl Sample {
    /// Forgets what it holds and begins with sequences of `length` transitions.
    pub fn begin(&mut self, length: usize) {
        self.sequences = 0;
        self.length = length;
        self.transitions.clear();
        self.observations.clear();
        self.actions.clear();
        self.rewards.clear();
        self.terminated.clear();
        self.truncated.clear();
        self.columns.clear();
        self.weights.clear();
        self.spans.clear();
    }

    /// Lays a transition that follows the last one over it: the two become one from where the first began to where the second led, which pays
    /// `reward` in all.
    fn join(&mut self, next: &Self, reward: f64) {
        let width = next.observations.len() / 2;
        self.observations.truncate(self.observations.len() - width);
        self.observations.extend_from(&next.observations, width, width);
        let last = self.rewards.len() - 1;
        self.rewards[last] = reward;
        self.terminated[last] = next.terminated[0];
        self.truncated[last] = next.truncated[0];
        self.spans[last] += 1;
    }
}

/// What to sample: each such thing that is held is equally likely, and may be drawn again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Want {
    /// So many single transitions.
    Transitions(usize),
    /// So many runs of consecutive transitions of one episode.
    Sequences {
        /// B: how many.
        count: usize,
        /// L: transitions of each.
        length: usize,
    },
    /// So many runs of up to `steps` consecutive transitions of one episode, each told as a single one: from what was seen before its first action to
    /// what was seen after its last, with all that it paid in between. They are shorter where an episode ends before.
    Returns {
        /// B: how many.
        count: usize,
        /// n: transitions of each at most.
        steps: usize,
        /// What a reward one step later is worth.
        discount: f64,
    },
}

impl Want {
    /// The same of other sequences in number.
    #[must_use]
    pub fn with_count(self, count: usize) -> Self {
        match self {
            Self::Transitions(_) => Self::Transitions(count),
            Self::Sequences { length, .. } => Self::Sequences { count, length },
            Self::Returns { steps, discount, .. } => Self::Returns { count, steps, discount },
        }
    }

    /// B: sequences.
    pub fn count(self) -> usize {
        match self {
            Self::Transitions(count) | Self::Sequences { count, .. } | Self::Returns { count, .. } => count,
        }
    }

    /// L: transitions of each.
    pub fn length(self) -> usize {
        match self {
            Self::Transitions(_) | Self::Returns { .. } => 1,
            Self::Sequences { length, .. } => length,
        }
    }
}

/// What was experienced.
pub trait Experience: Send + Sync {
    /// O, numbers of a flat observation.
    fn observation_dim(&self) -> usize;

    /// A, numbers of a flat action.
    fn action_dim(&self) -> usize;

    /// The columns kept beside each step.
    fn columns(&self) -> &[StepColumn];

    /// Rows that are held, by their numbers.
    fn rows(&self) -> std::ops::Range<u64>;

    /// Transitions ever taken in, those forgotten since among them.
    fn taken(&self) -> u64;

    /// Whether the episode of the last row is under way.
    fn is_open(&self) -> bool;

    /// Whether `row` is the last of `length` consecutive transitions of one episode that are all held.
    fn ends_sequence(&self, row: u64, length: usize) -> bool;

    /// The transition before the one of `row` in its episode, if both are held. Rows of episodes that were under way at once lie between
    /// each other.
    fn before(&self, row: u64) -> Option<u64> {
        self.ends_sequence(row, 2).then(|| row - 1)
    }

    /// The transition behind the one of `row` in its episode, if both are held.
    fn after(&self, row: u64) -> Option<u64> {
        self.ends_sequence(row + 1, 2).then_some(row + 1)
    }

    /// Transitions that are held behind the one of `row` in its episode, which must be held itself.
    fn behind(&self, row: u64) -> u64 {
        if self.reach() > 1 {
            return std::iter::successors(self.after(row), |row| self.after(*row)).count() as u64;
        }
        // They lie side by side: twice as far each time while they are there, then back by halves.
        let held = |steps: u64| self.ends_sequence(row + steps, steps as usize + 1);
        let (mut least, mut stride) = (0, 1);
        while held(least + stride) {
            least += stride;
            stride *= 2;
        }
        while stride > 1 {
            stride /= 2;
            least += if held(least + stride) { stride } else { 0 };
        }
        least
    }

    /// The transition so many steps behind the one of `row` in its episode, if both are held.
    fn ahead(&self, row: u64, steps: u64) -> Option<u64> {
        if self.reach() > 1 {
            return (0..steps).try_fold(row, |row, _| self.after(row));
        }
        (steps == 0 || self.ends_sequence(row + steps, steps as usize + 1)).then_some(row + steps)
    }

    /// The most rows from one of an episode to the next one: 1 unless episodes were under way at once.
    fn reach(&self) -> u64 {
        1
    }

    /// Appends the sequence whose first transition is `first` to a sample. It must be held, see [`ends_sequence`](Self::ends_sequence).
    fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample);

    /// Appends the transitions held from row `from` on to a data set, oldest first, and gives the row to go on from next time. Of episodes that
    /// were under way at once, those of each lie together, so that they follow each other.
    ///
    /// # Errors
    /// As for [`Dataset::push`].
    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64>;

    /// All transitions held, oldest first.
    ///
    /// # Errors
    /// As for [`append_to`](Self::append_to).
    fn all(&self) -> Result<Dataset> {
        let mut dataset = Dataset::new(self.observation_dim(), self.action_dim());
        self.append_to(&mut dataset, 0)?;
        Ok(dataset)
    }

    /// Fills `out` with a uniform sample, drawn with replacement.
    ///
    /// # Errors
    /// [`Error::Config`] when nothing of that kind is held.
    fn sample(&self, want: Want, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        out.begin(want.length());
        self.add_sample(want, rng, out)
    }

    /// As [`sample`](Self::sample), of what really happened alone: where imagined transitions stand among the others, they are left out.
    ///
    /// # Errors
    /// As there.
    fn sample_real(&self, want: Want, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        self.sample(want, rng, out)
    }

    /// Brings priorities up to date and fills `out` with a sample in proportion to them, see [`Priorities::sample`].
    ///
    /// # Errors
    /// As there; [`Error::Unsupported`] where not all that is sampled has a row that a priority could be of.
    fn sample_by(
        &self,
        priorities: &mut Priorities,
        (want, beta): (Want, f64),
        rng: &mut Rng,
        out: &mut Sample,
    ) -> Result<()> {
        priorities.follow(self)?;
        priorities.sample(self, want, beta, rng, out)
    }

    /// As [`sample`](Self::sample), to tell the size of rewards by: without imagined transitions that pay what no step pays.
    ///
    /// # Errors
    /// As there.
    fn sample_paid(&self, want: Want, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        self.sample(want, rng, out)
    }

    /// Appends a uniform sample, drawn with replacement, to one that was begun for sequences of this length.
    ///
    /// # Errors
    /// [`Error::Config`] when nothing of that kind is held.
    fn add_sample(&self, want: Want, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        let length = want.length();
        let mut next = Sample::default();
        for _ in 0..want.count() {
            let last = draw(self, length, rng)?;
            let first = (1..length).try_fold(last, |row, _| self.before(row));
            self.gather_wanted(first.unwrap_or(last), want, &mut next, out);
        }
        Ok(())
    }

    /// Appends the sequence or the return whose first transition is `first`, which must be held. `room` is for steps of a return.
    fn gather_wanted(&self, first: u64, want: Want, room: &mut Sample, out: &mut Sample) {
        self.gather(first, want.length(), 1.0, out);
        if let Want::Returns { steps, discount, .. } = want {
            add_return(self, first, (steps, discount), room, out);
        }
    }
}

/// Adds to the last transition of a sample, that of `row`, those that follow it in its episode, `steps` in all at most.
pub(crate) fn add_return<E: Experience + ?Sized>(
    from: &E,
    mut row: u64,
    (steps, discount): (usize, f64),
    next: &mut Sample,
    out: &mut Sample,
) {
    let (mut paid, mut worth) = (out.rewards.last().copied().unwrap_or(0.0), 1.0);
    for _ in 1..steps {
        let Some(after) = from.after(row).filter(|_| out.terminated.last() == Some(&false)) else { return };
        row = after;
        next.begin(1);
        from.gather(row, 1, 1.0, next);
        worth *= discount;
        paid += worth * next.rewards[0];
        out.join(next, paid);
    }
}

/// A uniform last row of a sequence: by rejection, and after many of those by counting. Either is uniform, so both are.
fn draw<E: Experience + ?Sized>(from: &E, length: usize, rng: &mut Rng) -> Result<u64> {
    let rows = from.rows();
    if length > 0 && !rows.is_empty() {
        for _ in 0..64 {
            let row = rows.start + rng.below(rows.end - rows.start);
            if from.ends_sequence(row, length) {
                return Ok(row);
            }
        }
        let ends = || rows.clone().filter(|row| from.ends_sequence(*row, length));
        let count = ends().count() as u64;
        if count > 0 {
            let chosen = rng.below(count) as usize;
            return ends().nth(chosen).ok_or_else(|| Error::config("experience", "has no such sequence"));
        }
    }
    Err(Error::config("experience", format!("holds no {length} consecutive transitions of one episode to sample")))
}

/// A set as experience: row `i` is its transition `i`, so that whoever learns in updates can be fitted to a set as well. It keeps no columns.
impl Experience for Dataset {
    fn observation_dim(&self) -> usize {
        Dataset::observation_dim(self)
    }

    fn action_dim(&self) -> usize {
        Dataset::action_dim(self)
    }

    fn columns(&self) -> &[StepColumn] {
        &[]
    }

    fn rows(&self) -> std::ops::Range<u64> {
        0..self.len() as u64
    }

    fn taken(&self) -> u64 {
        self.len() as u64
    }

    fn is_open(&self) -> bool {
        self.episode_ends().last() == Some(&false)
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        let Ok(last) = usize::try_from(row) else { return false };
        let (len, all) = (length as u64, self.len());
        last < all && length > 0 && len <= row + 1 && self.are_consecutive(last + 1 - length, last)
    }

    fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample) {
        let first = first as usize;
        out.sequences += 1;
        out.transitions.push(first as u64);
        out.weights.push(weight);
        out.spans.push(length);
        if out.observations.is_empty() {
            // Numbers of a set are no bytes, whatever was sampled into the room before.
            out.observations.begin_floats();
        }
        if out.actions.is_empty() {
            out.actions.begin_floats();
        }
        out.observations.extend(self.observation(first));
        for i in first..first + length {
            out.observations.extend(self.next_observation(i));
            out.actions.extend(self.action(i));
            out.rewards.push(self.rewards()[i]);
            out.terminated.push(self.terminated()[i]);
            out.truncated.push(self.episode_ends()[i] && !self.terminated()[i]);
        }
    }

    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64> {
        for i in from as usize..self.len() {
            let (observation, action, next) = (self.observation(i), self.action(i), self.next_observation(i));
            dataset.push(observation, action, self.rewards()[i], next, self.terminated()[i], self.episode_ends()[i])?;
        }
        Ok(self.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_of_a_set_stay_within_its_episodes() {
        // Episodes 0 1 2 3 | 10 11, the second terminated, and one more transition from elsewhere.
        let mut all = Dataset::new(1, 1);
        for (before, terminated, end) in
            [(0.0, false, false), (1.0, false, false), (2.0, false, true), (10.0, true, false), (20.0, false, false)]
        {
            all.push(&[before], &[-before], 2.0 * before, &[before + 1.0], terminated, end).unwrap();
        }
        let lengths = |row| (1..=4).filter(|length| all.ends_sequence(row, *length)).max();
        let longest: Vec<_> = all.rows().map(lengths).collect();
        assert_eq!(longest, [Some(1), Some(2), Some(3), Some(1), Some(1)]);
        // What lies behind, and ahead, is what following step by step finds.
        let walked = |row: u64| std::iter::successors(Some(row), |row| all.after(*row)).collect::<Vec<_>>();
        for row in all.rows() {
            assert_eq!(all.behind(row), walked(row).len() as u64 - 1, "behind {row}");
            for steps in 0..5 {
                assert_eq!(all.ahead(row, steps), walked(row).get(steps as usize).copied(), "{steps} ahead of {row}");
            }
        }
        assert!(!all.ends_sequence(5, 1) && !all.ends_sequence(0, 0) && all.is_open());
        let mut sample = Sample::default();
        all.sample(Want::Sequences { count: 20, length: 2 }, &mut Rng::new(0), &mut sample).unwrap();
        assert_eq!((sample.sequences, sample.observations.len(), sample.rewards.len()), (20, 60, 40));
        for (i, first) in sample.transitions.iter().enumerate() {
            assert!(*first < 2, "transitions 0 and 1 or 1 and 2, not {first}");
            let x = *first as f64;
            assert_eq!([0, 1, 2].map(|t| sample.observations.get(3 * i + t)), [x, x + 1.0, x + 2.0]);
            assert_eq!([0, 1].map(|t| sample.actions.get(2 * i + t)), [-x, -x - 1.0]);
            assert_eq!(sample.truncated[2 * i..2 * i + 2], [false, *first == 1]);
        }
        assert!(all.sample(Want::Sequences { count: 1, length: 4 }, &mut Rng::new(0), &mut sample).is_err());
        assert_eq!(Experience::all(&all).unwrap(), all);
    }
}
