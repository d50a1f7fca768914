//! dm_control's cart-pole swing-up (`suite/cartpole.py`, `cartpole.xml`; Tassa et al. 2018).
//!
//! Cart 1 kg, pole a capsule of 0.1 kg, length 1 and radius 0.045, damping 5e-4 and 2e-6, force 10u with |u| ≤ 1, rail ±1.8 with
//! soft ends, RK4 steps of 0.01 s, θ = 0 upright. Reward upright · small_control · small_velocity · centred, of the state after.
//! 10 s.

use worldwright_core::{Parameter, Result, Rng, Settings, Space};

use crate::draw::Canvas;
use crate::scenes::CartPicture;
use crate::slider_pole::{SliderPole, capsule_inertia};
use crate::world::{Outcome, Spec, World, names};
use crate::{Made, native, settings};
use worldwright_numerics::trig::sin_cos;

const RAIL: f64 = 1.8;
const GEAR: f64 = 10.0;
const DT: f64 = 0.01;
/// ln 0.1: dm_control's tolerances fall to 0.1 at their margin.
const LN_TENTH: f64 = -std::f64::consts::LN_10;

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[settings::episode_steps(1000), settings::ACTION_REPEAT, settings::HIDDEN];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    let pole_mass = 0.1;
    native::made(
        Swingup {
            system: SliderPole {
                total_mass: 1.0 + pole_mass,
                pole_mass,
                pole_inertia: capsule_inertia(pole_mass, 0.045, 1.0) + pole_mass * 0.25,
                pole_centre: [0.0, 0.5],
                damping: [5e-4, 2e-6],
                gravity: 9.81,
                rail: RAIL,
                rail_time: 0.08,
                dt: DT,
            },
            spec: Spec {
                id: "dmc-cartpole-swingup",
                observation_space: Space::unbounded(5),
                action_space: Space::vector(&[-1.0], &[1.0]),
                state_dim: 4,
                dt_secs: DT,
                observation_channels: names(&["x", "cos_theta", "sin_theta", "x_dot", "theta_dot"]),
                action_channels: names(&["force"]),
                episode_steps: settings::steps(settings)?,
            },
        },
        settings,
    )
}

struct Swingup {
    system: SliderPole,
    spec: Spec,
}

/// dm_control's `tolerance` about zero with a Gaussian flank.
fn tolerance(x: f64, margin: f64) -> f64 {
    let d = x / margin;
    (LN_TENTH * d * d).exp()
}

fn outcome(x: f64, cos: f64, theta_dot: f64, action: f64) -> Outcome {
    let upright = (cos + 1.0) / 2.0;
    let centred = (1.0 + tolerance(x, 2.0)) / 2.0;
    let small_control = (4.0 + (1.0 - action * action).max(0.0)) / 5.0;
    let small_velocity = (1.0 + tolerance(theta_dot, 5.0)) / 2.0;
    Outcome::on(upright * small_control * small_velocity * centred)
}

impl World for Swingup {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        let mut small = || 0.01 * rng.normal();
        state.copy_from_slice(&[small(), std::f64::consts::PI + small(), small(), small()]);
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let force = GEAR * action[0].clamp(-1.0, 1.0);
        next.copy_from_slice(&self.system.step([state[0], state[1], state[2], state[3]], force));
        outcome(next[0], sin_cos(next[1]).1, next[3], action[0])
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        let (sin, cos) = sin_cos(state[1]);
        observation.copy_from_slice(&[state[0], cos, sin, state[2], state[3]]);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        let theta = observation[2].atan2(observation[1]);
        state.copy_from_slice(&[observation[0], theta, observation[3], observation[4]]);
        Ok(())
    }

    fn judge(&self, _observation: &[f64], action: &[f64], next: &[f64]) -> Outcome {
        outcome(next[0], next[1], next[4], action[0])
    }

    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas) {
        let (sin, cos) = sin_cos(state[1]);
        CartPicture {
            x: state[0],
            tip: [sin, cos],
            rail: RAIL,
            stops: true,
            force: action.first().map_or(0.0, |force| force.clamp(-1.0, 1.0)),
            goal: None,
        }
        .draw(canvas);
    }
}
