//! The marginal likelihood of a Gaussian process and its gradient with respect to the logarithms of its hyper-parameters.
//!
//! ```text
//! −ln p(y) = ½ yᵀα + ½ ln|K| + n/2 ln 2π,   K = k(X, X) + σ²I,   α = K⁻¹y
//! −∂ ln p(y)/∂θ = ½ tr((K⁻¹ − ααᵀ) ∂K/∂θ)
//! ```
//!
//! (Rasmussen and Williams, equations 5.8 and 5.9.) To it is added the guard of PILCO's code (`hypCurb`; Deisenroth, McHutchon,
//! Hall and Rasmussen, 2013), which keeps lengths within a factor of [`LENGTHS`] of the inputs' spread and the signal within
//! [`SIGNAL_TO_NOISE`] of the noise: `Σ_d (ln ℓ_d / ln 100)³⁰ + ((ln s − ln σ) / ln 1000)³⁰`.

use worldwright_core::Columns;
use worldwright_numerics::{
    cholesky,
    dense::{self, Matrix, MatrixMut},
};

use super::kernel::{Hyper, Kernel, Points};

const LENGTHS: f64 = 100.0;
const SIGNAL_TO_NOISE: f64 = 1000.0;
const POWER: i32 = 30;

/// One output's data with the buffers that an evaluation needs.
pub(super) struct Likelihood<'a> {
    kernel: Kernel,
    inputs: Columns<'a>,
    /// `inputs` once more, row-major `[dimension][point]` divided by the lengths.
    scaled: Vec<f64>,
    y: &'a [f64],
    covariance: Vec<f64>,
    slopes: Vec<f64>,
    factor: Vec<f64>,
    inverse: Vec<f64>,
    product: Vec<f64>,
    query: Vec<f64>,
}

impl<'a> Likelihood<'a> {
    pub(super) fn new(kernel: Kernel, inputs: Columns<'a>, y: &'a [f64]) -> Self {
        let (n, dims) = (inputs.rows(), inputs.dims());
        let square = || vec![0.0; n * n];
        Self {
            kernel,
            inputs,
            scaled: vec![0.0; n * dims],
            y,
            covariance: square(),
            slopes: square(),
            factor: square(),
            inverse: square(),
            product: vec![0.0; n * dims],
            query: vec![0.0; dims],
        }
    }

