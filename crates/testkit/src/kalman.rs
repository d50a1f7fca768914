//! The Kalman filter: the exact belief of a linear system seen through linear noisy measurements.
//!
//! `x' = A x + w`, `y = C x + v`, covariances W and V. Predict: `Σ ← A Σ Aᵀ + W`; correct:
//! `L = Σ Cᵀ (C Σ Cᵀ + V)⁻¹`, `x ← x + L (y − C x)`, `Σ ← (I − L C) Σ` (Kalman 1960).

use crate::matrix::Matrix;

/// A linear system with noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// `[O][O]`
    pub a: Matrix,
    /// Measurements × states.
    pub c: Matrix,
    /// Covariance of the process noise.
    pub process_covariance: Matrix,
    /// Covariance of the measurement noise.
    pub measurement_covariance: Matrix,
}

/// A Gaussian belief.
#[derive(Debug, Clone, PartialEq)]
pub struct Belief {
    /// Mean.
    pub mean: Vec<f64>,
    /// Covariance.
    pub covariance: Matrix,
}

impl Filter {
    /// The belief one step later, `drift` being what actions add.
    #[must_use]
    pub fn predict(&self, belief: &Belief, drift: &[f64]) -> Belief {
        let mean = self.a.apply(&belief.mean).iter().zip(drift).map(|(x, u)| x + u).collect();
        let spread = self.a.times(&belief.covariance).times(&self.a.transposed());
        Belief { mean, covariance: spread.plus(1.0, &self.process_covariance) }
    }

    /// The belief after a measurement.
    #[must_use]
    pub fn correct(&self, belief: &Belief, measurement: &[f64]) -> Belief {
        let seen = self.c.times(&belief.covariance);
        let innovation_covariance = seen.times(&self.c.transposed()).plus(1.0, &self.measurement_covariance);
        let gain = innovation_covariance.transposed().solve(&seen).transposed();
        let expected = self.c.apply(&belief.mean);
        let innovation: Vec<f64> = measurement.iter().zip(expected).map(|(y, e)| y - e).collect();
        let mean = belief.mean.iter().zip(gain.apply(&innovation)).map(|(x, step)| x + step).collect();
        Belief { mean, covariance: belief.covariance.plus(-1.0, &gain.times(&seen)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_walk_settles_at_the_golden_ratio() {
        // W = V = 1: the predicted variance solves P² = P + 1.
        let one = Matrix::diagonal(1, 1.0);
        let filter = Filter {
            a: one.clone(),
            c: one.clone(),
            process_covariance: one.clone(),
            measurement_covariance: one.clone(),
        };
        let mut belief = Belief { mean: vec![0.0], covariance: one };
        for _ in 0..60 {
            belief = filter.predict(&filter.correct(&belief, &[1.0]), &[0.0]);
        }
        assert!((belief.covariance.get(0, 0) - 0.5 * (1.0 + 5.0_f64.sqrt())).abs() < 1e-12);
        assert!((belief.mean[0] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn still_measurements_average() {
        // Without process noise, n measurements of variance V from a flat start give their mean and V / n.
        let filter = Filter {
            a: Matrix::diagonal(1, 1.0),
            c: Matrix::diagonal(1, 1.0),
            process_covariance: Matrix::zeros(1, 1),
            measurement_covariance: Matrix::diagonal(1, 4.0),
        };
        let mut belief = Belief { mean: vec![0.0], covariance: Matrix::diagonal(1, 1e12) };
        for y in [1.0, 2.0, 6.0] {
            belief = filter.correct(&filter.predict(&belief, &[0.0]), &[y]);
        }
        assert!((belief.mean[0] - 3.0).abs() < 1e-9 && (belief.covariance.get(0, 0) - 4.0 / 3.0).abs() < 1e-9);
    }
}
