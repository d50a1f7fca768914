//! `prioritised-sweeping`: after each real step, update the pairs first whose values are likely to change most.
//!
//! Moore and Atkeson, "Prioritized Sweeping: Reinforcement Learning with Less Data and Less Time", Machine Learning 13, 1993; Sutton and Barto 2018, section
//! 8.4. The real step's pair and then the pairs that lead to a state whose values changed wait in a queue by the size of their error, those with errors above a
//! threshold. An update goes towards the mean of what was counted, `r̂ + γ Σ P̂ max Q(s', ·)`, or towards what followed last where outcomes are not
//! counted: the same in a world without chance.

use worldwright_core::{Array, Entry, Parameter, Persist, Result, Rng, SettingDefault as Default, Settings, State};

use super::action_values::ActionValues;
use super::epsilon_greedy::EpsilonGreedy;
use super::outcomes::Outcomes;
use super::settings::*;
use super::{Build, LearnerContext, TabularLearner, Transition, damaged};
use crate::prioritised::Queue;

/// The line in the list of learners.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "prioritised-sweeping",
    summary: "after each real step, the remembered pairs first whose values are likely to change most",
    source: "Moore and Atkeson, Machine Learning 13, 1993",
    parameters: &[
        THRESHOLD,
        PLANNING_STEPS,
        Parameter { default: Default::Bool(true), ..COUNTS },
        step_size(1.0),
        STEP_SIZE_POWER,
        EPSILON,
        EPSILON_DECAY,
        EPSILON_LEAST,
        INITIAL_VALUE,
    ],
    build,
};

const THRESHOLD: Parameter = Parameter {
    name: "threshold",
    default: Default::Float(1e-4),
    summary: "error of a value, in reward, below which it is not updated",
};

fn build(context: &LearnerContext, settings: &Settings) -> Result<Box<dyn TabularLearner>> {
    context.check()?;
    Ok(Box::new(PrioritisedSweeping {
        discount: context.discount,
        threshold: settings.float(THRESHOLD.name, 0.0, 1e12)?,
        planning_steps: settings.count(PLANNING_STEPS.name, 0)?,
        counts: settings.bool(COUNTS.name)?,
        values: ActionValues::new(context.actions, settings)?,
        policy: EpsilonGreedy::new(settings)?,
        outcomes: Outcomes::new(context.actions),
        queue: Queue::new(0),
        updates: 0,
    }))
}

struct PrioritisedSweeping {
    discount: f64,
    threshold: f64,
    planning_steps: usize,
    counts: bool,
    values: ActionValues,
    policy: EpsilonGreedy,
    outcomes: Outcomes,
    queue: Queue,
    updates: u64,
}

impl PrioritisedSweeping {
    /// What is remembered of a pair says that it is worth this.
    fn target(&self, pair: usize) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for outcome in self.outcomes.of(pair) {
            let follows = outcome.follows().map_or(0.0, |next| self.values.best(next));
            sum += outcome.paid + outcome.count * self.discount * follows;
            count += outcome.count;
        }
        sum / count
    }

    fn raise(&mut self, pair: usize) {
        let error = (self.target(pair) - self.values.value(pair)).abs();
        if error > self.threshold {
            self.queue.raise(pair, error);
        }
    }

    /// Updates the pairs in front of the queue, so many at most.
    fn sweep(&mut self, most: usize) {
        for _ in 0..most {
            let Some((pair, _)) = self.queue.pop() else { break };
            self.values.update(pair, self.target(pair));
            self.updates += 1;
            self.raise(pair);
            let state = pair / self.values.actions();
            for i in 0..self.outcomes.before(state).len() {
                let previous = self.outcomes.before(state)[i] as usize;
                self.raise(previous);
            }
        }
    }
}

impl TabularLearner for PrioritisedSweeping {
    fn choose(&mut self, _place: usize, state: usize, explore: bool, rng: &mut Rng) -> Result<usize> {
        Ok(self.policy.choose(self.values.of(state), self.values.actions(), explore, rng))
    }

    fn learn(&mut self, _trajectory: usize, transition: &Transition, _rng: &mut Rng) -> Result<()> {
        let met = transition.state.max(transition.next.unwrap_or(0));
        self.values.include(met)?;
        self.outcomes.include(met);
        self.queue.include(self.values.pairs());
        let pair = self.outcomes.remember(transition, self.counts);
        self.raise(pair);
        // The real step counts as one more, as it does without priorities.
        self.sweep(self.planning_steps + 1);
        if transition.ends() {
            self.policy.end_episode();
        }
        Ok(())
    }

    fn action_values(&mut self, state: usize) -> Result<Vec<f64>> {
        Ok(self.values.copied(state))
    }

    fn updates(&self) -> u64 {
        self.updates
    }

    /// Counts would be of the replays.
    fn replays(&self) -> bool {
        !self.counts
    }

    fn plan(&mut self) -> Result<()> {
        self.sweep(10 * self.values.pairs());
        Ok(())
    }
}

impl Persist for PrioritisedSweeping {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("table", self.values.save());
        state.put_all("policy", self.policy.save());
        state.put_all("memory", self.outcomes.save());
        let waiting = self.queue.priorities();
        state.put("waiting", Array::F64(vec![waiting.len()], waiting.to_vec()));
        state.put("updates", Array::U64(vec![self.updates]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.values.restore(&state.part("table"))?;
        self.policy.restore(&state.part("policy"))?;
        self.outcomes.restore(&state.part("memory"))?;
        self.updates = state.u64s("updates", 1)?[0];
        let waiting = state.f64s("waiting", self.values.pairs())?;
        if self.outcomes.states() != self.values.states() {
            return Err(damaged("what followed pairs, and their values,"));
        }
        self.queue = Queue::new(waiting.len());
        waiting.iter().enumerate().for_each(|(pair, priority)| self.queue.raise(pair, *priority));
        Ok(())
    }
}
