//! MountainCar-v0: an engine too weak for the hill must swing the car up (Gymnasium, `classic_control/mountain_car.py`, after
//! Moore 1990).
//!
//! v' = clip(v + 0.001 (a − 1) − 0.0025 cos 3x, ±0.07), x' = clip(x + v', −1.2, 0.6), v' = 0 at the left wall.
//! Reward −1 a step; ends when x ≥ 0.5 with v ≥ 0. 200 steps.

use worldwright_core::{Parameter, Result, Rng, Settings, Space};

use crate::draw::Canvas;
use crate::scenes::draw_hill;
use crate::world::{Outcome, Spec, World, f32_box, names};
use crate::{Made, native, settings};
use worldwright_numerics::trig::sin_cos;

const LOW: f64 = -1.2;
const HIGH: f64 = 0.6;
const MAX_SPEED: f64 = 0.07;
const GOAL: f64 = 0.5;

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[settings::episode_steps(200), settings::ACTION_REPEAT, settings::HIDDEN];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    let made = native::made(
        MountainCar(Spec {
            id: "mountain-car",
            observation_space: f32_box(&[LOW, -MAX_SPEED], &[HIGH, MAX_SPEED]),
            action_space: Space::discrete(3),
            state_dim: 2,
            dt_secs: 1.0 / 30.0,
            observation_channels: names(&["position", "velocity"]),
            action_channels: names(&["left", "none", "right"]),
            episode_steps: settings::steps(settings)?,
        }),
        settings,
    )?;
    // By dynamic programming.
    Ok(Made { optimum: settings::optimum(settings, PARAMETERS, -97.5), ..made })
}

struct MountainCar(Spec);

fn outcome(next: &[f64]) -> Outcome {
    Outcome { reward: -1.0, terminated: next[0] >= GOAL && next[1] >= 0.0 }
}

impl World for MountainCar {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        state.copy_from_slice(&[rng.uniform_in(-0.6, -0.4), 0.0]);
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let push = (action[0] - 1.0) * 0.001;
        let velocity = (state[1] + (push - 0.0025 * sin_cos(3.0 * state[0]).1)).clamp(-MAX_SPEED, MAX_SPEED);
        let position = (state[0] + velocity).clamp(LOW, HIGH);
        let velocity = if position == LOW && velocity < 0.0 { 0.0 } else { velocity };
        next.copy_from_slice(&[position, velocity]);
        outcome(next)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.copy_from_slice(observation);
        Ok(())
    }

    fn judge(&self, _observation: &[f64], _action: &[f64], next: &[f64]) -> Outcome {
        outcome(next)
    }

    fn terminates(&self) -> bool {
        true
    }

    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas) {
        draw_hill(state[0], GOAL, action.first().map_or(0.0, |choice| choice - 1.0), canvas);
    }
}
