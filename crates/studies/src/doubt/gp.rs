//! A Gaussian process whose length and size are those of the greatest evidence on a grid (Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, chapters 2 and 5).
//!
//! `k(x, x') = s² exp(−(x − x')² / 2ℓ²)`; with `K = k(X, X) + σ² I`, `μ(x) = k(x, X) K⁻¹ y`, `σ²(x) = s² − k(x, X) K⁻¹ k(X, x)`.

use worldwright_core::{Result, Rng};
use worldwright_numerics::cholesky;

use super::world::{Data, LENGTH, NOISE};
use super::{Belief, Effort};

fn kernel(a: f64, b: f64, [length, size]: [f64; 2]) -> f64 {
    size * size * (-0.5 * ((a - b) / length).powi(2)).exp()
}

/// A process that has seen data.
struct Process {
    by: [f64; 2],
    factor: Vec<f64>,
    weights: Vec<f64>,
    evidence: f64,
}

impl Process {
    fn new(data: &Data, by: [f64; 2]) -> Result<Self> {
        let n = data.x.len();
        let mut factor: Vec<f64> = data.x.iter().flat_map(|a| data.x.iter().map(move |b| kernel(*a, *b, by))).collect();
        (0..n).for_each(|i| factor[i * n + i] += NOISE * NOISE);
        cholesky::factor(&mut factor, n)?;
        let mut weights = data.y.clone();
        cholesky::solve(&factor, n, &mut weights);
        let fit: f64 = weights.iter().zip(&data.y).map(|(w, y)| w * y).sum();
        let all = n as f64 * (2.0 * std::f64::consts::PI).ln();
        Ok(Self { by, evidence: -0.5 * (fit + cholesky::log_determinant(&factor, n) + all), weights, factor })
    }

    /// Mean and deviation at a place.
    fn tell(&self, data: &Data, x: f64) -> [f64; 2] {
        let n = data.x.len();
        let mut near: Vec<f64> = data.x.iter().map(|other| kernel(x, *other, self.by)).collect();
        let mean = near.iter().zip(&self.weights).map(|(k, w)| k * w).sum();
        cholesky::solve_lower(&self.factor, n, &mut near);
        let known: f64 = near.iter().map(|k| k * k).sum();
        [mean, (self.by[1].powi(2) - known).max(0.0).sqrt()]
    }
}

pub(super) fn learned(data: &Data, places: &[f64], _: Effort<'_>, _: &mut Rng) -> Result<Belief> {
    let mut best: Option<Process> = None;
    for length in [0.5, 0.7, 1.0, 1.4, 2.0] {
        for size in [0.5, 0.7, 1.0, 1.4, 2.0] {
            let process = Process::new(data, [length * LENGTH, size])?;
            if best.as_ref().is_none_or(|best| process.evidence > best.evidence) {
                best = Some(process);
            }
        }
    }
    let told: Vec<[f64; 2]> = best.iter().flat_map(|best| places.iter().map(|x| best.tell(data, *x))).collect();
    Ok(Belief {
        mean: told.iter().map(|[mean, _]| *mean).collect(),
        doubt: told.iter().map(|[_, std]| *std).collect(),
        noise: vec![NOISE; places.len()],
        members: Vec::new(),
        apart: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One point: μ(x) = k y / (s² + σ²), σ²(x) = s² − k² / (s² + σ²), and the evidence is a normal density.
    #[test]
    fn one_point_is_that_of_the_closed_form() {
        let data = Data { x: vec![0.3], y: vec![0.8] };
        let process = Process::new(&data, [0.4, 1.0]).unwrap();
        let (k, total) = ((-0.5_f64 * (0.2 / 0.4_f64).powi(2)).exp(), 1.0 + NOISE * NOISE);
        let [mean, std] = process.tell(&data, 0.5);
        assert!((mean - k * 0.8 / total).abs() < 1e-12 && (std * std - (1.0 - k * k / total)).abs() < 1e-12);
        let density = -0.5 * (0.64 / total + (2.0 * std::f64::consts::PI * total).ln());
        assert!((process.evidence - density).abs() < 1e-12);
    }
}
