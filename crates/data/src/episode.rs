//! Episodes in memory.

use worldwright_core::{Action, Observation, Transition};

/// A whole episode in memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Episode {
    /// The seed of its reset, if it had its own.
    pub seed: Option<u64>,
    /// T + 1 observations.
    pub observations: Vec<Observation>,
    /// T actions; action t was taken at observation t.
    pub actions: Vec<Action>,
    /// T rewards; reward t was paid for action t.
    pub rewards: Vec<f64>,
    /// Whether the task itself ended it.
    pub terminated: bool,
    /// Whether it was cut, as by a time limit.
    pub truncated: bool,
}

impl Episode {
    /// T: how many steps it has.
    pub fn steps(&self) -> usize {
        self.actions.len()
    }

    /// Its transitions in order. The last one carries how the episode ended.
    pub fn transitions(&self) -> impl Iterator<Item = Transition> + '_ {
        (0..self.steps()).map(|t| Transition {
            observation: self.observations[t].clone(),
            action: self.actions[t].clone(),
            reward: self.rewards[t],
            next_observation: self.observations[t + 1].clone(),
            terminated: self.terminated && t + 1 == self.steps(),
            truncated: self.truncated && t + 1 == self.steps(),
        })
    }
}
