//! Constraints on states and controls by an augmented Lagrangian around any problem.
//!
//! For constraints c(x, u) with multipliers λ and penalty ρ the cost gains `λ·c + ρ/2 |c|²` where c must vanish and
//! `(max(0, λ + ρ c)² − λ²) / 2ρ` where it must not be positive. The outer loop solves, sets `λ ← λ + ρ c` (not below zero for
//! inequalities), lets ρ grow where the violation has not fallen enough, and ends when the largest violation is within tolerance
//! (Howell, Jackson and Manchester, "ALTRO: A Fast Solver for Constrained Trajectory Optimization", IROS 2019, section III; its
//! projection step is not needed, since the multipliers converge to the optimum by themselves). Bounds on controls alone are better
//! left to [`Expand::bounds`], which keeps them exactly.

use std::time::Instant;

use super::options::{Options, Outcome, Status};
use super::problem::{Curvature, Expand, Expansion, Problem};
use super::shape::Shape;
use super::solver::Solver;

/// A problem with constraints. Step N is the end, where there is no control.
pub trait Constrained: Problem {
    /// How many constraints step `t` has, of which the first [`equalities`](Self::equalities) must vanish and the others must not be
    /// positive.
    fn constraints(&self, t: usize) -> usize;

    /// How many of them must vanish.
    fn equalities(&self, t: usize) -> usize;

    /// Writes their values; `u` is empty at the end.
    fn constrain(&self, t: usize, x: &[f64], u: &[f64], out: &mut [f64]);

    /// Writes the gradients of each, one after the other: `by_state` `[constraints][n]`, `by_control` `[constraints][m]`, both zero
    /// before the call.
    fn constrain_gradients(&self, t: usize, x: &[f64], u: &[f64], by_state: &mut [f64], by_control: &mut [f64]);
}

/// How the multipliers and penalties move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConstraintOptions {
    /// Largest violation allowed at the end.
    pub tolerance: f64,
    /// Outer iterations at most.
    pub rounds: usize,
    /// ρ to start with.
    pub penalty: f64,
    /// Factor by which ρ grows.
    pub growth: f64,
    /// Largest ρ.
    pub penalty_max: f64,
    /// The inner tolerance while multipliers still move.
    pub loose_tolerance: f64,
}

impl Default for ConstraintOptions {
    fn default() -> Self {
        Self { tolerance: 1e-6, rounds: 30, penalty: 1.0, growth: 10.0, penalty_max: 1e8, loose_tolerance: 1e-4 }
    }
}

/// What a constrained solution came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConstrainedOutcome {
    /// Why it ended: `Converged` only with every constraint within its tolerance.
    pub status: Status,
    /// Accepted steps over all rounds.
    pub iterations: usize,
    /// Outer iterations.
    pub rounds: usize,
    /// The problem's own cost, without multipliers and penalties.
    pub cost: f64,
    /// Largest violation.
    pub violation: f64,
}

/// The problem with its augmented Lagrangian.
struct Augmented<P: Constrained> {
    inner: P,
    penalty: f64,
    /// Where each step's multipliers begin, `[N + 2]`.
    starts: Vec<usize>,
    multipliers: Vec<f64>,
    room: std::cell::RefCell<Room>,
}

/// Room for the constraints of one step.
struct Room {
    values: Vec<f64>,
    by_state: Vec<f64>,
    by_control: Vec<f64>,
}

impl<P: Constrained> Augmented<P> {
    /// The force `max(0, λ + ρ c)` of constraint `i` of `equalities` and the rest.
    #[inline(always)]
    fn force(&self, multiplier: f64, value: f64, equality: bool) -> f64 {
        let force = multiplier + self.penalty * value;
        // Written so that NaN passes.
        if !equality && force <= 0.0 { 0.0 } else { force }
    }

    #[inline(always)]
    fn extra_cost(&self, t: usize, x: &[f64], u: &[f64]) -> f64 {
        let multipliers = &self.multipliers[self.starts[t]..self.starts[t + 1]];
        if multipliers.is_empty() {
            return 0.0;
        }
        let equalities = self.inner.equalities(t);
        let mut room = self.room.borrow_mut();
        let values = &mut room.values[..multipliers.len()];
        self.inner.constrain(t, x, u, values);
        let mut cost = 0.0;
        for (i, (multiplier, value)) in multipliers.iter().zip(values).enumerate() {
            let force = self.force(*multiplier, *value, i < equalities);
            cost += (force * force - multiplier * multiplier) / (2.0 * self.penalty);
        }
        cost
    }

