//! Skills that are a table over numbered states.

use super::Skill;

/// A skill of a finite world whose observation is the number of its state.
#[derive(Debug, Clone, PartialEq)]
pub struct Tabulated {
    /// Its name.
    pub name: String,
    /// The zero-based choice in each state; in a state without one the skill may not start, and ends.
    pub policy: Vec<Option<usize>>,
}

impl Skill for Tabulated {
    fn name(&self) -> &str {
        &self.name
    }

    fn may_start(&self, observation: &[f64]) -> bool {
        self.policy[observation[0] as usize].is_some()
    }

    fn act(&self, observation: &[f64], _step: usize, action: &mut [f64]) {
        action[0] = self.policy[observation[0] as usize].map_or(0.0, |choice| choice as f64);
    }

    fn end_chance(&self, observation: &[f64], _step: usize) -> f64 {
        f64::from(u8::from(self.policy[observation[0] as usize].is_none()))
    }
}
