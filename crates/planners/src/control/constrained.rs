//! Constraints on states and controls by an augmented Lagrangian around [`Ddp`].
//!
//! `L = l + λᵀc + ½ cᵀ I_μ c`, where `I_μ` leaves out inequalities that hold with a multiplier of zero; after each inner solution
//! `λ ← λ + μ c` (not below zero for `c ≤ 0`) and `μ ← φ μ`. Howell, Jackson and Manchester, "ALTRO", IROS 2019, section III. Bounds on
//! controls are not constraints here: the inner solver keeps them exactly.

use std::cell::RefCell;

use super::ddp::{Ddp, DdpOptions, DdpReport, DdpStatus};
use super::matrix::Matrix;
use super::problem::{Curvature, Expansion, Problem};

/// Constraints of a problem: `c = 0` and `c ≤ 0`.
pub trait Constraints<const N: usize, const M: usize> {
    /// How many constraints stage `t` has; the last state's, which has no control, are those of `t = stages`.
    fn count(&self, t: usize) -> usize;

    /// Whether constraint `i` of stage `t` is an equality.
    fn is_equality(&self, t: usize, i: usize) -> bool;

    /// Writes the constraints' values and their Jacobians, row `i` for constraint `i`.
    fn evaluate(&self, t: usize, x: &[f64; N], u: &[f64; M], c: &mut [f64], cx: &mut [[f64; N]], cu: &mut [[f64; M]]);
}

/// Settings of the outer loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConstrainedOptions {
    /// Of the inner solutions.
    pub inner: DdpOptions,
    /// Greatest violation that will do.
    pub violation: f64,
    /// Updates of the multipliers at most.
    pub updates: usize,
    /// Penalty to begin with, and its factor.
    pub penalty: f64,
    /// What the penalty is multiplied by after each update.
    pub growth: f64,
    /// Greatest penalty.
    pub most_penalty: f64,
}

impl Default for ConstrainedOptions {
    fn default() -> Self {
        Self {
            inner: DdpOptions { tolerance: 1e-5, ..DdpOptions::default() },
            violation: 1e-6,
            updates: 30,
            penalty: 1.0,
            growth: 10.0,
            most_penalty: 1e8,
        }
    }
}

/// What solving with constraints did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConstrainedReport {
    /// Of the last inner solution, with the iterations of all; the cost is the problem's own, without penalties. `Converged` only
    /// when the violation is small enough.
    pub inner: DdpReport,
    /// Greatest violation.
    pub violation: f64,
    /// Updates of the multipliers.
    pub updates: usize,
}

/// A problem with constraints, their multipliers and the scratch space to evaluate them.
#[derive(Debug)]
pub struct Constrained<'a, P, C, const N: usize, const M: usize> {
    problem: &'a P,
    constraints: &'a C,
    /// Where the constraints of each stage begin, `[stages + 2]`.
    first: Vec<usize>,
    multipliers: Vec<f64>,
    penalty: f64,
    scratch: RefCell<Scratch<N, M>>,
}

#[derive(Debug)]
struct Scratch<const N: usize, const M: usize> {
    c: Vec<f64>,
    cx: Vec<[f64; N]>,
    cu: Vec<[f64; M]>,
}

impl<'a, P: Problem<N, M>, C: Constraints<N, M>, const N: usize, const M: usize> Constrained<'a, P, C, N, M> {
    /// The problem with its constraints, all multipliers zero.
    pub fn new(problem: &'a P, constraints: &'a C) -> Self {
        let mut first = vec![0];
        for t in 0..=problem.stages() {
            first.push(first[t] + constraints.count(t));
        }
        let most = (0..=problem.stages()).map(|t| constraints.count(t)).max().unwrap_or(0);
        let multipliers = vec![0.0; first[problem.stages() + 1]];
        let scratch = Scratch { c: vec![0.0; most], cx: vec![[0.0; N]; most], cu: vec![[0.0; M]; most] };
        Self { problem, constraints, first, multipliers, penalty: 1.0, scratch: RefCell::new(scratch) }
    }

    /// Solves from the trajectory that `solver` holds, which must have begun at `start`.
    pub fn solve(
        &mut self,
        solver: &mut Ddp<N, M>,
        start: &[f64; N],
        options: ConstrainedOptions,
    ) -> ConstrainedReport {
        self.multipliers.fill(0.0);
        self.penalty = options.penalty;
        let mut iterations = 0;
        for update in 0..=options.updates {
            solver.begin(self, start);
            let inner = solver.solve(self, options.inner);
            iterations += inner.iterations;
            let violation = self.update(solver);
            let converged = violation <= options.violation && inner.status == DdpStatus::Converged;
            if converged || update == options.updates || inner.status == DdpStatus::Diverged {
                let status = match inner.status {
                    DdpStatus::Converged if !converged => DdpStatus::IterationsSpent,
                    status => status,
                };
                solver.begin(self.problem, start);
                let inner = DdpReport { status, iterations, cost: solver.cost(), ..inner };
                return ConstrainedReport { inner, violation, updates: update };
            }
            self.penalty = (self.penalty * options.growth).min(options.most_penalty);
        }
        unreachable!("the last update returns")
    }

