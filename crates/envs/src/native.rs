//! The faces of a [`World`]: environment, simulator and reward function.

use std::sync::Arc;

use worldwright_core::{
    Action, Actions, Array, Bell, Columns, ColumnsMut, ElementType, Environment, Error, Filter, Frame, Observation,
    Persist, Result, RewardFunction, Settings, Simulator, Space, State, Step, Transitions, Value,
};

use crate::Made;
use crate::draw::Canvas;
use crate::episode::Episode;
use crate::hidden::hidden;
use crate::repeat::repeated;
use crate::settings;
use crate::world::{MAX_DIM, World, check_dims, zero_based};

/// Pixels of a picture.
pub(crate) const FRAME: (usize, usize) = (320, 240);

/// Makes all three faces of a world, with each action held for as long as the settings say.
pub(crate) fn made<W: World>(world: W, settings: &Settings) -> Result<Made> {
    let world = Arc::new(world);
    let spec = world.spec().clone();
    let made = Made {
        environment: Box::new(Native::new(Arc::clone(&world))),
        reward: Some(Arc::new(KnownReward(Arc::clone(&world)))),
        simulator: Some(Arc::new(KnownDynamics(world))),
        model: None,
        observation_channels: spec.observation_channels,
        action_channels: spec.action_channels,
        episode_steps: spec.episode_steps,
        episode_steps_assumed: false,
        optimum: None,
    };
    hidden(repeated(made, settings::action_repeat(settings)?), settings.text(settings::HIDDEN.name)?)
}

/// An environment over a world: episodes, seeds, the time limit and the checks of actions.
struct Native<W> {
    world: Arc<W>,
    state: Vec<f64>,
    next: Vec<f64>,
    /// The last action, for pictures; empty after a reset.
    action: Vec<f64>,
    episode: Episode,
}

impl<W: World> Native<W> {
    fn new(world: Arc<W>) -> Self {
        let dims = world.spec().state_dim;
        Self {
            world,
            state: vec![0.0; dims],
            next: vec![0.0; dims],
            action: Vec::with_capacity(MAX_DIM),
            episode: Episode::new(),
        }
    }

    fn observation(&mut self) -> Observation {
        let space = &self.world.spec().observation_space;
        let mut numbers = vec![0.0; space.flat_dim()];
        self.world.measure(&mut self.episode.rng, &self.state, &mut numbers);
        if let Space::Box { element: ElementType::F32, .. } = space {
            numbers.iter_mut().for_each(|number| *number = f64::from(*number as f32));
        }
        Value::Floats(numbers)
    }

    /// Puts the numbers of an action into `self.action`.
    fn take(&mut self, action: &Action) -> Result<()> {
        let not_in = |reason: String| Error::NotInSpace { what: "action".into(), reason };
        match (&self.world.spec().action_space, action) {
            (Space::Box { low, .. }, Value::Floats(numbers)) if numbers.len() == low.len() => {
                if let Some(i) = numbers.iter().position(|number| !number.is_finite()) {
                    return Err(not_in(format!("element {i} is {}, which is not finite", numbers[i])));
                }
                self.action.clear();
                self.action.extend_from_slice(numbers);
            }
            (space, action) => {
                let index = zero_based(space, action)?;
                self.action.clear();
                self.action.push(index as f64);
            }
        }
        Ok(())
    }
}

impl<W: World> Environment for Native<W> {
    fn id(&self) -> &str {
        self.world.spec().id
    }

    fn observation_space(&self) -> &Space {
        &self.world.spec().observation_space
    }

    fn action_space(&self) -> &Space {
        &self.world.spec().action_space
    }

    fn reset(&mut self, seed: u64) -> Result<Observation> {
        self.episode.begin(seed);
        self.world.start(&mut self.episode.rng, &mut self.state);
        self.action.clear();
        Ok(self.observation())
    }

    fn step(&mut self, action: &Action) -> Result<Step> {
        self.episode.check(self.world.spec().id)?;
        self.take(action)?;
        let outcome = self.world.advance(&self.state, &self.action, &mut self.next);
        self.world.disturb(&mut self.episode.rng, &mut self.next);
        std::mem::swap(&mut self.state, &mut self.next);
        let truncated = self.episode.count(outcome.terminated, self.world.spec().episode_steps);
        Ok(Step { observation: self.observation(), reward: outcome.reward, terminated: outcome.terminated, truncated })
    }

    fn dt_secs(&self) -> f64 {
        self.world.spec().dt_secs
    }

    fn render(&mut self) -> Result<Frame> {
        if !self.episode.has_begun() {
            return Err(Error::config(self.id(), "nothing to draw yet: call reset first"));
        }
        let mut canvas = Canvas::new(FRAME.0, FRAME.1);
        self.world.draw(&self.state, &self.action, &mut canvas);
        Ok(canvas.into_frame())
    }

    fn as_persist(&mut self) -> Option<&mut dyn Persist> {
        Some(self)
    }
}

impl<W: World> Persist for Native<W> {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put("state", Array::F64(vec![self.state.len()], self.state.clone()));
        state.put("action", Array::F64(vec![self.action.len()], self.action.clone()));
        self.episode.save(&mut state);
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let numbers = state.f64s("state", self.state.len())?;
        let action = match state.array("action")? {
            Array::F64(_, action) if action.len() <= MAX_DIM => action,
            _ => return Err(Error::external("saved state", "'action' is not an action")),
        };
        let episode = Episode::restored(state)?;
        self.state.copy_from_slice(numbers);
        self.action.clear();
        self.action.extend_from_slice(action);
        self.episode = episode;
        Ok(())
    }
}

/// A world's dynamics, without noise or time limit.
struct KnownDynamics<W>(Arc<W>);

impl<W: World> Simulator for KnownDynamics<W> {
    fn observation_space(&self) -> &Space {
        &self.0.spec().observation_space
    }

    fn action_space(&self) -> &Space {
        &self.0.spec().action_space
    }

    fn state_dim(&self) -> usize {
        self.0.spec().state_dim
    }

    fn state_from_observation(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        check_dims(observation, self.0.spec().observation_space.flat_dim())?;
        if state.len() != self.state_dim() {
            return Err(Error::shape("state", &[self.state_dim()], &[state.len()]));
        }
        self.0.invert(observation, state)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        self.0.observe(state, observation);
    }

    fn filter(&self) -> Option<&dyn Filter> {
        self.0.filter()
    }

    fn step(
        &self,
        states: Columns<'_>,
        actions: Actions<'_>,
        next_states: &mut ColumnsMut<'_>,
        reward: &mut [f64],
        terminated: &mut [bool],
    ) {
        self.0.advance_batch(states, actions, next_states, reward, terminated);
    }
}

/// A world's reward and termination as functions of observed transitions.
struct KnownReward<W>(Arc<W>);

impl<W: World> RewardFunction for KnownReward<W> {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        self.0.judge_batch(transitions, reward, terminated);
    }

    fn terminates(&self) -> bool {
        self.0.terminates()
    }

    fn bell(&self) -> Option<Bell> {
        self.0.bell()
    }
}
