//! Plans as splines: a few knots stand for the actions of all steps.
//!
//! A plan of H steps is `u = B θ` with knots θ `[K][A]` and a fixed matrix B `[H][K]` of at most four weights a row. `zero` holds
//! each knot for H/K steps. `linear` and `cubic` put the knots evenly at `t_k = k (H − 1)/(K − 1)`; `cubic` is the Hermite spline with
//! finite-difference slopes (Catmull and Rom, "A class of local interpolating splines", 1974), as predictive sampling uses it
//! (Howell et al. 2022). Cubic splines overshoot, so the actions are put back into their bounds. Choices are always held.

use crate::actions::{ActionKind, Sequence};
use crate::sampling::candidates::Candidates;
use worldwright_numerics::shift_rows;

/// How actions between knots are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spline {
    Zero,
    Linear,
    Cubic,
}

/// One row of B.
#[derive(Debug, Clone, Copy)]
struct Blend {
    knots: [usize; 4],
    weights: [f64; 4],
}

/// The map from knots to actions and what goes with it.
#[derive(Debug, Clone)]
pub(crate) struct Basis {
    horizon: usize,
    knots: usize,
    spline: Spline,
    /// `[H]`; empty where every step is a knot.
    blends: Vec<Blend>,
    /// `[K][H]`, the least-squares inverse `(BᵀB)⁻¹ Bᵀ`; empty where every step is a knot.
    inverse: Vec<f64>,
}

impl Basis {
    /// `knots` zero, or no fewer than the steps, has one knot a step. Choices hold their knots whatever `spline` says.
    pub(crate) fn new(kind: &ActionKind, horizon: usize, knots: usize, spline: Spline) -> Self {
        let spline = if kind.choices() > 0 { Spline::Zero } else { spline };
        if knots == 0 || knots >= horizon {
            return Self { horizon, knots: horizon, spline, blends: Vec::new(), inverse: Vec::new() };
        }
        let mut basis = Self { horizon, knots, spline, blends: Vec::new(), inverse: Vec::new() };
        basis.blends = (0..horizon).map(|h| basis.blend(h as f64)).collect();
        basis.inverse = basis.least_squares();
        basis
    }

    /// K.
    pub(crate) fn knots(&self) -> usize {
        self.knots
    }

    /// Whether knots and steps are the same.
    pub(crate) fn is_identity(&self) -> bool {
        self.blends.is_empty()
    }

    /// The time of knot `k`, in steps.
    fn time(&self, k: usize) -> f64 {
        match self.spline {
            Spline::Zero => (k * self.horizon).div_ceil(self.knots) as f64,
            _ if self.knots == 1 => 0.0,
            _ => k as f64 * (self.horizon - 1) as f64 / (self.knots - 1) as f64,
        }
    }

    /// The first step that knot `k` has a part in.
    pub(crate) fn first_step(&self, k: usize) -> usize {
        let reach = match self.spline {
            _ if self.is_identity() => return k,
            Spline::Zero => return self.time(k) as usize,
            Spline::Linear => 1,
            Spline::Cubic => 2,
        };
        if k == 0 { 0 } else { self.time(k.saturating_sub(reach)) as usize + 1 }
    }

    /// Weights of the knots at a time, which is held to the horizon.
    fn blend(&self, time: f64) -> Blend {
        let time = time.clamp(0.0, (self.horizon - 1) as f64);
        let last = self.knots - 1;
        if self.spline == Spline::Zero || last == 0 {
            let knot = (time as usize * self.knots / self.horizon).min(last);
            return Blend { knots: [knot; 4], weights: [1.0, 0.0, 0.0, 0.0] };
        }
        let place = time * last as f64 / (self.horizon - 1) as f64;
        let knot = (place as usize).min(last - 1);
        let f = place - knot as f64;
        if self.spline == Spline::Linear {
            return Blend { knots: [knot, knot + 1, knot, knot], weights: [1.0 - f, f, 0.0, 0.0] };
        }
        // Slopes are central differences, one-sided at the ends, in units of a knot's spacing.
        let (before, after) = (knot.saturating_sub(1), (knot + 2).min(last));
        let (left, right) = (1.0 / (knot + 1 - before) as f64, 1.0 / (after - knot) as f64);
        let (f2, f3) = (f * f, f * f * f);
        let (value0, value1) = (2.0 * f3 - 3.0 * f2 + 1.0, 3.0 * f2 - 2.0 * f3);
        let (slope0, slope1) = ((f3 - 2.0 * f2 + f) * left, (f3 - f2) * right);
        Blend { knots: [before, knot, knot + 1, after], weights: [-slope0, value0 - slope1, value1 + slope0, slope1] }
    }

