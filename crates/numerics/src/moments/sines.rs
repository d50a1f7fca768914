//! Sines of a normal distribution: `y_k = c_k + x_i` or `y_k = c_k + a_k sin(x_i + φ_k)`, i and φ for each k.
//!
//! ```text
//! E sin x = e^{−s/2} sin m        E cos x = e^{−s/2} cos m
//! E sin x sin y = ½ (E cos(x − y) − E cos(x + y))        Cov(x, sin y) = Cov(x, y) E cos y
//! ```
//!
//! From the characteristic function of the normal distribution; as Deisenroth (2010), appendix A.1. Angles become points on the circle by it (the cosine
//! is the sine a quarter turn later), and actions stay within their bounds.

use super::{Gaussian, Moments};

/// One number that is made of one number of x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sine {
    /// Which number of x.
    pub of: usize,
    /// What is added.
    pub offset: f64,
    /// Amplitude and phase of its sine; none for the number itself.
    pub wave: Option<(f64, f64)>,
}

/// All numbers of y.
#[derive(Debug, Clone, PartialEq)]
pub struct Sines(pub Vec<Sine>);

/// What one number is in the mean: itself, its derivative and its second derivative.
struct Mean {
    value: f64,
    slope: f64,
    bend: f64,
}

impl Sines {
    /// E, how many numbers it makes.
    pub fn outputs(&self) -> usize {
        self.0.len()
    }

    /// The numbers themselves, of numbers that are known.
    pub fn at(&self, x: &[f64], y: &mut [f64]) {
        for (slot, sine) in y.iter_mut().zip(&self.0) {
            *slot = sine.offset + sine.wave.map_or(x[sine.of], |(a, phase)| a * (x[sine.of] + phase).sin());
        }
    }

    fn mean(&self, k: usize, x: &Gaussian) -> Mean {
        let (sine, d) = (self.0[k], x.dims());
        let m = x.mean[sine.of];
        match sine.wave {
            None => Mean { value: m, slope: 1.0, bend: 0.0 },
            Some((amplitude, phase)) => {
                let shrunk = amplitude * (-0.5 * x.covariance[sine.of * d + sine.of]).exp();
                let (sin, cos) = (m + phase).sin_cos();
                Mean { value: shrunk * sin, slope: shrunk * cos, bend: -shrunk * sin }
            }
        }
    }

    /// Moments of y; all of `out` is written.
    pub fn moments(&self, x: &Gaussian, out: &mut Moments) {
        let (d, e) = (x.dims(), self.outputs());
        out.slope.fill(0.0);
        for k in 0..e {
            let mean = self.mean(k, x);
            out.output.mean[k] = self.0[k].offset + mean.value;
            out.slope[self.0[k].of * e + k] = mean.slope;
            for l in 0..=k {
                let (i, j) = (self.0[k].of, self.0[l].of);
                let shared = x.covariance[i * d + j];
                let covariance = match (self.0[k].wave, self.0[l].wave) {
                    (Some((a, _)), Some((b, _))) => {
                        0.5 * a * b * self.pair(k, l, x).map(|(sign, _, value)| sign * value).iter().sum::<f64>()
                    }
                    _ => shared * mean.slope * self.mean(l, x).slope,
                };
                out.output.covariance[k * e + l] = covariance;
                out.output.covariance[l * e + k] = covariance;
            }
        }
    }

    /// `E cos(x ∓ y) − cos of no covariance` for difference and sum, so that `½ Σ sign value` is the covariance of two sines: the factor that the
    /// covariance brings is taken without loss where it is small. With each the derivative's angle is told: (sign, [value by covariance, …], value).
    fn pair(&self, k: usize, l: usize, x: &Gaussian) -> [(f64, [f64; 3], f64); 2] {
        let d = x.dims();
        let (one, other) = (self.0[k], self.0[l]);
        let phase = |sine: Sine| sine.wave.map_or(0.0, |(_, phase)| phase);
        let (a, b) = (x.mean[one.of] + phase(one), x.mean[other.of] + phase(other));
        let (s, t, c) = (
            x.covariance[one.of * d + one.of],
            x.covariance[other.of * d + other.of],
            x.covariance[one.of * d + other.of],
        );
        let half = (-0.5 * (s + t)).exp();
        // e^{−(s+t)/2} (e^{±c} − 1) cos(a ∓ b)
        [(1.0, a - b, c), (-1.0, a + b, -c)].map(|(sign, angle, c)| {
            let (sin, cos) = angle.sin_cos();
            let grown = half * c.exp_m1();
            // By the angle, by ±c, and by s or t.
            (sign, [-grown * sin, half * c.exp() * cos, -0.5 * grown * cos], grown * cos)
        })
    }

    /// Adds to `into` what `adjoint` of the moments means for those of x.
    pub fn pull(&self, x: &Gaussian, adjoint: &Moments, into: &mut Gaussian) {
        let (d, e) = (x.dims(), self.outputs());
        for k in 0..e {
            let (sine, mean) = (self.0[k], self.mean(k, x));
            let i = sine.of;
            let (by_value, by_slope) = (adjoint.output.mean[k], adjoint.slope[i * e + k]);
            into.mean[i] += by_value * mean.slope + by_slope * mean.bend;
            if sine.wave.is_some() {
                into.covariance[i * d + i] -= 0.5 * (by_value * mean.value + by_slope * mean.slope);
            }
            for l in 0..e {
                let weight = adjoint.output.covariance[k * e + l];
                let j = self.0[l].of;
                match (sine.wave, self.0[l].wave) {
                    (Some((a, _)), Some((b, _))) => {
                        let [difference, sum] = self.pair(k, l, x);
                        let weight = 0.5 * a * b * weight;
                        into.mean[i] += weight * (difference.1[0] - sum.1[0]);
                        into.mean[j] += weight * (-difference.1[0] - sum.1[0]);
                        into.covariance[i * d + j] += weight * (difference.1[1] + sum.1[1]);
                        let spread = weight * (difference.1[2] - sum.1[2]);
                        into.covariance[i * d + i] += spread;
                        into.covariance[j * d + j] += spread;
                    }
                    (one, other) => {
                        let (left, right) = (&mean, self.mean(l, x));
                        let shared = x.covariance[i * d + j];
                        into.covariance[i * d + j] += weight * left.slope * right.slope;
                        into.mean[i] += weight * shared * left.bend * right.slope;
                        into.mean[j] += weight * shared * left.slope * right.bend;
                        let spread = -0.5 * weight * shared * left.slope * right.slope;
                        for (which, waves) in [(i, one.is_some()), (j, other.is_some())] {
                            into.covariance[which * d + which] += if waves { spread } else { 0.0 };
                        }
                    }
                }
            }
        }
    }
}
