//! Small worlds told by one function from a state and an action to what follows, three of them with closed forms.

use std::f64::consts::{PI, TAU};

use worldwright_core::{Key, ModelSpec, Space};

use crate::dynamics::{Dynamics, DynamicsModel, LaneAction, Outcome, Place, plain_spec};

/// Dynamics without chance that observe their state; the function advances the state in place.
#[derive(Debug, Clone)]
pub struct Told<F> {
    spec: ModelSpec,
    advance: F,
}

impl<F: Fn(Place, &mut [f64], LaneAction<'_>, &mut Outcome<'_>) + Send + Sync> Told<F> {
    /// The model of a world that says of itself what `spec` says.
    pub fn model(spec: ModelSpec, advance: F) -> DynamicsModel<Self> {
        DynamicsModel(Self { spec, advance })
    }
}

impl<F: Fn(Place, &mut [f64], LaneAction<'_>, &mut Outcome<'_>) + Send + Sync> Dynamics for Told<F> {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn advance(
        &self,
        place: Place,
        state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        (self.advance)(place, state, action, out);
    }
}

/// The number of a single control; NaN for anything else, which marks the row.
fn control(action: LaneAction<'_>) -> f64 {
    match action {
        LaneAction::Numbers(&[u]) => u,
        _ => f64::NAN,
    }
}

/// `x' = x + u` with |u| ≤ 1, paid −(x² + u²): for |x| ≤ 1 the value is −φ x² and the best control −x/φ, with the golden ratio
/// φ = (1 + √5)/2, the positive root of the Riccati equation p = 1 + p/(1 + p).
pub fn golden_ratio() -> DynamicsModel<impl Dynamics> {
    let spec = plain_spec("golden-ratio", 1, Space::vector(&[-1.0], &[1.0]));
    Told::model(spec, |_, state, action, out| {
        let u = control(action);
        out.reward = -(state[0] * state[0] + u * u);
        state[0] += u;
    })
}

/// Exactly sampled `x'' = u` with |u| ≤ 1, −`dt_secs` a step, until place and speed are within `radius` of rest at 0. Without the
/// radius and with time that flows, the minimum time from (x, v) is `v + 2 √(v²/2 + x)` where x > −v |v|/2, and that of (−x, −v) else.
pub fn minimum_time(dt_secs: f64, radius: f64) -> DynamicsModel<impl Dynamics> {
    let spec = plain_spec("minimum-time", 2, Space::vector(&[-1.0], &[1.0]));
    Told::model(spec, move |_, state, action, out| {
        let u = control(action);
        state[0] += dt_secs * state[1] + 0.5 * dt_secs * dt_secs * u;
        state[1] += dt_secs * u;
        out.reward = -dt_secs;
        let near = state[0].abs() <= radius && state[1].abs() <= radius;
        out.continuation = if near { 0.0 } else { 1.0 };
        // A control of NaN must be seen in what the step gave, not only in where it led.
        if u.is_nan() {
            out.reward = f64::NAN;
        }
    })
}

/// A car that drives forwards `step` at a time and turns no tighter than a circle of radius 1: left, straight on or right, exactly
/// integrated, −`step` a step, until place and heading are within `radius` of the origin. The state is (x, y, θ); without the radius and
/// with steps of any length the value is minus the length of Dubins' shortest path (Dubins 1957).
pub fn dubins_car(step: f64, radius: f64) -> DynamicsModel<impl Dynamics> {
    let spec = plain_spec("dubins-car", 3, Space::discrete(3));
    Told::model(spec, move |_, state, action, out| {
        let LaneAction::Choice(choice) = action else {
            out.reward = f64::NAN;
            return;
        };
        let turn = 1.0 - f64::from(choice);
        let (heading, turned) = (state[2], state[2] + turn * step);
        if turn == 0.0 {
            state[0] += step * heading.cos();
            state[1] += step * heading.sin();
        } else {
            state[0] += turn * (turned.sin() - heading.sin());
            state[1] -= turn * (turned.cos() - heading.cos());
        }
        state[2] = (turned + PI).rem_euclid(TAU) - PI;
        out.reward = -step;
        let home = state.iter().all(|coordinate| coordinate.abs() <= radius);
        out.continuation = if home { 0.0 } else { 1.0 };
    })
}
