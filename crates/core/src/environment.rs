//! Environments: one instance of a system that can be reset and stepped, in Gymnasium's words.

use crate::{Action, Error, Observation, Persist, Result, Space};

/// What one step gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is seen now; after the last step of an episode, its true last observation.
    pub observation: Observation,
    /// Reward of the step.
    pub reward: f64,
    /// Whether the task itself ended: nothing follows, the value from here on is zero.
    pub terminated: bool,
    /// Whether the episode was cut (a time limit): something would have followed.
    pub truncated: bool,
}

impl Step {
    /// Whether the episode is over, for either reason.
    pub fn done(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// A picture, row-major, three bytes (red, green, blue) a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// `3 * width * height` bytes.
    pub rgb: Vec<u8>,
}

/// One instance of an environment.
pub trait Environment: Send {
    /// The identifier that users write: `pendulum`, `gym:HalfCheetah-v5` ….
    fn id(&self) -> &str;

    /// What it shows.
    fn observation_space(&self) -> &Space;

    /// What it takes.
    fn action_space(&self) -> &Space;

    /// Starts an episode. The same seed gives the same episode for the same actions.
    ///
    /// # Errors
    /// [`Error::External`] when a worker behind it fails.
    fn reset(&mut self, seed: u64) -> Result<Observation>;

    /// The number that an episode's own generator begins with where [`reset`](Self::reset) is given `seed`, for records: whoever resets
    /// the original with it gets the same episode. Foreign environments are given less than all 64 bits.
    fn own_seed(&self, seed: u64) -> u64 {
        seed
    }

    /// Takes one action.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for an action of another kind or shape, or not finite; [`Error::External`] when a worker behind
    /// it crashes or hangs past its deadline; [`Error::Config`] when the episode is over or has not begun.
    fn step(&mut self, action: &Action) -> Result<Step>;

    /// Begins to take an action where that goes on elsewhere, in a process of its own; the next [`step`](Self::step), which must be told the same
    /// action, waits for what it led to. So several environments work at once. Those that work where they are called do nothing yet.
    ///
    /// # Errors
    /// As for [`step`](Self::step).
    fn start_step(&mut self, _action: &Action) -> Result<()> {
        Ok(())
    }

    /// How many players move in turn. With more than one, an action is that of the player [to move](Self::to_play), observations are what
    /// that player sees, and a step's reward is that of the player who moved.
    fn players(&self) -> usize {
        1
    }

    /// Whose turn it is, below [`players`](Self::players).
    fn to_play(&self) -> usize {
        0
    }

    /// Seconds of the world's own time that a step takes, for frame rates of pictures.
    fn dt_secs(&self) -> f64;

    /// A picture of the present state.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when it cannot be drawn.
    fn render(&mut self) -> Result<Frame> {
        Err(Error::unsupported(self.id().to_owned(), "rendering"))
    }

    /// Its whole state as something to save and restore, where that is possible.
    fn as_persist(&mut self) -> Option<&mut dyn Persist> {
        None
    }

    /// Names and versions of what runs behind it (environment, physics engine …), for records.
    fn versions(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