    /// Adds the gradients and Gauss–Newton Hessians of step `t`'s constraints.
    #[inline(always)]
    fn add_expansion(&self, t: usize, x: &[f64], u: &[f64], [lx, lu, lxx, lxu, luu]: [&mut [f64]; 5]) {
        let multipliers = &self.multipliers[self.starts[t]..self.starts[t + 1]];
        let count = multipliers.len();
        if count == 0 {
            return;
        }
        let (n, m) = (x.len(), u.len());
        let equalities = self.inner.equalities(t);
        let mut room = self.room.borrow_mut();
        let Room { values, by_state, by_control } = &mut *room;
        let (values, by_state, by_control) =
            (&mut values[..count], &mut by_state[..count * n], &mut by_control[..count * m]);
        by_state.fill(0.0);
        by_control.fill(0.0);
        self.inner.constrain(t, x, u, values);
        self.inner.constrain_gradients(t, x, u, by_state, by_control);
        for (i, (multiplier, value)) in multipliers.iter().zip(values).enumerate() {
            let force = self.force(*multiplier, *value, i < equalities);
            if force == 0.0 && i >= equalities {
                continue;
            }
            let (cx, cu) = (&by_state[i * n..][..n], &by_control[i * m..][..m]);
            for j in 0..n {
                lx[j] += force * cx[j];
                for k in 0..n {
                    lxx[j * n + k] += self.penalty * cx[j] * cx[k];
                }
            }
            for j in 0..m {
                lu[j] += force * cu[j];
                for k in 0..n {
                    lxu[j * n + k] += self.penalty * cu[j] * cx[k];
                }
                for k in 0..m {
                    luu[j * m + k] += self.penalty * cu[j] * cu[k];
                }
            }
        }
    }

    /// The largest violation along a trajectory.
    fn violation(&self, states: &[f64], controls: &[f64]) -> f64 {
        let mut largest = 0.0_f64;
        self.each(states, controls, |_, value, equality| {
            let violation = if equality { value.abs() } else { value.max(0.0) };
            // `max` would swallow NaN.
            largest = if violation.is_nan() || violation > largest { violation } else { largest };
        });
        largest
    }

    /// Moves the multipliers along.
    fn update_multipliers(&mut self, states: &[f64], controls: &[f64]) {
        let mut multipliers = std::mem::take(&mut self.multipliers);
        self.each(states, controls, |at, value, equality| {
            multipliers[at] = self.force(multipliers[at], value, equality);
        });
        self.multipliers = multipliers;
    }

    /// Gives the place, value and kind of every constraint.
    fn each(&self, states: &[f64], controls: &[f64], mut give: impl FnMut(usize, f64, bool)) {
        let shape = self.inner.shape();
        let (n, m, horizon) = (shape.nx(), shape.nu(), self.inner.horizon());
        let mut room = self.room.borrow_mut();
        for t in 0..=horizon {
            let count = self.starts[t + 1] - self.starts[t];
            if count == 0 {
                continue;
            }
            let equalities = self.inner.equalities(t);
            let u = if t < horizon { &controls[t * m..][..m] } else { &[] };
            self.inner.constrain(t, &states[t * n..][..n], u, &mut room.values[..count]);
            for (i, value) in room.values[..count].iter().enumerate() {
                give(self.starts[t] + i, *value, i < equalities);
            }
        }
    }
}

impl<P: Constrained> Expand for Augmented<P> {
    type Shape = P::Shape;
    type Memo = P::Memo;
    const CURVATURE: bool = P::CURVATURE;

    #[inline(always)]
    fn shape(&self) -> P::Shape {
        self.inner.shape()
    }

    #[inline(always)]
    fn horizon(&self) -> usize {
        self.inner.horizon()
    }

    #[inline(always)]
    fn bounds(&self) -> Option<(&[f64], &[f64])> {
        self.inner.bounds()
    }

    #[inline(always)]
    fn constants(&self, out: &mut Expansion<P::Shape>) {
        self.inner.constants(out);
    }

    #[inline(always)]
    fn expand(&self, t: usize, x: &[f64], u: &[f64], memo: &P::Memo, out: &mut Expansion<P::Shape>) {
        // What the step before added must not stay.
        if self.starts[t + 1..].first().zip(self.starts.get(t + 2)).is_some_and(|(start, end)| end > start) {
            self.inner.constants(out);
        }
        self.inner.expand(t, x, u, memo, out);
        let into: [&mut [f64]; 5] = [&mut out.lx, &mut out.lu, &mut out.lxx, &mut out.lxu, &mut out.luu];
        self.add_expansion(t, x, u, into);
    }

    #[inline(always)]
    fn expand_terminal(&self, x: &[f64], gradient: &mut [f64], hessian: &mut [f64]) {
        self.inner.expand_terminal(x, gradient, hessian);
        let into: [&mut [f64]; 5] = [gradient, &mut [], hessian, &mut [], &mut []];
        self.add_expansion(self.inner.horizon(), x, &[], into);
    }

