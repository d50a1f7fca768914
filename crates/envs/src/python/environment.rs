//! One Python environment as an [`Environment`].

use worldwright_core::{Action, Environment, Error, Frame, Observation, Result, Space, Step};

use super::WorkerOptions;
use super::channels::{action_channels, observation_channels};
use super::remote::{Recipe, Remote, python_seed};

/// Seconds of a step where the environment names none: thirty pictures a second.
const DEFAULT_DT_SECS: f64 = 1.0 / 30.0;

/// One environment in a worker process of its own.
///
/// After an error of the worker (it crashed, raised, or was late) every call but [`reset`](Environment::reset) fails;
/// `reset` starts a fresh worker.
#[derive(Debug)]
pub struct PythonEnvironment {
    id: String,
    remote: Remote,
    running: bool,
    /// Whether the worker was told an action whose outcome nobody asked for yet.
    started: bool,
}

impl PythonEnvironment {
    /// Starts a worker and makes the environment `id` in it: `gym:ID`, `dmc:DOMAIN-TASK`, or `SUITE:ID` of a suite of the user's
    /// own. `gym:module:ID` imports `module` first, which registers its environments with Gymnasium.
    ///
    /// # Errors
    /// [`Error::External`] when its suite is not installed, or the environment is not known or cannot be made in time;
    /// [`Error::Config`] for an id of no suite.
    pub fn open(id: &str, options: &WorkerOptions) -> Result<Self> {
        let remote = Remote::open(Recipe::new(id, 1, options)?)?;
        Ok(Self { id: id.to_owned(), remote, running: false, started: false })
    }

    /// Steps after which an episode is cut, where the environment says so.
    pub fn episode_steps(&self) -> Option<usize> {
        self.remote.description().episode_steps
    }

    /// A name for each number of a flat observation.
    pub fn observation_channels(&self) -> Vec<String> {
        observation_channels(self.remote.description())
    }

    /// A name for each number of a flat action.
    pub fn action_channels(&self) -> Vec<String> {
        action_channels(self.remote.description())
    }

    /// The number of the worker's process, while there is one.
    pub fn process_id(&self) -> Option<u32> {
        self.remote.process_id()
    }
}

impl Environment for PythonEnvironment {
    fn id(&self) -> &str {
        &self.id
    }

    fn observation_space(&self) -> &Space {
        &self.remote.description().observation_space
    }

    fn action_space(&self) -> &Space {
        &self.remote.description().action_space
    }

    fn reset(&mut self, seed: u64) -> Result<Observation> {
        self.running = false;
        if std::mem::take(&mut self.started) {
            // Nobody waits for the step any more; a worker that failed in it is started anew.
            let _ = self.remote.finish_step();
        }
        self.remote.revive()?;
        self.remote.post_reset(&[true], &[python_seed(seed)])?;
        self.remote.finish_reset()?;
        self.running = true;
        self.remote.observation(0)
    }

    fn own_seed(&self, seed: u64) -> u64 {
        python_seed(seed)
    }

    fn start_step(&mut self, action: &Action) -> Result<()> {
        if !self.running {
            return Err(Error::config("step", "no episode is running: reset first"));
        }
        self.remote.set_action(0, action)?;
        self.running = false;
        self.remote.post_step()?;
        self.started = true;
        Ok(())
    }

    fn step(&mut self, action: &Action) -> Result<Step> {
        if !self.started {
            self.start_step(action)?;
        }
        self.started = false;
        self.remote.finish_step()?;
        let (Some(step), _) = self.remote.outcome(0)? else {
            return Err(Error::external(self.id.clone(), "its worker reset by itself"));
        };
        self.running = !step.done();
        Ok(step)
    }

    fn dt_secs(&self) -> f64 {
        self.remote.description().dt_secs.unwrap_or(DEFAULT_DT_SECS)
    }

    fn render(&mut self) -> Result<Frame> {
        self.remote.render()
    }

    fn versions(&self) -> Vec<(String, String)> {
        self.remote.description().versions.clone()
    }
}
