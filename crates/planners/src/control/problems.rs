//! Problems that other solvers are measured on: a unicycle, a linear-quadratic one of any size, and a cart-pole's swing-up.

use super::dual::{Dual, Number};
use super::matrix::Matrix;
use super::problem::{Expansion, Problem};

/// Crocoddyl's unicycle: state x, y, θ, controls speed and turn rate, a step of 0.1 s, cost `½ (10² |x|² + |u|²)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unicycle {
    /// Stages.
    pub stages: usize,
}

const UNICYCLE_DT: f64 = 0.1;
const UNICYCLE_WEIGHT: f64 = 100.0;

impl Problem<3, 2> for Unicycle {
    fn stages(&self) -> usize {
        self.stages
    }

    #[inline(always)]
    fn step(&self, _t: usize, x: &[f64; 3], u: &[f64; 2], next: &mut [f64; 3]) -> f64 {
        let (sine, cosine) = x[2].sin_cos();
        *next = [x[0] + cosine * u[0] * UNICYCLE_DT, x[1] + sine * u[0] * UNICYCLE_DT, x[2] + u[1] * UNICYCLE_DT];
        self.terminal(x) + 0.5 * (u[0] * u[0] + u[1] * u[1])
    }

    #[inline(always)]
    fn terminal(&self, x: &[f64; 3]) -> f64 {
        0.5 * UNICYCLE_WEIGHT * (x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    }

    #[inline(always)]
    fn expand(&self, _t: usize, x: &[f64; 3], u: &[f64; 2], out: &mut Expansion<3, 2>) {
        let (sine, cosine) = x[2].sin_cos();
        out.fx = [[1.0, 0.0, -sine * u[0] * UNICYCLE_DT], [0.0, 1.0, cosine * u[0] * UNICYCLE_DT], [0.0, 0.0, 1.0]];
        out.fu = [[cosine * UNICYCLE_DT, 0.0], [sine * UNICYCLE_DT, 0.0], [0.0, UNICYCLE_DT]];
        self.expand_terminal(x, &mut out.lx, &mut out.lxx);
        out.lu = *u;
        out.luu = [[1.0, 0.0], [0.0, 1.0]];
    }

    #[inline(always)]
    fn expand_terminal(&self, x: &[f64; 3], lx: &mut [f64; 3], lxx: &mut Matrix<3, 3>) {
        *lx = x.map(|x| UNICYCLE_WEIGHT * x);
        (0..3).for_each(|i| lxx[i][i] = UNICYCLE_WEIGHT);
    }
}

/// `x' = A x + B u`, cost `½ xᵀQx + qᵀx + ½ uᵀRu + rᵀu`, the same at every stage; the last state's cost is `½ xᵀSx + qᵀx`.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearQuadraticControl<const N: usize, const M: usize> {
    /// Stages.
    pub stages: usize,
    /// Dynamics of the state.
    pub a: Matrix<N, N>,
    /// Effect of the control.
    pub b: Matrix<N, M>,
    /// Weights of the state.
    pub q: Matrix<N, N>,
    /// Weights of the control.
    pub r: Matrix<M, M>,
    /// Weights of the last state.
    pub last: Matrix<N, N>,
    /// Linear cost of the state.
    pub q_linear: [f64; N],
    /// Linear cost of the control.
    pub r_linear: [f64; M],
}

impl<const N: usize, const M: usize> LinearQuadraticControl<N, M> {
    /// All matrices identities (`B` as far as it goes) and all linear costs one: Crocoddyl's `ActionModelLQR`.
    pub fn identities(stages: usize) -> Self {
        fn identity<const R: usize, const C: usize>() -> Matrix<R, C> {
            std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 }))
        }
        Self {
            stages,
            a: identity(),
            b: identity(),
            q: identity(),
            r: identity(),
            last: identity(),
            q_linear: [1.0; N],
            r_linear: [1.0; M],
        }
    }
}

#[inline(always)]
fn quadratic<const K: usize>(weights: &Matrix<K, K>, linear: &[f64; K], x: &[f64; K]) -> f64 {
    let mut cost = 0.0;
    for i in 0..K {
        cost += x[i] * (linear[i] + 0.5 * super::matrix::dot(&weights[i], x));
    }
    cost
}

impl<const N: usize, const M: usize> Problem<N, M> for LinearQuadraticControl<N, M> {
    fn stages(&self) -> usize {
        self.stages
    }

    #[inline(always)]
    fn step(&self, _t: usize, x: &[f64; N], u: &[f64; M], next: &mut [f64; N]) -> f64 {
        *next = super::matrix::apply(&self.b, u, &super::matrix::apply(&self.a, x, &[0.0; N]));
        quadratic(&self.q, &self.q_linear, x) + quadratic(&self.r, &self.r_linear, u)
    }

    fn terminal(&self, x: &[f64; N]) -> f64 {
        quadratic(&self.last, &self.q_linear, x)
    }

