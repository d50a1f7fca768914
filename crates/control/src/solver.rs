//! iLQR, DDP and feasibility-driven DDP: one solver for one problem, everything allocated when it is made.
//!
//! Each iteration sweeps backward for gains, then forward with step lengths 1, ½, ¼, … until the cost falls by a share of what was
//! promised. A start whose states are no rollout of its controls keeps its gaps and closes the share α of them with a step of
//! length α; the promise then counts them, and the cost may rise while they close (Mastalli et al., "Crocoddyl: an efficient and
//! versatile framework for multi-contact optimal control", ICRA 2020, sections II-B and II-C). Where `Q_uu` is not positive
//! definite or only tiny steps are accepted, μ grows tenfold, and it falls again after long steps.

use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};

use super::backward::{Around, Gains, Promise, Workspace, backward};
use super::dense::{add_product, dot, fused, multiply_add};
use super::options::{Options, Outcome, Status};
use super::problem::Problem;
use super::shape::Shape;

const GROWTH: f64 = 10.0;
/// The first μ above zero, and the least before it falls back to zero.
const REGULARIZATION_LEAST: f64 = 1e-9;
/// A step longer than this lets μ fall …
const LONG_STEP: f64 = 0.5;
/// … and one that is not longer than this makes it grow.
const SHORT_STEP: f64 = 0.01;
/// A slope below which any step is accepted: rounding decides the cost's sign there.
const FLAT: f64 = 1e-12;

/// A trajectory and what its steps remembered.
#[derive(Clone)]
struct Path<M> {
    /// `[N + 1][n]`
    states: Vec<f64>,
    /// `[N][m]`
    controls: Vec<f64>,
    memos: Vec<M>,
}

/// The solver of problems of one type and size.
pub struct Solver<P: Problem> {
    options: Options,
    shape: P::Shape,
    horizon: usize,
    path: Path<P::Memo>,
    trial: Path<P::Memo>,
    /// `[N + 1][n]`
    gaps: Vec<f64>,
    gains: Gains,
    workspace: Workspace<P::Shape>,
    room: Room<P::Shape>,
    cost: f64,
    feasible: bool,
}

/// Room for one step of a rollout.
#[derive(Clone, Default)]
struct Room<S: Shape> {
    x: S::X,
    next: S::X,
    dx: S::X,
    u: S::U,
}

impl<P: Problem> Solver<P> {
    /// Room for problems of the sizes of `problem`; the plan is all zeros.
    pub fn new(problem: &P, options: Options) -> Self {
        let (shape, horizon) = (problem.shape(), problem.horizon());
        let (n, m) = (shape.nx(), shape.nu());
        let path = Path {
            states: vec![0.0; (horizon + 1) * n],
            controls: vec![0.0; horizon * m],
            memos: vec![P::Memo::default(); horizon],
        };
        Self {
            options,
            shape,
            horizon,
            trial: path.clone(),
            path,
            gaps: vec![0.0; (horizon + 1) * n],
            gains: Gains::new(shape, horizon),
            workspace: Workspace::new(shape),
            room: Room { x: shape.x(), next: shape.x(), dx: shape.x(), u: shape.u() },
            cost: f64::INFINITY,
            feasible: false,
        }
    }

    /// How it runs.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// The states of the plan, `[N + 1][n]`.
    pub fn states(&self) -> &[f64] {
        &self.path.states
    }

    /// The controls of the plan, `[N][m]`.
    pub fn controls(&self) -> &[f64] {
        &self.path.controls
    }

    /// The feedback laws of the last backward pass.
    pub fn gains(&self) -> &Gains {
        &self.gains
    }

    /// The controls to start from, `[N][m]`.
    pub fn controls_mut(&mut self) -> &mut [f64] {
        &mut self.path.controls
    }

    /// The states to start from, `[N + 1][n]`, for [`solve_from_states`](Self::solve_from_states).
    pub fn states_mut(&mut self) -> &mut [f64] {
        &mut self.path.states
    }

    /// Moves the plan `steps` earlier, the last step repeated: the warm start of the next decision.
    pub fn shift(&mut self, steps: usize) {
        worldwright_numerics::shift_rows(&mut self.path.controls, self.horizon, steps);
        worldwright_numerics::shift_rows(&mut self.path.states, self.horizon + 1, steps);
    }

    /// Solves from `start`, beginning with a rollout of the present controls.
    pub fn solve(&mut self, problem: &P, start: &[f64]) -> Outcome {
        Arch::new().dispatch(Solve { solver: self, problem, start, task: Task::RollOut })
    }

    /// Solves from `start`, beginning with the present states and controls whatever gaps there are between them.
    pub fn solve_from_states(&mut self, problem: &P, start: &[f64]) -> Outcome {
        Arch::new().dispatch(Solve { solver: self, problem, start, task: Task::Continue })
    }

    /// One iteration from the present states and controls, as [`solve_from_states`](Self::solve_from_states) but without the sweep
    /// that would find it converged.
    pub fn iterate(&mut self, problem: &P, start: &[f64]) -> Outcome {
        Arch::new().dispatch(Solve { solver: self, problem, start, task: Task::Iterate })
    }

