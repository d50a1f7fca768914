//! Transitions in memory: the form in which models take their data.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Columns, Error, Result, Value};

/// One step of an environment with what surrounds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// What was seen before.
    pub observation: Value,
    /// What was done.
    pub action: Value,
    /// What it paid.
    pub reward: f64,
    /// What was seen after.
    pub next_observation: Value,
    /// Whether the task itself ended there.
    pub terminated: bool,
    /// Whether the episode was cut there.
    pub truncated: bool,
}

/// Tells data sets apart: two are of one lineage only where one is the other with transitions added behind. No number that is computed
/// depends on it, only whether a model may count on where it left off.
#[derive(Debug, PartialEq, Eq)]
struct Lineage(u64);

impl Lineage {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for Lineage {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Lineage {
    // From here on, the copy and its original may go different ways.
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// Transitions with flat observations and actions (see [`Space::flat_dim`](crate::Space::flat_dim)), in the order in which they
/// happened. Transitions `i` and `i + 1` belong to one episode unless `episode_ends[i]`.
///
/// Observations are rows, row-major; an episode of T transitions that follow each other is T + 1 of them, so that what was seen between two
/// actions is held once.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    lineage: Lineage,
    observation_dim: usize,
    action_dim: usize,
    rows: Vec<f64>,
    /// The row that each transition begins at; the one behind it is where it led.
    starts: Vec<usize>,
    actions: Vec<f64>,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
    episode_ends: Vec<bool>,
}

/// Equal transitions make equal sets.
impl PartialEq for Dataset {
    fn eq(&self, other: &Self) -> bool {
        let Self { lineage: _, observation_dim, action_dim, rows: _, starts: _, actions, rewards, .. } = self;
        (*observation_dim, *action_dim) == (other.observation_dim, other.action_dim)
            && *actions == other.actions
            && *rewards == other.rewards
            && self.terminated == other.terminated
            && self.episode_ends == other.episode_ends
            && (0..self.len()).all(|i| {
                self.observation(i) == other.observation(i) && self.next_observation(i) == other.next_observation(i)
            })
    }
}

/// Whether two vectors are the same to the last bit, so that one may stand for the other.
fn same(one: &[f64], other: &[f64]) -> bool {
    one.iter().zip(other).all(|(one, other)| one.to_bits() == other.to_bits())
}

impl Dataset {
    /// A number that this set alone has, in this process: transitions are only ever added to a set, so whoever has worked through the
    /// first of them may go on behind these as long as the number is the same. A copy and what is restored have others.
    pub fn lineage(&self) -> u64 {
        self.lineage.0
    }

    /// An empty set for flat observations and actions of these lengths.
    pub fn new(observation_dim: usize, action_dim: usize) -> Self {
        Self { observation_dim, action_dim, ..Self::default() }
    }

    /// Adds a transition.
    ///
    /// # Errors
    /// [`Error::Shape`] for vectors of other lengths, [`Error::Diverged`] for numbers that are not finite: they would spoil
    /// every model fitted to them.
    pub fn push(
        &mut self,
        observation: &[f64],
        action: &[f64],
        reward: f64,
        next_observation: &[f64],
        terminated: bool,
        episode_end: bool,
    ) -> Result<()> {
        if observation.len() != self.observation_dim || next_observation.len() != self.observation_dim {
            return Err(Error::shape(
                "observation",
                &[self.observation_dim],
                &[if observation.len() == self.observation_dim { next_observation.len() } else { observation.len() }],
            ));
        }
        if action.len() != self.action_dim {
            return Err(Error::shape("action", &[self.action_dim], &[action.len()]));
        }
        let finite = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
        if !(finite(observation) && finite(action) && finite(next_observation) && reward.is_finite()) {
            return Err(Error::Diverged {
                who: "transition".into(),
                why: format!(
                    "observation {observation:?}, action {action:?}, reward {reward}, next observation {next_observation:?}: \
                     a number is not finite; mend the environment or leave this transition out"
                ),
            });
        }
        let follows = self.episode_ends.last() == Some(&false)
            && self.len().checked_sub(1).is_some_and(|last| same(self.next_observation(last), observation));
        let start = if follows {
            self.starts[self.len() - 1] + 1
        } else {
            // With no numbers in an observation, rows cannot be counted by them.
            let start = self.starts.last().map_or(0, |last| last + 2);
            self.rows.extend_from_slice(observation);
            start
        };
        self.rows.extend_from_slice(next_observation);
        self.starts.push(start);
        self.actions.extend_from_slice(action);
        self.rewards.push(reward);
        self.terminated.push(terminated);
        self.episode_ends.push(episode_end || terminated);
        Ok(())
    }

    /// How many transitions.
    pub fn len(&self) -> usize {
        self.rewards.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rewards.is_empty()
    }

    /// Length of a flat observation.
    pub fn observation_dim(&self) -> usize {
        self.observation_dim
    }

    /// Length of a flat action.
    pub fn action_dim(&self) -> usize {
        self.action_dim
    }

