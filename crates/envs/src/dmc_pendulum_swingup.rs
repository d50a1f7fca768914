//! dm_control's pendulum swing-up: a sparse reward for holding a pendulum upright (`suite/pendulum.py`, `pendulum.xml`; Tassa
//! et al. 2018).
//!
//! A sphere of 1 kg and radius 0.05 at 0.5 m: I = 0.25 + 0.4 · 0.05² = 0.251; damping b = 0.1; MuJoCo's semi-implicit Euler
//! step with implicit damping: θ̇' = θ̇ + h (mgl sin θ − bθ̇ + u)/(I + hb), θ' = θ + h θ̇', h = 0.02, g = 9.81, |u| ≤ 1, θ = 0
//! upright. Reward 1 within 8° of upright. 20 s.

use std::f64::consts::PI;

use worldwright_core::{Parameter, Result, Rng, Settings, Space};

use crate::draw::Canvas;
use crate::scenes::draw_pendulum;
use crate::world::{Outcome, Spec, World, names};
use crate::{Made, native, settings};
use worldwright_numerics::trig::sin_cos;

const MASS: f64 = 1.0;
const LENGTH: f64 = 0.5;
const INERTIA: f64 = MASS * LENGTH * LENGTH + 0.4 * MASS * 0.05 * 0.05;
const DAMPING: f64 = 0.1;
const GRAVITY: f64 = 9.81;
const DT: f64 = 0.02;
/// cos 8°.
const UPRIGHT: f64 = 0.990_268_068_741_570_3;

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[settings::episode_steps(1000), settings::ACTION_REPEAT, settings::HIDDEN];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    native::made(
        Swingup(Spec {
            id: "dmc-pendulum-swingup",
            observation_space: Space::unbounded(3),
            action_space: Space::vector(&[-1.0], &[1.0]),
            state_dim: 2,
            dt_secs: DT,
            observation_channels: names(&["cos_theta", "sin_theta", "theta_dot"]),
            action_channels: names(&["torque"]),
            episode_steps: settings::steps(settings)?,
        }),
        settings,
    )
}

struct Swingup(Spec);

fn outcome(cos: f64) -> Outcome {
    Outcome::on(if cos >= UPRIGHT { 1.0 } else { 0.0 })
}

impl World for Swingup {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        state.copy_from_slice(&[rng.uniform_in(-PI, PI), 0.0]);
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let torque = MASS * GRAVITY * LENGTH * sin_cos(state[0]).0 - DAMPING * state[1] + action[0].clamp(-1.0, 1.0);
        let speed = state[1] + DT * torque / (INERTIA + DT * DAMPING);
        next.copy_from_slice(&[state[0] + DT * speed, speed]);
        outcome(sin_cos(next[0]).1)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        let (sin, cos) = sin_cos(state[0]);
        observation.copy_from_slice(&[cos, sin, state[1]]);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.copy_from_slice(&[observation[1].atan2(observation[0]), observation[2]]);
        Ok(())
    }

    fn judge(&self, _observation: &[f64], _action: &[f64], next: &[f64]) -> Outcome {
        outcome(next[0])
    }

    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas) {
        draw_pendulum(state[0], action.first().map_or(0.0, |torque| torque.clamp(-1.0, 1.0)), 1.0, canvas);
    }
}
