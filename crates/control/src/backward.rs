//! The backward pass: feedback gains and the expected improvement from the expansion of every step.
//!
//! With `V` the cost to go and f the gap of a trajectory that is not yet feasible (`V_x ← V_x + V_xx f`),
//!
//! ```text
//! Q_x = l_x + f_xᵀ V'_x        Q_xx = l_xx + f_xᵀ V'_xx f_x (+ V'_x · f_xx)       and likewise Q_u, Q_xu, Q_uu + μ I
//! k = −Q_uu⁻¹ Q_u              K = −Q_uu⁻¹ Q_ux
//! V_x = Q_x + Q_xu k           V_xx = Q_xx + Q_xu K
//! ```
//!
//! (Jacobson and Mayne, "Differential Dynamic Programming", 1970; Li and Todorov, 2004, without the second derivatives of f;
//! gaps: Mastalli et al., "Crocoddyl", ICRA 2020, section II-B). Where controls are bounded, k is the solution of a box-constrained
//! quadratic programme and the rows of K of controls at a bound are zero (Tassa, Mansard and Todorov, "Control-limited
//! differential dynamic programming", ICRA 2014). The improvement that a step of length α promises is `−α d₁ − α²/2 d₂` in the cost.

use super::box_qp;
use super::dense::{
    Part, add_product, add_product_transposed, add_scaled, dot, factor, mirror, multiply_add, product, solve_right,
    transpose,
};
use super::problem::{Curvature, Expand, Expansion};
use super::shape::Shape;

/// Feedback laws of all steps: `u = u₀ + α k + K (x − x₀)`.
#[derive(Debug, Clone, Default)]
pub struct Gains {
    /// `[N][m]`
    pub feedforward: Vec<f64>,
    /// `[N][n columns][m rows]`
    pub feedback: Vec<f64>,
    /// `[N + 1][n]`, `V_xx f`; only meaningful where the trajectory has gaps.
    pub(super) gap_force: Vec<f64>,
    /// `[n]`, gradient of the cost to go at the start.
    pub value_gradient: Vec<f64>,
    /// `[n][n]`, its Hessian at the start.
    pub value_hessian: Vec<f64>,
}

impl Gains {
    pub(super) fn new<S: Shape>(shape: S, horizon: usize) -> Self {
        let (n, m) = (shape.nx(), shape.nu());
        Self {
            feedforward: vec![0.0; horizon * m],
            feedback: vec![0.0; horizon * m * n],
            gap_force: vec![0.0; (horizon + 1) * n],
            value_gradient: vec![0.0; n],
            value_hessian: vec![0.0; n * n],
        }
    }
}

/// What a full step promises: the cost falls by `α first + α²/2 second` (with gaps see the solver).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Promise {
    pub(super) first: f64,
    pub(super) second: f64,
    /// Shares of the gaps.
    pub(super) gap_first: f64,
    pub(super) gap_second: f64,
}

/// Room for one step of the pass.
#[derive(Clone, Default)]
pub(super) struct Workspace<S: Shape> {
    expansion: Expansion<S>,
    curvature: Curvature<S>,
    vx: S::X,
    vxx: S::Xx,
    fx_transposed: S::Xx,
    fu_transposed: S::Ux,
    wx: S::Xx,
    wu: S::Xu,
    qx: S::X,
    qu: S::U,
    qxx: S::Xx,
    qxu: S::Xu,
    quu: S::Uu,
    factored: S::Uu,
    gain_transposed: S::Xu,
    gain: S::Ux,
    step: S::U,
    box_qp: box_qp::Workspace<S>,
}

impl<S: Shape> Workspace<S> {
    pub(super) fn new(shape: S) -> Self {
        Self {
            expansion: Expansion::new(shape),
            curvature: Curvature::new(shape),
            vx: shape.x(),
            vxx: shape.xx(),
            fx_transposed: shape.xx(),
            fu_transposed: shape.ux(),
            wx: shape.xx(),
            wu: shape.xu(),
            qx: shape.x(),
            qu: shape.u(),
            qxx: shape.xx(),
            qxu: shape.xu(),
            quu: shape.uu(),
            factored: shape.uu(),
            gain_transposed: shape.xu(),
            gain: shape.ux(),
            step: shape.u(),
            box_qp: box_qp::Workspace::new(shape),
        }
    }
}

/// The trajectory to expand around.
pub(super) struct Around<'a, M> {
    /// `[N + 1][n]`
    pub(super) states: &'a [f64],
    /// `[N][m]`
    pub(super) controls: &'a [f64],
    /// `[N]`
    pub(super) memos: &'a [M],
    /// `[N + 1][n]`, `f(x_{t−1}, u_{t−1}) − x_t`; none is a trajectory without gaps.
    pub(super) gaps: Option<&'a [f64]>,
}

