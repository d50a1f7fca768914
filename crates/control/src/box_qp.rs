//! Box-constrained quadratic programmes by projected Newton: `minimise ½ dᵀQd + qᵀd subject to low ≤ u + d ≤ high`.
//!
//! Each round fixes the coordinates that stand at a bound with the gradient pointing outwards, takes the Newton step of the free
//! ones, and halves it until the projected point improves (Bertsekas 1982, as used by Tassa, Mansard and Todorov, ICRA 2014,
//! section III-A). A fixed coordinate's row and column are replaced by the identity's, so that one factor serves any free set.

use super::dense::{dot, factor, solve_right};
use super::shape::Shape;

/// Rounds: each changes the free set, and there are few controls.
const ROUNDS: usize = 50;
/// Share of the promised decrease that a step must keep.
const ARMIJO: f64 = 0.1;

/// The box around the present control.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    pub(super) low: &'a [f64],
    pub(super) high: &'a [f64],
    pub(super) at: &'a [f64],
}

/// Room for one solution.
#[derive(Clone, Default)]
pub(super) struct Workspace<S: Shape> {
    /// 1 for free coordinates, 0 for those at a bound.
    pub(super) free: S::U,
    gradient: S::U,
    newton: S::U,
    trial: S::U,
}

impl<S: Shape> Workspace<S> {
    pub(super) fn new(shape: S) -> Self {
        Self { free: shape.u(), gradient: shape.u(), newton: shape.u(), trial: shape.u() }
    }
}

/// Improves `d` to the solution and leaves the factor over the free coordinates in `factored`. False when that is not positive
/// definite.
#[inline(always)]
pub(super) fn solve<const FMA: bool, S: Shape>(
    shape: S,
    quadratic: &[f64],
    linear: &[f64],
    bounds: Bounds<'_>,
    d: &mut [f64],
    factored: &mut [f64],
    w: &mut Workspace<S>,
) -> bool {
    let m = shape.nu();
    let Bounds { low, high, at } = bounds;
    let clamp = |i: usize, value: f64| value.min(high[i] - at[i]).max(low[i] - at[i]);
    for i in 0..m {
        d[i] = clamp(i, d[i]);
    }
    let mut objective = value::<FMA>(m, quadratic, linear, d);
    for round in 0..ROUNDS {
        let mut same = round > 0;
        for i in 0..m {
            let gradient = linear[i] + dot::<FMA>(&quadratic[i * m..][..m], d);
            w.gradient[i] = gradient;
            let held = (d[i] <= low[i] - at[i] && gradient > 0.0) || (d[i] >= high[i] - at[i] && gradient < 0.0);
            let free = if held { 0.0 } else { 1.0 };
            same &= w.free[i] == free;
            w.free[i] = free;
        }
        if !same {
            for j in 0..m {
                for i in 0..m {
                    let both = w.free[i] * w.free[j];
                    let unit = if i == j { 1.0 - w.free[i] } else { 0.0 };
                    factored[j * m + i] = both * quadratic[j * m + i] + unit;
                }
            }
            if !factor::<FMA>(m, factored) {
                return false;
            }
        }
        let mut largest = 0.0_f64;
        for i in 0..m {
            w.newton[i] = -w.free[i] * w.gradient[i];
            largest = largest.max(w.newton[i].abs());
        }
        if largest == 0.0 {
            return true;
        }
        solve_right::<FMA>(m, 1, factored, &mut w.newton);
        let slope = dot::<FMA>(&w.newton, &w.gradient);
        let mut length = 1.0;
        let improved = loop {
            let mut inside = true;
            for i in 0..m {
                let wanted = d[i] + length * w.newton[i];
                w.trial[i] = clamp(i, wanted);
                inside &= w.trial[i] == wanted;
            }
            let trial = value::<FMA>(m, quadratic, linear, &w.trial);
            if inside && length == 1.0 {
                // The unconstrained minimum over the free coordinates: nothing is left to do if the next free set agrees.
                break trial <= objective;
            }
            if trial <= objective + ARMIJO * length * slope || trial < objective && length < 1e-3 {
                break true;
            }
            length *= 0.5;
            if length < 1e-12 {
                break false;
            }
        };
        if !improved {
            return true;
        }
        let mut moved = 0.0_f64;
        for i in 0..m {
            moved = moved.max((w.trial[i] - d[i]).abs() / (1.0 + d[i].abs()));
            d[i] = w.trial[i];
        }
        if moved <= 1e-14 {
            return true;
        }
        objective = value::<FMA>(m, quadratic, linear, d);
    }
    true
}