    /// `(BᵀB)⁻¹ Bᵀ` by Gauss and Jordan: B has full column rank, for the knots are fewer than the steps.
    fn least_squares(&self) -> Vec<f64> {
        let (knots, horizon) = (self.knots, self.horizon);
        let width = knots + horizon;
        let mut rows = vec![0.0; knots * width];
        for (h, blend) in self.blends.iter().enumerate() {
            for (a, weight) in blend.knots.iter().zip(blend.weights) {
                rows[a * width + knots + h] += weight;
                for (b, other) in blend.knots.iter().zip(blend.weights) {
                    rows[a * width + b] += weight * other;
                }
            }
        }
        for pivot in 0..knots {
            let scale = 1.0 / rows[pivot * width + pivot];
            rows[pivot * width..(pivot + 1) * width].iter_mut().for_each(|x| *x *= scale);
            for row in (0..knots).filter(|row| *row != pivot) {
                let factor = rows[row * width + pivot];
                for column in 0..width {
                    rows[row * width + column] -= factor * rows[pivot * width + column];
                }
            }
        }
        rows.chunks_exact(width).flat_map(|row| row[knots..].iter().copied()).collect()
    }

    /// Writes the actions of one sequence of knots.
    pub(crate) fn expand(&self, kind: &ActionKind, knots: &Sequence, out: &mut Sequence) {
        if self.is_identity() {
            return out.copy_from(knots);
        }
        for (h, blend) in self.blends.iter().enumerate() {
            if let ActionKind::Continuous { low, high, .. } = kind {
                let dims = low.len();
                for dim in 0..dims {
                    let sum: f64 = (0..4).map(|i| blend.weights[i] * knots.values[blend.knots[i] * dims + dim]).sum();
                    out.values[h * dims + dim] = sum.max(low[dim]).min(high[dim]);
                }
            } else {
                out.choices[h] = knots.choices[blend.knots[0]];
            }
        }
    }

    /// Writes the actions of every candidate; `out` takes on their number.
    pub(crate) fn expand_all(&self, kind: &ActionKind, knots: &Candidates, out: &mut Candidates) {
        out.begin(knots.count());
        for (h, blend) in self.blends.iter().enumerate() {
            let ActionKind::Continuous { low, high, .. } = kind else {
                out.choices_mut(h).copy_from_slice(knots.choices(blend.knots[0]));
                continue;
            };
            for dim in 0..low.len() {
                let column = out.column_mut(h, dim);
                let [a, b, c, d] = blend.knots.map(|knot| knots.column(knot, dim));
                let [wa, wb, wc, wd] = blend.weights;
                let (low, high) = (low[dim], high[dim]);
                match self.spline {
                    Spline::Zero => column.copy_from_slice(a),
                    Spline::Linear => pulp::Arch::new().dispatch(|| {
                        let each = column.iter_mut().zip(a).zip(b);
                        each.for_each(|((slot, a), b)| *slot = (wa * a + wb * b).max(low).min(high));
                    }),
                    Spline::Cubic => pulp::Arch::new().dispatch(|| {
                        let each = column.iter_mut().zip(a).zip(b).zip(c).zip(d);
                        each.for_each(|((((slot, a), b), c), d)| {
                            *slot = (wa * a + wb * b + wc * c + wd * d).max(low).min(high);
                        });
                    }),
                }
            }
        }
    }

    /// The inverse of [`expand_all`](Self::expand_all) for the candidates from `first` on, whose actions were written over: the knots
    /// nearest to them by least squares, or the choices at the knots' first steps.
    pub(crate) fn fit(&self, kind: &ActionKind, actions: &Candidates, first: usize, knots: &mut Candidates) {
        for k in 0..self.knots {
            let ActionKind::Continuous { low, high, .. } = kind else {
                let from = actions.choices(self.time(k) as usize);
                knots.choices_mut(k)[first..].copy_from_slice(&from[first..]);
                continue;
            };
            let inverse = &self.inverse[k * self.horizon..(k + 1) * self.horizon];
            for dim in 0..low.len() {
                let column = &mut knots.column_mut(k, dim)[first..];
                column.fill(0.0);
                for (h, weight) in inverse.iter().enumerate() {
                    let from = &actions.column(h, dim)[first..];
                    column.iter_mut().zip(from).for_each(|(slot, action)| *slot += weight * action);
                }
                column.iter_mut().for_each(|slot| *slot = slot.max(low[dim]).min(high[dim]));
            }
        }
    }

    /// Moves knots `[K][width]` on by `steps`: each takes the spline's value that many steps later. `scratch` is as long as `data`.
    pub(crate) fn shift(&self, data: &mut [f64], scratch: &mut [f64], steps: usize) {
        if self.is_identity() {
            return shift_rows(data, self.horizon, steps);
        }
        let width = data.len() / self.knots;
        let scratch = &mut scratch[..data.len()];
        scratch.copy_from_slice(data);
        for k in 0..self.knots {
            let blend = self.blend(self.time(k) + steps as f64);
            for i in 0..width {
                data[k * width + i] = (0..4).map(|j| blend.weights[j] * scratch[blend.knots[j] * width + i]).sum();
            }
        }
    }

