//! Worlds of choices and chance: a state of any kind that a choice moves on, perhaps by a draw.
//!
//! A [`ChanceWorld`] is the definition of a game, a grid, a puzzle or a partially observed problem as an
//! [`Environment`](worldwright_core::Environment) needs it; the same definition stands behind what planners and solvers know of it
//! (a model of positions, a list of outcomes, a simulator of states), which is not the same for all of them. What is observed are the
//! numbers of a box, whole ones where the world can be counted, or those of the parts of a dictionary.

use worldwright_core::{
    Action, Array, Environment, Error, Frame, KnownModel, Observation, Persist, Result, Rng, Settings, Space, State,
    Step, Value,
};

use crate::draw::Canvas;
use crate::episode::Episode;
use crate::native::FRAME;
use crate::repeat::repeated;
use crate::world::{Outcome, Spec, zero_based};
use crate::{Made, settings};

/// A world whose actions are choices.
pub(crate) trait ChanceWorld: Send + Sync + 'static {
    /// Everything that the world is at a time, what is hidden too.
    type State: Clone + Send;

    /// What stands fixed; its `state_dim` is how many words a saved state has.
    fn spec(&self) -> &Spec;

    /// Draws the state that an episode starts in.
    fn start(&self, rng: &mut Rng) -> Self::State;

    /// Moves a state on by a zero-based choice.
    fn advance(&self, state: &mut Self::State, choice: usize, rng: &mut Rng) -> Outcome;

    /// What of a state is seen.
    fn observe(&self, state: &Self::State, observation: &mut [f64]);

    /// Those who move in turn.
    fn players(&self) -> usize {
        1
    }

    /// Whose turn it is.
    fn to_play(&self, _state: &Self::State) -> usize {
        0
    }

    /// A state as words.
    fn save(&self, state: &Self::State) -> Vec<u64>;

    /// The state of words; none where they are no state.
    fn restore(&self, words: &[u64]) -> Option<Self::State>;

    /// Paints a state.
    fn draw(&self, state: &Self::State, canvas: &mut Canvas);
}

/// Makes the environment of a world, with each choice held for as long as the settings say. Reward and dynamics are none that a
/// [`RewardFunction`](worldwright_core::RewardFunction) of what is seen or a deterministic
/// [`Simulator`](worldwright_core::Simulator) could stand for.
pub(crate) fn made<W: ChanceWorld>(world: W, settings: &Settings) -> Result<Made> {
    made_known(world, None, settings)
}

/// The same with the world as a model, for planners.
pub(crate) fn made_known<W: ChanceWorld>(world: W, model: Option<KnownModel>, settings: &Settings) -> Result<Made> {
    let spec = world.spec().clone();
    let made = Made {
        environment: Box::new(Chance { world, state: None, episode: Episode::new() }),
        reward: None,
        simulator: None,
        model,
        observation_channels: spec.observation_channels,
        action_channels: spec.action_channels,
        episode_steps: spec.episode_steps,
        episode_steps_assumed: false,
        optimum: None,
    };
    Ok(repeated(made, settings::action_repeat(settings)?))
}

/// An environment over a world of chance.
struct Chance<W: ChanceWorld> {
    world: W,
    /// None before the first reset.
    state: Option<W::State>,
    episode: Episode,
}

/// A number of a state that was saved as one word; none where it is no number below `count`.
pub(crate) fn numbered(words: &[u64], count: usize) -> Option<usize> {
    let [number] = *words else { return None };
    usize::try_from(number).ok().filter(|number| *number < count)
}

fn seen<W: ChanceWorld>(world: &W, state: &W::State) -> Result<Observation> {
    let space = &world.spec().observation_space;
    let mut numbers = vec![0.0; space.flat_dim()];
    world.observe(state, &mut numbers);
    match space {
        Space::Dict(_) => space.unflatten(&numbers),
        _ => Ok(Value::Floats(numbers)),
    }
}

impl<W: ChanceWorld> Environment for Chance<W> {
    fn id(&self) -> &str {
        self.world.spec().id
    }

    fn observation_space(&self) -> &Space {
        &self.world.spec().observation_space
    }

    fn action_space(&self) -> &Space {
        &self.world.spec().action_space
    }

    fn players(&self) -> usize {
        self.world.players()
    }

    fn to_play(&self) -> usize {
        self.state.as_ref().map_or(0, |state| self.world.to_play(state))
    }

    fn reset(&mut self, seed: u64) -> Result<Observation> {
        self.episode.begin(seed);
        let state = self.world.start(&mut self.episode.rng);
        let observation = seen(&self.world, &state)?;
        self.state = Some(state);
        Ok(observation)
    }

    fn step(&mut self, action: &Action) -> Result<Step> {
        let Self { world, state, episode } = self;
        let spec = world.spec();
        episode.check(spec.id)?;
        let choice = zero_based(&spec.action_space, action)?;
        let state = state.as_mut().ok_or_else(|| Error::config(spec.id, "has no state: call reset first"))?;
        let outcome = world.advance(state, choice, &mut episode.rng);
        let truncated = episode.count(outcome.terminated, spec.episode_steps);
        let observation = seen(world, state)?;
        Ok(Step { observation, reward: outcome.reward, terminated: outcome.terminated, truncated })
    }

    fn dt_secs(&self) -> f64 {
        self.world.spec().dt_secs
    }

    fn render(&mut self) -> Result<Frame> {
        let Some(state) = &self.state else {
            return Err(Error::config(self.id(), "nothing to draw yet: call reset first"));
        };
        let mut canvas = Canvas::new(FRAME.0, FRAME.1);
        self.world.draw(state, &mut canvas);
        Ok(canvas.into_frame())
    }

    fn as_persist(&mut self) -> Option<&mut dyn Persist> {
        Some(self)
    }
}

impl<W: ChanceWorld> Persist for Chance<W> {
    fn save(&self) -> State {
        let mut saved = State::new();
        let words = self.state.as_ref().map_or_else(Vec::new, |state| self.world.save(state));
        saved.put("world", Array::U64(words));
        self.episode.save(&mut saved);
        saved
    }

    fn restore(&mut self, saved: &State) -> Result<()> {
        let episode = Episode::restored(saved)?;
        let words = match saved.array("world")? {
            Array::U64(words) => words,
            _ => return Err(Error::external("saved state", "'world' holds no words")),
        };
        let wrong = || Error::external("saved state", format!("'world' is no state of {}", self.world.spec().id));
        let state = match words[..] {
            [] if !episode.has_begun() => None,
            _ => Some(self.world.restore(words).ok_or_else(wrong)?),
        };
        self.state = state;
        self.episode = episode;
        Ok(())
    }
}
