//! Transitions in memory: the form in which models take their data.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Array, Columns, Error, Persist, Result, State, Value};

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

/// Transitions with flat observations and actions (see [`Space::flat_dim`](crate::Space::flat_dim)), row-major, in the order
/// in which they happened. Rows `i` and `i + 1` belong to one episode unless `episode_ends[i]`.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    lineage: Lineage,
    observation_dim: usize,
    action_dim: usize,
    observations: Vec<f64>,
    actions: Vec<f64>,
    next_observations: Vec<f64>,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
    episode_ends: Vec<bool>,
}

/// Equal transitions make equal sets.
impl PartialEq for Dataset {
    fn eq(&self, other: &Self) -> bool {
        let Self { lineage: _, observation_dim, action_dim, observations, actions, next_observations, .. } = self;
        (*observation_dim, *action_dim) == (other.observation_dim, other.action_dim)
            && *observations == other.observations
            && *actions == other.actions
            && *next_observations == other.next_observations
            && self.rewards == other.rewards
            && self.terminated == other.terminated
            && self.episode_ends == other.episode_ends
    }
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
        self.observations.extend_from_slice(observation);
        self.actions.extend_from_slice(action);
        self.next_observations.extend_from_slice(next_observation);
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
        &self.observations[i * self.observation_dim..(i + 1) * self.observation_dim]
    }

    /// Action of transition `i`.
    pub fn action(&self, i: usize) -> &[f64] {
        &self.actions[i * self.action_dim..(i + 1) * self.action_dim]
    }

    /// Observation after transition `i`.
    pub fn next_observation(&self, i: usize) -> &[f64] {
        &self.next_observations[i * self.observation_dim..(i + 1) * self.observation_dim]
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
        let (o, a) = (self.observation_dim, self.action_dim);
        self.observations.extend_from_slice(&other.observations[rows.start * o..rows.end * o]);
        self.actions.extend_from_slice(&other.actions[rows.start * a..rows.end * a]);
        self.next_observations.extend_from_slice(&other.next_observations[rows.start * o..rows.end * o]);
        self.rewards.extend_from_slice(&other.rewards[rows.clone()]);
        self.terminated.extend_from_slice(&other.terminated[rows.clone()]);
        self.episode_ends.extend_from_slice(&other.episode_ends[rows]);
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

impl Persist for Dataset {
    fn save(&self) -> State {
        let mut state = State::new();
        let matrix = |data: &[f64], dims: usize| Array::F64(vec![self.len(), dims], data.to_vec());
        let flags = |data: &[bool]| Array::U8(data.iter().map(|flag| u8::from(*flag)).collect());
        state.put("len", Array::U64(vec![self.len() as u64]));
        state.put("observations", matrix(&self.observations, self.observation_dim));
        state.put("actions", matrix(&self.actions, self.action_dim));
        state.put("next_observations", matrix(&self.next_observations, self.observation_dim));
        state.put("rewards", Array::F64(vec![self.len()], self.rewards.clone()));
        state.put("terminated", flags(&self.terminated));
        state.put("episode_ends", flags(&self.episode_ends));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let n = state.u64s("len", 1)?[0] as usize;
        let flags = |name: &str| match state.array(name)? {
            Array::U8(bytes) if bytes.len() == n => Ok(bytes.iter().map(|byte| *byte != 0).collect()),
            Array::U8(bytes) => Err(Error::shape(name.to_owned(), &[n], &[bytes.len()])),
            _ => Err(Error::external("saved state", format!("'{name}' does not hold flags"))),
        };
        *self = Self {
            observations: state.f64s("observations", n.saturating_mul(self.observation_dim))?.to_vec(),
            actions: state.f64s("actions", n.saturating_mul(self.action_dim))?.to_vec(),
            next_observations: state.f64s("next_observations", n.saturating_mul(self.observation_dim))?.to_vec(),
            rewards: state.f64s("rewards", n)?.to_vec(),
            terminated: flags("terminated")?,
            episode_ends: flags("episode_ends")?,
            ..Self::new(self.observation_dim, self.action_dim)
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