/// Sweeps from the end to the start, with the second derivatives of f where `curved`. None when some `Q_uu + μ I` is not positive definite.
#[inline(always)]
pub(super) fn backward<const FMA: bool, P: Expand>(
    problem: &P,
    around: &Around<'_, P::Memo>,
    regularization: f64,
    curved: bool,
    workspace: &mut Workspace<P::Shape>,
    gains: &mut Gains,
) -> Option<Promise> {
    let shape = problem.shape();
    let (n, m) = (shape.nx(), shape.nu());
    let horizon = problem.horizon();
    // On the stack the compiler can keep small arrays in registers; on the heap this moves pointers.
    let mut w = std::mem::take(workspace);
    let mut promise = Promise::default();
    problem.constants(&mut w.expansion);
    let bounds = problem.bounds();
    problem.expand_terminal(&around.states[horizon * n..][..n], &mut w.vx, &mut w.vxx);
    close_gap::<FMA, P::Shape>(around, n, horizon, &mut w, gains, &mut promise);
    let mut sound = true;
    for t in (0..horizon).rev() {
        let x = &around.states[t * n..][..n];
        let u = &around.controls[t * m..][..m];
        problem.expand(t, x, u, &around.memos[t], &mut w.expansion);
        let e = &w.expansion;
        product::<FMA>((n, n, n), None, &w.vxx, &e.fx, Part::All, &mut w.wx);
        product::<FMA>((n, n, m), None, &w.vxx, &e.fu, Part::All, &mut w.wu);
        transpose(n, n, &e.fx, &mut w.fx_transposed);
        product::<FMA>((n, n, n), Some(&e.lxx), &w.fx_transposed, &w.wx, Part::Lower, &mut w.qxx);
        product::<FMA>((n, n, m), Some(&e.lxu), &w.fx_transposed, &w.wu, Part::All, &mut w.qxu);
        transpose(n, m, &e.fu, &mut w.fu_transposed);
        product::<FMA>((m, n, m), Some(&e.luu), &w.fu_transposed, &w.wu, Part::Lower, &mut w.quu);
        w.qx.copy_from_slice(&e.lx);
        add_product::<FMA>(&w.fx_transposed, &w.vx, &mut w.qx);
        w.qu.copy_from_slice(&e.lu);
        add_product_transposed::<FMA>(&e.fu, &w.vx, &mut w.qu);
        if P::CURVATURE && curved {
            problem.curvature(t, x, u, &around.memos[t], &w.vx, &mut w.curvature);
            add_scaled::<FMA>(1.0, &w.curvature.xx, &mut w.qxx);
            add_scaled::<FMA>(1.0, &w.curvature.xu, &mut w.qxu);
            add_scaled::<FMA>(1.0, &w.curvature.uu, &mut w.quu);
        }
        for j in 0..m {
            w.quu[j * m + j] += regularization;
        }
        mirror(m, &mut w.quu);
        let k = &mut gains.feedforward[t * m..][..m];
        sound = match bounds {
            None => {
                w.factored.copy_from_slice(&w.quu);
                let positive = factor::<FMA>(m, &mut w.factored);
                for i in 0..m {
                    w.step[i] = -w.qu[i];
                }
                solve_right::<FMA>(m, 1, &w.factored, &mut w.step);
                for i in 0..n * m {
                    w.gain_transposed[i] = -w.qxu[i];
                }
                positive
            }
            Some((low, high)) => {
                // The last sweep's step is a good guess of the active bounds.
                w.step.copy_from_slice(k);
                let bounds = box_qp::Bounds { low, high, at: u };
                let positive = box_qp::solve::<FMA, P::Shape>(
                    shape,
                    &w.quu,
                    &w.qu,
                    bounds,
                    &mut w.step,
                    &mut w.factored,
                    &mut w.box_qp,
                );
                for j in 0..m {
                    let free = w.box_qp.free[j];
                    for i in 0..n {
                        w.gain_transposed[j * n + i] = -free * w.qxu[j * n + i];
                    }
                }
                positive
            }
        };
        if !sound {
            break;
        }
        solve_right::<FMA>(m, n, &w.factored, &mut w.gain_transposed);
        transpose(n, m, &w.gain_transposed, &mut w.gain);
        k.copy_from_slice(&w.step);
        gains.feedback[t * m * n..][..m * n].copy_from_slice(&w.gain);
        for j in 0..m {
            let curved = dot::<FMA>(&w.quu[j * m..][..m], &w.step);
            promise.first -= w.qu[j] * w.step[j];
            promise.second = multiply_add::<FMA>(-curved, w.step[j], promise.second);
        }
        w.vx.copy_from_slice(&w.qx);
        add_product::<FMA>(&w.qxu, &w.step, &mut w.vx);
        product::<FMA>((n, m, n), Some(&w.qxx), &w.qxu, &w.gain, Part::Lower, &mut w.vxx);
        mirror(n, &mut w.vxx);
        close_gap::<FMA, P::Shape>(around, n, t, &mut w, gains, &mut promise);
    }
    gains.value_gradient.copy_from_slice(&w.vx);
    gains.value_hessian.copy_from_slice(&w.vxx);
    *workspace = w;
    let finite = promise.first.is_finite() && promise.second.is_finite();
    (sound && finite).then_some(promise)
}

/// Moves the gradient of the cost to go across the gap before step `t`.
#[inline(always)]
fn close_gap<const FMA: bool, S: Shape>(
    around: &Around<'_, impl Sized>,
    n: usize,
    t: usize,
    w: &mut Workspace<S>,
    gains: &mut Gains,
    promise: &mut Promise,
) {
    let Some(gaps) = around.gaps else { return };
    let gap = &gaps[t * n..][..n];
    let force = &mut gains.gap_force[t * n..][..n];
    force.fill(0.0);
    add_product::<FMA>(&w.vxx, gap, force);
    add_scaled::<FMA>(1.0, force, &mut w.vx);
    promise.gap_first -= dot::<FMA>(&w.vx, gap);
    promise.gap_second += dot::<FMA>(force, gap);
}
