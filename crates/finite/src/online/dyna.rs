//! `dyna-q` and `dyna-q+`: learn from real steps, and between them from remembered ones.
//!
//! Dyna-Q (Sutton, "Integrated Architectures for Learning, Planning, and Reacting", ICML 1990; Sutton and Barto, "Reinforcement
//! Learning", 2nd edition, section 8.2): `Q(s, a) += α (r + γ max Q(s', ·) − Q(s, a))` for the real step, then for n remembered steps drawn
//! uniformly from the pairs seen. Dyna-Q+ (section 8.3) plans with `r + κ √τ`, τ the real steps since the pair was last tried, and among all
//! actions of the states seen: one that was never tried is imagined to stay where it is and pay nothing.

use worldwright_core::{Array, Entry, Parameter, Persist, Result, Rng, SettingDefault as Default, Settings, State};

use super::action_values::ActionValues;
use super::epsilon_greedy::EpsilonGreedy;
use super::outcomes::Outcomes;
use super::settings::*;
use super::{Build, LearnerContext, TabularLearner, Transition, damaged};

/// The line in the list of learners.
pub(super) const DYNA_Q: Entry<Build> = Entry {
    name: "dyna-q",
    summary: "q-learning from real steps, and from remembered ones between them",
    source: "Sutton, ICML 1990; Sutton and Barto 2018, section 8.2",
    parameters: &[
        PLANNING_STEPS,
        COUNTS,
        step_size(0.1),
        STEP_SIZE_POWER,
        EPSILON,
        EPSILON_DECAY,
        EPSILON_LEAST,
        INITIAL_VALUE,
    ],
    build: |context, settings| build(context, None, settings),
};

/// The line in the list of learners.
pub(super) const DYNA_Q_PLUS: Entry<Build> = Entry {
    name: "dyna-q+",
    summary: "dyna-q that plans to try again what was not tried for long: for worlds that change",
    source: "Sutton, ICML 1990; Sutton and Barto 2018, section 8.3",
    parameters: &[
        KAPPA,
        PLANNING_STEPS,
        COUNTS,
        step_size(0.1),
        STEP_SIZE_POWER,
        EPSILON,
        EPSILON_DECAY,
        EPSILON_LEAST,
        INITIAL_VALUE,
    ],
    build: |context, settings| build(context, Some(settings.float(KAPPA.name, 0.0, 1e9)?), settings),
};

const KAPPA: Parameter = Parameter {
    name: "kappa",
    default: Default::Float(0.001),
    summary: "reward that planning adds to a pair, times the root of the real steps since it was tried",
};

fn build(context: &LearnerContext, kappa: Option<f64>, settings: &Settings) -> Result<Box<dyn TabularLearner>> {
    context.check()?;
    Ok(Box::new(Dyna {
        discount: context.discount,
        planning_steps: settings.count("planning_steps", 0)?,
        counts: settings.bool(COUNTS.name)?,
        kappa,
        values: ActionValues::new(context.actions, settings)?,
        policy: EpsilonGreedy::new(settings)?,
        outcomes: Outcomes::new(context.actions),
        visited: Vec::new(),
        tried_at: Vec::new(),
        time: 0,
        updates: 0,
    }))
}

struct Dyna {
    discount: f64,
    planning_steps: usize,
    counts: bool,
    /// None plans with what was paid alone.
    kappa: Option<f64>,
    values: ActionValues,
    policy: EpsilonGreedy,
    outcomes: Outcomes,
    /// States that something was done in, in the order in which it first was, and at which real step each pair was tried last, 0 for
    /// never; both are kept only where planning adds to what was paid.
    visited: Vec<u64>,
    tried_at: Vec<u64>,
    /// Real steps.
    time: u64,
    updates: u64,
}

impl Dyna {
    /// What a remembered step says of its pair.
    fn target(&self, reward: f64, next: Option<usize>) -> f64 {
        reward + self.discount * next.map_or(0.0, |next| self.values.best(next))
    }

    fn plan(&mut self, rng: &mut Rng) {
        for _ in 0..self.planning_steps {
            let pair = match self.kappa {
                None => self.outcomes.seen()[rng.below(self.outcomes.seen().len() as u64) as usize] as usize,
                Some(_) => {
                    let actions = self.values.actions() as u64;
                    let drawn = rng.below(self.visited.len() as u64 * actions);
                    self.values.pair(self.visited[(drawn / actions) as usize] as usize, (drawn % actions) as usize)
                }
            };
            let stays = (0.0, Some(pair / self.values.actions()));
            let (mut reward, next) = self.outcomes.draw(pair, rng).unwrap_or(stays);
            if let Some(kappa) = self.kappa {
                reward += kappa * ((self.time - self.tried_at[pair]) as f64).sqrt();
            }
            self.values.update(pair, self.target(reward, next));
        }
        self.updates += self.planning_steps as u64;
    }
}

impl TabularLearner for Dyna {
    fn choose(&mut self, _place: usize, state: usize, explore: bool, rng: &mut Rng) -> Result<usize> {
        Ok(self.policy.choose(self.values.of(state), self.values.actions(), explore, rng))
    }

    fn learn(&mut self, _trajectory: usize, transition: &Transition, rng: &mut Rng) -> Result<()> {
        let met = transition.state.max(transition.next.unwrap_or(0));
        self.values.include(met)?;
        self.outcomes.include(met);
        let pair = self.outcomes.remember(transition, self.counts);
        self.time += 1;
        if self.kappa.is_some() {
            self.tried_at.resize(self.values.pairs(), 0);
            let first = self.values.pair(transition.state, 0);
            if self.tried_at[first..first + self.values.actions()].iter().all(|time| *time == 0) {
                self.visited.push(transition.state as u64);
            }
            self.tried_at[pair] = self.time;
        }
        self.values.update(pair, self.target(transition.reward, transition.next));
        self.updates += 1;
        self.plan(rng);
        if transition.ends() {
            self.policy.end_episode();
        }
        Ok(())
    }

    fn action_values(&mut self, state: usize) -> Result<Vec<f64>> {
        Ok(self.values.copied(state))
    }

    /// Counts would be of the replays.
    fn replays(&self) -> bool {
        !self.counts
    }

    fn updates(&self) -> u64 {
        self.updates
    }
}

impl Persist for Dyna {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("table", self.values.save());
        state.put_all("policy", self.policy.save());
        state.put_all("memory", self.outcomes.save());
        state.put("visited", Array::U64(self.visited.clone()));
        state.put("tried_at", Array::U64(self.tried_at.clone()));
        state.put("counters", Array::U64(vec![self.time, self.updates]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.values.restore(&state.part("table"))?;
        self.policy.restore(&state.part("policy"))?;
        self.outcomes.restore(&state.part("memory"))?;
        let counters = state.u64s("counters", 2)?;
        [self.time, self.updates] = [counters[0], counters[1]];
        let pairs = if self.kappa.is_some() { self.values.pairs() } else { 0 };
        self.tried_at = state.u64s("tried_at", pairs)?.to_vec();
        let Array::U64(visited) = state.array("visited")? else { return Err(damaged("states visited")) };
        let known = self.values.states() as u64;
        if self.outcomes.states() as u64 != known
            || visited.iter().any(|state| *state >= known)
            || self.tried_at.iter().any(|time| *time > self.time)
        {
            return Err(damaged("states visited"));
        }
        self.visited = visited.clone();
        Ok(())
    }
}
