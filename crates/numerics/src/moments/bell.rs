//! The expectation of a bell `exp(−½ (x − t)ᵀ W (x − t))` under a normal distribution, the reward of PILCO.
//!
//! ```text
//! E = |I + ΣW|^{−1/2} exp(−½ δᵀ A δ),   A = W (I + ΣW)⁻¹,   δ = μ − t
//! ∂E/∂μ = −E A δ        ∂E/∂Σ = ½ E (A δ δᵀ A − A)
//! ```
//!
//! Deisenroth (2010), section 3.7.1. W may be singular, as where the reward sees but a part of the state.

use super::Gaussian;

/// The expectation, with what it changes by added to `into`, times `weight`. `precision` is W `[D][D]`, symmetric and positive semi-definite.
pub fn expect_bell(x: &Gaussian, target: &[f64], precision: &[f64], weight: f64, into: &mut Gaussian) -> f64 {
    let d = x.dims();
    // Solves (I + WΣ) A = W by elimination with pivots: few numbers, and WΣ is not symmetric.
    let (mut left, mut right) = (vec![0.0; d * d], precision.to_vec());
    super::add_product(precision, &x.covariance, &mut left, [d, d, d]);
    (0..d).for_each(|i| left[i * d + i] += 1.0);
    let determinant = eliminate(&mut left, &mut right, d);
    let away: Vec<f64> = x.mean.iter().zip(target).map(|(mean, target)| mean - target).collect();
    let pulled: Vec<f64> =
        right.chunks_exact(d).map(|row| row.iter().zip(&away).map(|(a, b)| a * b).sum::<f64>()).collect();
    let exponent: f64 = pulled.iter().zip(&away).map(|(a, b)| a * b).sum();
    let value = determinant.max(f64::MIN_POSITIVE).sqrt().recip() * (-0.5 * exponent.max(0.0)).exp();
    for i in 0..d {
        into.mean[i] -= weight * value * pulled[i];
        for j in 0..d {
            let a = 0.5 * (right[i * d + j] + right[j * d + i]);
            into.covariance[i * d + j] += 0.5 * weight * value * (pulled[i] * pulled[j] - a);
        }
    }
    value
}

/// Solves `left x = right` in place of `right`, all `[D][D]`, by Gauss and Jordan with row pivots; gives the determinant of `left`.
fn eliminate(left: &mut [f64], right: &mut [f64], d: usize) -> f64 {
    let mut determinant = 1.0;
    for column in 0..d {
        let largest = |a: &usize, b: &usize| left[a * d + column].abs().total_cmp(&left[b * d + column].abs());
        let pivot = (column..d).max_by(largest).unwrap_or(column);
        if pivot != column {
            determinant = -determinant;
            for j in 0..d {
                left.swap(pivot * d + j, column * d + j);
                right.swap(pivot * d + j, column * d + j);
            }
        }
        let scale = left[column * d + column];
        determinant *= scale;
        for j in 0..d {
            left[column * d + j] /= scale;
            right[column * d + j] /= scale;
        }
        for i in (0..d).filter(|i| *i != column) {
            let factor = left[i * d + column];
            for j in 0..d {
                left[i * d + j] -= factor * left[column * d + j];
                right[i * d + j] -= factor * right[column * d + j];
            }
        }
    }
    determinant
}
