//! The cart-pole of PETS: swing up a heavy pole within 200 steps (Chua et al. 2018, with their published model and reward).
//!
//! MuJoCo's dynamics, reimplemented: cart a capsule (radius 0.1, length 0.2), pole a capsule (radius 0.049, from the hinge to
//! (0.001, 0, −0.6)), both of density 1000 kg/m³, damping 1, force 100u with |u| ≤ 3, rail ±2.5 with soft ends, g = 9.81, two
//! RK4 steps of 0.02 s a step, θ = 0 hanging. Reward exp(−|tip − (0, 0.6)|²/0.6²) − 0.01 u² of the state after, u as given,
//! with the tip at (x − 0.6 sin θ, −0.6 cos θ). Starts from N(0, 0.1²) in all four. 200 steps.

use worldwright_core::{Parameter, Result, Rng, Settings, Space};

use crate::draw::Canvas;
use crate::scenes::CartPicture;
use crate::slider_pole::{SliderPole, capsule_inertia, capsule_volume};
use crate::world::{Outcome, Spec, World, names};
use crate::{Made, native, settings};
use worldwright_numerics::trig::sin_cos;

const DENSITY: f64 = 1000.0;
const POLE_RADIUS: f64 = 0.049;
const POLE_END: [f64; 2] = [0.001, -0.6];
const LENGTH: f64 = 0.6;
const RAIL: f64 = 2.5;
const GEAR: f64 = 100.0;
const MAX_CONTROL: f64 = 3.0;
const DT: f64 = 0.02;
const FRAME_SKIP: usize = 2;

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[settings::episode_steps(200), settings::ACTION_REPEAT, settings::HIDDEN];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    let length = POLE_END[0].hypot(POLE_END[1]);
    let pole_mass = DENSITY * capsule_volume(POLE_RADIUS, length);
    native::made(
        PetsCartPole {
            system: SliderPole {
                total_mass: DENSITY * capsule_volume(0.1, 0.2) + pole_mass,
                pole_mass,
                pole_inertia: capsule_inertia(pole_mass, POLE_RADIUS, length) + pole_mass * length * length / 4.0,
                pole_centre: [POLE_END[0] / 2.0, POLE_END[1] / 2.0],
                damping: [1.0, 1.0],
                gravity: 9.81,
                rail: RAIL,
                rail_time: 2.0 * DT,
                dt: DT,
            },
            spec: Spec {
                id: "pets-cartpole",
                observation_space: Space::unbounded(4),
                action_space: Space::vector(&[-MAX_CONTROL], &[MAX_CONTROL]),
                state_dim: 4,
                dt_secs: DT * FRAME_SKIP as f64,
                observation_channels: names(&["x", "theta", "x_dot", "theta_dot"]),
                action_channels: names(&["force"]),
                episode_steps: settings::steps(settings)?,
            },
        },
        settings,
    )
}

struct PetsCartPole {
    system: SliderPole,
    spec: Spec,
}

/// The tip of the pole as the reward sees it, the hinge at (x, 0).
fn tip(theta: f64) -> [f64; 2] {
    let (sin, cos) = sin_cos(theta);
    [-LENGTH * sin, -LENGTH * cos]
}

fn outcome(next: &[f64], action: f64) -> Outcome {
    let [across, up] = tip(next[1]);
    let (dx, dy) = (next[0] + across, up - LENGTH);
    Outcome::on((-(dx * dx + dy * dy) / (LENGTH * LENGTH)).exp() - 0.01 * action * action)
}

impl World for PetsCartPole {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        state.fill_with(|| 0.1 * rng.normal());
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let force = GEAR * action[0].clamp(-MAX_CONTROL, MAX_CONTROL);
        let start = [state[0], state[1], state[2], state[3]];
        let end = (0..FRAME_SKIP).fold(start, |state, _| self.system.step(state, force));
        next.copy_from_slice(&end);
        outcome(next, action[0])
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.copy_from_slice(observation);
        Ok(())
    }

    fn judge(&self, _observation: &[f64], action: &[f64], next: &[f64]) -> Outcome {
        outcome(next, action[0])
    }

    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas) {
        CartPicture {
            x: state[0],
            tip: tip(state[1]),
            rail: RAIL,
            stops: true,
            force: action.first().map_or(0.0, |force| (force / MAX_CONTROL).clamp(-1.0, 1.0)),
            goal: Some([0.0, LENGTH]),
        }
        .draw(canvas);
    }
}
