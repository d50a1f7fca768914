//! Differential dynamic programming: iLQR and DDP, with bounds on controls and a start that need not be feasible.
//!
//! Backwards, `Q` is expanded around the trajectory and minimised over the control, `δu = k + K δx`; forwards, the controls are tried
//! with a shrinking step. Jacobson and Mayne 1970; Li and Todorov 2004 (iLQR, without the dynamics' curvature); Tassa et al. 2014
//! (bounds); Mastalli et al., "Crocoddyl", ICRA 2020, section III (gaps between stages of an infeasible start, which close as the
//! step length goes to one).

use super::box_qp::solve_box;
use super::matrix::{Matrix, apply, cholesky, dot, product, solve, transposed_apply, transposed_product};
use super::problem::{Curvature, Expansion, Problem};

/// Settings of the solver.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DdpOptions {
    /// Iterations at most.
    pub iterations: usize,
    /// Ends when the expected improvement is below this, in the unit of the cost.
    pub tolerance: f64,
    /// Share of the expected improvement that a step must bring.
    pub sufficient: f64,
}

impl Default for DdpOptions {
    fn default() -> Self {
        Self { iterations: 100, tolerance: 1e-9, sufficient: 0.1 }
    }
}

/// Why the solver ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DdpStatus {
    /// No improvement above the tolerance is expected.
    Converged,
    /// The iterations are spent.
    IterationsSpent,
    /// No step improved, however regularised.
    Stalled,
    /// The trajectory to begin with has no finite cost.
    Diverged,
}

/// What a call of [`Ddp::solve`] did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DdpReport {
    /// Why it ended.
    pub status: DdpStatus,
    /// Iterations made.
    pub iterations: usize,
    /// Cost of the trajectory.
    pub cost: f64,
    /// Improvement that was expected of one more step.
    pub expected: f64,
}

const LEAST_REGULARIZATION: f64 = 1e-8;
const MOST_REGULARIZATION: f64 = 1e10;
const STEP_LENGTHS: i32 = 12;

/// A trajectory with everything that improving it needs; allocates at construction only.
#[derive(Debug, Clone)]
pub struct Ddp<const N: usize, const M: usize> {
    /// States `[stages + 1]`.
    pub states: Vec<[f64; N]>,
    /// Controls `[stages]`.
    pub controls: Vec<[f64; M]>,
    /// Feedback `K` of each stage, `[stages]`.
    pub gains: Vec<Matrix<M, N>>,
    feedforward: Vec<[f64; M]>,
    expansions: Vec<Expansion<N, M>>,
    /// Where the stage before leads, less the state: zero for a feasible trajectory. `[stages + 1]`.
    gaps: Vec<[f64; N]>,
    feasible: bool,
    tried_states: Vec<[f64; N]>,
    tried_controls: Vec<[f64; M]>,
    /// Gradient and Hessian of the value along the trajectory; kept only where gaps need them.
    value_x: Vec<[f64; N]>,
    value_xx: Vec<Matrix<N, N>>,
    terminal_x: [f64; N],
    terminal_xx: Matrix<N, N>,
    regularization: f64,
    /// First and second order terms of the expected improvement.
    slope: f64,
    curvature: f64,
    cost: f64,
}

impl<const N: usize, const M: usize> Ddp<N, M> {
    /// Room for a problem of so many stages, all states and controls zero.
    pub fn new(stages: usize) -> Self {
        Self {
            states: vec![[0.0; N]; stages + 1],
            controls: vec![[0.0; M]; stages],
            gains: vec![[[0.0; N]; M]; stages],
            feedforward: vec![[0.0; M]; stages],
            expansions: vec![Expansion::default(); stages],
            gaps: vec![[0.0; N]; stages + 1],
            feasible: true,
            tried_states: vec![[0.0; N]; stages + 1],
            tried_controls: vec![[0.0; M]; stages],
            value_x: vec![[0.0; N]; stages + 1],
            value_xx: vec![[[0.0; N]; N]; stages + 1],
            terminal_x: [0.0; N],
            terminal_xx: [[0.0; N]; N],
            regularization: 0.0,
            slope: 0.0,
            curvature: 0.0,
            cost: f64::INFINITY,
        }
    }

    /// Sets the first state and lets the present controls lead on from it.
    pub fn roll_out<P: Problem<N, M>>(&mut self, problem: &P, start: &[f64; N]) {
        self.states[0] = *start;
        for t in 0..self.controls.len() {
            let (before, after) = self.states.split_at_mut(t + 1);
            problem.step(t, &before[t], &self.controls[t], &mut after[0]);
        }
        self.begin(problem, start);
    }

    /// Takes the present states and controls as they are: states that the controls do not lead to are gaps, which the solver closes.
    pub fn begin<P: Problem<N, M>>(&mut self, problem: &P, start: &[f64; N]) {
        self.cost = 0.0;
        self.feasible = true;
        let mut gap = |gap: &mut [f64; N], led: &[f64; N], state: &[f64; N]| {
            (0..N).for_each(|i| gap[i] = led[i] - state[i]);
            self.feasible &= gap.iter().all(|x| x.abs() < 1e-12);
        };
        gap(&mut self.gaps[0], start, &self.states[0]);
        let mut next = [0.0; N];
        for t in 0..self.controls.len() {
            self.cost += problem.step(t, &self.states[t], &self.controls[t], &mut next);
            gap(&mut self.gaps[t + 1], &next, &self.states[t + 1]);
        }
        self.cost += problem.terminal(&self.states[self.controls.len()]);
        self.regularization = 0.0;
    }

