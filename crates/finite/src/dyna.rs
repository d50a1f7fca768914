//! Tabular Dyna: learn from real steps, and between them from remembered ones.
//!
//! Dyna-Q (Sutton, "Integrated Architectures for Learning, Planning, and Reacting", ICML 1990; Sutton and Barto, "Reinforcement
//! Learning", 2nd edition, section 8.2): `Q(s, a) += α (r + γ max Q(s', ·) − Q(s, a))` for the real step, then for n remembered steps drawn
//! uniformly from the pairs seen. Prioritised (section 8.4; Moore and Atkeson 1993): the n pairs with the largest errors are done first, and
//! the pairs that lead to a changed state follow. The memory holds the last outcome of each pair, so it is exact for worlds without chance.

use worldwright_core::{Error, Result, Rng};

use super::prioritised::Queue;

/// Which remembered pairs are done between real steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Planning {
    /// Drawn uniformly from the pairs seen.
    Uniform,
    /// Those whose error is above this threshold, the largest first.
    Prioritised(f64),
}

/// Settings of [`Dyna`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DynaConfig {
    /// Step size α, in (0, 1].
    pub step_size: f64,
    /// Discount γ, in [0, 1].
    pub discount: f64,
    /// Share of random actions ε.
    pub epsilon: f64,
    /// Remembered steps after each real one.
    pub planning_steps: usize,
    /// Which of them.
    pub planning: Planning,
}

impl Default for DynaConfig {
    /// The maze of Sutton and Barto's figure 8.2.
    fn default() -> Self {
        Self { step_size: 0.1, discount: 0.95, epsilon: 0.1, planning_steps: 5, planning: Planning::Uniform }
    }
}

/// A table of action values with a memory of what followed each pair.
pub struct Dyna {
    config: DynaConfig,
    actions: usize,
    /// `[states][actions]`
    q: Vec<f64>,
    /// `[states][actions]`: what followed last: reward and the next state, [`END`] where it ended.
    memory: Vec<Option<(f64, u32)>>,
    /// Pairs in the order in which they were first seen.
    seen: Vec<u32>,
    /// Pairs that have led to each state, in the order in which they first did.
    before: Vec<Vec<u32>>,
    queue: Queue,
}

const END: u32 = u32::MAX;

impl Dyna {
    /// Knows nothing of a world of `states` states with `actions` actions each.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting out of range or a world without states or actions.
    pub fn new(states: usize, actions: usize, config: DynaConfig) -> Result<Self> {
        if states == 0 || actions == 0 || states * actions >= END as usize {
            return Err(Error::config("states", format!("{states} states of {actions} actions are none or too many")));
        }
        let inside = |key: &str, number: f64, low: f64| {
            if number >= low && number <= 1.0 {
                return Ok(());
            }
            Err(Error::config(key, format!("must lie in [{low}, 1], got {number}")))
        };
        inside("step_size", config.step_size, f64::MIN_POSITIVE)?;
        inside("discount", config.discount, 0.0)?;
        inside("epsilon", config.epsilon, 0.0)?;
        Ok(Self {
            config,
            actions,
            q: vec![0.0; states * actions],
            memory: vec![None; states * actions],
            seen: Vec::new(),
            before: vec![Vec::new(); states],
            queue: Queue::new(states * actions),
        })
    }

    /// Action values of a state.
    pub fn action_values(&self, state: usize) -> &[f64] {
        &self.q[state * self.actions..(state + 1) * self.actions]
    }

    /// A best action of `state`, drawn among equal ones, or with probability ε any.
    pub fn choose(&self, state: usize, rng: &mut Rng) -> usize {
        if rng.uniform() < self.config.epsilon {
            return rng.below(self.actions as u64) as usize;
        }
        let values = self.action_values(state);
        let best = best(values);
        let equal = values.iter().filter(|value| **value == best).count();
        let mut left = if equal > 1 { rng.below(equal as u64) } else { 0 };
        for (action, value) in values.iter().enumerate() {
            if *value == best {
                if left == 0 {
                    return action;
                }
                left -= 1;
            }
        }
        0
    }

    /// Learns from one real step and plans.
    pub fn learn(&mut self, state: usize, action: usize, reward: f64, next: Option<usize>, rng: &mut Rng) {
        let pair = state * self.actions + action;
        let code = next.map_or(END, |next| next as u32);
        if self.memory[pair].is_none() {
            self.seen.push(pair as u32);
        }
        // Looked up only where the memory changes, which it soon does no more.
        if self.memory[pair].is_none_or(|(_, known)| known != code)
            && let Some(next) = next
            && !self.before[next].contains(&(pair as u32))
        {
            self.before[next].push(pair as u32);
        }
        self.memory[pair] = Some((reward, code));
        match self.config.planning {
            Planning::Uniform => {
                self.update(pair);
                for _ in 0..self.config.planning_steps {
                    let drawn = self.seen[rng.below(self.seen.len() as u64) as usize] as usize;
                    self.update(drawn);
                }
            }
            Planning::Prioritised(threshold) => self.sweep(pair, threshold),
        }
    }

    /// One episode from `start`, at most `most` steps: `world` gives reward and next state (`None` ends). Returns the steps made.
    pub fn episode(
        &mut self,
        start: usize,
        most: usize,
        rng: &mut Rng,
        mut world: impl FnMut(usize, usize) -> (f64, Option<usize>),
    ) -> usize {
        let mut state = start;
        for step in 1..=most {
            let action = self.choose(state, rng);
            let (reward, next) = world(state, action);
            self.learn(state, action, reward, next, rng);
            match next {
                Some(next) => state = next,
                None => return step,
            }
        }
        most
    }

    /// The error of a remembered pair.
    fn error(&self, pair: usize) -> f64 {
        let Some((reward, next)) = self.memory[pair] else { return 0.0 };
        let follows = if next == END { 0.0 } else { best(self.action_values(next as usize)) };
        reward + self.config.discount * follows - self.q[pair]
    }

    fn update(&mut self, pair: usize) {
        self.q[pair] += self.config.step_size * self.error(pair);
    }

    fn raise(&mut self, pair: usize, threshold: f64) {
        let error = self.error(pair).abs();
        if error > threshold {
            self.queue.raise(pair, error);
        }
    }

    fn sweep(&mut self, pair: usize, threshold: f64) {
        self.raise(pair, threshold);
        // The real step counts as one more, as it does without priorities.
        for _ in 0..=self.config.planning_steps {
            let Some((pair, _)) = self.queue.pop() else { break };
            self.update(pair);
            self.raise(pair, threshold);
            let state = pair / self.actions;
            for i in 0..self.before[state].len() {
                let previous = self.before[state][i] as usize;
                self.raise(previous, threshold);
            }
        }
    }
}

fn best(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}
