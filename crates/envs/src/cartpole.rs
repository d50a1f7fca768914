//! CartPole-v1: keep a pole upright on a cart by pushing left or right (Gymnasium, `classic_control/cartpole.py`, after
//! Barto, Sutton and Anderson 1983).
//!
//! With F = ±10, masses 1 and 0.1, half-length 0.5, g = 9.8 and t = (F + ml θ̇² sin θ) / M:
//! θ̈ = (g sin θ − t cos θ) / (l (4/3 − m cos² θ / M)), ẍ = t − ml θ̈ cos θ / M, by explicit Euler steps of 0.02 s.
//! Reward 1 a step; ends when |x| > 2.4 or |θ| > 12°. 500 steps.

use worldwright_core::{Parameter, Result, Rng, Settings, Space};

use crate::draw::Canvas;
use crate::scenes::CartPicture;
use crate::world::{Outcome, Spec, World, f32_box, names};
use crate::{Made, native, settings};
use worldwright_numerics::trig::sin_cos;

const GRAVITY: f64 = 9.8;
const POLE_MASS: f64 = 0.1;
const TOTAL_MASS: f64 = 1.0 + POLE_MASS;
const HALF_LENGTH: f64 = 0.5;
const MASS_LENGTH: f64 = POLE_MASS * HALF_LENGTH;
const FORCE: f64 = 10.0;
const DT: f64 = 0.02;
const REACH: f64 = 2.4;
const TILT: f64 = 12.0 * 2.0 * std::f64::consts::PI / 360.0;

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[settings::episode_steps(500), settings::ACTION_REPEAT, settings::HIDDEN];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    let bound = [2.0 * REACH, f64::INFINITY, 2.0 * TILT, f64::INFINITY];
    let made = native::made(
        CartPole(Spec {
            id: "cartpole",
            observation_space: f32_box(&bound.map(|b| -b), &bound),
            action_space: Space::discrete(2),
            state_dim: 4,
            dt_secs: DT,
            observation_channels: names(&["x", "x_dot", "theta", "theta_dot"]),
            action_channels: names(&["left", "right"]),
            episode_steps: settings::steps(settings)?,
        }),
        settings,
    )?;
    // A pole that is kept up for the whole episode.
    Ok(Made { optimum: settings::optimum(settings, PARAMETERS, 500.0), ..made })
}

struct CartPole(Spec);

fn outcome(next: &[f64]) -> Outcome {
    Outcome { reward: 1.0, terminated: next[0].abs() > REACH || next[2].abs() > TILT }
}

impl World for CartPole {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        state.fill_with(|| rng.uniform_in(-0.05, 0.05));
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let [x, x_dot, theta, theta_dot] = [state[0], state[1], state[2], state[3]];
        let force = if action[0] == 1.0 { FORCE } else { -FORCE };
        let (sin, cos) = sin_cos(theta);
        let push = (force + MASS_LENGTH * (theta_dot * theta_dot) * sin) / TOTAL_MASS;
        let theta_acc =
            (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * (cos * cos) / TOTAL_MASS));
        let x_acc = push - MASS_LENGTH * theta_acc * cos / TOTAL_MASS;
        next.copy_from_slice(&[x + DT * x_dot, x_dot + DT * x_acc, theta + DT * theta_dot, theta_dot + DT * theta_acc]);
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
        let (sin, cos) = sin_cos(state[2]);
        CartPicture {
            x: state[0],
            tip: [2.0 * HALF_LENGTH * sin, 2.0 * HALF_LENGTH * cos],
            rail: REACH,
            stops: true,
            force: action.first().map_or(0.0, |choice| 2.0 * choice - 1.0),
            goal: None,
        }
        .draw(canvas);
    }
}
