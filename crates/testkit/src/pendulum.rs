//! Pendulum-v1 as known dynamics, for planners: Gymnasium's equations on the state (θ, ω).
//!
//! `ω' = clip(ω + (15 sin θ + 3u) dt, ±8)`, `θ' = θ + ω' dt`, reward `−(wrap(θ)² + 0.1 ω² + 0.001 u²)` on the old state, dt =
//! 0.05, |u| ≤ 2. By dynamic programming the best 200-step return from hanging is −296.2.

use std::f64::consts::{PI, TAU};

use worldwright_core::{Key, ModelSpec, Space};

use crate::dynamics::{Dynamics, LaneAction, Outcome, Place};

/// The pendulum; it observes its state.
#[derive(Debug, Clone)]
pub struct Pendulum {
    spec: ModelSpec,
}

impl Pendulum {
    /// Its bounds and name.
    pub fn new() -> Self {
        Self {
            spec: ModelSpec {
                name: "known-pendulum".to_owned(),
                observation_space: Space::unbounded(2),
                action_space: Space::vector(&[-2.0], &[2.0]),
                members: 1,
                constraints: 0,
                latent_dim: 2,
                deterministic: true,
                has_value: false,
                has_prior: false,
            },
        }
    }
}

impl Default for Pendulum {
    fn default() -> Self {
        Self::new()
    }
}

impl Dynamics for Pendulum {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn state_dim(&self) -> usize {
        2
    }

    fn state(&self, observation: &[f64], state: &mut [f64]) {
        state.copy_from_slice(observation);
    }

    fn observation(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
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
        let LaneAction::Numbers(&[u]) = action else {
            out.reward = f64::NAN;
            return;
        };
        let (theta, omega) = (state[0], state[1]);
        let wrapped = theta + PI - TAU * ((theta + PI) / TAU).floor() - PI;
        out.reward = -(wrapped * wrapped + 0.1 * omega * omega + 0.001 * u * u);
        // NaN must pass through, which `clamp` lets it.
        state[1] = (omega + (15.0 * theta.sin() + 3.0 * u) * 0.05).clamp(-8.0, 8.0);
        state[0] = theta + state[1] * 0.05;
    }
}
