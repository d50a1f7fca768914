//! A point mass in a walled square that must reach a goal and stay: the plainest continuous control with two actions.
//!
//! v' = v + dt (6u − v), p' = p + dt v' with |uᵢ| ≤ 1 clipped and dt = 0.05; at a wall (|pᵢ| = 1) the position stops and its
//! velocity becomes zero. Reward −|p' − goal| − 0.01 |u|². Starts anywhere inside at rest. 100 steps. Own definition, after
//! the point masses of dm_control's suite and PETS's reaching tasks.

use worldwright_core::{Error, Parameter, Result, Rng, SettingDefault as D, Settings, Space};

use crate::draw::{Canvas, palette};
use crate::world::{Outcome, Spec, World, names};
use crate::{Made, native, settings};

const DT: f64 = 0.05;
const THRUST: f64 = 6.0;
const DRAG: f64 = 1.0;

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[
    settings::episode_steps(100),
    settings::ACTION_REPEAT,
    settings::HIDDEN,
    Parameter { name: "goal", default: D::Numbers(&[0.5, 0.5]), summary: "where to go, within the square of ±1" },
];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    let goal = match settings.numbers("goal")? {
        [x, y] if x.abs() <= 1.0 && y.abs() <= 1.0 => [*x, *y],
        other => {
            return Err(Error::config("goal", format!("needs two numbers in [-1, 1], got {other:?}")));
        }
    };
    let max_speed = THRUST / DRAG;
    let bound = [1.0, 1.0, max_speed, max_speed];
    native::made(
        PointMass {
            goal,
            spec: Spec {
                id: "point-mass",
                observation_space: Space::vector(&bound.map(|b| -b), &bound),
                action_space: Space::vector(&[-1.0, -1.0], &[1.0, 1.0]),
                state_dim: 4,
                dt_secs: DT,
                observation_channels: names(&["x", "y", "x_dot", "y_dot"]),
                action_channels: names(&["x_force", "y_force"]),
                episode_steps: settings::steps(settings)?,
            },
        },
        settings,
    )
}

/// State (x, y, ẋ, ẏ).
struct PointMass {
    goal: [f64; 2],
    spec: Spec,
}

impl World for PointMass {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        state.copy_from_slice(&[rng.uniform_in(-1.0, 1.0), rng.uniform_in(-1.0, 1.0), 0.0, 0.0]);
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        for axis in 0..2 {
            let speed = state[2 + axis] + DT * (THRUST * action[axis].clamp(-1.0, 1.0) - DRAG * state[2 + axis]);
            let reached = state[axis] + DT * speed;
            next[axis] = reached.clamp(-1.0, 1.0);
            next[2 + axis] = if next[axis] == reached { speed } else { 0.0 };
        }
        self.judge(state, action, next)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.copy_from_slice(observation);
        Ok(())
    }

    fn judge(&self, _observation: &[f64], action: &[f64], next: &[f64]) -> Outcome {
        let distance = (next[0] - self.goal[0]).hypot(next[1] - self.goal[1]);
        let effort: f64 = action.iter().map(|u| u.clamp(-1.0, 1.0).powi(2)).sum();
        Outcome::on(-distance - 0.01 * effort)
    }

    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas) {
        canvas.view([0.0, 0.0], 2.5);
        canvas.rectangle([0.0, 0.0], [1.09, 1.09], palette::GROUND);
        canvas.rectangle([0.0, 0.0], [1.06, 1.06], palette::PAPER);
        canvas.disc(self.goal, 0.1, palette::GOAL);
        canvas.disc(self.goal, 0.075, palette::PAPER);
        let at = [state[0], state[1]];
        if let [x, y] = action {
            let end = [at[0] + 0.25 * x.clamp(-1.0, 1.0), at[1] + 0.25 * y.clamp(-1.0, 1.0)];
            canvas.capsule(at, end, 0.015, palette::FORCE);
        }
        canvas.disc(at, 0.06, palette::BODY);
    }
}
