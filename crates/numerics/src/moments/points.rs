//! Expectations of functions that nothing is known of: the mean over fixed points that are spread like the distribution.
//!
//! ```text
//! E f(x) ≈ (1/P) Σ_i f(μ + L ξ_i),   Σ = L Lᵀ
//! ```
//!
//! The ξ are standard normal numbers of one fixed seed, each with its opposite, turned and stretched so that their covariance is the unit matrix: sums of
//! linear and quadratic functions are exact, and the same points serve every distribution, so that the sum is a smooth function of μ and Σ wherever f is.
//! Backwards through the factor: Murray, "Differentiation of the Cholesky decomposition", 2016, equation 10.

use worldwright_core::Rng;

use super::Gaussian;

/// What is added to a variance, as a share of the largest, before it is factored: numbers that follow from others have none of their own.
const JITTER: f64 = 1e-9;

/// Points for distributions of so many numbers.
#[derive(Debug, Clone)]
pub struct Points {
    dims: usize,
    /// `[P][D]`
    unit: Vec<f64>,
    /// `[D][D]`: L.
    factor: Vec<f64>,
    /// `[P][D]`
    at: Vec<f64>,
    room: [Vec<f64>; 3],
}

impl Points {
    /// `2 pairs` points, more pairs than numbers.
    pub fn new(dims: usize, pairs: usize) -> Self {
        let pairs = pairs.max(dims + 1);
        let mut rng = Rng::new(0x0070_0011);
        let half: Vec<f64> = (0..pairs * dims).map(|_| rng.normal()).collect();
        let mut covariance = vec![0.0; dims * dims];
        super::add_transposed_product(&half, &half, &mut covariance, [dims, pairs, dims]);
        covariance.iter_mut().for_each(|number| *number /= pairs as f64);
        let mut factor = vec![0.0; dims * dims];
        factorise(&covariance, 0.0, &mut factor, dims);
        let mut unit = half;
        for point in unit.chunks_exact_mut(dims.max(1)) {
            for i in 0..dims {
                let known: f64 = (0..i).map(|k| factor[i * dims + k] * point[k]).sum();
                point[i] = (point[i] - known) / factor[i * dims + i];
            }
        }
        unit.extend(unit.clone().iter().map(|number| -number));
        let square = || vec![0.0; dims * dims];
        Self { dims, at: unit.clone(), unit, factor, room: [square(), square(), square()] }
    }

    /// P, how many.
    pub fn count(&self) -> usize {
        self.unit.len() / self.dims.max(1)
    }

    /// Spreads the points like `x`: `[P][D]`.
    pub fn spread(&mut self, x: &Gaussian) -> &[f64] {
        let d = self.dims;
        let largest = (0..d).map(|i| x.covariance[i * d + i]).fold(1e-12, f64::max);
        factorise(&x.covariance, JITTER * largest, &mut self.factor, d);
        for (at, unit) in self.at.chunks_exact_mut(d).zip(self.unit.chunks_exact(d)) {
            for i in 0..d {
                at[i] = x.mean[i] + (0..=i).map(|k| self.factor[i * d + k] * unit[k]).sum::<f64>();
            }
        }
        &self.at
    }

    /// L of the last [`spread`](Self::spread).
    #[cfg(test)]
    pub(super) fn factor(&self) -> &[f64] {
        &self.factor
    }

    /// Adds to `into` what slopes `[P][D]` of the function at the points of the last [`spread`](Self::spread) mean for its mean over them.
    pub fn pull(&mut self, slopes: &[f64], into: &mut Gaussian) {
        let (d, share) = (self.dims, 1.0 / self.count() as f64);
        let [by_factor, product, inverse] = &mut self.room;
        by_factor.fill(0.0);
        for (slope, unit) in slopes.chunks_exact(d).zip(self.unit.chunks_exact(d)) {
            for i in 0..d {
                into.mean[i] += share * slope[i];
                (0..=i).for_each(|k| by_factor[i * d + k] += share * slope[i] * unit[k]);
            }
        }
        product.fill(0.0);
        super::add_transposed_product(&self.factor, by_factor, product, [d, d, d]);
        for i in 0..d {
            product[i * d + i] *= 0.5;
            product[i * d + i + 1..(i + 1) * d].fill(0.0);
        }
        // L⁻ᵀ product L⁻¹.
        inverse.fill(0.0);
        for j in 0..d {
            for i in j..d {
                let sum: f64 = (j..i).map(|k| self.factor[i * d + k] * inverse[k * d + j]).sum();
                inverse[i * d + j] = (f64::from(u8::from(i == j)) - sum) / self.factor[i * d + i];
            }
        }
        by_factor.fill(0.0);
        super::add_product(product, inverse, by_factor, [d, d, d]);
        product.fill(0.0);
        super::add_transposed_product(inverse, by_factor, product, [d, d, d]);
        for i in 0..d {
            for j in 0..d {
                into.covariance[i * d + j] += 0.5 * (product[i * d + j] + product[j * d + i]);
            }
        }
    }
}

/// The lower triangular factor of a covariance with `jitter` added; a pivot that rounding took below it counts as it.
fn factorise(covariance: &[f64], jitter: f64, factor: &mut [f64], d: usize) {
    factor.fill(0.0);
    for j in 0..d {
        for i in j..d {
            let sum: f64 = (0..j).map(|k| factor[i * d + k] * factor[j * d + k]).sum();
            let left = covariance[i * d + j] - sum;
            factor[i * d + j] = if i == j { (left + jitter).max(jitter).sqrt() } else { left / factor[j * d + j] };
        }
    }
}
