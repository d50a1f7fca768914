//! Action repeat: one step of the environment holds its action for k steps of the original (Mnih et al. 2015; the usual
//! setting of model-based agents on dm_control, e.g. Hafner et al. 2019).
//!
//! With r₁ … rₖ the rewards of the k steps under the same action, the repeated step gives Σ rᵢ and the last observation; it
//! stops early where the episode ends. Time limits stay those of the original: an episode of T steps has ⌈T/k⌉ repeated ones.
//! A reward known as a function r(o, a, o′) of the observed ends of the step cannot see the steps between: it is taken as
//! k · r(o, a, o′), which is exact only where the reward is the same in all k steps.

use std::sync::Arc;

use worldwright_core::{
    Action, Actions, Columns, ColumnsMut, Environment, Filter, Result, RewardFunction, Simulator, Space, Step,
    Transitions,
};

use crate::Made;
use crate::world::MAX_DIM;
use crate::wrapper::{Wrapper, wrapped};

/// Holds each action of `made` for `repeat` ≥ 1 steps, in all of its faces.
pub(crate) fn repeated(made: Made, repeat: usize) -> Made {
    if repeat <= 1 {
        return made;
    }
    let made = wrapped(made, |inner| Repeated { inner, repeat });
    Made {
        reward: made.reward.map(|inner| Arc::new(RepeatedReward { inner, repeat }) as Arc<dyn RewardFunction>),
        simulator: made.simulator.map(|inner| Arc::new(RepeatedDynamics { inner, repeat }) as Arc<dyn Simulator>),
        // It moves by single steps; what several of them show is less than each.
        model: None,
        episode_steps: made.episode_steps.map(|steps| steps.div_ceil(repeat)),
        ..made
    }
}

/// An environment whose every step is several of another. It has no state of its own between steps.
struct Repeated {
    inner: Box<dyn Environment>,
    repeat: usize,
}

impl Wrapper for Repeated {
    fn inner(&self) -> &dyn Environment {
        self.inner.as_ref()
    }

    fn inner_mut(&mut self) -> &mut dyn Environment {
        self.inner.as_mut()
    }

    fn step(&mut self, action: &Action) -> Result<Step> {
        let mut step = self.inner.step(action)?;
        for _ in 1..self.repeat {
            if step.done() {
                break;
            }
            let next = self.inner.step(action)?;
            step = Step { reward: step.reward + next.reward, ..next };
        }
        Ok(step)
    }

    fn dt_secs(&self) -> f64 {
        self.inner.dt_secs() * self.repeat as f64
    }
}

/// Rows that run together after the first of the repeated steps: wide enough for vector instructions, few enough for the stack.
const CHUNK: usize = 32;

/// Native dynamics, so with states and actions of at most [`MAX_DIM`] numbers, several steps at a time.
struct RepeatedDynamics {
    inner: Arc<dyn Simulator>,
    repeat: usize,
}

impl Simulator for RepeatedDynamics {
    fn observation_space(&self) -> &Space {
        self.inner.observation_space()
    }

    fn action_space(&self) -> &Space {
        self.inner.action_space()
    }

    fn state_dim(&self) -> usize {
        self.inner.state_dim()
    }

    fn state_from_observation(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        self.inner.state_from_observation(observation, state)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        self.inner.observe(state, observation);
    }

    fn filter(&self) -> Option<&dyn Filter> {
        self.inner.filter().map(|_| self as _)
    }

    fn step(
        &self,
        states: Columns<'_>,
        actions: Actions<'_>,
        next_states: &mut ColumnsMut<'_>,
        reward: &mut [f64],
        terminated: &mut [bool],
    ) {
        self.inner.step(states, actions, next_states, reward, terminated);
        for first in (0..states.rows()).step_by(CHUNK) {
            let last = states.rows().min(first + CHUNK);
            self.go_on(first, actions, next_states, &mut reward[first..last], &mut terminated[first..last]);
        }
    }
}

