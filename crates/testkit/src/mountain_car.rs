//! MountainCar-v0 as known dynamics, for planners with discrete actions: Gymnasium's equations.
//!
//! `v' = clip(v + 0.001 (a − 1) − 0.0025 cos 3x, ±0.07)`, `x' = clip(x + v', −1.2, 0.6)`, the left wall stops the car; reward −1 a step
//! until x ≥ 0.5. Moore, "Efficient Memory-based Learning for Robot Control", 1990.

use worldwright_core::{Key, ModelSpec, Space};

use crate::dynamics::{Dynamics, LaneAction, Outcome, Place, plain_spec};

/// The car; it observes its state.
#[derive(Debug, Clone)]
pub struct MountainCar {
    spec: ModelSpec,
}

impl MountainCar {
    /// The task as it is: −1 a step.
    pub fn new() -> Self {
        Self { spec: plain_spec("known-mountain-car", 2, Space::discrete(3)) }
    }

    /// With mechanical energy as the value at the end, scaled to a hundred steps for the depth of the well: it leads horizons that
    /// are too short to see the goal.
    #[must_use]
    pub fn with_energy_value(mut self) -> Self {
        self.spec.capabilities.value = true;
        self
    }
}

impl Default for MountainCar {
    fn default() -> Self {
        Self::new()
    }
}

impl Dynamics for MountainCar {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn advance(
        &self,
        _place: Place,
        state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        let LaneAction::Choice(choice) = action else {
            out.reward = f64::NAN;
            return;
        };
        let (x, v) = (state[0], state[1]);
        let mut speed = (v + 0.001 * (f64::from(choice) - 1.0) - 0.0025 * (3.0 * x).cos()).clamp(-0.07, 0.07);
        let place = (x + speed).clamp(-1.2, 0.6);
        if place <= -1.2 && speed < 0.0 {
            speed = 0.0;
        }
        (state[0], state[1]) = (place, speed);
        out.reward = -1.0;
        out.continuation = if place >= 0.5 { 0.0 } else { 1.0 };
    }

    fn value(&self, state: &[f64]) -> f64 {
        let depth = 0.0025 / 3.0;
        let energy = depth * (3.0 * state[0]).sin() + 0.5 * state[1] * state[1];
        // More than it takes to get out is worth no more: getting out is.
        (50.0 * (energy / depth - 1.0)).min(0.0)
    }
}
