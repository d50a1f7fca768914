//! Quadratic programs with bounds, by projected Newton steps.
//!
//! `min ½ kᵀ H k + gᵀ k` subject to `low ≤ k ≤ high` (Tassa, Mansard and Todorov, "Control-Limited Differential Dynamic Programming",
//! ICRA 2014, section III-B). A control is clamped while it lies on a bound and the gradient pushes outwards; Newton's step is
//! taken in the others.

use super::matrix::{Matrix, apply, cholesky, dot, solve};

/// Projected steps at most; each changes the clamped set, of which there are few.
const STEPS: usize = 40;

/// Solves from `k`, which becomes the minimiser. `factor` becomes the factor of `H` in the controls that are `free`. False unless `H`
/// is positive definite there.
pub(super) fn solve_box<const M: usize>(
    h: &Matrix<M, M>,
    g: &[f64; M],
    low: &[f64; M],
    high: &[f64; M],
    k: &mut [f64; M],
    factor: &mut Matrix<M, M>,
    free: &mut [bool; M],
) -> bool {
    let value = |k: &[f64; M]| 0.5 * dot(k, &apply(h, k, &[0.0; M])) + dot(g, k);
    let project = |k: &mut [f64; M]| (0..M).for_each(|i| k[i] = k[i].max(low[i]).min(high[i]));
    project(k);
    let mut clamped_before = [false; M];
    for step in 0..STEPS {
        let gradient = apply(h, k, g);
        let mut clamped = [false; M];
        for i in 0..M {
            clamped[i] = (k[i] <= low[i] && gradient[i] > 0.0) || (k[i] >= high[i] && gradient[i] < 0.0);
        }
        if step == 0 || clamped != clamped_before {
            *free = clamped.map(|clamped| !clamped);
            *factor = *h;
            if !cholesky(factor, free) {
                return false;
            }
            clamped_before = clamped;
        }
        let mut newton = gradient.map(|x| [-x]);
        solve(factor, free, &mut newton);
        let slope: f64 = (0..M).map(|i| gradient[i] * newton[i][0]).sum();
        if slope > -1e-14 {
            break;
        }
        let (before, mut length) = (value(k), 1.0);
        let mut tried = *k;
        while length > 1e-10 {
            (0..M).for_each(|i| tried[i] = k[i] + length * newton[i][0]);
            project(&mut tried);
            if value(&tried) <= before + 0.1 * length * slope {
                break;
            }
            length *= 0.5;
        }
        if tried == *k {
            break;
        }
        *k = tried;
    }
    true
}
