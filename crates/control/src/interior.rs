//! Quadratic programmes over a whole trajectory with bounded controls, by an interior point whose Newton steps are Riccati sweeps.
//!
//! ```text
//! minimise Σ ½ dᵀHd + g·d   subject to   δx' = A δx + B δu + gap,   low ≤ u + δu ≤ high
//! ```
//!
//! Each bound with slack s > 0 and multiplier z > 0 adds `z/s` to the control's curvature and `±μ/s` to its slope, so that a Newton
//! step of the optimality conditions is one sweep over the horizon; step lengths keep 0.5 % of every slack and multiplier, and μ falls
//! to a tenth of the mean of s z each time (Rao, Wright and Rawlings, "Application of interior-point methods to model predictive
//! control", Journal of Optimization Theory and Applications 99, 1998).

use super::problem::{Curvature, Expand, Expansion};
use super::shape::Dynamic;
use super::sweeper::Sweeper;

const ROUNDS: usize = 40;
/// Share of the distance to a bound that a step may go.
const REACH: f64 = 0.995;
/// By how much μ falls a round.
const FALL: f64 = 0.1;
/// Share of a range that the start stays away from its bounds.
const INSIDE: f64 = 1e-2;
/// Mean complementarity below which the solution is found.
const CLOSED: f64 = 1e-11;

/// Room for programmes of one size, and the last solution.
pub struct Interior {
    sweeper: Sweeper<Dynamic>,
    expansion: Expansion<Dynamic>,
    /// `[H + 1][n]`: the solution's change of the states.
    pub dx: Vec<f64>,
    /// `[H][m]`: its change of the controls.
    pub du: Vec<f64>,
    next_x: Vec<f64>,
    next_u: Vec<f64>,
    /// `[H][m]`: multipliers of the bounds.
    low_force: Vec<f64>,
    high_force: Vec<f64>,
    /// `[H][m]`: what the barrier adds.
    slopes: Vec<f64>,
    bends: Vec<f64>,
}

impl Interior {
    /// Room for programmes of this shape and horizon.
    pub fn new(shape: Dynamic, horizon: usize) -> Self {
        let (x, u) = (vec![0.0; (horizon + 1) * shape.nx], vec![0.0; horizon * shape.nu]);
        Self {
            sweeper: Sweeper::new(shape, horizon),
            expansion: Expansion::new(shape),
            dx: x.clone(),
            du: u.clone(),
            next_x: x,
            next_u: u.clone(),
            low_force: u.clone(),
            high_force: u.clone(),
            slopes: u.clone(),
            bends: u,
        }
    }

    /// The feedback law of the last sweep, `[H][n columns][m]`.
    pub fn feedback(&self) -> &[f64] {
        &self.sweeper.gains().feedback
    }

    /// Solves the programme of `problem` around a trajectory with `gaps` `[H + 1][n]`, whose bounds are the problem's. False where it
    /// is not convex.
    pub fn solve<P: Expand<Shape = Dynamic, Memo = ()>>(
        &mut self,
        problem: &P,
        (states, controls, gaps): (&[f64], &[f64], &[f64]),
        regularization: f64,
    ) -> bool {
        let Some((low, high)) = problem.bounds() else { return false };
        let m = low.len();
        self.enter(controls, low, high);
        let scale = self.begin(problem, states, controls);
        for _ in 0..ROUNDS {
            let (mut mean, mut count) = (0.0, 0);
            self.each_bound(controls, low, high, |slack, force| {
                mean += slack * force;
                count += 1;
            });
            let mean = if count > 0 { mean / f64::from(count) } else { 0.0 };
            let target = FALL * mean;
            for i in 0..self.du.len() {
                let (above, below) = (controls[i] + self.du[i] - low[i % m], high[i % m] - controls[i] - self.du[i]);
                let (mut slope, mut bend) = (0.0, 0.0);
                if above.is_finite() {
                    slope -= target / above;
                    bend += self.low_force[i] / above;
                }
                if below.is_finite() {
                    slope += target / below;
                    bend += self.high_force[i] / below;
                }
                // Of the control's whole change, not of its change since the round before.
                self.slopes[i] = slope - bend * self.du[i];
                self.bends[i] = bend;
            }
            let barred = Barred { problem, slopes: &self.slopes, bends: &self.bends };
            if self.sweeper.sweep(&barred, states, controls, Some(gaps), regularization).is_none() {
                return false;
            }
            self.roll(problem, states, controls, gaps);
            let lengths = self.lengths(controls, (low, high), target);
            let moved = self.advance(controls, (low, high), target, lengths);
            if mean <= CLOSED * scale && lengths.0 > 0.9 || count == 0 {
                return true;
            }
            if !moved.is_finite() {
                return false;
            }
        }
        true
    }

