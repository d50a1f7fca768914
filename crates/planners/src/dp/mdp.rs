//! Finite Markov decision processes in compressed sparse form.
//!
//! `Q(s, a) = r(s, a) + γ Σ p(s' | s, a) V(s')`. The outcomes of a state's actions lie side by side, so that a backup reads memory
//! forwards. Probabilities of an action may sum to less than one: what is missing ends the episode.

use worldwright_core::{Error, Result};

/// Rounding that the sum of an action's probabilities may show.
const ROUNDING: f64 = 1e-9;

/// A finite process: states and actions are numbers from zero; a state without actions is an end, worth nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct FiniteMdp {
    /// Where the choices of each state begin, `[states + 1]`.
    first_choice: Vec<u32>,
    /// The action's number of each choice.
    action: Vec<u32>,
    /// Expected reward of each choice.
    reward: Vec<f64>,
    /// Where the outcomes of each choice begin, `[choices + 1]`.
    first_outcome: Vec<u32>,
    next: Vec<u32>,
    probability: Vec<f64>,
}

impl FiniteMdp {
    /// How many states.
    pub fn states(&self) -> usize {
        self.first_choice.len() - 1
    }

    /// How many pairs of a state and an action that can be taken in it.
    pub fn choices(&self) -> usize {
        self.action.len()
    }

    /// How many outcomes of all choices together.
    pub fn outcomes(&self) -> usize {
        self.next.len()
    }

    /// The choices of a state, as places in the arrays of all choices.
    #[inline]
    pub(super) fn choices_of(&self, state: usize) -> std::ops::Range<usize> {
        self.first_choice[state] as usize..self.first_choice[state + 1] as usize
    }

    /// The action's number of a choice.
    pub(super) fn action_of(&self, choice: usize) -> u32 {
        self.action[choice]
    }

    /// Next states of a choice with their probabilities.
    pub(super) fn outcomes_of(&self, choice: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.first_outcome[choice] as usize..self.first_outcome[choice + 1] as usize;
        self.next[range.clone()].iter().map(|next| *next as usize).zip(self.probability[range].iter().copied())
    }

    /// The actions that can be taken in `state`.
    pub fn actions(&self, state: usize) -> &[u32] {
        &self.action[self.choices_of(state)]
    }

    /// What a choice is worth when `values` follow.
    #[inline]
    pub(super) fn choice_value(&self, choice: usize, discount: f64, values: &[f64]) -> f64 {
        let range = self.first_outcome[choice] as usize..self.first_outcome[choice + 1] as usize;
        let (next, probability) = (&self.next[range.clone()], &self.probability[range]);
        let expected: f64 = next.iter().zip(probability).map(|(next, p)| p * values[*next as usize]).sum();
        self.reward[choice] + discount * expected
    }

    /// The best choice of a state and its worth; the first of equals. None for an end.
    #[inline]
    pub(super) fn best(&self, state: usize, discount: f64, values: &[f64]) -> Option<(usize, f64)> {
        let mut best = None;
        for choice in self.choices_of(state) {
            let value = self.choice_value(choice, discount, values);
            if best.is_none_or(|(_, most)| value > most) {
                best = Some((choice, value));
            }
        }
        best
    }

    /// What doing `action` in `state` is worth when `values` follow; none where it cannot be done.
    ///
    /// # Panics
    /// When there is no such state, or fewer values than states.
    pub fn action_value(&self, state: usize, action: u32, discount: f64, values: &[f64]) -> Option<f64> {
        let choice = self.choices_of(state).find(|choice| self.action[*choice] == action)?;
        Some(self.choice_value(choice, discount, values))
    }

    /// The greedy action of each state under `values`, the first of equals; none for ends.
    ///
    /// # Panics
    /// When there are fewer values than states.
    pub fn greedy(&self, discount: f64, values: &[f64]) -> Vec<Option<u32>> {
        (0..self.states()).map(|s| self.best(s, discount, values).map(|(choice, _)| self.action[choice])).collect()
    }
}

/// Builds a [`FiniteMdp`] state by state.
#[derive(Debug, Clone)]
pub struct MdpBuilder {
    mdp: FiniteMdp,
    scratch: Vec<(u32, f64)>,
}

impl Default for MdpBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl MdpBuilder {
    /// A process without states.
    pub fn new() -> Self {
        let mdp = FiniteMdp {
            first_choice: vec![0],
            action: Vec::new(),
            reward: Vec::new(),
            first_outcome: vec![0],
            next: Vec::new(),
            probability: Vec::new(),
        };
        Self { mdp, scratch: Vec::new() }
    }

    /// Adds an action to the state that is being built: its expected reward and its outcomes, next states with probabilities.
    /// Outcomes may name states that come later; equal ones are put together.
    ///
    /// # Errors
    /// [`Error::Config`] for a reward or a probability that is no number, a negative probability, and probabilities that sum to
    /// more than one.
    pub fn action(&mut self, action: u32, reward: f64, outcomes: &[(u32, f64)]) -> Result<()> {
        let state = self.mdp.first_choice.len() - 1;
        let fail = |why: String| Err(Error::config(format!("state {state}, action {action}"), why));
        if !reward.is_finite() {
            return fail(format!("its reward is {reward}"));
        }
        if let Some((next, p)) = outcomes.iter().find(|(_, p)| !(0.0..=1.0 + ROUNDING).contains(p)) {
            return fail(format!("the probability of state {next} is {p}"));
        }
        let sum: f64 = outcomes.iter().map(|(_, p)| p).sum();
        if sum > 1.0 + ROUNDING {
            return fail(format!("its probabilities sum to {sum}"));
        }
        self.scratch.clear();
        self.scratch.extend(outcomes.iter().filter(|(_, p)| *p > 0.0));
        self.scratch.sort_by_key(|(next, _)| *next);
        self.scratch.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            kept.1 += if same { later.1 } else { 0.0 };
            same
        });
        self.mdp.next.extend(self.scratch.iter().map(|(next, _)| *next));
        self.mdp.probability.extend(self.scratch.iter().map(|(_, p)| *p));
        self.mdp.action.push(action);
        self.mdp.reward.push(reward);
        self.mdp.first_outcome.push(self.mdp.next.len() as u32);
        Ok(())
    }

    /// Ends the state that is being built; without actions it is an end. Returns its number.
    pub fn end_state(&mut self) -> u32 {
        self.mdp.first_choice.push(self.mdp.action.len() as u32);
        self.mdp.first_choice.len() as u32 - 2
    }

    /// The process.
    ///
    /// # Errors
    /// [`Error::Config`] for an outcome that names a state that was never built.
    pub fn finish(self) -> Result<FiniteMdp> {
        let states = self.mdp.states();
        match self.mdp.next.iter().find(|next| **next as usize >= states) {
            Some(next) => Err(Error::config("outcome", format!("state {next} does not exist: there are {states}"))),
            None => Ok(self.mdp),
        }
    }
}