    /// Sweeps backward once over the present trajectory. False where `Q_uu` is not positive definite.
    pub fn sweep(&mut self, problem: &P) -> bool {
        Arch::new().dispatch(Sweep { solver: self, problem })
    }

    #[inline(always)]
    fn run<const FMA: bool>(&mut self, problem: &P, start: &[f64], task: Task) -> Outcome {
        let begun = self.options.time.map(|_| Instant::now());
        let mut status = Status::IterationsSpent;
        let mut iterations = 0;
        let mut regularization = self.options.regularization;
        // Whether the motion's second derivatives count already.
        let mut curved = self.options.curvature_share == f64::INFINITY;
        if task == Task::RollOut {
            self.roll_out(problem, start);
        } else {
            self.measure_gaps(problem, start);
        }
        let limit = if task == Task::Iterate { 1 } else { self.options.iterations };
        if !self.cost.is_finite() {
            return Outcome { status: Status::Diverged, iterations, cost: self.cost };
        }
        loop {
            if task == Task::Iterate && iterations == limit {
                break;
            }
            let mut swept = self.sweep_with::<FMA>(problem, regularization, curved);
            if P::CURVATURE && curved && swept.is_none() {
                // Concave here: this step is Gauss–Newton's.
                swept = self.sweep_with::<FMA>(problem, regularization, false);
            }
            let Some(promise) = swept else {
                regularization = (regularization * GROWTH).max(REGULARIZATION_LEAST);
                if regularization > self.options.regularization_max {
                    status = Status::Stuck;
                    break;
                }
                continue;
            };
            let promised = (promise.first + 0.5 * promise.second).abs();
            curved = promised < self.options.curvature_share * (1.0 + self.cost.abs());
            if self.feasible && promised < self.options.tolerance {
                status = Status::Converged;
                break;
            }
            if iterations >= limit {
                break;
            }
            if begun.zip(self.options.time).is_some_and(|(begun, time)| begun.elapsed() >= time) {
                status = Status::TimeSpent;
                break;
            }
            let length = self.search::<FMA>(problem, start, &promise);
            if length > 0.0 {
                iterations += 1;
            }
            if length > LONG_STEP {
                regularization /= GROWTH;
                if regularization < REGULARIZATION_LEAST {
                    regularization = 0.0;
                }
            } else if length <= SHORT_STEP {
                regularization = (regularization * GROWTH).max(REGULARIZATION_LEAST);
                if regularization > self.options.regularization_max {
                    status = Status::Stuck;
                    break;
                }
            }
        }
        Outcome { status, iterations, cost: self.cost }
    }

    /// The gap of the start counts as closed: a rollout begins where it must.
    #[inline(always)]
    fn roll_out(&mut self, problem: &P, start: &[f64]) {
        let (n, m) = (self.shape.nx(), self.shape.nu());
        let Path { states, controls, memos } = &mut self.path;
        states[..n].copy_from_slice(start);
        let mut cost = 0.0;
        for t in 0..self.horizon {
            let (before, after) = states.split_at_mut((t + 1) * n);
            cost += problem.step(t, &before[t * n..], &controls[t * m..][..m], &mut after[..n], &mut memos[t]);
        }
        self.cost = cost + problem.terminal(&states[self.horizon * n..]);
        self.feasible = true;
    }

    #[inline(always)]
    fn measure_gaps(&mut self, problem: &P, start: &[f64]) {
        let (n, m) = (self.shape.nx(), self.shape.nu());
        let Path { states, controls, memos } = &mut self.path;
        let (states, controls, gaps) = (&states[..], &controls[..], &mut self.gaps[..]);
        // On the stack, as in the backward pass.
        let mut next = std::mem::take(&mut self.room.next);
        let mut cost = 0.0;
        let mut largest = 0.0;
        next.copy_from_slice(start);
        for t in 0..=self.horizon {
            let (x, gaps) = (&states[t * n..][..n], &mut gaps[t * n..][..n]);
            for i in 0..n {
                let gap = next[i] - x[i];
                gaps[i] = gap;
                largest = if gap.abs() > largest { gap.abs() } else { largest };
            }
            if t < self.horizon {
                cost += problem.step(t, x, &controls[t * m..][..m], &mut next, &mut memos[t]);
            }
        }
        self.room.next = next;
        self.cost = cost + problem.terminal(&states[self.horizon * n..]);
        self.feasible = largest < self.options.gap_tolerance;
    }

    #[inline(always)]
    fn sweep_with<const FMA: bool>(&mut self, problem: &P, regularization: f64, curved: bool) -> Option<Promise> {
        let around = Around {
            states: &self.path.states,
            controls: &self.path.controls,
            memos: &self.path.memos,
            gaps: (!self.feasible).then_some(&self.gaps[..]),
        };
        backward::<FMA, P>(problem, &around, regularization, curved, &mut self.workspace, &mut self.gains)
    }