    #[inline(always)]
    fn expand(&self, _t: usize, x: &[f64; N], u: &[f64; M], out: &mut Expansion<N, M>) {
        (out.fx, out.fu, out.lxx, out.luu) = (self.a, self.b, self.q, self.r);
        out.lx = super::matrix::apply(&self.q, x, &self.q_linear);
        out.lu = super::matrix::apply(&self.r, u, &self.r_linear);
    }

    fn expand_terminal(&self, x: &[f64; N], lx: &mut [f64; N], lxx: &mut Matrix<N, N>) {
        *lx = super::matrix::apply(&self.last, x, &self.q_linear);
        *lxx = self.last;
    }
}

/// ALTRO's cart-pole: carry the pole from hanging to upright in 5 s and 100 stages of third-order Runge-Kutta. State: place, angle
/// (0 hangs), and their speeds. Cost `½ dt (0.01 |x − goal|² + 0.1 u²)`, and `50 |x − goal|²` at the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CartPole {
    /// Greatest force, if it is bounded.
    pub limit: Option<f64>,
}

impl CartPole {
    /// Stages.
    pub const STAGES: usize = 100;
    /// Seconds a stage.
    pub const DT_SECS: f64 = 0.05;
    /// Upright, at rest, at the origin.
    pub const GOAL: [f64; 4] = [0.0, std::f64::consts::PI, 0.0, 0.0];

    #[inline(always)]
    fn rate<T: Number>(x: &[T; 4], u: T) -> [T; 4] {
        const CART: f64 = 1.0;
        const POLE: f64 = 0.2;
        const LENGTH: f64 = 0.5;
        const GRAVITY: f64 = 9.81;
        let (sine, cosine) = x[1].sin_cos();
        let coupling = cosine * (POLE * LENGTH);
        let push = u + x[3] * x[3] * sine * (POLE * LENGTH);
        let pull = sine * (-POLE * GRAVITY * LENGTH);
        let inverse_determinant = -(coupling * coupling) + (CART + POLE) * POLE * LENGTH * LENGTH;
        let cart = push * (POLE * LENGTH * LENGTH) - coupling * pull;
        let pole = pull * (CART + POLE) - coupling * push;
        [x[2], x[3], cart / inverse_determinant, pole / inverse_determinant]
    }

    #[inline(always)]
    fn advance<T: Number>(x: &[T; 4], u: T) -> [T; 4] {
        let dt = Self::DT_SECS;
        let first = Self::rate(x, u);
        let second = Self::rate(&std::array::from_fn(|i| x[i] + first[i] * (0.5 * dt)), u);
        let third = Self::rate(&std::array::from_fn(|i| x[i] - first[i] * dt + second[i] * (2.0 * dt)), u);
        std::array::from_fn(|i| x[i] + (first[i] + second[i] * 4.0 + third[i]) * (dt / 6.0))
    }
}

impl Problem<4, 1> for CartPole {
    fn stages(&self) -> usize {
        Self::STAGES
    }

    #[inline(always)]
    fn step(&self, _t: usize, x: &[f64; 4], u: &[f64; 1], next: &mut [f64; 4]) -> f64 {
        *next = Self::advance(x, u[0]);
        let away: f64 = (0..4).map(|i| (x[i] - Self::GOAL[i]).powi(2)).sum();
        0.5 * Self::DT_SECS * (0.01 * away + 0.1 * u[0] * u[0])
    }

    fn terminal(&self, x: &[f64; 4]) -> f64 {
        (0..4).map(|i| 50.0 * (x[i] - Self::GOAL[i]).powi(2)).sum()
    }

    #[inline(always)]
    fn expand(&self, _t: usize, x: &[f64; 4], u: &[f64; 1], out: &mut Expansion<4, 1>) {
        let next = Self::advance(&std::array::from_fn(|i| Dual::<5>::input(x[i], i)), Dual::input(u[0], 4));
        for (i, next) in next.iter().enumerate() {
            let [a, b, c, d, e] = next.gradient;
            (out.fx[i], out.fu[i]) = ([a, b, c, d], [e]);
            out.lx[i] = 0.01 * Self::DT_SECS * (x[i] - Self::GOAL[i]);
            out.lxx[i][i] = 0.01 * Self::DT_SECS;
        }
        out.lu[0] = 0.1 * Self::DT_SECS * u[0];
        out.luu[0][0] = 0.1 * Self::DT_SECS;
    }

    fn expand_terminal(&self, x: &[f64; 4], lx: &mut [f64; 4], lxx: &mut Matrix<4, 4>) {
        for i in 0..4 {
            lx[i] = 100.0 * (x[i] - Self::GOAL[i]);
            lxx[i][i] = 100.0;
        }
    }

    fn bounds(&self) -> Option<([f64; 1], [f64; 1])> {
        self.limit.map(|limit| ([-limit], [limit]))
    }
}
