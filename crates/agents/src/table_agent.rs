//! The agent that learns a table, one transition at a time: for observations and actions that can be counted.
//!
//! States are numbered in the order in which they were met; what was never met is acted in at random. Experience is read in its order, each transition once as
//! it comes, those of episodes that are under way at once each along a trajectory of its own. Recorded episodes that a run begins with come first. Where
//! nothing is added any more, a learner that gains by it reads all of it again.

use std::collections::BTreeMap;

use worldwright_core::{
    Action, Agent, Array, Call, Error, Experience, Interrupt, Key, Metrics, Observation, Persist, Result, Rng, Sample,
    Space, State, Value, find,
};
use worldwright_finite::online::{ALL, LearnerContext, TabularLearner, Transition};

use crate::places::{self, at};
use crate::{AgentContext, Resolved};

/// Rows that are read between two looks at a request to stop.
const LOOKS_EVERY: u64 = 4096;

/// Acts by a tabular learner.
pub(crate) struct TableAgent {
    learner: Box<dyn TabularLearner>,
    observation_space: Space,
    action_space: Space,
    interrupt: Interrupt,
    met: Met,
    /// Of each trajectory, the row of its last transition; none where it ended.
    trajectories: Vec<Option<u64>>,
    /// The first row of the experience that was not read yet.
    next_row: u64,
    learned: u64,
    /// Updates of the learner that were told of.
    told: u64,
    learn_rng: Rng,
    /// What an episode starts anew, at each place.
    explore_rngs: Vec<Rng>,
    sample: Sample,
    flat: Vec<f64>,
}

/// The states that were met, by the numbers of their observations.
#[derive(Default)]
struct Met {
    /// In the order in which they were met.
    numbers: Vec<u64>,
    states: BTreeMap<u64, usize>,
}

impl Met {
    fn state(&mut self, number: u64) -> usize {
        *self.states.entry(number).or_insert_with(|| {
            self.numbers.push(number);
            self.numbers.len() - 1
        })
    }
}

/// Builds the agent.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let chosen = resolved.role("learner")?;
    let entry = find(ALL, "learner", &chosen.name)?;
    let (observations, actions) = (&context.observation_space, &context.action_space);
    let counted = |what: &str, space: &Space| {
        space.count().ok_or_else(|| {
            let why = format!(
                "{what} of {space}: it keeps a table of discrete elements; use sac, pets or dreamer for numbers"
            );
            chosen.cannot(why)
        })
    };
    counted("observations", observations)?;
    let learner_context = LearnerContext {
        actions: counted("actions", actions)?,
        discount: resolved.agent.float("discount", 0.0, 1.0)?,
        places: context.places,
    };
    let seed = Key::new(context.seed);
    Ok(Box::new(TableAgent {
        learner: chosen.said((entry.build)(&learner_context, &chosen.settings))?,
        flat: vec![0.0; observations.flat_dim().max(actions.flat_dim())],
        observation_space: observations.clone(),
        action_space: actions.clone(),
        interrupt: context.interrupt.clone(),
        met: Met::default(),
        trajectories: Vec::new(),
        next_row: 0,
        learned: 0,
        told: 0,
        learn_rng: seed.fold(1).rng(),
        explore_rngs: vec![seed.fold(2).rng(); context.places],
        sample: Sample::default(),
    }))
}

/// The number of the element that flat numbers stand for.
fn number(space: &Space, flat: &[f64]) -> Result<usize> {
    let value = space.unflatten(flat)?;
    space.element_number(&value).ok_or_else(|| foreign(space, &value))
}

fn foreign(space: &Space, value: &Value) -> Error {
    Error::NotInSpace { what: "element to count".into(), reason: format!("{value} is none of {space}") }
}

impl TableAgent {
    /// The number of the trajectory that the transition of a row goes on with, or of a new one.
    fn trajectory(&mut self, experience: &dyn Experience, row: u64) -> usize {
        for (trajectory, last) in self.trajectories.iter_mut().enumerate() {
            if last.is_some_and(|last| last + experience.reach() < row) {
                // Its episode was given up: an environment broke, or what was recorded of it ends.
                *last = None;
                self.learner.cut(trajectory);
            }
        }
        let before = experience.before(row);
        let goes_on = self.trajectories.iter().position(|last| last.is_some() && *last == before);
        goes_on.or_else(|| self.trajectories.iter().position(Option::is_none)).unwrap_or_else(|| {
            self.trajectories.push(None);
            self.trajectories.len() - 1
        })
    }

    /// Learns from the transition of a row; whether an episode ended with it.
    fn take(&mut self, experience: &dyn Experience, row: u64) -> Result<bool> {
        self.sample.begin(1);
        experience.gather(row, 1, 1.0, &mut self.sample);
        let (o, a) = (self.observation_space.flat_dim(), self.action_space.flat_dim());
        let reward = self.sample.rewards[0];
        if !reward.is_finite() {
            let why = format!("a transition of its experience pays {reward}");
            return Err(Error::Diverged { who: "tabular learner".into(), why });
        }
        let mut seen = [0; 2];
        for (i, seen) in seen.iter_mut().enumerate() {
            self.sample.observations.copy_to(i * o, &mut self.flat[..o]);
            *seen = self.met.state(number(&self.observation_space, &self.flat[..o])? as u64);
        }
        self.sample.actions.copy_to(0, &mut self.flat[..a]);
        let transition = Transition {
            state: seen[0],
            action: number(&self.action_space, &self.flat[..a])?,
            reward,
            next: (!self.sample.terminated[0]).then_some(seen[1]),
            truncated: self.sample.truncated[0],
        };
        let trajectory = self.trajectory(experience, row);
        self.learner.learn(trajectory, &transition, &mut self.learn_rng)?;
        self.trajectories[trajectory] = (!transition.ends()).then_some(row);
        self.learned += 1;
        Ok(transition.ends())
    }