    /// Cost of the trajectory, as of the last [`begin`](Self::begin) or step.
    pub fn cost(&self) -> f64 {
        self.cost
    }

    /// Improves until nothing more is expected. Call [`roll_out`](Self::roll_out) or [`begin`](Self::begin) first.
    pub fn solve<P: Problem<N, M>>(&mut self, problem: &P, options: DdpOptions) -> DdpReport {
        // Plain loops become those of the machine's widest vectors inside.
        pulp::Arch::new().dispatch(|| self.improve(problem, options))
    }

    #[inline(always)]
    fn improve<P: Problem<N, M>>(&mut self, problem: &P, options: DdpOptions) -> DdpReport {
        let report = |status, iterations, solver: &Self| DdpReport {
            status,
            iterations,
            cost: solver.cost,
            expected: solver.slope + 0.5 * solver.curvature,
        };
        if !self.cost.is_finite() {
            return report(DdpStatus::Diverged, 0, self);
        }
        for iteration in 0..options.iterations {
            self.expand(problem);
            loop {
                if self.backward(problem) {
                    if self.feasible && self.slope + 0.5 * self.curvature < options.tolerance {
                        return report(DdpStatus::Converged, iteration, self);
                    }
                    if self.search(problem, options.sufficient) {
                        self.relax();
                        break;
                    }
                }
                if !self.regularize() {
                    return report(DdpStatus::Stalled, iteration, self);
                }
            }
        }
        report(DdpStatus::IterationsSpent, options.iterations, self)
    }

    fn regularize(&mut self) -> bool {
        self.regularization = (self.regularization * 10.0).max(LEAST_REGULARIZATION);
        self.regularization <= MOST_REGULARIZATION
    }

    fn relax(&mut self) {
        self.regularization *= 0.1;
        if self.regularization < LEAST_REGULARIZATION {
            self.regularization = 0.0;
        }
    }

    /// Derivatives along the trajectory.
    #[inline(always)]
    pub(super) fn expand<P: Problem<N, M>>(&mut self, problem: &P) {
        let each = self.expansions.iter_mut().zip(&self.states).zip(&self.controls);
        for (t, ((expansion, x), u)) in each.enumerate() {
            problem.expand(t, x, u, expansion);
        }
        problem.expand_terminal(&self.states[self.controls.len()], &mut self.terminal_x, &mut self.terminal_xx);
    }

    /// The backward pass; false where a control's Hessian is not positive definite.
    #[inline(always)]
    pub(super) fn backward<P: Problem<N, M>>(&mut self, problem: &P) -> bool {
        let stages = self.controls.len();
        let bounds = problem.bounds();
        let (mut vx, mut vxx) = (self.terminal_x, self.terminal_xx);
        let (mut slope, mut curvature) = (0.0, 0.0);
        let (mut wx, mut wu) = ([[0.0; N]; N], [[0.0; M]; N]);
        let (mut qxx, mut qux, mut quu) = ([[0.0; N]; N], [[0.0; N]; M], [[0.0; M]; M]);
        let plain = bounds.is_none() && self.regularization == 0.0;
        for t in (0..stages).rev() {
            let stage = &self.expansions[t];
            if !self.feasible {
                (self.value_x[t + 1], self.value_xx[t + 1]) = (vx, vxx);
                let carried = apply(&vxx, &self.gaps[t + 1], &[0.0; N]);
                slope -= dot(&vx, &self.gaps[t + 1]);
                curvature -= dot(&carried, &self.gaps[t + 1]);
                (0..N).for_each(|i| vx[i] += carried[i]);
            }
            product(&vxx, &stage.fx, &mut wx);
            product(&vxx, &stage.fu, &mut wu);
            transposed_product(&stage.fx, &wx, &stage.lxx, &mut qxx);
            transposed_product(&stage.fu, &wx, &stage.lux, &mut qux);
            transposed_product(&stage.fu, &wu, &stage.luu, &mut quu);
            let qx = transposed_apply(&stage.fx, &vx, &stage.lx);
            let qu = transposed_apply(&stage.fu, &vx, &stage.lu);
            let hessians = &mut Curvature { xx: &mut qxx, ux: &mut qux, uu: &mut quu };
            problem.add_curvature(t, &self.states[t], &self.controls[t], &vx, hessians);
            let mut factor = quu;
            (0..M).for_each(|i| factor[i][i] += self.regularization);
            let mut free = [true; M];
            let k = &mut self.feedforward[t];
            if let Some((low, high)) = &bounds {
                let regularized = factor;
                let u = &self.controls[t];
                let (low, high): ([f64; M], [f64; M]) =
                    (std::array::from_fn(|i| low[i] - u[i]), std::array::from_fn(|i| high[i] - u[i]));
                if !solve_box(&regularized, &qu, &low, &high, k, &mut factor, &mut free) {
                    return false;
                }
            } else {
                if !cholesky(&mut factor, &free) {
                    return false;
                }
                let mut solved = qu.map(|x| [-x]);
                solve(&factor, &free, &mut solved);
                *k = solved.map(|[x]| x);
            }
            let gain = &mut self.gains[t];
            *gain = qux;
            solve(&factor, &free, gain);
            gain.iter_mut().flatten().for_each(|x| *x = -*x);
            slope -= dot(&qu, k);
            curvature -= dot(k, &apply(&quu, k, &[0.0; M]));
            // V = Q with the control put in; without bounds and regularisation Quu k = −Qu, which saves half of it.
            if plain {
                vx = transposed_apply(&qux, k, &qx);
                transposed_product(&qux, gain, &qxx, &mut vxx);
            } else {
                let force = apply(&quu, k, &qu);
                vx = transposed_apply(gain, &force, &transposed_apply(&qux, k, &qx));
                let mut half = qux;
                let mut carried = [[0.0; N]; M];
                product(&quu, gain, &mut carried);
                (0..M).for_each(|i| (0..N).for_each(|j| half[i][j] += carried[i][j]));
                let mut sum = [[0.0; N]; N];
                transposed_product(&qux, gain, &qxx, &mut sum);
                transposed_product(gain, &half, &sum, &mut vxx);
            }
            for i in 0..N {
                for j in 0..i {
                    let mean = 0.5 * (vxx[i][j] + vxx[j][i]);
                    (vxx[i][j], vxx[j][i]) = (mean, mean);
                }
            }
        }
        if !self.feasible {
            (self.value_x[0], self.value_xx[0]) = (vx, vxx);
            let carried = apply(&vxx, &self.gaps[0], &[0.0; N]);
            slope -= dot(&vx, &self.gaps[0]);
            curvature -= dot(&carried, &self.gaps[0]);
        }
        (self.slope, self.curvature) = (slope, curvature);
        slope.is_finite() && curvature.is_finite()
    }

