//! Optimal control problems in discrete time with sizes known to the compiler.
//!
//! `min Σ_t l_t(x_t, u_t) + l_T(x_T)` subject to `x_{t+1} = f_t(x_t, u_t)`, with bounds on the controls.

use super::matrix::Matrix;

/// Derivatives of one stage: of the dynamics to first order, of the cost to second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expansion<const N: usize, const M: usize> {
    /// ∂f/∂x.
    pub fx: Matrix<N, N>,
    /// ∂f/∂u.
    pub fu: Matrix<N, M>,
    /// ∂l/∂x.
    pub lx: [f64; N],
    /// ∂l/∂u.
    pub lu: [f64; M],
    /// ∂²l/∂x².
    pub lxx: Matrix<N, N>,
    /// ∂²l/∂u∂x.
    pub lux: Matrix<M, N>,
    /// ∂²l/∂u².
    pub luu: Matrix<M, M>,
}

impl<const N: usize, const M: usize> Default for Expansion<N, M> {
    fn default() -> Self {
        Self {
            fx: [[0.0; N]; N],
            fu: [[0.0; M]; N],
            lx: [0.0; N],
            lu: [0.0; M],
            lxx: [[0.0; N]; N],
            lux: [[0.0; N]; M],
            luu: [[0.0; M]; M],
        }
    }
}

/// A problem with `N` states and `M` controls.
pub trait Problem<const N: usize, const M: usize> {
    /// How many stages, that is, controls.
    fn stages(&self) -> usize;

    /// The state after stage `t`, and the stage's cost.
    fn step(&self, t: usize, x: &[f64; N], u: &[f64; M], next: &mut [f64; N]) -> f64;

    /// The cost of the last state.
    fn terminal(&self, x: &[f64; N]) -> f64;

    /// Derivatives of stage `t`. `out` holds what this wrote at the same stage before, so constants need writing once.
    fn expand(&self, t: usize, x: &[f64; N], u: &[f64; M], out: &mut Expansion<N, M>);

    /// Gradient and Hessian of the last state's cost.
    fn expand_terminal(&self, x: &[f64; N], lx: &mut [f64; N], lxx: &mut Matrix<N, N>);

    /// Least and greatest controls, where they are bounded.
    fn bounds(&self) -> Option<([f64; M], [f64; M])> {
        None
    }

    /// Adds `Σ_i p_i ∂²f_i` to the Hessians, which makes the method DDP; without it, it is iLQR (Gauss-Newton).
    fn add_curvature(&self, _t: usize, _x: &[f64; N], _u: &[f64; M], _p: &[f64; N], _out: &mut Curvature<'_, N, M>) {}
}

/// Hessians of the Hamiltonian, to which [`Problem::add_curvature`] adds.
#[derive(Debug)]
pub struct Curvature<'a, const N: usize, const M: usize> {
    /// `[state][state]`.
    pub xx: &'a mut Matrix<N, N>,
    /// `[control][state]`.
    pub ux: &'a mut Matrix<M, N>,
    /// `[control][control]`.
    pub uu: &'a mut Matrix<M, M>,
}
