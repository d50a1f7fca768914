//! The agent that draws every action anew: what others are measured against, and what collects where nothing is known.

use worldwright_core::{Action, Agent, Experience, Key, Metrics, Observation, Persist, Result, Rng, Space, State};

use crate::places::{self, at};

/// Draws uniformly from the action space, each episode from its own seed.
pub struct RandomAgent {
    action_space: Space,
    rngs: Vec<Rng>,
}

impl RandomAgent {
    /// Draws at so many places.
    pub fn new(action_space: Space, places: usize) -> Self {
        Self { action_space, rngs: vec![Key::new(0).rng(); places] }
    }
}

impl Agent for RandomAgent {
    fn places(&self) -> usize {
        self.rngs.len()
    }

    fn between_episodes(&self, state: &State) -> State {
        places::exchanged(state, &self.save())
    }

    fn begin_episode(&mut self, place: usize, _observation: &Observation, seed: u64) -> Result<()> {
        *at(&mut self.rngs, place)? = Key::new(seed).rng();
        Ok(())
    }

    fn act(&mut self, place: usize, _observation: &Observation, _explore: bool) -> Result<Action> {
        Ok(self.action_space.sample(at(&mut self.rngs, place)?))
    }

    fn learn(&mut self, _experience: &dyn Experience) -> Result<Metrics> {
        Ok(Metrics::new())
    }

    fn study(&mut self, _experience: &dyn Experience) -> Result<Metrics> {
        Ok(Metrics::new())
    }

    fn learns(&self) -> bool {
        false
    }
}

impl Persist for RandomAgent {
    fn save(&self) -> State {
        let mut state = State::new();
        places::put(&mut state, &self.rngs, |rng| {
            let mut kept = State::new();
            kept.put("rng", rng.save());
            kept
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut rngs = self.rngs.iter_mut().enumerate();
        rngs.try_for_each(|(place, rng)| rng.restore(&places::part(state, place), "rng"))
    }
}