    /// Starts inside the bounds, as near to no change as that allows.
    fn enter(&mut self, controls: &[f64], low: &[f64], high: &[f64]) {
        let m = low.len();
        self.dx.fill(0.0);
        for (i, change) in self.du.iter_mut().enumerate() {
            let (low, high) = (low[i % m], high[i % m]);
            // Equal bounds still leave the barrier a breath.
            let margin = if (high - low).is_finite() { INSIDE * (high - low) } else { INSIDE }.max(1e-9);
            let inside = controls[i].max(low + margin).min(high - margin);
            *change =
                if low + margin <= high - margin { inside - controls[i] } else { 0.5 * (low + high) - controls[i] };
        }
    }

    /// The first multipliers, from the size of the costs' slopes, which is given.
    fn begin<P: Expand<Shape = Dynamic, Memo = ()>>(&mut self, problem: &P, states: &[f64], controls: &[f64]) -> f64 {
        let (n, m) = (problem.shape().nx, problem.shape().nu);
        let mut scale = 1e-6_f64;
        for t in 0..problem.horizon() {
            problem.expand(t, &states[t * n..][..n], &controls[t * m..][..m], &(), &mut self.expansion);
            for j in 0..m {
                scale = scale.max(self.expansion.lu[j].abs()).max(self.expansion.luu[j * m + j].abs());
            }
        }
        self.low_force.fill(scale);
        self.high_force.fill(scale);
        scale
    }

    fn each_bound(&self, controls: &[f64], low: &[f64], high: &[f64], mut give: impl FnMut(f64, f64)) {
        let m = low.len();
        for i in 0..self.du.len() {
            let (above, below) = (controls[i] + self.du[i] - low[i % m], high[i % m] - controls[i] - self.du[i]);
            for (slack, force) in [(above, self.low_force[i]), (below, self.high_force[i])] {
                if slack.is_finite() {
                    give(slack, force);
                }
            }
        }
    }

    /// Follows the law of the last sweep through the linear dynamics.
    fn roll<P: Expand<Shape = Dynamic, Memo = ()>>(
        &mut self,
        problem: &P,
        states: &[f64],
        controls: &[f64],
        gaps: &[f64],
    ) {
        let (n, m) = (problem.shape().nx, problem.shape().nu);
        let gains = self.sweeper.gains();
        self.next_x[..n].copy_from_slice(&gaps[..n]);
        for t in 0..problem.horizon() {
            problem.expand(t, &states[t * n..][..n], &controls[t * m..][..m], &(), &mut self.expansion);
            let (before, after) = self.next_x.split_at_mut((t + 1) * n);
            let (x, next) = (&before[t * n..], &mut after[..n]);
            let u = &mut self.next_u[t * m..][..m];
            u.copy_from_slice(&gains.feedforward[t * m..][..m]);
            for (column, x) in gains.feedback[t * m * n..][..m * n].chunks_exact(m).zip(x) {
                u.iter_mut().zip(column).for_each(|(u, gain)| *u += gain * x);
            }
            next.copy_from_slice(&gaps[(t + 1) * n..][..n]);
            let (by_state, by_control) = (self.expansion.fx.chunks_exact(n), self.expansion.fu.chunks_exact(n));
            for (column, number) in by_state.zip(x.iter()).chain(by_control.zip(u.iter())) {
                next.iter_mut().zip(column).for_each(|(next, slope)| *next += slope * number);
            }
        }
    }

    /// How far controls and multipliers may go.
    fn lengths(&self, controls: &[f64], (low, high): (&[f64], &[f64]), target: f64) -> (f64, f64) {
        let m = low.len();
        let (mut primal, mut dual) = (1.0_f64, 1.0_f64);
        for i in 0..self.du.len() {
            let move_by = self.next_u[i] - self.du[i];
            let (above, below) = (controls[i] + self.du[i] - low[i % m], high[i % m] - controls[i] - self.du[i]);
            for (slack, change, force) in [(above, move_by, self.low_force[i]), (below, -move_by, self.high_force[i])] {
                if !slack.is_finite() {
                    continue;
                }
                if change < 0.0 {
                    primal = primal.min(-REACH * slack / change);
                }
                let force_change = (target - force * change) / slack - force;
                if force_change < 0.0 {
                    dual = dual.min(-REACH * force / force_change);
                }
            }
        }
        (primal, dual)
    }

    /// Goes that far; gives the largest change of a control.
    fn advance(
        &mut self,
        controls: &[f64],
        (low, high): (&[f64], &[f64]),
        target: f64,
        (primal, dual): (f64, f64),
    ) -> f64 {
        let m = low.len();
        let mut largest = 0.0_f64;
        for i in 0..self.du.len() {
            let move_by = self.next_u[i] - self.du[i];
            let (above, below) = (controls[i] + self.du[i] - low[i % m], high[i % m] - controls[i] - self.du[i]);
            for (slack, change, force) in
                [(above, move_by, &mut self.low_force[i]), (below, -move_by, &mut self.high_force[i])]
            {
                if slack.is_finite() {
                    *force += dual * ((target - *force * change) / slack - *force);
                }
            }
            self.du[i] += primal * move_by;
            // `max` would swallow NaN.
            largest = if move_by.is_nan() { f64::NAN } else { largest.max(move_by.abs()) };
        }
        for (slot, next) in self.dx.iter_mut().zip(&self.next_x) {
            *slot += primal * (next - *slot);
        }
        largest
    }
}

