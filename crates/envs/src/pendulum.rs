//! Pendulum-v1: swing a pendulum up by a torque too weak to lift it at once (Gymnasium, `classic_control/pendulum.py`).
//!
//! θ̇' = clip(θ̇ + (3g/(2l) sin θ + 3u/(ml²)) dt, ±8), θ' = θ + θ̇' dt, with θ = 0 upright, m = l = 1, g = 10, dt = 0.05 and
//! |u| ≤ 2. Reward −(θ² + 0.1 θ̇² + 0.001 u²) of the state before, with θ in [-π, π] and u as clipped. 200 steps.

use std::f64::consts::PI;

use worldwright_core::{
    Actions, Columns, ColumnsMut, Error, Parameter, Result, Rng, SettingDefault as D, Settings, Transitions,
};

use crate::draw::Canvas;
use crate::scenes::draw_pendulum;
use crate::world::{Outcome, Spec, World, action_row, f32_box, names};
use crate::{Made, native, settings};
use worldwright_numerics::trig::{REACH, reduce_near, sin_cos, sine_of_reduced, wrap_and_sin, wrap_angle};

const MAX_SPEED: f64 = 8.0;
const MAX_TORQUE: f64 = 2.0;
const DT: f64 = 0.05;
/// Rows of a batch that go through each stage of a step together: a loop a stage has a short chain of dependent operations, so that a
/// processor has several rows under way at once.
const STAGE: usize = 64;

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[
    settings::episode_steps(200),
    settings::ACTION_REPEAT,
    settings::HIDDEN,
    Parameter { name: "gravity", default: D::Float(10.0), summary: "gravity, m/s²" },
];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    let gravity = settings.float("gravity", 0.0, 1000.0)?;
    let bound = [1.0, 1.0, MAX_SPEED];
    let made = native::made(
        Pendulum {
            gravity,
            spec: Spec {
                id: "pendulum",
                observation_space: f32_box(&bound.map(|b| -b), &bound),
                action_space: f32_box(&[-MAX_TORQUE], &[MAX_TORQUE]),
                state_dim: 2,
                dt_secs: DT,
                observation_channels: names(&["cos_theta", "sin_theta", "theta_dot"]),
                action_channels: names(&["torque"]),
                episode_steps: settings::steps(settings)?,
            },
        },
        settings,
    )?;
    // By dynamic programming on a grid of 1440×1601 states and 61 torques.
    Ok(Made { optimum: settings::optimum(settings, PARAMETERS, -137.0), ..made })
}

struct Pendulum {
    gravity: f64,
    spec: Spec,
}

/// Reward of the state before. `wrapped` is its angle within [-π, π].
#[inline(always)]
fn paid(wrapped: f64, theta_dot: f64, torque: f64) -> f64 {
    -wrapped.mul_add(wrapped, (0.1 * theta_dot).mul_add(theta_dot, 0.001 * (torque * torque)))
}

/// The next angle and speed. Every path through this file runs these lines, so that a batch gives the bytes of its rows.
#[inline(always)]
fn moved(theta: f64, theta_dot: f64, sin: f64, torque: f64, gravity: f64) -> (f64, f64) {
    let speed = (3.0 * gravity / 2.0 * DT).mul_add(sin, (3.0 * DT).mul_add(torque, theta_dot));
    let speed = clip(speed, MAX_SPEED);
    (speed.mul_add(DT, theta), speed)
}

#[inline(always)]
fn reward(theta: f64, theta_dot: f64, torque: f64) -> f64 {
    paid(wrap_angle(theta), theta_dot, torque)
}

/// Within ±`bound`, keeping NaN, so that a diverged row stays visible.
#[inline(always)]
fn clip(x: f64, bound: f64) -> f64 {
    let x = if x > bound { bound } else { x };
    if x < -bound { -bound } else { x }
}

