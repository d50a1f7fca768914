//! ε-greedy: the best action, drawn among equal ones, and with probability ε any; ε decays over episodes.

use worldwright_core::{Array, Result, Rng, Settings, State};

use super::action_values::greatest;

/// How often it does something else than what it believes to be best.
#[derive(Debug, Clone)]
pub(super) struct EpsilonGreedy {
    epsilon: f64,
    decay: f64,
    least: f64,
    /// Episodes that ended.
    episodes: u64,
}

impl EpsilonGreedy {
    /// Reads `epsilon`, `epsilon_decay` and `epsilon_least`.
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        Ok(Self {
            epsilon: settings.float("epsilon", 0.0, 1.0)?,
            decay: settings.float("epsilon_decay", 0.0, 1.0)?,
            least: settings.float("epsilon_least", 0.0, 1.0)?,
            episodes: 0,
        })
    }

    /// The chance of a random action now.
    pub(super) fn epsilon(&self) -> f64 {
        let decayed = self.epsilon * self.decay.powf(self.episodes as f64);
        decayed.max(self.least.min(self.epsilon))
    }

    /// An episode ended.
    pub(super) fn end_episode(&mut self) {
        self.episodes += 1;
    }

    /// One of so many actions by their values; any where nothing is known of them.
    pub(super) fn choose(&self, values: &[f64], actions: usize, explore: bool, rng: &mut Rng) -> usize {
        if values.is_empty() || (explore && rng.uniform() < self.epsilon()) {
            return rng.below(actions as u64) as usize;
        }
        among_best(values, 0.0, rng)
    }

    /// What following it is worth in a state whose actions have these values: `Σ π(a) Q(a)`.
    pub(super) fn expectation(&self, values: &[f64]) -> f64 {
        let epsilon = self.epsilon();
        (1.0 - epsilon) * greatest(values) + epsilon * values.iter().sum::<f64>() / values.len() as f64
    }

    pub(super) fn save(&self) -> State {
        let mut state = State::new();
        state.put("episodes", Array::U64(vec![self.episodes]));
        state
    }

    pub(super) fn restore(&mut self, state: &State) -> Result<()> {
        self.episodes = state.u64s("episodes", 1)?[0];
        Ok(())
    }
}

/// One of the actions within `tolerance` of the best; it draws only where there are several.
pub(super) fn among_best(values: &[f64], tolerance: f64, rng: &mut Rng) -> usize {
    let least = greatest(values) - tolerance;
    let equal = values.iter().filter(|value| **value >= least).count();
    let drawn = if equal > 1 { rng.below(equal as u64) as usize } else { 0 };
    let mut equals = values.iter().enumerate().filter(|(_, value)| **value >= least).map(|(action, _)| action);
    equals.nth(drawn).unwrap_or(0)
}