/// The inner filter, which foresees every step and is told of the last alone. It exists wherever the inner one does.
impl Filter for RepeatedDynamics {
    fn spread_dim(&self) -> usize {
        self.inner.filter().map_or(0, |inner| inner.spread_dim())
    }

    fn begin(&self, mean: &mut [f64], spread: &mut [f64]) {
        if let Some(inner) = self.inner.filter() {
            inner.begin(mean, spread);
        }
    }

    fn predict(&self, mean: &mut [f64], spread: &mut [f64], action: &[f64]) {
        if let Some(inner) = self.inner.filter() {
            (0..self.repeat).for_each(|_| inner.predict(mean, spread, action));
        }
    }

    fn correct(&self, mean: &mut [f64], spread: &mut [f64], observation: &[f64]) {
        if let Some(inner) = self.inner.filter() {
            inner.correct(mean, spread, observation);
        }
    }
}

impl RepeatedDynamics {
    /// Takes the steps after the first for the rows from `first` on, as many as `reward` has.
    fn go_on(
        &self,
        first: usize,
        actions: Actions<'_>,
        states: &mut ColumnsMut<'_>,
        reward: &mut [f64],
        terminated: &mut [bool],
    ) {
        let (rows, dims) = (reward.len(), states.dims());
        let mut held = Room::new();
        let actions = match actions {
            Actions::Discrete(choices) => Actions::Discrete(&choices[first..first + rows]),
            Actions::Continuous(columns) => {
                let mut taken = held.columns_mut(columns.dims(), rows);
                for dim in 0..columns.dims() {
                    taken.column_mut(dim).copy_from_slice(&columns.column(dim)[first..first + rows]);
                }
                Actions::Continuous(held.columns(columns.dims(), rows))
            }
        };
        let (mut one, mut two) = (Room::new(), Room::new());
        let (mut now, mut next) = (&mut one, &mut two);
        for dim in 0..dims {
            now.columns_mut(dims, rows).column_mut(dim).copy_from_slice(&states.column_mut(dim)[first..first + rows]);
        }
        let (mut gained, mut ended) = ([0.0; CHUNK], [false; CHUNK]);
        for _ in 1..self.repeat {
            if terminated.iter().all(|over| *over) {
                break;
            }
            let (before, mut after) = (now.columns(dims, rows), next.columns_mut(dims, rows));
            self.inner.step(before, actions, &mut after, &mut gained[..rows], &mut ended[..rows]);
            for row in 0..rows {
                if terminated[row] {
                    // Nothing follows the end of the task: such a row stays where it ended.
                    for dim in 0..dims {
                        after.set(row, dim, before.get(row, dim));
                    }
                } else {
                    reward[row] += gained[row];
                    terminated[row] = ended[row];
                }
            }
            std::mem::swap(&mut now, &mut next);
        }
        for dim in 0..dims {
            states.column_mut(dim)[first..first + rows].copy_from_slice(now.columns(dims, rows).column(dim));
        }
    }
}

/// Columns of one chunk, on the stack.
struct Room([f64; CHUNK * MAX_DIM]);

impl Room {
    fn new() -> Self {
        Self([0.0; CHUNK * MAX_DIM])
    }

    fn columns(&self, dims: usize, rows: usize) -> Columns<'_> {
        Columns::new(&self.0[..dims * rows], dims, rows).expect("a slice of that length")
    }

    fn columns_mut(&mut self, dims: usize, rows: usize) -> ColumnsMut<'_> {
        ColumnsMut::new(&mut self.0[..dims * rows], dims, rows).expect("a slice of that length")
    }
}

/// A known reward, times the number of steps that it stands for.
struct RepeatedReward {
    inner: Arc<dyn RewardFunction>,
    repeat: usize,
}

impl RewardFunction for RepeatedReward {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        self.inner.evaluate(transitions, reward, terminated);
        reward.iter_mut().for_each(|reward| *reward *= self.repeat as f64);
    }

    fn terminates(&self) -> bool {
        self.inner.terminates()
    }
}