    #[inline(always)]
    fn curvature(
        &self,
        t: usize,
        x: &[f64],
        u: &[f64],
        memo: &P::Memo,
        costate: &[f64],
        out: &mut Curvature<P::Shape>,
    ) {
        self.inner.curvature(t, x, u, memo, costate, out);
    }
}

impl<P: Constrained> Problem for Augmented<P> {
    #[inline(always)]
    fn step(&self, t: usize, x: &[f64], u: &[f64], next: &mut [f64], memo: &mut P::Memo) -> f64 {
        self.inner.step(t, x, u, next, memo) + self.extra_cost(t, x, u)
    }

    #[inline(always)]
    fn terminal(&self, x: &[f64]) -> f64 {
        self.inner.terminal(x) + self.extra_cost(self.inner.horizon(), x, &[])
    }
}

/// The solver of constrained problems of one type and size.
pub struct ConstrainedSolver<P: Constrained> {
    problem: Augmented<P>,
    solver: Solver<Augmented<P>>,
    options: Options,
    constraint_options: ConstraintOptions,
}

impl<P: Constrained> ConstrainedSolver<P> {
    /// Room for `problem`; the plan and the multipliers are zero.
    pub fn new(problem: P, options: Options, constraint_options: ConstraintOptions) -> Self {
        let shape = problem.shape();
        let mut starts = vec![0];
        let mut most = 0;
        for t in 0..=problem.horizon() {
            let count = problem.constraints(t);
            most = most.max(count);
            starts.push(starts[t] + count);
        }
        let room = Room {
            values: vec![0.0; most],
            by_state: vec![0.0; most * shape.nx()],
            by_control: vec![0.0; most * shape.nu()],
        };
        let multipliers = vec![0.0; starts[starts.len() - 1]];
        let penalty = constraint_options.penalty;
        let problem = Augmented { inner: problem, penalty, starts, multipliers, room: room.into() };
        Self { solver: Solver::new(&problem, options), problem, options, constraint_options }
    }

    /// The states of the plan, `[N + 1][n]`.
    pub fn states(&self) -> &[f64] {
        self.solver.states()
    }

    /// The controls of the plan, `[N][m]`.
    pub fn controls(&self) -> &[f64] {
        self.solver.controls()
    }

    /// The controls to start from.
    pub fn controls_mut(&mut self) -> &mut [f64] {
        self.solver.controls_mut()
    }

    /// The multipliers, step after step.
    pub fn multipliers(&self) -> &[f64] {
        &self.problem.multipliers
    }

    /// Forgets the multipliers and penalties.
    pub fn reset(&mut self) {
        self.problem.multipliers.fill(0.0);
        self.problem.penalty = self.constraint_options.penalty;
    }

    /// Solves from `start`, beginning with a rollout of the present controls and the present multipliers.
    pub fn solve(&mut self, start: &[f64]) -> ConstrainedOutcome {
        let begun = Instant::now();
        let ConstraintOptions { tolerance, rounds, growth, penalty_max, loose_tolerance, .. } = self.constraint_options;
        let mut iterations = 0;
        let mut status = Status::IterationsSpent;
        let mut violation = f64::INFINITY;
        let mut round = 0;
        while round < rounds && iterations < self.options.iterations {
            let close = violation <= tolerance.sqrt();
            *self.solver.options_mut() = Options {
                iterations: self.options.iterations - iterations,
                time: self.options.time.map(|time| time.saturating_sub(begun.elapsed())),
                tolerance: if close { self.options.tolerance } else { loose_tolerance },
                ..self.options
            };
            let Outcome { status: inner, iterations: taken, .. } = self.solver.solve(&self.problem, start);
            iterations += taken;
            round += 1;
            let before = violation;
            violation = self.problem.violation(self.solver.states(), self.solver.controls());
            if inner == Status::Diverged || inner == Status::TimeSpent {
                status = inner;
                break;
            }
            if violation <= tolerance && close {
                status = if inner == Status::Stuck { inner } else { Status::Converged };
                break;
            }
            self.problem.update_multipliers(self.solver.states(), self.solver.controls());
            if violation > 0.1 * before {
                self.problem.penalty = (self.problem.penalty * growth).min(penalty_max);
            }
        }
        let cost = self.cost();
        ConstrainedOutcome { status, iterations, rounds: round, cost, violation }
    }

    /// The problem's own cost of the plan.
    fn cost(&mut self) -> f64 {
        let shape = self.problem.shape();
        let (n, m, horizon) = (shape.nx(), shape.nu(), self.problem.horizon());
        let (states, controls) = (self.solver.states(), self.solver.controls());
        let (mut next, mut memo, mut cost) = (shape.x(), P::Memo::default(), 0.0);
        for t in 0..horizon {
            cost += self.problem.inner.step(t, &states[t * n..][..n], &controls[t * m..][..m], &mut next, &mut memo);
        }
        cost + self.problem.inner.terminal(&states[horizon * n..])
    }
}
