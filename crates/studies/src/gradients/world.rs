//! Worlds of one number whose motion can be differentiated, with a policy of three parameters.
//!
//! `x' = h(x) + B a + σ ε`, `a = θ·φ(x) + s ε_a` with `φ(x) = (1, x, sin x)`, `x₀ ~ N(m, v)`, and each step pays `exp(−x²/2) − c a²`: at most 1 at the origin, so that
//! what an episode pays stays bounded wherever it goes.

use worldwright_core::Rng;

/// Parameters of the policy.
pub(super) const PARAMETERS: usize = 3;

/// A gradient by the policy's parameters.
pub(super) type Gradient = [f64; PARAMETERS];

/// A world.
pub(super) struct World {
    pub(super) name: &'static str,
    /// Where a state leads without an action, and the derivative of that.
    pub(super) drift: fn(f64) -> [f64; 2],
    /// The policy whose gradient is asked for.
    pub(super) policy: Gradient,
}

/// What an action adds to the state.
pub(super) const PUSH: f64 = 0.5;
/// Deviation of the world's own noise.
pub(super) const NOISE: f64 = 0.1;
/// Deviation of the policy's.
pub(super) const DITHER: f64 = 0.3;
/// Mean and deviation of the first state.
pub(super) const START: [f64; 2] = [0.5, 0.2];
/// What a squared action costs.
const COST: f64 = 0.01;

pub(super) const WORLDS: [World; 2] = [
    World { name: "stable", drift: |x| [0.9 * x, 0.9], policy: [0.1, -0.2, 0.1] },
    // Nearby states part by a factor of 3 where the sine is steep: no motion far ahead can be foretold.
    World { name: "chaotic", drift: |x| [3.0 * x.sin(), 3.0 * x.cos()], policy: [0.1, -0.2, 0.1] },
];

pub(super) fn features(x: f64) -> Gradient {
    [1.0, x, x.sin()]
}

/// What the policy does without noise, and the derivative of that by the state.
pub(super) fn act(policy: &Gradient, x: f64) -> [f64; 2] {
    let (sin, cos) = x.sin_cos();
    [policy[0] + policy[1] * x + policy[2] * sin, policy[1] + policy[2] * cos]
}

/// What a step pays, and its derivatives by state and action.
pub(super) fn pay(x: f64, action: f64) -> [f64; 3] {
    let bell = (-0.5 * x * x).exp();
    [bell - COST * action * action, -x * bell, -2.0 * COST * action]
}

/// What a step pays where the action is drawn about a mean with the policy's noise.
pub(super) fn expected_pay(x: f64, mean: f64) -> f64 {
    pay(x, mean)[0] - COST * DITHER * DITHER
}

pub(super) fn start(rng: &mut Rng) -> f64 {
    START[0] + START[1] * rng.normal()
}