    /// The negative logarithm of the guarded likelihood at `vector` ([`Hyper::to_vector`]) and its gradient; infinite where
    /// the covariance matrix has no factor.
    pub(super) fn evaluate(&mut self, vector: &[f64], gradient: &mut [f64]) -> f64 {
        let (n, dims) = (self.inputs.rows(), self.inputs.dims());
        let hyper = Hyper::from_vector(vector);
        let inverse_lengths = hyper.inverse_lengths();
        for (dim, scale) in inverse_lengths.iter().enumerate() {
            let column = self.inputs.column(dim);
            self.scaled[dim * n..(dim + 1) * n].iter_mut().zip(column).for_each(|(slot, x)| *slot = x * scale);
        }
        let points = Points::new(self.inputs, inverse_lengths);
        let (covariance, slopes) = (&mut self.covariance, Some(self.slopes.as_mut_slice()));
        let variance = hyper.signal_variance();
        points.covariances(self.kernel, variance, self.inputs, 0, n, &mut self.query, covariance, slopes);
        let matrix = &mut self.inverse;
        matrix.copy_from_slice(&self.covariance);
        (0..n).for_each(|i| matrix[i * n + i] += hyper.noise_variance());
        if cholesky::factor(matrix, n).is_err() {
            return f64::INFINITY;
        }
        let mut alpha = self.y.to_vec();
        cholesky::solve(matrix, n, &mut alpha);
        let half_log_determinant = 0.5 * cholesky::log_determinant(matrix, n);
        let constant = 0.5 * n as f64 * std::f64::consts::TAU.ln();
        let mut value = 0.5 * dense::dot(self.y, &alpha) + half_log_determinant + constant;

        cholesky::invert_lower(matrix, n, &mut self.factor);
        cholesky::gram_of_lower(&self.factor, n, &mut self.inverse);
        // ½ Σ (K⁻¹ − ααᵀ) ∂K/∂θ; the weights on the slopes replace the slopes.
        let (mut signal, mut noise) = (0.0, 0.0);
        for i in 0..n {
            let span = i * n..(i + 1) * n;
            let (inverse, covariance) = (&self.inverse[span.clone()], &self.covariance[span.clone()]);
            for (j, slope) in self.slopes[span].iter_mut().enumerate() {
                let weight = inverse[j] - alpha[i] * alpha[j];
                signal += weight * covariance[j];
                *slope *= weight;
            }
            noise += inverse[i] - alpha[i] * alpha[i];
        }
        gradient[dims] = signal;
        gradient[dims + 1] = noise * hyper.noise_variance();
        // Σ_ij m_ij (s_i − s_j)² = 2 Σ_i s_i² Σ_j m_ij − 2 sᵀms, for each dimension's s.
        let weights = Matrix::new(&self.slopes, n, n);
        let product = MatrixMut::new(&mut self.product, dims, n);
        dense::gemm(1.0, Matrix::new(&self.scaled, dims, n), weights, 0.0, product);
        let sums: Vec<f64> = self.slopes.chunks_exact(n).map(|row| row.iter().sum()).collect();
        for (dim, (s, product)) in self.scaled.chunks_exact(n).zip(self.product.chunks_exact(n)).enumerate() {
            let squares: f64 = s.iter().zip(&sums).map(|(s, sum)| s * s * sum).sum();
            gradient[dim] = squares - dense::dot(s, product);
        }
        value += guard(vector, gradient);
        if value.is_finite() && gradient.iter().all(|slope| slope.is_finite()) { value } else { f64::INFINITY }
    }
}

/// Adds the guard's gradient and gives its value.
fn guard(vector: &[f64], gradient: &mut [f64]) -> f64 {
    let dims = vector.len() - 2;
    let mut value = 0.0;
    for (log_length, slope) in vector[..dims].iter().zip(gradient.iter_mut()) {
        let ratio = log_length / LENGTHS.ln();
        value += ratio.powi(POWER);
        *slope += f64::from(POWER) * ratio.powi(POWER - 1) / LENGTHS.ln();
    }
    let ratio = (vector[dims] - vector[dims + 1]) / SIGNAL_TO_NOISE.ln();
    let slope = f64::from(POWER) * ratio.powi(POWER - 1) / SIGNAL_TO_NOISE.ln();
    gradient[dims] += slope;
    gradient[dims + 1] -= slope;
    value + ratio.powi(POWER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use worldwright_core::{Batch, Rng};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_gradient_is_that_of_finite_differences(
            seed in 0_u64..1000,
            matern in any::<bool>(),
            vector in prop::collection::vec(-1.0..1.0_f64, 5),
        ) {
            let kernel = if matern { Kernel::Matern52 } else { Kernel::SquaredExponential };
            let (mut rng, n) = (Rng::new(seed), 21);
            let mut inputs = Batch::zeros(3, n);
            for dim in 0..3 {
                inputs.columns_mut().column_mut(dim).iter_mut().for_each(|x| *x = rng.normal());
            }
            let y: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
            let mut likelihood = Likelihood::new(kernel, inputs.columns(), &y);
            let mut gradient = vec![0.0; 5];
            likelihood.evaluate(&vector, &mut gradient);
            for i in 0..5 {
                let mut at = |offset: f64| {
                    let mut moved = vector.clone();
                    moved[i] += offset;
                    likelihood.evaluate(&moved, &mut [0.0; 5])
                };
                let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                let scale = 1.0 + gradient[i].abs();
                prop_assert!((difference - gradient[i]).abs() < 1e-5 * scale, "{i}: {difference} {}", gradient[i]);
            }
        }
    }
}
