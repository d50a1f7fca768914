//! Environments around environments: what a wrapper does not change, it passes on, by this one file.

use worldwright_core::{Action, Environment, Frame, Observation, Persist, Result, Space, Step};

use crate::Made;

/// What a wrapper changes of the environment in it; everything else is the inner one's.
pub(crate) trait Wrapper: Send {
    /// The environment within.
    fn inner(&self) -> &dyn Environment;

    /// The same, to act in.
    fn inner_mut(&mut self) -> &mut dyn Environment;

    /// What is shown.
    fn observation_space(&self) -> &Space {
        self.inner().observation_space()
    }

    /// Starts an episode.
    fn reset(&mut self, seed: u64) -> Result<Observation> {
        self.inner_mut().reset(seed)
    }

    /// Takes one action.
    fn step(&mut self, action: &Action) -> Result<Step> {
        self.inner_mut().step(action)
    }

    /// Begins to take an action.
    fn start_step(&mut self, action: &Action) -> Result<()> {
        self.inner_mut().start_step(action)
    }

    /// Seconds that a step takes.
    fn dt_secs(&self) -> f64 {
        self.inner().dt_secs()
    }

    /// The whole state, where the wrapper adds none to it.
    fn as_persist(&mut self) -> Option<&mut dyn Persist> {
        self.inner_mut().as_persist()
    }
}

/// A wrapper as an environment.
struct Wrapped<W>(W);

/// `made` with another environment around its own.
pub(crate) fn wrapped<W: Wrapper + 'static>(made: Made, wrapper: impl FnOnce(Box<dyn Environment>) -> W) -> Made {
    Made { environment: Box::new(Wrapped(wrapper(made.environment))), ..made }
}

impl<W: Wrapper> Environment for Wrapped<W> {
    fn id(&self) -> &str {
        self.0.inner().id()
    }

    fn observation_space(&self) -> &Space {
        self.0.observation_space()
    }

    fn action_space(&self) -> &Space {
        self.0.inner().action_space()
    }

    fn reset(&mut self, seed: u64) -> Result<Observation> {
        self.0.reset(seed)
    }

    fn own_seed(&self, seed: u64) -> u64 {
        self.0.inner().own_seed(seed)
    }

    fn step(&mut self, action: &Action) -> Result<Step> {
        self.0.step(action)
    }

    fn start_step(&mut self, action: &Action) -> Result<()> {
        self.0.start_step(action)
    }

    fn players(&self) -> usize {
        self.0.inner().players()
    }

    fn to_play(&self) -> usize {
        self.0.inner().to_play()
    }

    fn dt_secs(&self) -> f64 {
        self.0.dt_secs()
    }

    fn render(&mut self) -> Result<Frame> {
        self.0.inner_mut().render()
    }

    fn as_persist(&mut self) -> Option<&mut dyn Persist> {
        self.0.as_persist()
    }

    fn versions(&self) -> Vec<(String, String)> {
        self.0.inner().versions()
    }
}
