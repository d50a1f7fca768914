//! MountainCarContinuous-v0: the hill again, with a force to choose (Gymnasium, `classic_control/continuous_mountain_car.py`).
//!
//! v' = clip(v + 0.0015 clip(a, ±1) − 0.0025 cos 3x, ±0.07), x' = clip(x + v', −1.2, 0.6), v' = 0 at the left wall.
//! Reward −0.1 a² with a as given, and 100 when x ≥ 0.45 with v ≥ 0, which ends it. 999 steps. The original keeps its
//! state in single precision and computes in it, and so do we, operation by operation.

use worldwright_core::{Parameter, Result, Rng, Settings};

use crate::draw::Canvas;
use crate::scenes::draw_hill;
use crate::world::{Outcome, Spec, World, f32_box, names};
use crate::{Made, native, settings};

const LOW: f32 = -1.2;
const HIGH: f32 = 0.6;
const MAX_SPEED: f32 = 0.07;
const POWER: f32 = 0.0015;
const GOAL: f32 = 0.45;

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[settings::episode_steps(999), settings::ACTION_REPEAT, settings::HIDDEN];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    let (low, high) = ([f64::from(LOW), f64::from(-MAX_SPEED)], [f64::from(HIGH), f64::from(MAX_SPEED)]);
    native::made(
        MountainCarContinuous(Spec {
            id: "mountain-car-continuous",
            observation_space: f32_box(&low, &high),
            action_space: f32_box(&[-1.0], &[1.0]),
            state_dim: 2,
            dt_secs: 1.0 / 30.0,
            observation_channels: names(&["position", "velocity"]),
            action_channels: names(&["force"]),
            episode_steps: settings::steps(settings)?,
        }),
        settings,
    )
}

struct MountainCarContinuous(Spec);

fn outcome(next: &[f64], action: f64) -> Outcome {
    let terminated = next[0] as f32 >= GOAL && next[1] >= 0.0;
    Outcome { reward: if terminated { 100.0 } else { 0.0 } - action * action * 0.1, terminated }
}

impl World for MountainCarContinuous {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        // Rounded, so that what is shown determines the state from the first step on.
        state.copy_from_slice(&[f64::from(rng.uniform_in(-0.6, -0.4) as f32), 0.0]);
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let (position, velocity) = (state[0] as f32, state[1] as f32);
        let force = (action[0] as f32).clamp(-1.0, 1.0);
        // The cosine itself is taken in double precision and rounded, as Python's `math.cos` of a single-precision angle is.
        let pull = (0.0025 * f64::from(3.0 * position).cos()) as f32;
        let velocity = (velocity + (force * POWER - pull)).clamp(-MAX_SPEED, MAX_SPEED);
        let position = (position + velocity).clamp(LOW, HIGH);
        let velocity = if position == LOW && velocity < 0.0 { 0.0 } else { velocity };
        next.copy_from_slice(&[f64::from(position), f64::from(velocity)]);
        outcome(next, action[0])
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.iter_mut().zip(observation).for_each(|(slot, number)| *slot = f64::from(*number as f32));
        Ok(())
    }

    fn judge(&self, _observation: &[f64], action: &[f64], next: &[f64]) -> Outcome {
        outcome(next, action[0])
    }

    fn terminates(&self) -> bool {
        true
    }

    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas) {
        draw_hill(state[0], f64::from(GOAL), action.first().map_or(0.0, |force| force.clamp(-1.0, 1.0)), canvas);
    }
}
