//! Acrobot-v1: swing a two-link arm above the bar by its elbow alone (Gymnasium, `classic_control/acrobot.py`, after
//! Sutton 1996, with the equations of Sutton and Barto's book).
//!
//! l = m = I = 1, centres of mass at 0.5, g = 9.8, torque −1, 0 or 1 at the elbow; one Runge–Kutta step of 0.2 s; angles
//! wrapped to ±π, speeds clipped to ±4π and ±9π. θ₁ = 0 hangs, θ₂ is relative to the first link.
//! Reward −1 a step, 0 at the end: −cos θ₁ − cos(θ₁ + θ₂) > 1. 500 steps.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use worldwright_core::{Parameter, Result, Rng, Settings, Space};

use crate::draw::{Canvas, palette};
use crate::world::{Outcome, Spec, World, f32_box, names};
use crate::{Made, native, settings};
use worldwright_numerics::trig::{sin_cos, wrap_angle};

const DT: f64 = 0.2;
const GRAVITY: f64 = 9.8;
const MAX_SPEEDS: [f64; 2] = [4.0 * PI, 9.0 * PI];

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[settings::episode_steps(500), settings::ACTION_REPEAT, settings::HIDDEN];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    let bound = [1.0, 1.0, 1.0, 1.0, MAX_SPEEDS[0], MAX_SPEEDS[1]];
    native::made(
        Acrobot(Spec {
            id: "acrobot",
            observation_space: f32_box(&bound.map(|b| -b), &bound),
            action_space: Space::discrete(3),
            state_dim: 4,
            dt_secs: DT,
            observation_channels: names(&[
                "cos_theta1",
                "sin_theta1",
                "cos_theta2",
                "sin_theta2",
                "theta1_dot",
                "theta2_dot",
            ]),
            action_channels: names(&["negative", "none", "positive"]),
            episode_steps: settings::steps(settings)?,
        }),
        settings,
    )
}

struct Acrobot(Spec);

/// Time derivative of (θ₁, θ₂, θ̇₁, θ̇₂).
fn derivative(s: [f64; 4], torque: f64) -> [f64; 4] {
    let (sin2, cos2) = sin_cos(s[1]);
    let d1 = 0.25 + (1.25 + cos2) + 1.0 + 1.0;
    let d2 = (0.25 + 0.5 * cos2) + 1.0;
    let phi2 = 0.5 * GRAVITY * sin_cos(s[0] + s[1] - FRAC_PI_2).1;
    let phi1 = -0.5 * s[3] * s[3] * sin2 - s[3] * s[2] * sin2 + 1.5 * GRAVITY * sin_cos(s[0] - FRAC_PI_2).1 + phi2;
    let acc2 = (torque + d2 / d1 * phi1 - 0.5 * s[2] * s[2] * sin2 - phi2) / (0.25 + 1.0 - d2 * d2 / d1);
    let acc1 = -(d2 * acc2 + phi1) / d1;
    [s[2], s[3], acc1, acc2]
}

/// Into [-π, π] by whole turns, one at a time as the original does, unless that would take long.
fn wrap(mut angle: f64) -> f64 {
    if angle.abs() > 100.0 {
        return wrap_angle(angle);
    }
    while angle > PI {
        angle -= TAU;
    }
    while angle < -PI {
        angle += TAU;
    }
    angle
}

fn outcome(terminated: bool) -> Outcome {
    Outcome { reward: if terminated { 0.0 } else { -1.0 }, terminated }
}

impl World for Acrobot {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        state.fill_with(|| f64::from(rng.uniform_in(-0.1, 0.1) as f32));
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let torque = action[0] - 1.0;
        let s = [state[0], state[1], state[2], state[3]];
        let along = |k: [f64; 4], h: f64| std::array::from_fn(|i| s[i] + h * k[i]);
        let k1 = derivative(s, torque);
        let k2 = derivative(along(k1, DT / 2.0), torque);
        let k3 = derivative(along(k2, DT / 2.0), torque);
        let k4 = derivative(along(k3, DT), torque);
        for i in 0..4 {
            next[i] = s[i] + DT / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
        }
        next[0] = wrap(next[0]);
        next[1] = wrap(next[1]);
        next[2] = next[2].clamp(-MAX_SPEEDS[0], MAX_SPEEDS[0]);
        next[3] = next[3].clamp(-MAX_SPEEDS[1], MAX_SPEEDS[1]);
        outcome(-sin_cos(next[0]).1 - sin_cos(next[1] + next[0]).1 > 1.0)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        let ((sin1, cos1), (sin2, cos2)) = (sin_cos(state[0]), sin_cos(state[1]));
        observation.copy_from_slice(&[cos1, sin1, cos2, sin2, state[2], state[3]]);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.copy_from_slice(&[
            observation[1].atan2(observation[0]),
            observation[3].atan2(observation[2]),
            observation[4],
            observation[5],
        ]);
        Ok(())
    }

    fn judge(&self, _observation: &[f64], _action: &[f64], next: &[f64]) -> Outcome {
        // cos(θ₁ + θ₂) by the addition theorem, from the cosines and sines that are seen.
        outcome(-next[0] - (next[0] * next[2] - next[1] * next[3]) > 1.0)
    }

    fn terminates(&self) -> bool {
        true
    }

    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas) {
        canvas.view([0.0, 0.0], 4.8);
        let ((sin1, cos1), (sin12, cos12)) = (sin_cos(state[0]), sin_cos(state[0] + state[1]));
        let elbow = [sin1, -cos1];
        let tip = [elbow[0] + sin12, elbow[1] - cos12];
        let wide = canvas.half_width();
        canvas.capsule([-wide, 1.0], [wide, 1.0], 0.012, palette::GOAL);
        canvas.capsule([0.0, 0.0], elbow, 0.1, palette::BODY);
        canvas.capsule(elbow, tip, 0.1, palette::EFFECTOR);
        canvas.disc([0.0, 0.0], 0.055, palette::INK);
        canvas.disc(elbow, 0.055, palette::INK);
        if let Some(choice) = action.first() {
            canvas.turn_arrow(elbow, 0.3, choice - 1.0, palette::FORCE);
        }
    }
}
