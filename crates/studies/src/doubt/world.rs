//! Functions of one number, drawn from a Gaussian process with a bell for a kernel, and measured in two stretches.
//!
//! `f(x) = √(2 / K) Σ_k a_k cos(ω_k x + b_k)` with `ω ~ N(0, 1/ℓ²)`, `a ~ N(0, 1)` and b uniform: K random features of the process (Rahimi and Recht, NeurIPS 2007).

use worldwright_core::Rng;

/// Deviation of the noise of measurements.
pub(super) const NOISE: f64 = 0.1;
/// ℓ.
pub(super) const LENGTH: f64 = 0.4;
const FEATURES: usize = 200;
/// Ends of the stretches, on either side of zero; how near to them a place is neither on data nor off them; and how far places reach.
const STRETCH: [f64; 2] = [0.5, 1.5];
const EDGE: f64 = 0.1;
const REACH: f64 = 2.0;
const PLACES: usize = 201;

/// A function.
pub(super) struct World {
    features: Vec<[f64; 3]>,
}

/// What was measured.
pub(super) struct Data {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
}

/// Places that beliefs are about.
pub(super) fn places() -> Vec<f64> {
    (0..PLACES).map(|i| -REACH + 2.0 * REACH * i as f64 / (PLACES - 1) as f64).collect()
}

impl World {
    pub(super) fn random(rng: &mut Rng) -> Self {
        let mut feature = || [rng.normal(), rng.normal() / LENGTH, rng.uniform_in(0.0, 2.0 * std::f64::consts::PI)];
        Self { features: (0..FEATURES).map(|_| feature()).collect() }
    }

    /// What a place is worth.
    pub(super) fn value(&self, x: f64) -> f64 {
        let sum: f64 = self.features.iter().map(|[a, w, b]| a * (w * x + b).cos()).sum();
        (2.0 / FEATURES as f64).sqrt() * sum
    }

    /// Whether a place is off the data; none for those at the edges of these.
    pub(super) fn is_off(&self, x: f64) -> Option<bool> {
        let x = x.abs();
        let [low, high] = STRETCH;
        if (low..=high).contains(&x) {
            return Some(false);
        }
        (x < low - EDGE || x > high + EDGE).then_some(true)
    }

    pub(super) fn measured(&self, count: usize, rng: &mut Rng) -> Data {
        let mut data = Data { x: Vec::new(), y: Vec::new() };
        for i in 0..count {
            let side = if i % 2 == 0 { 1.0 } else { -1.0 };
            let x = side * rng.uniform_in(STRETCH[0], STRETCH[1]);
            data.x.push(x);
            data.y.push(self.value(x) + NOISE * rng.normal());
        }
        data
    }
}
