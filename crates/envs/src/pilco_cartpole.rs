//! The cart-pole of PILCO: swing up within 4 s from noisy measurements (Deisenroth and Rasmussen 2011, and their code).
//!
//! m = M = 0.5 kg, l = 0.5 m, friction b = 0.1, g = 9.82, |u| ≤ 10 N held for 0.1 s, θ = 0 hanging, counter-clockwise:
//!
//! ```text
//! ẍ = (2ml θ̇² sin θ + 3mg sin θ cos θ + 4u − 4bẋ) / (4(M + m) − 3m cos² θ)
//! θ̈ = (−3ml θ̇² sin θ cos θ − 6(M + m) g sin θ − 6(u − bẋ) cos θ) / (4l(M + m) − 3ml cos² θ)
//! ```
//!
//! Reward exp(−d²/(2 · 0.25²)), one less the paper's loss, of the true state after, d the tip's distance from upright over
//! x = 0. Starts from N(0, 0.1²); measurements of (x, ẋ, θ, θ̇) with N(0, 0.01²). 40 steps. Integrated by ten RK4 steps, where
//! the original takes an adaptive method.

use worldwright_core::{Bell, Parameter, Result, Rng, SettingDefault as D, Settings, Space};

use crate::draw::Canvas;
use crate::scenes::CartPicture;
use crate::world::{Outcome, Spec, World, names};
use crate::{Made, native, settings};
use worldwright_numerics::trig::sin_cos;

const LENGTH: f64 = 0.5;
const POLE_MASS: f64 = 0.5;
const CART_MASS: f64 = 0.5;
const FRICTION: f64 = 0.1;
const GRAVITY: f64 = 9.82;
const MAX_FORCE: f64 = 10.0;
const DT: f64 = 0.1;
const SUBSTEPS: usize = 10;
const WIDTH: f64 = 0.25;

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[
    settings::episode_steps(40),
    settings::ACTION_REPEAT,
    settings::HIDDEN,
    Parameter {
        name: "measurement_std",
        default: D::Float(0.01),
        summary: "standard deviation of the measurements of x (m), x_dot, theta (rad) and theta_dot; 0 for none",
    },
];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    native::made(
        PilcoCartPole {
            measurement_std: settings.float("measurement_std", 0.0, 10.0)?,
            spec: Spec {
                id: "pilco-cartpole",
                observation_space: Space::unbounded(5),
                action_space: Space::vector(&[-MAX_FORCE], &[MAX_FORCE]),
                state_dim: 4,
                dt_secs: DT,
                observation_channels: names(&["x", "x_dot", "cos_theta", "sin_theta", "theta_dot"]),
                action_channels: names(&["force"]),
                episode_steps: settings::steps(settings)?,
            },
        },
        settings,
    )
}

/// State (x, ẋ, θ, θ̇).
struct PilcoCartPole {
    measurement_std: f64,
    spec: Spec,
}

fn derivative(s: [f64; 4], force: f64) -> [f64; 4] {
    let [_, x_dot, theta, theta_dot] = s;
    let (sin, cos) = sin_cos(theta);
    let total = CART_MASS + POLE_MASS;
    let swing = POLE_MASS * LENGTH * theta_dot * theta_dot * sin;
    let push = force - FRICTION * x_dot;
    let shape = 4.0 * total - 3.0 * POLE_MASS * cos * cos;
    let x_acc = (2.0 * swing + 3.0 * POLE_MASS * GRAVITY * sin * cos + 4.0 * push) / shape;
    let theta_acc = (-3.0 * swing * cos - 6.0 * total * GRAVITY * sin - 6.0 * push * cos) / (LENGTH * shape);
    [x_dot, x_acc, theta_dot, theta_acc]
}

fn outcome(x: f64, sin: f64, cos: f64) -> Outcome {
    let (dx, dy) = (x + LENGTH * sin, LENGTH + LENGTH * cos);
    Outcome::on((-(dx * dx + dy * dy) / (2.0 * WIDTH * WIDTH)).exp())
}

impl World for PilcoCartPole {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        state.fill_with(|| 0.1 * rng.normal());
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let force = action[0].clamp(-MAX_FORCE, MAX_FORCE);
        let h = DT / SUBSTEPS as f64;
        let mut s = [state[0], state[1], state[2], state[3]];
        for _ in 0..SUBSTEPS {
            let along = |k: [f64; 4], h: f64| std::array::from_fn(|i| s[i] + h * k[i]);
            let k1 = derivative(s, force);
            let k2 = derivative(along(k1, h / 2.0), force);
            let k3 = derivative(along(k2, h / 2.0), force);
            let k4 = derivative(along(k3, h), force);
            s = std::array::from_fn(|i| s[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]));
        }
        next.copy_from_slice(&s);
        let (sin, cos) = sin_cos(s[2]);
        outcome(s[0], sin, cos)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        let (sin, cos) = sin_cos(state[2]);
        observation.copy_from_slice(&[state[0], state[1], cos, sin, state[3]]);
    }

    fn measure(&self, rng: &mut Rng, state: &[f64], observation: &mut [f64]) {
        let noisy: [f64; 4] = std::array::from_fn(|i| state[i] + self.measurement_std * rng.normal());
        self.observe(&noisy, observation);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        let theta = observation[3].atan2(observation[2]);
        state.copy_from_slice(&[observation[0], observation[1], theta, observation[4]]);
        Ok(())
    }

    fn judge(&self, _observation: &[f64], _action: &[f64], next: &[f64]) -> Outcome {
        outcome(next[0], next[3], next[2])
    }

    fn bell(&self) -> Option<Bell> {
        // The tip's way from its goal, across and up, by (x, x_dot, cos θ, sin θ, θ_dot).
        let ways = [[1.0, 0.0, 0.0, LENGTH, 0.0], [0.0, 0.0, LENGTH, 0.0, 0.0]];
        let entry = |i: usize, j: usize| ways.iter().map(|way| way[i] * way[j]).sum::<f64>() / (WIDTH * WIDTH);
        let precision = (0..25).map(|place| entry(place / 5, place % 5)).collect();
        Some(Bell { target: vec![0.0, 0.0, -1.0, 0.0, 0.0], precision })
    }

    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas) {
        let (sin, cos) = sin_cos(state[2]);
        CartPicture {
            x: state[0],
            tip: [LENGTH * sin, -LENGTH * cos],
            rail: 2.0,
            stops: false,
            force: action.first().map_or(0.0, |force| (force / MAX_FORCE).clamp(-1.0, 1.0)),
            goal: Some([0.0, LENGTH]),
        }
        .draw(canvas);
    }
}