#[inline(always)]
fn value<const FMA: bool>(m: usize, quadratic: &[f64], linear: &[f64], d: &[f64]) -> f64 {
    let mut sum = 0.0;
    for i in 0..m {
        sum += d[i] * (linear[i] + 0.5 * dot::<FMA>(&quadratic[i * m..][..m], d));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::shape::Dynamic;
    use super::*;
    use worldwright_core::Rng;

    /// The best value over every choice of which coordinates stand at which bound, the others at their minimum.
    fn by_brute_force(m: usize, quadratic: &[f64], linear: &[f64], low: &[f64], high: &[f64]) -> f64 {
        let mut best = f64::INFINITY;
        for choice in 0..3_usize.pow(m as u32) {
            let place: Vec<usize> = (0..m).map(|i| choice / 3_usize.pow(i as u32) % 3).collect();
            let mut d: Vec<f64> = (0..m).map(|i| [0.0, low[i], high[i]][place[i]]).collect();
            let free: Vec<usize> = (0..m).filter(|i| place[*i] == 0).collect();
            let k = free.len();
            let each = (0..k * k).map(|at| quadratic[free[at / k] * m + free[at % k]]);
            let mut matrix: Vec<f64> = each.collect();
            let mut right: Vec<f64> =
                free.iter().map(|i| -linear[*i] - (0..m).map(|j| quadratic[j * m + i] * d[j]).sum::<f64>()).collect();
            if k > 0 {
                assert!(super::super::elimination::solve(k, &mut matrix, &mut right));
            }
            free.iter().zip(&right).for_each(|(i, number)| d[*i] = *number);
            if (0..m).all(|i| d[i] >= low[i] - 1e-12 && d[i] <= high[i] + 1e-12) {
                best = best.min(value::<false>(m, quadratic, linear, &d));
            }
        }
        best
    }

    #[test]
    fn it_finds_what_brute_force_finds() {
        let mut rng = Rng::new(1);
        for case in 0..400 {
            let m = 1 + case % 5;
            let shape = Dynamic { nx: 1, nu: m };
            let root: Vec<f64> = (0..m * m).map(|_| rng.normal()).collect();
            let mut quadratic = vec![0.0; m * m];
            for j in 0..m {
                for i in 0..m {
                    quadratic[j * m + i] = (0..m).map(|k| root[i * m + k] * root[j * m + k]).sum();
                }
                quadratic[j * m + j] += 0.05;
            }
            let linear: Vec<f64> = (0..m).map(|_| 2.0 * rng.normal()).collect();
            let at: Vec<f64> = (0..m).map(|_| rng.uniform_in(-0.5, 0.5)).collect();
            let (low, high) = (vec![-0.5; m], vec![0.5; m]);
            let mut d = vec![0.0; m];
            let (mut factored, mut workspace) = (vec![0.0; m * m], Workspace::new(shape));
            let bounds = Bounds { low: &low, high: &high, at: &at };
            assert!(super::solve::<false, _>(
                shape,
                &quadratic,
                &linear,
                bounds,
                &mut d,
                &mut factored,
                &mut workspace
            ));
            let shift = |bound: &[f64]| bound.iter().zip(&at).map(|(bound, at)| bound - at).collect::<Vec<f64>>();
            let want = by_brute_force(m, &quadratic, &linear, &shift(&low), &shift(&high));
            let got = value::<false>(m, &quadratic, &linear, &d);
            assert!((got - want).abs() < 1e-9 * (1.0 + want.abs()), "case {case}: {got} instead of {want}");
            assert!((0..m).all(|i| at[i] + d[i] >= low[i] - 1e-15 && at[i] + d[i] <= high[i] + 1e-15));
        }
    }
}
