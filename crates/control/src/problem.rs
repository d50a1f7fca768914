//! What a trajectory optimiser must know of a problem: how it moves, what it costs, and both expanded around a trajectory.
//!
//! ```text
//! minimise Σ_{t<N} l_t(x_t, u_t) + l_N(x_N)   subject to   x_{t+1} = f_t(x_t, u_t),   low ≤ u_t ≤ high
//! ```

use super::shape::Shape;

/// The second-order expansion of one step, matrices column after column.
#[derive(Debug, Clone, Default)]
pub struct Expansion<S: Shape> {
    /// ∂f/∂x, n × n.
    pub fx: S::Xx,
    /// ∂f/∂u, n × m.
    pub fu: S::Xu,
    /// ∂l/∂x
    pub lx: S::X,
    /// ∂l/∂u
    pub lu: S::U,
    /// ∂²l/∂x², symmetric.
    pub lxx: S::Xx,
    /// ∂²l/∂x∂u, n × m.
    pub lxu: S::Xu,
    /// ∂²l/∂u², symmetric.
    pub luu: S::Uu,
}

impl<S: Shape> Expansion<S> {
    /// Zeros.
    #[inline(always)]
    pub fn new(shape: S) -> Self {
        Self {
            fx: shape.xx(),
            fu: shape.xu(),
            lx: shape.x(),
            lu: shape.u(),
            lxx: shape.xx(),
            lxu: shape.xu(),
            luu: shape.uu(),
        }
    }
}

/// The second-order terms of the dynamics, weighed by a costate p: `p·f_xx`, `p·f_xu`, `p·f_uu`.
#[derive(Debug, Clone, Default)]
pub struct Curvature<S: Shape> {
    /// n × n, symmetric.
    pub xx: S::Xx,
    /// n × m.
    pub xu: S::Xu,
    /// m × m, symmetric.
    pub uu: S::Uu,
}

impl<S: Shape> Curvature<S> {
    /// Zeros.
    #[inline(always)]
    pub fn new(shape: S) -> Self {
        Self { xx: shape.xx(), xu: shape.xu(), uu: shape.uu() }
    }
}

/// A problem that can be expanded around a trajectory: all that a backward pass needs.
pub trait Expand {
    /// Its sizes.
    type Shape: Shape;
    /// What a step found out that its expansion needs again, for instance sines and cosines.
    type Memo: Clone + Default + Send;
    /// Whether [`curvature`](Self::curvature) is there. With it the solver is DDP, without it iLQR (Gauss–Newton).
    const CURVATURE: bool = false;

    /// The sizes.
    fn shape(&self) -> Self::Shape;

    /// N, the number of controls.
    fn horizon(&self) -> usize;

    /// Bounds of every control, each m long and possibly infinite; none is free.
    fn bounds(&self) -> Option<(&[f64], &[f64])> {
        None
    }

    /// Writes the parts of `out` that are the same for every step and trajectory. Called once before a sweep.
    #[inline(always)]
    fn constants(&self, _out: &mut Expansion<Self::Shape>) {}

    /// Expands step `t`, writing every part that [`constants`](Self::constants) does not.
    fn expand(&self, t: usize, x: &[f64], u: &[f64], memo: &Self::Memo, out: &mut Expansion<Self::Shape>);

    /// Gradient and (column after column) Hessian of the terminal cost.
    fn expand_terminal(&self, x: &[f64], gradient: &mut [f64], hessian: &mut [f64]);

    /// Writes all of `out`, the dynamics' second derivatives weighed by `costate`.
    #[inline(always)]
    fn curvature(
        &self,
        _t: usize,
        _x: &[f64],
        _u: &[f64],
        _memo: &Self::Memo,
        _costate: &[f64],
        _out: &mut Curvature<Self::Shape>,
    ) {
    }
}

/// A problem whose steps can be computed one by one.
pub trait Problem: Expand {
    /// Writes the next state and gives the cost of the step.
    fn step(&self, t: usize, x: &[f64], u: &[f64], next: &mut [f64], memo: &mut Self::Memo) -> f64;

    /// Cost of the last state.
    fn terminal(&self, x: &[f64]) -> f64;
}
