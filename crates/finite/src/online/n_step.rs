//! Returns of n steps: the engine of Q-learning, of the Sarsas and of tree backup.
//!
//! A pair is updated as soon as its target is known (Sutton and Barto 2018, chapter 7),
//!
//! ```text
//! G_t = r_1 + γ r_2 + … + γ^(n−1) r_n + γ^n B(s_n)
//! ```
//!
//! with `B = Q(s_n, a_n)` of the action that was taken there (Sarsa), or its expectation under the ε-greedy policy (expected Sarsa). Tree backup gives
//! weight to what was done only as far as its target policy, the greedy one, would have done it (section 7.5):
//! `G_t = r + γ (Σ_{a ≠ a'} π(a) Q(s', a) + π(a') G_{t+1})`; of one step it is Q-learning. An episode's last pairs are updated when it ends: with
//! `B = 0` where the task did, with the expectation where it was cut.

use std::collections::VecDeque;

use worldwright_core::{Array, Persist, Result, Rng, Settings, State};

use super::action_values::{ActionValues, greatest};
use super::epsilon_greedy::EpsilonGreedy;
use super::{LearnerContext, TabularLearner, Transition, damaged};

/// Trajectories that may be open at once at most; a state that says more is damaged.
const MOST_TRAJECTORIES: usize = 1 << 16;

/// What stands behind the rewards of a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The value of the action that was taken.
    Sarsa,
    /// The expected value under the policy that acts.
    Expected,
    /// The greedy policy, at every step of the way.
    Tree,
}

pub(super) struct NStep {
    target: Target,
    n: usize,
    discount: f64,
    values: ActionValues,
    policy: EpsilonGreedy,
    /// Of each trajectory, the transitions whose pairs are not updated yet.
    open: Vec<VecDeque<Transition>>,
    updates: u64,
}

impl NStep {
    pub(super) fn new(target: Target, n: usize, context: &LearnerContext, settings: &Settings) -> Result<Self> {
        context.check()?;
        Ok(Self {
            target,
            n,
            discount: context.discount,
            values: ActionValues::new(context.actions, settings)?,
            policy: EpsilonGreedy::new(settings)?,
            open: Vec::new(),
            updates: 0,
        })
    }

    /// What a state is worth to the target policy.
    fn expectation(&self, state: usize) -> f64 {
        match self.target {
            Target::Tree => self.values.best(state),
            Target::Sarsa | Target::Expected => self.policy.expectation(self.values.of(state)),
        }
    }

    /// The return from the first of the open transitions on.
    fn target(&self, open: &VecDeque<Transition>) -> f64 {
        let taken = open.len().min(self.n);
        let last = &open[taken - 1];
        let mut value = match (last.next, open.get(taken)) {
            (None, _) => 0.0,
            (Some(next), Some(then)) if self.target == Target::Sarsa => {
                self.values.value(self.values.pair(next, then.action))
            }
            (Some(next), _) => self.expectation(next),
        };
        value = last.reward + self.discount * value;
        for t in (0..taken - 1).rev() {
            let then = &open[t + 1];
            if self.target == Target::Tree {
                let (values, taken) = (self.values.of(then.state), then.action);
                let best = greatest(values);
                let equal = values.iter().filter(|value| **value == best).count() as f64;
                let chance = if values[taken] == best { 1.0 / equal } else { 0.0 };
                value = (1.0 - chance) * best + chance * value;
            }
            value = open[t].reward + self.discount * value;
        }
        value
    }

    fn update_first(&mut self, open: &mut VecDeque<Transition>) {
        let target = self.target(open);
        if let Some(first) = open.pop_front() {
            let pair = self.values.pair(first.state, first.action);
            self.values.update(pair, target);
            self.updates += 1;
        }
    }
}

impl TabularLearner for NStep {
    fn choose(&mut self, _place: usize, state: usize, explore: bool, rng: &mut Rng) -> Result<usize> {
        Ok(self.policy.choose(self.values.of(state), self.values.actions(), explore, rng))
    }

    fn learn(&mut self, trajectory: usize, transition: &Transition, _rng: &mut Rng) -> Result<()> {
        self.values.include(transition.state.max(transition.next.unwrap_or(0)))?;
        if trajectory >= self.open.len() {
            self.open.resize(trajectory + 1, VecDeque::new());
        }
        let mut open = std::mem::take(&mut self.open[trajectory]);
        open.push_back(*transition);
        let needed = self.n + usize::from(self.target == Target::Sarsa);
        let left = if transition.ends() { 0 } else { needed - 1 };
        while open.len() > left {
            self.update_first(&mut open);
        }
        self.open[trajectory] = open;
        if transition.ends() {
            self.policy.end_episode();
        }
        Ok(())
    }

    fn cut(&mut self, trajectory: usize) {
        let Some(open) = self.open.get_mut(trajectory) else { return };
        let mut open = std::mem::take(open);
        while !open.is_empty() {
            self.update_first(&mut open);
        }
    }

    fn action_values(&mut self, state: usize) -> Result<Vec<f64>> {
        Ok(self.values.copied(state))
    }

    fn updates(&self) -> u64 {
        self.updates
    }
}

impl Persist for NStep {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("table", self.values.save());
        state.put_all("policy", self.policy.save());
        let (mut places, mut rewards) = (Vec::new(), Vec::new());
        for (trajectory, open) in self.open.iter().enumerate() {
            for each in open {
                // Those that end are never left open, so that each has a next state.
                let next = each.next.unwrap_or(each.state);
                places.extend([trajectory, each.state, each.action, next].map(|number| number as u64));
                rewards.push(each.reward);
            }
        }
        state.put("open", Array::U64(places));
        state.put("open_rewards", Array::F64(vec![rewards.len()], rewards));
        state.put("updates", Array::U64(vec![self.updates, self.open.len() as u64]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.values.restore(&state.part("table"))?;
        self.policy.restore(&state.part("policy"))?;
        let counters = state.u64s("updates", 2)?;
        let trajectories = usize::try_from(counters[1]).ok().filter(|count| *count <= MOST_TRAJECTORIES);
        let trajectories = trajectories.ok_or_else(|| damaged("open transitions"))?;
        self.updates = counters[0];
        let Array::U64(places) = state.array("open")? else { return Err(damaged("open transitions")) };
        let rewards = state.f64s("open_rewards", places.len() / 4)?;
        self.open.clear();
        self.open.resize(trajectories, VecDeque::new());
        for (place, reward) in places.as_chunks::<4>().0.iter().zip(rewards) {
            let [trajectory, state, action, next] = place.map(|number| number as usize);
            let known = self.values.states();
            if trajectory >= trajectories || state >= known || next >= known || action >= self.values.actions() {
                return Err(damaged("open transitions"));
            }
            let open = Transition { state, action, reward: *reward, next: Some(next), truncated: false };
            self.open[trajectory].push_back(open);
        }
        Ok(())
    }
}
