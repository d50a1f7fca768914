//! Finite horizons: the optimal value and action for each number of remaining steps, backwards from the end.
//!
//! `V_0 = terminal`, `V_{k+1} = T V_k` (Bellman 1957): exact for any process, with or without discount.

use worldwright_core::{Error, Result};

use super::certificate::NO_ACTION;
use super::mdp::Mdp;
use super::value_iteration::synchronous;

/// Values and actions by stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stages {
    states: usize,
    /// `[steps + 1][states]`: entry k is the value with k steps to go.
    values: Vec<f64>,
    /// `[steps][states]`: entry k − 1 is what to do with k steps to go.
    policy: Vec<u32>,
}

impl Stages {
    /// How many steps there were at the beginning.
    pub fn steps(&self) -> usize {
        self.policy.len() / self.states
    }

    /// The value of each state with `left` steps to go.
    ///
    /// # Panics
    /// When more steps are left than there were.
    pub fn values(&self, left: usize) -> &[f64] {
        &self.values[left * self.states..(left + 1) * self.states]
    }

    /// What to do in each state with `left` steps to go, at least one; [`NO_ACTION`] at ends.
    ///
    /// # Panics
    /// When `left` is zero or more than there were.
    pub fn policy(&self, left: usize) -> &[u32] {
        &self.policy[(left - 1) * self.states..left * self.states]
    }
}

/// Solves `steps` steps that end with the value `terminal` of each state (zeros where none is given).
///
/// # Errors
/// [`Error::Shape`] when `terminal` is not one number a state.
pub fn finite_horizon(mdp: &Mdp, steps: usize, terminal: Option<&[f64]>) -> Result<Stages> {
    let states = mdp.states();
    let mut values = vec![0.0; states * (steps + 1)];
    if let Some(terminal) = terminal {
        if terminal.len() != states {
            return Err(Error::shape("terminal values", &[states], &[terminal.len()]));
        }
        values[..states].copy_from_slice(terminal);
    }
    let mut policy = vec![NO_ACTION; states * steps];
    for step in 0..steps {
        let (known, unknown) = values.split_at_mut((step + 1) * states);
        let choices = &mut policy[step * states..(step + 1) * states];
        synchronous(mdp, &known[step * states..], &mut unknown[..states], choices, 1);
        // What an end is worth is given, not zero.
        if terminal.is_some() {
            for state in (0..states).filter(|state| mdp.actions(*state) == 0) {
                unknown[state] = known[step * states + state];
            }
        }
    }
    Ok(Stages { states, values, policy })
}