    /// Tries step lengths until one is accepted; zero when none is.
    #[inline(always)]
    fn search<const FMA: bool>(&mut self, problem: &P, start: &[f64], promise: &Promise) -> f64 {
        let mut length = 1.0;
        for _ in 0..self.options.halvings {
            let trial_cost = self.forward::<FMA>(problem, start, length);
            if trial_cost.is_finite() {
                let (mut first, mut second) = (promise.first, promise.second);
                if !self.feasible {
                    let shift = self.gap_shift::<FMA>();
                    first += promise.gap_first + shift;
                    second += promise.gap_second - 2.0 * shift;
                }
                let expected = length * (first + 0.5 * length * second);
                let fell = self.cost - trial_cost;
                let accepted = if expected >= 0.0 {
                    first.abs() < FLAT || fell > self.options.accept * expected
                } else {
                    !self.feasible && fell > self.options.accept_rise * expected
                };
                if accepted {
                    std::mem::swap(&mut self.path, &mut self.trial);
                    self.cost = trial_cost;
                    if !self.feasible {
                        self.feasible = length == 1.0;
                        self.gaps.iter_mut().for_each(|gap| *gap *= 1.0 - length);
                    }
                    return length;
                }
            }
            length *= 0.5;
        }
        0.0
    }

    /// How much the gaps' share of the promise changes as the trial moves away from the present states.
    #[inline(always)]
    fn gap_shift<const FMA: bool>(&self) -> f64 {
        let force = &self.gains.gap_force;
        dot::<FMA>(force, &self.trial.states) - dot::<FMA>(force, &self.path.states)
    }

    /// Rolls the feedback law out with step length `length`, leaving the share `1 − length` of the gaps. Gives the trial's cost.
    #[inline(always)]
    fn forward<const FMA: bool>(&mut self, problem: &P, start: &[f64], length: f64) -> f64 {
        let (n, m) = (self.shape.nx(), self.shape.nu());
        let horizon = self.horizon;
        let bounds = problem.bounds();
        let gaps = (!self.feasible && length < 1.0).then_some(&self.gaps[..]);
        let Path { states: old_states, controls: old_controls, .. } = &self.path;
        let (old_states, old_controls) = (&old_states[..], &old_controls[..]);
        let Path { states, controls, memos } = &mut self.trial;
        let (states, controls, memos) = (&mut states[..], &mut controls[..], &mut memos[..]);
        let (feedforward, feedback) = (&self.gains.feedforward[..], &self.gains.feedback[..]);
        let mut cost = 0.0;
        let Room { mut x, mut next, mut dx, mut u } = std::mem::take(&mut self.room);
        x.copy_from_slice(start);
        for t in 0..horizon {
            if let Some(gaps) = gaps {
                for i in 0..n {
                    x[i] = multiply_add::<FMA>(length - 1.0, gaps[t * n + i], x[i]);
                }
            }
            let old_x = &old_states[t * n..][..n];
            for i in 0..n {
                dx[i] = x[i] - old_x[i];
            }
            let k = &feedforward[t * m..][..m];
            let old_u = &old_controls[t * m..][..m];
            for i in 0..m {
                u[i] = multiply_add::<FMA>(length, k[i], old_u[i]);
            }
            add_product::<FMA>(&feedback[t * m * n..][..m * n], &dx, &mut u);
            if let Some((low, high)) = bounds {
                for i in 0..m {
                    u[i] = u[i].min(high[i]).max(low[i]);
                }
            }
            cost += problem.step(t, &x, &u, &mut next, &mut memos[t]);
            states[t * n..][..n].copy_from_slice(&x);
            controls[t * m..][..m].copy_from_slice(&u);
            std::mem::swap(&mut x, &mut next);
        }
        if let Some(gaps) = gaps {
            for i in 0..n {
                x[i] = multiply_add::<FMA>(length - 1.0, gaps[horizon * n + i], x[i]);
            }
        }
        states[horizon * n..][..n].copy_from_slice(&x);
        cost += problem.terminal(&x);
        self.room = Room { x, next, dx, u };
        cost
    }
}

/// What a run begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    /// A rollout of the controls.
    RollOut,
    /// The states as they are.
    Continue,
    /// Likewise, for one iteration and nothing after it.
    Iterate,
}

struct Solve<'a, P: Problem> {
    solver: &'a mut Solver<P>,
    problem: &'a P,
    start: &'a [f64],
    task: Task,
}

impl<P: Problem> WithSimd for Solve<'_, P> {
    type Output = Outcome;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Outcome {
        if fused::<S>() {
            self.solver.run::<true>(self.problem, self.start, self.task)
        } else {
            self.solver.run::<false>(self.problem, self.start, self.task)
        }
    }
}

struct Sweep<'a, P: Problem> {
    solver: &'a mut Solver<P>,
    problem: &'a P,
}

impl<P: Problem> WithSimd for Sweep<'_, P> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> bool {
        if fused::<S>() {
            self.solver.sweep_with::<true>(self.problem, 0.0, true).is_some()
        } else {
            self.solver.sweep_with::<false>(self.problem, 0.0, true).is_some()
        }
    }
}
