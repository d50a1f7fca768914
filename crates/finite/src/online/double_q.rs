//! `double-q-learning`: two tables, each valuing what the other one chooses, so that noise is not taken for value.
//!
//! With probability ½ `Q₁(s, a) += α (r + γ Q₂(s', argmax Q₁(s', ·)) − Q₁(s, a))`, else the same with the tables exchanged; it acts by their sum.

use worldwright_core::{Array, Entry, Persist, Result, Rng, Settings, State};

use super::action_values::ActionValues;
use super::epsilon_greedy::{EpsilonGreedy, among_best};
use super::settings::*;
use super::{Build, LearnerContext, TabularLearner, Transition};

/// The line in the list of learners.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "double-q-learning",
    summary: "two tables, each valuing what the other one chooses: noisy rewards are not taken for value",
    source: "van Hasselt, NeurIPS 2010",
    parameters: &[step_size(0.1), STEP_SIZE_POWER, EPSILON, EPSILON_DECAY, EPSILON_LEAST, INITIAL_VALUE],
    build,
};

fn build(context: &LearnerContext, settings: &Settings) -> Result<Box<dyn TabularLearner>> {
    context.check()?;
    let table = ActionValues::new(context.actions, settings)?;
    Ok(Box::new(DoubleQ {
        discount: context.discount,
        tables: [table.clone(), table],
        policy: EpsilonGreedy::new(settings)?,
        updates: 0,
    }))
}

struct DoubleQ {
    discount: f64,
    tables: [ActionValues; 2],
    policy: EpsilonGreedy,
    updates: u64,
}

impl DoubleQ {
    /// The mean of the tables for a state.
    fn mean(&self, state: usize) -> Vec<f64> {
        let [one, other] = [0, 1].map(|table| self.tables[table].of(state));
        one.iter().zip(other).map(|(a, b)| 0.5 * (a + b)).collect()
    }
}

impl TabularLearner for DoubleQ {
    fn choose(&mut self, _place: usize, state: usize, explore: bool, rng: &mut Rng) -> Result<usize> {
        Ok(self.policy.choose(&self.mean(state), self.tables[0].actions(), explore, rng))
    }

    fn learn(&mut self, _trajectory: usize, transition: &Transition, rng: &mut Rng) -> Result<()> {
        let met = transition.state.max(transition.next.unwrap_or(0));
        self.tables.iter_mut().try_for_each(|table| table.include(met))?;
        let learns = rng.below(2) as usize;
        let [own, other] = [learns, 1 - learns];
        let follows = transition.next.map_or(0.0, |next| {
            let chosen = among_best(self.tables[own].of(next), 0.0, rng);
            self.tables[other].of(next)[chosen]
        });
        let pair = self.tables[own].pair(transition.state, transition.action);
        self.tables[own].update(pair, transition.reward + self.discount * follows);
        self.updates += 1;
        if transition.ends() {
            self.policy.end_episode();
        }
        Ok(())
    }

    fn action_values(&mut self, state: usize) -> Result<Vec<f64>> {
        let mean = self.mean(state);
        Ok(if mean.is_empty() { self.tables[0].copied(state) } else { mean })
    }

    fn updates(&self) -> u64 {
        self.updates
    }
}

impl Persist for DoubleQ {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("table.0", self.tables[0].save());
        state.put_all("table.1", self.tables[1].save());
        state.put_all("policy", self.policy.save());
        state.put("updates", Array::U64(vec![self.updates]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.tables[0].restore(&state.part("table.0"))?;
        self.tables[1].restore(&state.part("table.1"))?;
        self.policy.restore(&state.part("policy"))?;
        self.updates = state.u64s("updates", 1)?[0];
        Ok(())
    }
}