    /// Moves the multipliers, and returns the greatest violation.
    fn update(&mut self, solver: &Ddp<N, M>) -> f64 {
        let mut worst = 0.0_f64;
        let scratch = self.scratch.get_mut();
        for (t, x) in solver.states.iter().enumerate() {
            let u = solver.controls.get(t).copied().unwrap_or([0.0; M]);
            let count = self.first[t + 1] - self.first[t];
            if count == 0 {
                continue;
            }
            let Scratch { c, cx, cu } = scratch;
            self.constraints.evaluate(t, x, &u, &mut c[..count], &mut cx[..count], &mut cu[..count]);
            for (i, c) in c[..count].iter().enumerate() {
                let multiplier = &mut self.multipliers[self.first[t] + i];
                if self.constraints.is_equality(t, i) {
                    worst = worst.max(c.abs());
                    *multiplier += self.penalty * c;
                } else {
                    worst = worst.max(*c);
                    *multiplier = (*multiplier + self.penalty * c).max(0.0);
                }
            }
        }
        worst
    }

    /// Calls `each` with multiplier term, active penalty and Jacobians of the constraints of a stage, and returns what they cost.
    #[inline(always)]
    fn visit(&self, t: usize, x: &[f64; N], u: &[f64; M], mut each: impl FnMut(f64, f64, &[f64; N], &[f64; M])) -> f64 {
        let count = self.first[t + 1] - self.first[t];
        if count == 0 {
            return 0.0;
        }
        let Scratch { c, cx, cu } = &mut *self.scratch.borrow_mut();
        self.constraints.evaluate(t, x, u, &mut c[..count], &mut cx[..count], &mut cu[..count]);
        let mut cost = 0.0;
        for i in 0..count {
            let multiplier = self.multipliers[self.first[t] + i];
            let active = self.constraints.is_equality(t, i) || c[i] >= 0.0 || multiplier > 0.0;
            let penalty = if active { self.penalty } else { 0.0 };
            cost += (multiplier + 0.5 * penalty * c[i]) * c[i];
            each(multiplier + penalty * c[i], penalty, &cx[i], &cu[i]);
        }
        cost
    }
}

/// `to += weight · a bᵀ`.
#[inline(always)]
fn add_outer<const R: usize, const C: usize>(weight: f64, a: &[f64; R], b: &[f64; C], to: &mut Matrix<R, C>) {
    for (row, x) in to.iter_mut().zip(a) {
        for (entry, y) in row.iter_mut().zip(b) {
            *entry += weight * x * y;
        }
    }
}

impl<P: Problem<N, M>, C: Constraints<N, M>, const N: usize, const M: usize> Problem<N, M>
    for Constrained<'_, P, C, N, M>
{
    fn stages(&self) -> usize {
        self.problem.stages()
    }

    #[inline(always)]
    fn step(&self, t: usize, x: &[f64; N], u: &[f64; M], next: &mut [f64; N]) -> f64 {
        self.problem.step(t, x, u, next) + self.visit(t, x, u, |_, _, _, _| ())
    }

    fn terminal(&self, x: &[f64; N]) -> f64 {
        self.problem.terminal(x) + self.visit(self.stages(), x, &[0.0; M], |_, _, _, _| ())
    }

    #[inline(always)]
    fn expand(&self, t: usize, x: &[f64; N], u: &[f64; M], out: &mut Expansion<N, M>) {
        if self.first[t + 1] > self.first[t] {
            // What is added at one visit must not be there at the next.
            *out = Expansion::default();
        }
        self.problem.expand(t, x, u, out);
        self.visit(t, x, u, |force, penalty, cx, cu| {
            (0..N).for_each(|i| out.lx[i] += force * cx[i]);
            (0..M).for_each(|i| out.lu[i] += force * cu[i]);
            add_outer(penalty, cx, cx, &mut out.lxx);
            add_outer(penalty, cu, cx, &mut out.lux);
            add_outer(penalty, cu, cu, &mut out.luu);
        });
    }

    fn expand_terminal(&self, x: &[f64; N], lx: &mut [f64; N], lxx: &mut Matrix<N, N>) {
        (*lx, *lxx) = ([0.0; N], [[0.0; N]; N]);
        self.problem.expand_terminal(x, lx, lxx);
        self.visit(self.stages(), x, &[0.0; M], |force, penalty, cx, _| {
            (0..N).for_each(|i| lx[i] += force * cx[i]);
            add_outer(penalty, cx, cx, lxx);
        });
    }

    fn bounds(&self) -> Option<([f64; M], [f64; M])> {
        self.problem.bounds()
    }

    fn add_curvature(&self, t: usize, x: &[f64; N], u: &[f64; M], p: &[f64; N], out: &mut Curvature<'_, N, M>) {
        self.problem.add_curvature(t, x, u, p, out);
    }
}

/// The last state must be this one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal<const N: usize> {
    /// The state.
    pub state: [f64; N],
    /// The problem's stages.
    pub stages: usize,
}

impl<const N: usize, const M: usize> Constraints<N, M> for Goal<N> {
    fn count(&self, t: usize) -> usize {
        if t == self.stages { N } else { 0 }
    }

    fn is_equality(&self, _t: usize, _i: usize) -> bool {
        true
    }

    fn evaluate(
        &self,
        _t: usize,
        x: &[f64; N],
        _u: &[f64; M],
        c: &mut [f64],
        cx: &mut [[f64; N]],
        cu: &mut [[f64; M]],
    ) {
        for i in 0..N {
            c[i] = x[i] - self.state[i];
            cx[i] = std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 });
            cu[i] = [0.0; M];
        }
    }
}