    /// The same for choices, which are held.
    pub(crate) fn shift_choices(&self, data: &mut [u32], steps: usize) {
        if self.is_identity() {
            return shift_rows(data, self.horizon, steps);
        }
        // A knot takes from itself or a later one, never from one already written.
        for k in 0..data.len() {
            data[k] = data[self.blend(self.time(k) + steps as f64).knots[0]];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind() -> ActionKind {
        ActionKind::Continuous { low: vec![-100.0], high: vec![100.0], form: crate::actions::Flat::Real }
    }

    fn expand(basis: &Basis, values: &[f64], horizon: usize) -> Vec<f64> {
        let knots = Sequence { values: values.to_vec(), choices: Vec::new() };
        let mut out = Sequence::new(&kind(), horizon);
        basis.expand(&kind(), &knots, &mut out);
        out.values
    }

    #[test]
    fn splines_reproduce_what_they_must() {
        let horizon = 13;
        let held = expand(&Basis::new(&kind(), horizon, 3, Spline::Zero), &[1.0, 2.0, 3.0], horizon);
        assert_eq!(held, [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0]);
        // Knots 4 apart on a line are on the line in between; a cubic spline keeps a parabola between inner knots.
        for spline in [Spline::Linear, Spline::Cubic] {
            let line = expand(&Basis::new(&kind(), horizon, 4, spline), &[1.0, 9.0, 17.0, 25.0], horizon);
            assert!(line.iter().enumerate().all(|(h, u)| (u - (1.0 + 2.0 * h as f64)).abs() < 1e-12), "{line:?}");
        }
        let square = |h: usize| (h as f64 - 6.0).powi(2);
        let parabola = expand(&Basis::new(&kind(), horizon, 4, Spline::Cubic), &[0, 4, 8, 12].map(square), horizon);
        assert!((4..=8).all(|h| (parabola[h] - square(h)).abs() < 1e-12), "{parabola:?}");
    }

    #[test]
    fn all_candidates_expand_as_one_does_and_fitting_goes_back() {
        for (spline, horizon, knots) in [(Spline::Zero, 10, 3), (Spline::Linear, 11, 4), (Spline::Cubic, 17, 6)] {
            let basis = Basis::new(&kind(), horizon, knots, spline);
            let mut few = Candidates::new(&kind(), knots, 5);
            let mut all = Candidates::new(&kind(), horizon, 5);
            for k in 0..knots {
                few.column_mut(k, 0).iter_mut().enumerate().for_each(|(i, x)| *x = ((7 * i + 3 * k * k) % 11) as f64);
            }
            basis.expand_all(&kind(), &few, &mut all);
            let (mut one, mut got) = (Sequence::new(&kind(), knots), Sequence::new(&kind(), horizon));
            let mut back = Candidates::new(&kind(), knots, 5);
            basis.fit(&kind(), &all, 0, &mut back);
            for i in 0..5 {
                few.get(i, &mut one);
                all.get(i, &mut got);
                let want = expand(&basis, &one.values, horizon);
                assert!(got.values.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-12), "{spline:?}");
                for k in 0..knots {
                    assert!((back.column(k, 0)[i] - few.column(k, 0)[i]).abs() < 1e-9, "{spline:?} knot {k}");
                }
            }
        }
    }

    #[test]
    fn shifting_moves_the_plan_and_holds_its_end() {
        // A line stays a line, later by the shift, up to its end.
        let basis = Basis::new(&kind(), 13, 4, Spline::Linear);
        let (mut knots, mut scratch) = (vec![0.0, 4.0, 8.0, 12.0], vec![0.0; 4]);
        basis.shift(&mut knots, &mut scratch, 2);
        assert!(knots.iter().zip([2.0, 6.0, 10.0, 12.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{knots:?}");
        let held = Basis::new(
            &ActionKind::Discrete { choices: 9, form: crate::actions::Form::Single { start: 0 } },
            8,
            4,
            Spline::Cubic,
        );
        let mut choices = vec![1, 2, 3, 4];
        held.shift_choices(&mut choices, 2);
        assert_eq!(choices, [2, 3, 4, 4]);
    }

    #[test]
    fn a_knot_has_no_part_in_steps_before_its_first() {
        for (spline, knots) in [(Spline::Zero, 5), (Spline::Linear, 5), (Spline::Cubic, 6)] {
            let basis = Basis::new(&kind(), 23, knots, spline);
            for k in 0..knots {
                let mut values = vec![0.0; knots];
                values[k] = 1.0;
                let actions = expand(&basis, &values, 23);
                let first = actions.iter().position(|u| u.abs() > 1e-12).unwrap();
                assert_eq!(basis.first_step(k), first, "{spline:?} knot {k}");
            }
        }
    }
}