/// The programme with its barrier, and without its bounds.
struct Barred<'a, P> {
    problem: &'a P,
    slopes: &'a [f64],
    bends: &'a [f64],
}

impl<P: Expand<Shape = Dynamic, Memo = ()>> Expand for Barred<'_, P> {
    type Shape = Dynamic;
    type Memo = ();
    const CURVATURE: bool = P::CURVATURE;

    fn shape(&self) -> Dynamic {
        self.problem.shape()
    }

    fn horizon(&self) -> usize {
        self.problem.horizon()
    }

    fn expand(&self, t: usize, x: &[f64], u: &[f64], memo: &(), out: &mut Expansion<Dynamic>) {
        self.problem.expand(t, x, u, memo, out);
        let m = u.len();
        for j in 0..m {
            out.lu[j] += self.slopes[t * m + j];
            out.luu[j * m + j] += self.bends[t * m + j];
        }
    }

    fn expand_terminal(&self, x: &[f64], gradient: &mut [f64], hessian: &mut [f64]) {
        self.problem.expand_terminal(x, gradient, hessian);
    }

    fn curvature(&self, t: usize, x: &[f64], u: &[f64], memo: &(), costate: &[f64], out: &mut Curvature<Dynamic>) {
        self.problem.curvature(t, x, u, memo, costate, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem as _;
    use crate::{LinearQuadratic, Options, Solver};

    /// A linear-quadratic problem whose controls are bounded.
    struct Bounded(LinearQuadratic, [f64; 2], [f64; 2]);

    impl Expand for Bounded {
        type Shape = Dynamic;
        type Memo = ();
        fn shape(&self) -> Dynamic {
            self.0.shape()
        }
        fn horizon(&self) -> usize {
            self.0.horizon
        }
        fn bounds(&self) -> Option<(&[f64], &[f64])> {
            Some((&self.1, &self.2))
        }
        fn expand(&self, t: usize, x: &[f64], u: &[f64], memo: &(), out: &mut Expansion<Dynamic>) {
            self.0.constants(out);
            self.0.expand(t, x, u, memo, out);
        }
        fn expand_terminal(&self, x: &[f64], gradient: &mut [f64], hessian: &mut [f64]) {
            self.0.expand_terminal(x, gradient, hessian);
        }
    }

    impl crate::Problem for Bounded {
        fn step(&self, t: usize, x: &[f64], u: &[f64], next: &mut [f64], memo: &mut ()) -> f64 {
            self.0.step(t, x, u, next, memo)
        }
        fn terminal(&self, x: &[f64]) -> f64 {
            self.0.terminal(x)
        }
    }

    fn problem(bound: f64) -> Bounded {
        let mut inner = LinearQuadratic::zeros(2, 2, 30);
        inner.a.copy_from_slice(&[1.0, 0.0, 0.1, 1.05]);
        inner.b.copy_from_slice(&[0.005, 0.1, 0.02, 0.0]);
        inner.q.copy_from_slice(&[1.0, 0.0, 0.0, 1.0]);
        inner.q_final.copy_from_slice(&[3.0, 0.0, 0.0, 3.0]);
        inner.r.copy_from_slice(&[0.1, 0.02, 0.02, 0.1]);
        Bounded(inner, [-bound, -f64::INFINITY], [0.5 * bound, 2.0 * bound])
    }

    #[test]
    fn it_agrees_with_box_constrained_ddp_and_closes_gaps_at_once() {
        let start = [1.5, -1.0];
        for bound in [0.3, 1.0, 100.0] {
            let problem = problem(bound);
            let mut solver = Solver::new(&problem, Options { iterations: 300, tolerance: 1e-15, ..Options::default() });
            let want = solver.solve(&problem, &start);
            let mut interior = Interior::new(problem.shape(), 30);
            // The trajectory stands at zero; the only gap is that of the start.
            let mut gaps = vec![0.0; 62];
            gaps[..2].copy_from_slice(&start);
            assert!(interior.solve(&problem, (&[0.0; 62], &[0.0; 60], &gaps), 0.0));
            let (mut x, mut next, mut cost) = (start, [0.0; 2], 0.0);
            for u in interior.du.chunks_exact(2) {
                assert!(u[0] >= -bound && u[0] <= 0.5 * bound && u[1] <= 2.0 * bound);
                cost += problem.step(0, &x, u, &mut next, &mut ());
                x = next;
            }
            cost += problem.terminal(&x);
            assert!((cost - want.cost).abs() < 1e-8 * want.cost, "{cost} instead of {want:?}");
            let ends = interior.dx[60..].iter().zip(&x).all(|(dx, x)| (dx - x).abs() < 1e-9);
            assert!(ends, "{:?} {x:?}", &interior.dx[60..]);
        }
    }
}
