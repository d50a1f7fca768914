//! Normal distributions through functions: mean and covariance of `f(x)` for `x ~ N(μ, Σ)`, exactly, and the derivatives of these.
//!
//! ```text
//! m = E f(x)      S = Cov f(x)      V = E ∂f/∂x, so that Cov(x, f(x)) = Σ V
//! ```
//!
//! The last is Stein's lemma ("Estimation of the Mean of a Multivariate Normal Distribution", Annals of Statistics, 1981, lemma 1), which needs no
//! inverse of Σ. Matching a normal distribution to these moments, one function after the other, is how PILCO foresees (Deisenroth and Rasmussen, "PILCO:
//! A Model-Based and Data-Efficient Approach to Policy Search", ICML 2011, section 2.2; Deisenroth, "Efficient Reinforcement Learning using Gaussian
//! Processes", 2010, appendix A). Functions are [`RadialSums`], [`Sines`], and the scalar [`expect_bell`] and [`Points`].
//!
//! Derivatives go backwards: each function's `pull` is given what a number of interest changes by with its moments, and adds what it changes by with
//! the moments of x. An adjoint of a covariance is that of a full matrix, symmetric where the matrix is. All matrices are row-major.

mod bell;
mod points;
mod radial;
mod sines;
#[cfg(test)]
mod tests;

pub use bell::expect_bell;
pub use points::Points;
pub use radial::{RadialSlopes, RadialSums, RadialTape};
pub use sines::{Sine, Sines};

/// A normal distribution, or the adjoint of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    /// `[D]`
    pub mean: Vec<f64>,
    /// `[D][D]`
    pub covariance: Vec<f64>,
}

impl Gaussian {
    /// At zero, without spread.
    pub fn zeros(dims: usize) -> Self {
        Self { mean: vec![0.0; dims], covariance: vec![0.0; dims * dims] }
    }

    /// Numbers of it.
    pub fn dims(&self) -> usize {
        self.mean.len()
    }

    /// All numbers to zero.
    pub fn clear(&mut self) {
        self.mean.fill(0.0);
        self.covariance.fill(0.0);
    }

    /// The covariance to the mean of itself and its transpose: adjoints of symmetric matrices are told so.
    pub fn symmetrise(&mut self) {
        let n = self.dims();
        for i in 0..n {
            for j in 0..i {
                let mean = 0.5 * (self.covariance[i * n + j] + self.covariance[j * n + i]);
                self.covariance[i * n + j] = mean;
                self.covariance[j * n + i] = mean;
            }
        }
    }
}

/// Moments of a function of a normal distribution, or their adjoints.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Mean `[E]` and covariance `[E][E]` of the function.
    pub output: Gaussian,
    /// `[D][E]`: the mean derivative V.
    pub slope: Vec<f64>,
}

impl Moments {
    /// Of a function from `inputs` to `outputs` numbers.
    pub fn zeros(inputs: usize, outputs: usize) -> Self {
        Self { output: Gaussian::zeros(outputs), slope: vec![0.0; inputs * outputs] }
    }

    /// All numbers to zero.
    pub fn clear(&mut self) {
        self.output.clear();
        self.slope.fill(0.0);
    }
}

/// Writes the inverse of the symmetric positive definite `a` `[n][n]`, which is used up, and gives the logarithm of its determinant; NaN where it is not
/// positive definite. For matrices of a few rows, without allocation.
pub(crate) fn invert(a: &mut [f64], inverse: &mut [f64], n: usize) -> f64 {
    let mut log_determinant = 0.0;
    // The factor over the lower half of `a`, its inverse over the lower half of `inverse`.
    for j in 0..n {
        for i in j..n {
            let sum: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let left = a[i * n + j] - sum;
            if i == j {
                a[j * n + j] = left.sqrt();
                log_determinant += left.ln();
            } else {
                a[i * n + j] = left / a[j * n + j];
            }
        }
    }
    inverse.fill(0.0);
    for j in 0..n {
        for i in j..n {
            let sum: f64 = (j..i).map(|k| a[i * n + k] * inverse[k * n + j]).sum();
            inverse[i * n + j] = (f64::from(u8::from(i == j)) - sum) / a[i * n + i];
        }
    }
    // lᵀ⁻¹ l⁻¹, in an order that reads no number after it is written.
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (i..n).map(|k| inverse[k * n + i] * inverse[k * n + j]).sum();
            inverse[i * n + j] = sum;
        }
    }
    for i in 0..n {
        for j in i + 1..n {
            inverse[i * n + j] = inverse[j * n + i];
        }
    }
    log_determinant
}

/// `c += a b` for row-major `a [m][k]` and `b [k][n]` of a few rows.
pub fn add_product(a: &[f64], b: &[f64], c: &mut [f64], [m, k, n]: [usize; 3]) {
    for i in 0..m {
        for l in 0..k {
            let factor = a[i * k + l];
            for (slot, number) in c[i * n..(i + 1) * n].iter_mut().zip(&b[l * n..(l + 1) * n]) {
                *slot += factor * number;
            }
        }
    }
}

/// `c += aᵀ b` for row-major `a [k][m]` and `b [k][n]` of a few rows.
pub fn add_transposed_product(a: &[f64], b: &[f64], c: &mut [f64], [m, k, n]: [usize; 3]) {
    for l in 0..k {
        for i in 0..m {
            let factor = a[l * m + i];
            for (slot, number) in c[i * n..(i + 1) * n].iter_mut().zip(&b[l * n..(l + 1) * n]) {
                *slot += factor * number;
            }
        }
    }
}

/// `c += a bᵀ` for row-major `a [m][k]` and `b [n][k]` of a few rows.
pub fn add_product_transposed(a: &[f64], b: &[f64], c: &mut [f64], [m, k, n]: [usize; 3]) {
    for i in 0..m {
        for j in 0..n {
            let (a, b) = (&a[i * k..(i + 1) * k], &b[j * k..(j + 1) * k]);
            c[i * n + j] += a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        }
    }
}
