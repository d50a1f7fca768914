//! `heated-room`: keep a room warm with a radiator that follows late, as the example of an environment.
//!
//! With room temperature T, radiator temperature R (°C), heating power u in [0, 1] and outside 5 °C, over Δt = 60 s:
//! R' = R + Δt (u · 40 − (R − T)) / 600, T' = T + Δt ((R − T) / 1800 − (T − 5) / 7200). Reward −(T' − 21)² − 0.1 u. 240 steps, four hours.

use worldwright_core::{Parameter, Result, Rng, Settings, Space};

use crate::draw::{Canvas, palette};
use crate::world::{Outcome, Spec, World, f32_box, names};
use crate::{Build, Made, native, settings};

const OUTSIDE_C: f64 = 5.0;
const WANTED_C: f64 = 21.0;
const DT_SECS: f64 = 60.0;

/// Settings with their defaults: the length of an episode, and what every world of numbers has.
const PARAMETERS: &[Parameter] = &[settings::episode_steps(240), settings::ACTION_REPEAT, settings::HIDDEN];

/// The line in the list of environments.
pub(crate) const ENTRY: worldwright_core::Entry<Build> = worldwright_core::Entry {
    name: "heated-room",
    summary: "keep a room at 21 °C with a radiator that follows late",
    source: "own definition",
    parameters: PARAMETERS,
    build: make,
};

fn make(settings: &Settings) -> Result<Made> {
    native::made(
        HeatedRoom(Spec {
            id: ENTRY.name,
            observation_space: f32_box(&[-50.0, -50.0], &[100.0, 100.0]),
            action_space: Space::vector(&[0.0], &[1.0]),
            state_dim: 2,
            dt_secs: DT_SECS,
            observation_channels: names(&["room_c", "radiator_c"]),
            action_channels: names(&["power"]),
            episode_steps: settings::steps(settings)?,
        }),
        settings,
    )
}

struct HeatedRoom(Spec);

/// What the temperature arrived at and the power used are worth.
fn outcome(room_c: f64, power: f64) -> Outcome {
    Outcome::on(-(room_c - WANTED_C).powi(2) - 0.1 * power)
}

impl World for HeatedRoom {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        let room_c = rng.uniform_in(10.0, 25.0);
        state.copy_from_slice(&[room_c, room_c]);
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let power = action[0].clamp(0.0, 1.0);
        let above = state[1] - state[0];
        let radiator_c = state[1] + DT_SECS * (40.0 * power - above) / 600.0;
        let room_c = state[0] + DT_SECS * (above / 1800.0 - (state[0] - OUTSIDE_C) / 7200.0);
        next.copy_from_slice(&[room_c, radiator_c]);
        outcome(room_c, power)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.copy_from_slice(observation);
        Ok(())
    }

    fn judge(&self, _observation: &[f64], action: &[f64], next: &[f64]) -> Outcome {
        outcome(next[0], action[0].clamp(0.0, 1.0))
    }

    /// A column as high as it is warm, beside the mark that it should reach.
    fn draw(&self, state: &[f64], action: &[f64], canvas: &mut Canvas) {
        canvas.view([0.0, 15.0], 40.0);
        canvas.rectangle([0.0, 0.5 * state[0]], [3.0, 0.5 * state[0].abs()], palette::BODY);
        canvas.capsule([-6.0, WANTED_C], [6.0, WANTED_C], 0.2, palette::GOAL);
        canvas.arrow([-6.0, 0.0], 5.0 * action.first().copied().unwrap_or(0.0), 0.8, palette::FORCE);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use worldwright_core::{Setting, Value};
    use worldwright_testkit::check_environment;

    use super::*;

    fn fresh(episode_steps: i64) -> Made {
        let overrides = BTreeMap::from([("episode_steps".to_owned(), Setting::Integer(episode_steps))]);
        (ENTRY.build)(&Settings::resolve(ENTRY.name, ENTRY.parameters, &overrides).unwrap()).unwrap()
    }

    #[test]
    fn it_keeps_to_the_contract() {
        check_environment(&mut || fresh(240).environment);
    }

    /// At rest R − T = 40 u and T = 5 + 7200 · 40 u / 1800: a tenth of the power holds 21 °C.
    #[test]
    fn it_comes_to_rest_where_heat_in_is_heat_out() {
        let mut environment = fresh(0).environment;
        environment.reset(0).unwrap();
        let tenth = Value::Floats(vec![0.1]);
        let last = (0..3000).map(|_| environment.step(&tenth).unwrap().reward).last().unwrap();
        assert!((last + 0.01).abs() < 1e-6, "{last}");
    }
}
