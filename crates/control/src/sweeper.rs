//! A backward pass over expansions that were computed elsewhere, and the clipping of Hessians that are not convex.

use pulp::{Arch, Simd, WithSimd};

use super::backward::{Around, Gains, Workspace, backward};
use super::dense::{factor, fused};
use super::problem::Expand;
use super::shape::Shape;

/// Room for backward passes of one size.
pub struct Sweeper<S: Shape> {
    gains: Gains,
    workspace: Workspace<S>,
    memos: Vec<()>,
}

impl<S: Shape> Sweeper<S> {
    /// Room for passes of this shape and horizon.
    pub fn new(shape: S, horizon: usize) -> Self {
        Self { gains: Gains::new(shape, horizon), workspace: Workspace::new(shape), memos: vec![(); horizon] }
    }

    /// The feedback laws of the last sweep.
    pub fn gains(&self) -> &Gains {
        &self.gains
    }

    /// Sweeps over a trajectory, with the gaps before its states where it has any, and gives the decrease that a full step promises
    /// without them; none where `Q_uu + μ I` is not positive definite.
    pub fn sweep<P: Expand<Shape = S, Memo = ()>>(
        &mut self,
        problem: &P,
        states: &[f64],
        controls: &[f64],
        gaps: Option<&[f64]>,
        regularization: f64,
    ) -> Option<f64> {
        Arch::new().dispatch(Sweep { sweeper: self, problem, states, controls, gaps, regularization })
    }
}

struct Sweep<'a, P: Expand> {
    sweeper: &'a mut Sweeper<P::Shape>,
    problem: &'a P,
    states: &'a [f64],
    controls: &'a [f64],
    gaps: Option<&'a [f64]>,
    regularization: f64,
}

impl<P: Expand<Memo = ()>> WithSimd for Sweep<'_, P> {
    type Output = Option<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Option<f64> {
        let Sweeper { gains, workspace, memos } = self.sweeper;
        let around = Around { states: self.states, controls: self.controls, memos, gaps: self.gaps };
        let promise = if fused::<S>() {
            backward::<true, P>(self.problem, &around, self.regularization, true, workspace, gains)
        } else {
            backward::<false, P>(self.problem, &around, self.regularization, true, workspace, gains)
        };
        promise.map(|promise| promise.first + 0.5 * promise.second)
    }
}

const SWEEPS: usize = 30;

/// Makes a symmetric n × n matrix positive semidefinite by raising its negative eigenvalues to zero, with Jacobi rotations (Golub
/// and Van Loan, "Matrix Computations", 2013, section 8.5). `room` holds 2 n².
pub fn clip_eigenvalues(n: usize, matrix: &mut [f64], room: &mut [f64]) {
    let (work, vectors) = room[..2 * n * n].split_at_mut(n * n);
    work.copy_from_slice(matrix);
    if factor::<false>(n, work) {
        return;
    }
    work.copy_from_slice(matrix);
    vectors.fill(0.0);
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    for _ in 0..SWEEPS {
        let scale: f64 = (0..n).map(|i| work[i * n + i].abs()).sum();
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let off = work[p * n + q];
                if off.abs() <= 1e-15 * scale {
                    continue;
                }
                rotated = true;
                let theta = (work[q * n + q] - work[p * n + p]) / (2.0 * off);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                rotate(n, work, vectors, (p, q), (c, t * c));
            }
        }
        if !rotated {
            break;
        }
    }
    if (0..n).all(|i| work[i * n + i] >= 0.0) {
        return;
    }
    for j in 0..n {
        for i in 0..n {
            let sum = |k: usize| vectors[k * n + i] * work[k * n + k].max(0.0) * vectors[k * n + j];
            matrix[j * n + i] = (0..n).map(sum).sum();
        }
    }
}

fn rotate(n: usize, work: &mut [f64], vectors: &mut [f64], (p, q): (usize, usize), (c, s): (f64, f64)) {
    for i in 0..n {
        let (a, b) = (work[p * n + i], work[q * n + i]);
        (work[p * n + i], work[q * n + i]) = (c * a - s * b, s * a + c * b);
        let (a, b) = (vectors[p * n + i], vectors[q * n + i]);
        (vectors[p * n + i], vectors[q * n + i]) = (c * a - s * b, s * a + c * b);
    }
    for i in 0..n {
        let (a, b) = (work[i * n + p], work[i * n + q]);
        (work[i * n + p], work[i * n + q]) = (c * a - s * b, s * a + c * b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_keeps_what_is_convex_and_raises_the_rest_to_zero() {
        let mut room = [0.0; 18];
        // Eigenvalues 3 and −1 along (1, 1) and (1, −1): what stays is 1.5 everywhere.
        let mut indefinite = [1.0, 2.0, 2.0, 1.0];
        clip_eigenvalues(2, &mut indefinite, &mut room);
        assert!(indefinite.iter().all(|number| (number - 1.5).abs() < 1e-14), "{indefinite:?}");
        let convex = [2.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0];
        let mut same = convex;
        clip_eigenvalues(3, &mut same, &mut room);
        assert_eq!(same, convex);
    }
}