    /// Reads what was not read yet; whether an episode ended in it.
    fn read(&mut self, experience: &dyn Experience) -> Result<bool> {
        let (rows, mut ended) = (experience.rows(), false);
        for row in self.next_row.max(rows.start)..rows.end {
            if row % LOOKS_EVERY == 0 {
                self.interrupt.check("learning")?;
            }
            if experience.ends_sequence(row, 1) {
                ended |= self.take(experience, row)?;
            }
        }
        self.next_row = rows.end;
        Ok(ended)
    }

    fn tell(&mut self) -> Metrics {
        let made = self.learner.updates() - self.told;
        self.told += made;
        vec![("updates", made as f64), ("states_met", self.met.numbers.len() as f64)]
    }

    fn put_learned(&self, state: &mut State) {
        state.put_all("learner", self.learner.save());
        state.put("states", Array::U64(self.met.numbers.clone()));
        state.put("learned", Array::U64(vec![self.learned]));
    }

    fn take_learned(&mut self, state: &State) -> Result<()> {
        let Array::U64(numbers) = state.array("states")? else {
            return Err(Error::external("saved state", "array 'states' holds no whole numbers: it is damaged"));
        };
        self.met = Met::default();
        for number in numbers {
            self.met.state(*number);
        }
        self.learned = state.u64s("learned", 1)?[0];
        self.learner.restore(&state.part("learner"))?;
        self.told = self.learner.updates();
        Ok(())
    }
}

impl Agent for TableAgent {
    fn places(&self) -> usize {
        self.explore_rngs.len()
    }

    fn between_episodes(&self, state: &State) -> State {
        places::exchanged(state, &self.save())
    }

    fn begin_episode(&mut self, place: usize, observation: &Observation, seed: u64) -> Result<()> {
        self.observation_space.check(observation)?;
        *at(&mut self.explore_rngs, place)? = Key::new(seed).fold(2).rng();
        self.learner.begin(place);
        Ok(())
    }

    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        let space = &self.observation_space;
        space.check(observation)?;
        let number = space.element_number(observation).ok_or_else(|| foreign(space, observation))?;
        let rng = at(&mut self.explore_rngs, place)?;
        let Some(state) = self.met.states.get(&(number as u64)) else { return Ok(self.action_space.sample(rng)) };
        let chosen = self.learner.choose(place, *state, explore, rng)?;
        let mut action = Value::Integer(0);
        self.action_space.write_element(chosen, &mut action);
        Ok(action)
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let (before, learned) = (self.learner.updates(), self.learned);
        let ended = self.read(experience)?;
        // Beyond one of each real transition, updates are of what its table imagines.
        let imagined = (self.learner.updates() - before).saturating_sub(self.learned - learned);
        self.interrupt.count(Call::ModelStep, imagined);
        Ok(if ended { self.tell() } else { Metrics::new() })
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        if self.learner.replays() {
            (0..self.trajectories.len()).for_each(|trajectory| self.learner.cut(trajectory));
            self.trajectories.clear();
            self.next_row = 0;
        }
        self.read(experience)?;
        self.learner.plan()?;
        Ok(self.tell())
    }

    fn is_ready(&self) -> bool {
        self.learned > 0
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        self.put_learned(&mut state);
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.take_learned(weights)
    }
}

impl Persist for TableAgent {
    fn save(&self) -> State {
        let mut state = State::new();
        self.put_learned(&mut state);
        // Rows are counted from 1 here, so that 0 says that there is none.
        let rows = self.trajectories.iter().map(|last| last.map_or(0, |row| row + 1)).collect();
        state.put("trajectories", Array::U64(rows));
        state.put("counters", Array::U64(vec![self.next_row, self.told]));
        state.put("learn_rng", self.learn_rng.save());
        let places: Vec<usize> = (0..self.explore_rngs.len()).collect();
        places::put(&mut state, &places, |place| {
            let mut kept = self.learner.save_episode(*place);
            kept.put("explore_rng", self.explore_rngs[*place].save());
            kept
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.take_learned(state)?;
        let counters = state.u64s("counters", 2)?;
        [self.next_row, self.told] = [counters[0], counters[1]];
        let Array::U64(rows) = state.array("trajectories")? else {
            return Err(Error::external("saved state", "array 'trajectories' holds no rows: it is damaged"));
        };
        self.trajectories = rows.iter().map(|row| row.checked_sub(1)).collect();
        self.learn_rng.restore(state, "learn_rng")?;
        for (place, rng) in self.explore_rngs.iter_mut().enumerate() {
            let kept = places::part(state, place);
            rng.restore(&kept, "explore_rng")?;
            self.learner.restore_episode(place, &kept)?;
        }
        Ok(())
    }
}
