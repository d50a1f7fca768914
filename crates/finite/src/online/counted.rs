//! The process that was counted, for learners that solve one: its mean, and others that share its states.

use worldwright_core::{Array, Error, Result, State};

use super::action_values::{granted, greatest};
use super::outcomes::Outcomes;
use super::{LearnerContext, Transition};
use crate::{Mdp, MdpBuilder, Solution, Stop, Sweep, value_iteration_from};

/// Distance to the optimum within which a process is solved, as a share of the largest reward.
const PRECISION: f64 = 1e-6;
/// Sweeps after which a process counts as solved in any case.
const MOST_SWEEPS: usize = 100_000;

pub(super) struct Counted {
    pub(super) actions: usize,
    pub(super) discount: f64,
    pub(super) outcomes: Outcomes,
    /// The least and the greatest reward, zero among them.
    pub(super) range: (f64, f64),
    granted: usize,
    /// `[states][actions]` of the mean of what was counted; none where more was counted since.
    mean: Option<Vec<f64>>,
}

impl Counted {
    /// # Errors
    /// [`Error::Config`] where nothing is discounted: a process that goes round for ever has no values.
    pub(super) fn new(context: &LearnerContext) -> Result<Self> {
        context.check()?;
        if context.discount > 0.999_999 {
            let why = "must be at most 0.999999 for a learner that solves what it counted: processes that go round for ever have no \
                       values else";
            return Err(Error::config("discount", why));
        }
        Ok(Self {
            actions: context.actions,
            discount: context.discount,
            outcomes: Outcomes::new(context.actions),
            range: (0.0, 0.0),
            granted: 0,
            mean: None,
        })
    }

    pub(super) fn states(&self) -> usize {
        self.outcomes.states()
    }

    /// Counts a transition; its pair, and how often that was tried now.
    pub(super) fn count(&mut self, transition: &Transition) -> Result<(usize, f64)> {
        let met = transition.state.max(transition.next.unwrap_or(0));
        self.granted = granted(met, self.actions, self.granted)?;
        self.outcomes.include(met);
        self.mean = None;
        self.range = (self.range.0.min(transition.reward), self.range.1.max(transition.reward));
        let pair = self.outcomes.remember(transition, true);
        Ok((pair, self.outcomes.tries(pair)))
    }

    /// The largest reward, whatever its sign.
    pub(super) fn size(&self) -> f64 {
        self.range.1.max(-self.range.0)
    }

    /// How near two values count as equal.
    pub(super) fn tolerance(&self) -> f64 {
        PRECISION * if self.size() > 0.0 { self.size() } else { 1.0 }
    }

    /// The process whose pairs are described by `pair`, after [`MdpBuilder::action`]. States in which `has_actions` is false are ends.
    pub(super) fn process(
        &self,
        has_actions: impl Fn(usize) -> bool,
        mut pair: impl FnMut(usize, &mut MdpBuilder),
    ) -> Result<Mdp> {
        let mut builder = MdpBuilder::new(self.discount);
        for state in 0..self.states() {
            builder.state();
            if has_actions(state) {
                for action in 0..self.actions {
                    pair(state * self.actions + action, builder.action());
                }
            }
        }
        builder.build()
    }

    /// The outcomes of a pair by their shares.
    pub(super) fn shares(&self, pair: usize, builder: &mut MdpBuilder) {
        let tries = self.outcomes.tries(pair);
        for outcome in self.outcomes.of(pair) {
            builder.outcome(outcome.count / tries, outcome.paid / outcome.count, outcome.follows());
        }
    }

    /// The solution of a process from values to begin with.
    pub(super) fn solve(&self, mdp: &Mdp, from: Vec<f64>) -> Result<Solution> {
        let stop = Stop { tolerance: self.tolerance(), most: MOST_SWEEPS, threads: 1 };
        value_iteration_from(mdp, from, Sweep::GaussSeidel, &stop)
    }

    /// What the actions of a state are worth by the mean of what was counted: minus infinity for what was never tried. Solved from zeros, so
    /// that it depends on the counts alone.
    pub(super) fn mean(&mut self, state: usize) -> Result<Vec<f64>> {
        if state >= self.states() {
            return Ok(vec![f64::NEG_INFINITY; self.actions]);
        }
        let span = state * self.actions..(state + 1) * self.actions;
        if let Some(mean) = &self.mean {
            return Ok(mean[span].to_vec());
        }
        // Worse than whatever could have come of what was tried.
        let never = self.range.0 / (1.0 - self.discount) - 1.0;
        let tried = |pair: usize| !self.outcomes.of(pair).is_empty();
        // A state that nothing was tried in, such as the last one of an episode that was cut, is no refuge either.
        let mdp = self.process(
            |_| true,
            |pair, builder| {
                if tried(pair) {
                    self.shares(pair, builder);
                } else {
                    builder.outcome(1.0, never, None);
                }
            },
        )?;
        let values = self.solve(&mdp, vec![0.0; self.states()])?.values;
        let mean: Vec<f64> = (0..self.states() * self.actions)
            .map(|pair| match tried(pair) {
                true => mdp.action_value(pair / self.actions, pair % self.actions, &values),
                false => f64::NEG_INFINITY,
            })
            .collect();
        let values = mean[span].to_vec();
        self.mean = Some(mean);
        Ok(values)
    }

    /// The best of each state's action values, to go on from where these belong to fewer states.
    pub(super) fn values_of(&self, action_values: &[f64]) -> Vec<f64> {
        let mut values: Vec<f64> = action_values.chunks(self.actions).map(greatest).collect();
        values.resize(self.states(), 0.0);
        values
    }

    pub(super) fn save(&self) -> State {
        let mut state = self.outcomes.save();
        state.put("range", Array::F64(vec![2], vec![self.range.0, self.range.1]));
        state
    }

    pub(super) fn restore(&mut self, state: &State) -> Result<()> {
        let range = state.f64s("range", 2)?;
        self.outcomes.restore(state)?;
        (self.range, self.mean) = ((range[0], range[1]), None);
        Ok(())
    }
}
