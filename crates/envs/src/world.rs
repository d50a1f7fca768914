//! One definition of a native environment, and the three faces it is used by.
//!
//! A [`World`] says how a state moves, what it shows and what it is worth, one row at a time (or a batch at a time where
//! that pays). From it come an [`Environment`](worldwright_core::Environment) (episodes, time limit, seeds, pictures), a
//! [`Simulator`](worldwright_core::Simulator) (batches, for planners that know the dynamics) and a
//! [`RewardFunction`](worldwright_core::RewardFunction) (batches of observed transitions). They cannot disagree, as they
//! run the same lines.

use worldwright_core::{
    Action, Actions, Bell, Columns, ColumnsMut, ElementType, Error, Filter, Result, Rng, Space, Transitions, Value,
};

use crate::draw::Canvas;

/// Longest state, observation or action vector of a native environment.
pub(crate) const MAX_DIM: usize = 16;

/// What stands fixed about a world.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// The name that users write.
    pub id: &'static str,
    /// What it shows. Numbers are rounded to single precision where the space says so.
    pub observation_space: Space,
    /// What it takes.
    pub action_space: Space,
    /// Length of the state vector.
    pub state_dim: usize,
    /// Seconds a step.
    pub dt_secs: f64,
    /// A name for each number of the flat observation.
    pub observation_channels: Vec<String>,
    /// A name for each action dimension, or for each choice.
    pub action_channels: Vec<String>,
    /// Steps until an episode is cut.
    pub episode_steps: Option<usize>,
}

/// Reward of a step, and whether the task ends there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outcome {
    /// Reward.
    pub reward: f64,
    /// Whether the task ends.
    pub terminated: bool,
}

impl Outcome {
    /// A reward after which the task goes on.
    #[inline]
    pub(crate) fn on(reward: f64) -> Self {
        Self { reward, terminated: false }
    }
}

/// A system with a state vector. An action is its numbers, or for discrete actions one number: the zero-based choice.
pub(crate) trait World: Send + Sync + 'static {
    /// What stands fixed.
    fn spec(&self) -> &Spec;

    /// Draws the state that an episode starts in.
    fn start(&self, rng: &mut Rng, state: &mut [f64]);

    /// The state after one step, its reward, and whether it ends the task. Must not allocate.
    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome;

    /// The flat observation of a state, without noise.
    fn observe(&self, state: &[f64], observation: &mut [f64]);

    /// The state behind an observation.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the observation does not determine it.
    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()>;

    /// Reward and end as functions of what was seen, done and seen after.
    fn judge(&self, observation: &[f64], action: &[f64], next_observation: &[f64]) -> Outcome;

    /// Whether a step can end the task.
    fn terminates(&self) -> bool {
        false
    }

    /// The reward's form where it is a bell, the same as [`judge`](Self::judge) computes.
    fn bell(&self) -> Option<Bell> {
        None
    }

    /// Adds process noise to a state that the environment (never the simulator) has just reached.
    fn disturb(&self, _rng: &mut Rng, _state: &mut [f64]) {}

    /// What the environment's sensors show: [`observe`](Self::observe), with noise where the world has any.
    fn measure(&self, _rng: &mut Rng, state: &[f64], observation: &mut [f64]) {
        self.observe(state, observation);
    }

    /// How beliefs about its state are kept, where [`invert`](Self::invert) does not tell it.
    fn filter(&self) -> Option<&dyn Filter> {
        None
    }

    /// Advances a batch: row by row here, by vector instructions where a world brings its own.
    fn advance_batch(
        &self,
        states: Columns<'_>,
        actions: Actions<'_>,
        next_states: &mut ColumnsMut<'_>,
        reward: &mut [f64],
        terminated: &mut [bool],
    ) {
        let dims = self.spec().state_dim;
        let (mut state, mut action, mut next) = ([0.0; MAX_DIM], [0.0; MAX_DIM], [0.0; MAX_DIM]);
        for row in 0..states.rows() {
            states.copy_row(row, &mut state[..dims]);
            let action = action_row(actions, row, &mut action);
            let outcome = self.advance(&state[..dims], action, &mut next[..dims]);
            next_states.set_row(row, &next[..dims]);
            reward[row] = outcome.reward;
            terminated[row] = outcome.terminated;
        }
    }

    /// Judges a batch, row by row.
    fn judge_batch(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        let dims = transitions.observations.dims();
        let (mut before, mut action, mut after) = ([0.0; MAX_DIM], [0.0; MAX_DIM], [0.0; MAX_DIM]);
        for row in 0..transitions.observations.rows() {
            transitions.observations.copy_row(row, &mut before[..dims]);
            transitions.next_observations.copy_row(row, &mut after[..dims]);
            let action = action_row(transitions.actions, row, &mut action);
            let outcome = self.judge(&before[..dims], action, &after[..dims]);
            reward[row] = outcome.reward;
            terminated[row] = outcome.terminated;
        }
    }

    /// Paints a state; `action` is the last one taken, empty after a reset.
    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas);
}

/// The action of one row as numbers, in `room`.
#[inline]
pub(crate) fn action_row<'r>(actions: Actions<'_>, row: usize, room: &'r mut [f64; MAX_DIM]) -> &'r [f64] {
    match actions {
        Actions::Continuous(columns) => {
            columns.copy_row(row, &mut room[..columns.dims()]);
            &room[..columns.dims()]
        }
        Actions::Discrete(choices) => {
            room[0] = f64::from(choices[row]);
            &room[..1]
        }
    }
}

/// Names as owned strings.
pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A box of numbers that its original keeps in single precision.
pub(crate) fn f32_box(low: &[f64], high: &[f64]) -> Space {
    // The bounds as the original stores them, so that a rounded number on the bound lies inside.
    let round = |bounds: &[f64]| bounds.iter().map(|bound| f64::from(*bound as f32)).collect();
    Space::Box { shape: vec![low.len()], low: round(low), high: round(high), element: ElementType::F32 }
}

/// A box of whole numbers, which can be counted.
pub(crate) fn whole_box(low: &[f64], high: &[f64], element: ElementType) -> Space {
    Space::Box { shape: vec![low.len()], low: low.to_vec(), high: high.to_vec(), element }
}

/// The zero-based number of a choice.
///
/// # Errors
/// [`Error::NotInSpace`] for whatever is no element of a space of single choices.
pub(crate) fn zero_based(space: &Space, action: &Action) -> Result<usize> {
    let not_in = |reason: String| Error::NotInSpace { what: "action".into(), reason };
    match (space, action) {
        (Space::Discrete { n, start, .. }, Value::Integer(choice)) => {
            let index = choice.checked_sub(*start).and_then(|index| usize::try_from(index).ok());
            let index = index.filter(|index| index < n);
            index.ok_or_else(|| not_in(format!("choice {choice} is not one of {n} from {start}")))
        }
        (space, other) => Err(not_in(format!("{other} is not of the kind or shape of {space}"))),
    }
}

/// Checks that an observation has `dims` numbers.
///
/// # Errors
/// [`Error::Shape`].
pub(crate) fn check_dims(observation: &[f64], dims: usize) -> Result<()> {
    if observation.len() == dims { Ok(()) } else { Err(Error::shape("observation", &[dims], &[observation.len()])) }
}