impl World for Pendulum {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        state[0] = rng.uniform_in(-PI, PI);
        state[1] = rng.uniform_in(-1.0, 1.0);
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let torque = clip(action[0], MAX_TORQUE);
        let ((theta, speed), reward) = pulp::Arch::new().dispatch(|| {
            let (wrapped, sin) = wrap_and_sin(state[0]);
            (moved(state[0], state[1], sin, torque, self.gravity), paid(wrapped, state[1], torque))
        });
        (next[0], next[1]) = (theta, speed);
        Outcome::on(reward)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        let (sin, cos) = sin_cos(state[0]);
        observation.copy_from_slice(&[cos, sin, state[1]]);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        if observation[0] == 0.0 && observation[1] == 0.0 {
            return Err(Error::unsupported("pendulum", "an observation whose cosine and sine are both zero"));
        }
        state.copy_from_slice(&[observation[1].atan2(observation[0]), observation[2]]);
        Ok(())
    }

    fn judge(&self, observation: &[f64], action: &[f64], _next: &[f64]) -> Outcome {
        let theta = observation[1].atan2(observation[0]);
        Outcome::on(reward(theta, observation[2], clip(action[0], MAX_TORQUE)))
    }

    fn advance_batch(
        &self,
        states: Columns<'_>,
        actions: Actions<'_>,
        next_states: &mut ColumnsMut<'_>,
        rewards: &mut [f64],
        terminated: &mut [bool],
    ) {
        terminated.fill(false);
        let Actions::Continuous(torques) = actions else {
            unreachable!("the action space is a box, and so are its batches")
        };
        let mut columns = next_states.columns_mut();
        let (Some(next_theta), Some(next_speed)) = (columns.next(), columns.next()) else { return };
        let batch = Batch {
            theta: states.column(0),
            speed: states.column(1),
            torque: torques.column(0),
            next_theta,
            next_speed,
            rewards,
            gravity: self.gravity,
        };
        pulp::Arch::new().dispatch(batch);
    }

    fn judge_batch(&self, transitions: Transitions<'_>, rewards: &mut [f64], terminated: &mut [bool]) {
        terminated.fill(false);
        let mut room = [0.0; crate::world::MAX_DIM];
        let (cos, sin, speed) = (
            transitions.observations.column(0),
            transitions.observations.column(1),
            transitions.observations.column(2),
        );
        for (row, slot) in rewards.iter_mut().enumerate() {
            let action = action_row(transitions.actions, row, &mut room);
            *slot = reward(sin[row].atan2(cos[row]), speed[row], clip(action[0], MAX_TORQUE));
        }
    }

    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas) {
        let torque = action.first().map_or(0.0, |torque| clip(*torque, MAX_TORQUE) / MAX_TORQUE);
        draw_pendulum(state[0], torque, -1.0, canvas);
    }
}

/// The columns of one batched step, for the widest vector instructions that the machine has.
struct Batch<'a> {
    theta: &'a [f64],
    speed: &'a [f64],
    torque: &'a [f64],
    next_theta: &'a mut [f64],
    next_speed: &'a mut [f64],
    rewards: &'a mut [f64],
    gravity: f64,
}

impl pulp::NullaryFnOnce for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.theta.len();
        let (theta, speed, torque) = (&self.theta[..n], &self.speed[..n], &self.torque[..n]);
        let (next_theta, next_speed, rewards) =
            (&mut self.next_theta[..n], &mut self.next_speed[..n], &mut self.rewards[..n]);
        let mut far = 0;
        let (mut wrapped, mut reduced) = ([0.0; STAGE], [0.0; STAGE]);
        for first in (0..n).step_by(STAGE) {
            let end = n.min(first + STAGE);
            let (wrapped, reduced) = (&mut wrapped[..end - first], &mut reduced[..end - first]);
            for ((wrapped, reduced), theta) in wrapped.iter_mut().zip(reduced.iter_mut()).zip(&theta[first..end]) {
                // The sign bit tells of angles beyond the reach, and of what is no number.
                far |= REACH.to_bits().wrapping_sub(theta.abs().to_bits());
                (*wrapped, *reduced) = reduce_near(*theta);
            }
            for reduced in reduced.iter_mut() {
                *reduced = sine_of_reduced(*reduced);
            }
            for i in first..end {
                let u = clip(torque[i], MAX_TORQUE);
                rewards[i] = paid(wrapped[i - first], speed[i], u);
                (next_theta[i], next_speed[i]) = moved(theta[i], speed[i], reduced[i - first], u, self.gravity);
            }
        }
        if far >> 63 == 0 {
            return;
        }
        // Angles beyond the fast reduction's reach go the long way.
        for i in (0..n).filter(|i| theta[*i].abs().to_bits() > REACH.to_bits()) {
            let u = clip(torque[i], MAX_TORQUE);
            let (wrapped, sin) = wrap_and_sin(theta[i]);
            rewards[i] = paid(wrapped, speed[i], u);
            (next_theta[i], next_speed[i]) = moved(theta[i], speed[i], sin, u, self.gravity);
        }
    }
}