    /// Tries steps of shrinking length and takes the first that is good enough.
    #[inline(always)]
    fn search<P: Problem<N, M>>(&mut self, problem: &P, sufficient: f64) -> bool {
        for halvings in 0..STEP_LENGTHS {
            let length = 0.5_f64.powi(halvings);
            let tried = self.forward(problem, length);
            let (mut slope, mut curvature) = (self.slope, self.curvature);
            if !self.feasible {
                // What the gaps contribute depends on how far the trial is from the trajectory (Mastalli et al. 2020, equation 23).
                for t in 0..self.states.len() {
                    let away: [f64; N] = std::array::from_fn(|i| self.tried_states[t][i] - self.states[t][i]);
                    let carried = dot(&apply(&self.value_xx[t], &away, &[0.0; N]), &self.gaps[t]);
                    slope -= carried;
                    curvature += 2.0 * carried;
                }
            }
            let expected = length * (slope + 0.5 * length * curvature);
            let gained = self.cost - tried;
            let enough = if expected >= 0.0 { gained >= sufficient * expected } else { gained >= 2.0 * expected };
            // Near the optimum what is gained is lost in rounding.
            let rounding = gained.abs() <= 1e-13 * (1.0 + self.cost.abs()) && length == 1.0 && self.feasible;
            if tried.is_finite() && (enough || rounding) {
                std::mem::swap(&mut self.states, &mut self.tried_states);
                std::mem::swap(&mut self.controls, &mut self.tried_controls);
                self.cost = tried;
                if !self.feasible {
                    let left = 1.0 - length;
                    self.gaps.iter_mut().flatten().for_each(|gap| *gap *= left);
                    self.feasible = left == 0.0;
                }
                return true;
            }
        }
        false
    }

    #[inline(always)]
    fn forward<P: Problem<N, M>>(&mut self, problem: &P, length: f64) -> f64 {
        let bounds = problem.bounds();
        let left = 1.0 - length;
        let mut cost = 0.0;
        self.tried_states[0] = self.states[0];
        if !self.feasible {
            (0..N).for_each(|i| self.tried_states[0][i] += length * self.gaps[0][i]);
        }
        for t in 0..self.controls.len() {
            let x = self.tried_states[t];
            let away: [f64; N] = std::array::from_fn(|i| x[i] - self.states[t][i]);
            let step: [f64; M] = std::array::from_fn(|i| self.controls[t][i] + length * self.feedforward[t][i]);
            let mut u = apply(&self.gains[t], &away, &step);
            if let Some((low, high)) = &bounds {
                (0..M).for_each(|i| u[i] = u[i].max(low[i]).min(high[i]));
            }
            cost += problem.step(t, &x, &u, &mut self.tried_states[t + 1]);
            if !self.feasible {
                (0..N).for_each(|i| self.tried_states[t + 1][i] -= left * self.gaps[t + 1][i]);
            }
            self.tried_controls[t] = u;
        }
        cost + problem.terminal(&self.tried_states[self.controls.len()])
    }
}