    /// Observation of transition `i`.
    pub fn observation(&self, i: usize) -> &[f64] {
        self.row(self.starts[i])
    }

    /// Action of transition `i`.
    pub fn action(&self, i: usize) -> &[f64] {
        &self.actions[i * self.action_dim..(i + 1) * self.action_dim]
    }

    /// Observation after transition `i`.
    pub fn next_observation(&self, i: usize) -> &[f64] {
        self.row(self.starts[i] + 1)
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.rows[row * self.observation_dim..(row + 1) * self.observation_dim]
    }

    /// Whether transition `i` begins where the one before it led, in the same episode.
    pub fn follows(&self, i: usize) -> bool {
        i > 0 && self.are_consecutive(i - 1, i)
    }

    /// Whether all transitions from `first` to `last` follow each other: two rows tell, since rows go on by one within an episode and by two to the next.
    pub(crate) fn are_consecutive(&self, first: usize, last: usize) -> bool {
        self.starts[last] - self.starts[first] == last - first
    }

    /// Standard deviations of the actions `[A]`.
    pub fn action_std(&self) -> Vec<f64> {
        let (dims, n) = (self.action_dim(), self.len().max(1) as f64);
        let moment = |dim: usize, about: f64, power: i32| {
            (0..self.len()).map(|i| (self.action(i)[dim] - about).powi(power)).sum::<f64>() / n
        };
        (0..dims).map(|dim| moment(dim, moment(dim, 0.0, 1), 2).sqrt()).collect()
    }

    /// All rewards.
    pub fn rewards(&self) -> &[f64] {
        &self.rewards
    }

    /// Whether the task ended at each transition.
    pub fn terminated(&self) -> &[bool] {
        &self.terminated
    }

    /// Whether the episode ended at each transition, for whatever reason.
    pub fn episode_ends(&self) -> &[bool] {
        &self.episode_ends
    }

    /// All rewards as one column.
    pub fn reward_column(&self) -> Columns<'_> {
        Columns::new(&self.rewards, 1, self.rewards.len()).expect("one column of all rewards")
    }

    /// Adds the transitions of another set, as an episode of their own where this set's last one had not ended.
    ///
    /// # Errors
    /// [`Error::Shape`] for vectors of other lengths.
    pub fn append(&mut self, other: &Self) -> Result<()> {
        self.end_episode();
        self.append_rows(other, 0..other.len())
    }

    /// Adds some consecutive transitions of another set; the last of them ends its episode here.
    ///
    /// # Errors
    /// [`Error::Shape`] for vectors of other lengths.
    ///
    /// # Panics
    /// When `rows` reaches beyond the other set.
    pub fn append_rows(&mut self, other: &Self, rows: std::ops::Range<usize>) -> Result<()> {
        let (expected, got) = ([self.observation_dim, self.action_dim], [other.observation_dim, other.action_dim]);
        if expected != got {
            return Err(Error::shape("observations and actions of the data", &expected, &got));
        }
        for i in rows {
            self.push(
                other.observation(i),
                other.action(i),
                other.rewards[i],
                other.next_observation(i),
                other.terminated[i],
                other.episode_ends[i],
            )?;
        }
        self.end_episode();
        Ok(())
    }

    /// The last transition has ended its episode, whatever was said when it was added.
    pub fn end_episode(&mut self) {
        if let Some(last) = self.episode_ends.last_mut() {
            *last = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_held_once_and_read_twice() {
        let mut all = Dataset::new(1, 0);
        // 0 → 1 → 2 | 7 → 8, then from elsewhere within the episode, and from a zero of the other sign.
        let told = [(0.0, 1.0, false), (1.0, 2.0, true), (2.0, 8.0, false), (7.0, 0.0, false), (-0.0, 1.0, false)];
        for (before, after, end) in told {
            all.push(&[before], &[], 0.0, &[after], false, end).unwrap();
        }
        for (i, (before, after, _)) in told.into_iter().enumerate() {
            let bits = [all.observation(i)[0].to_bits(), all.next_observation(i)[0].to_bits()];
            assert_eq!(bits, [before.to_bits(), after.to_bits()], "transition {i}");
        }
        assert_eq!(all.rows.len(), 3 + 2 + 2 + 2);
        assert_eq!(all, all.clone());
    }

    #[test]
    fn rows_of_another_set_come_as_whole_episodes() {
        let mut all = Dataset::new(1, 1);
        for i in 0..5 {
            let x = f64::from(i);
            all.push(&[x], &[-x], 10.0 * x, &[x + 1.0], false, i == 3).unwrap();
        }
        let mut some = Dataset::new(1, 1);
        some.append_rows(&all, 1..3).unwrap();
        some.append(&all).unwrap();
        assert_eq!(some.rewards(), [10.0, 20.0, 0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(some.episode_ends(), [false, true, false, false, false, true, true]);
        assert_eq!(
            (some.observation(1), some.action(1), some.next_observation(1)),
            (&[2.0][..], &[-2.0][..], &[3.0][..])
        );
        assert!(some.append(&Dataset::new(2, 1)).is_err());
    }
}
