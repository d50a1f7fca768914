//! Public problems with known optima: Crocoddyl's unicycle and LQR, ALTRO's cart-pole and double integrator.

use worldwright_planners::control::{
    Constrained, Curvature, Expand, Expansion, Fixed, LinearQuadratic, Options, Problem, Solver,
};

/// Crocoddyl's `ActionModelUnicycle`: state (x, y, θ), controls (speed, turning rate), dt 0.1, cost ½ |10 x|² + ½ |u|².
pub(crate) struct Unicycle {
    pub(crate) horizon: usize,
}

const UNICYCLE_DT: f64 = 0.1;
const STATE_WEIGHT: f64 = 100.0;

impl Expand for Unicycle {
    type Shape = Fixed<3, 2>;
    /// Cosine and sine of the heading.
    type Memo = (f64, f64);
    const CURVATURE: bool = false;

    fn shape(&self) -> Self::Shape {
        Fixed
    }
    fn horizon(&self) -> usize {
        self.horizon
    }
    #[inline(always)]
    fn constants(&self, out: &mut Expansion<Self::Shape>) {
        out.fx.fill(0.0);
        out.fu.fill(0.0);
        out.lxx.fill(0.0);
        out.lxu.fill(0.0);
        out.luu.fill(0.0);
        for i in 0..3 {
            out.fx[4 * i] = 1.0;
            out.lxx[4 * i] = STATE_WEIGHT;
        }
        for i in 0..2 {
            out.luu[3 * i] = 1.0;
        }
        out.fu[5] = UNICYCLE_DT;
    }
    #[inline(always)]
    fn expand(&self, _t: usize, x: &[f64], u: &[f64], memo: &(f64, f64), out: &mut Expansion<Self::Shape>) {
        let (c, s) = *memo;
        out.fx[6] = -s * u[0] * UNICYCLE_DT;
        out.fx[7] = c * u[0] * UNICYCLE_DT;
        out.fu[0] = c * UNICYCLE_DT;
        out.fu[1] = s * UNICYCLE_DT;
        for i in 0..3 {
            out.lx[i] = STATE_WEIGHT * x[i];
        }
        out.lu.copy_from_slice(u);
    }
    #[inline(always)]
    fn expand_terminal(&self, x: &[f64], gradient: &mut [f64], hessian: &mut [f64]) {
        hessian.fill(0.0);
        for i in 0..3 {
            gradient[i] = STATE_WEIGHT * x[i];
            hessian[4 * i] = STATE_WEIGHT;
        }
    }
}

impl Problem for Unicycle {
    #[inline(always)]
    fn step(&self, _t: usize, x: &[f64], u: &[f64], next: &mut [f64], memo: &mut (f64, f64)) -> f64 {
        let (s, c) = x[2].sin_cos();
        *memo = (c, s);
        next[0] = x[0] + c * u[0] * UNICYCLE_DT;
        next[1] = x[1] + s * u[0] * UNICYCLE_DT;
        next[2] = x[2] + u[1] * UNICYCLE_DT;
        self.terminal(x) + 0.5 * (u[0] * u[0] + u[1] * u[1])
    }
    #[inline(always)]
    fn terminal(&self, x: &[f64]) -> f64 {
        0.5 * STATE_WEIGHT * (x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    }
}

/// The unicycle with the second derivatives of its motion.
pub(crate) struct CurvedUnicycle(pub(crate) Unicycle);

impl Expand for CurvedUnicycle {
    type Shape = Fixed<3, 2>;
    type Memo = (f64, f64);
    const CURVATURE: bool = true;

    fn shape(&self) -> Self::Shape {
        Fixed
    }
    fn horizon(&self) -> usize {
        self.0.horizon
    }
    fn constants(&self, out: &mut Expansion<Self::Shape>) {
        self.0.constants(out);
    }
    fn expand(&self, t: usize, x: &[f64], u: &[f64], memo: &(f64, f64), out: &mut Expansion<Self::Shape>) {
        self.0.expand(t, x, u, memo, out);
    }
    fn expand_terminal(&self, x: &[f64], gradient: &mut [f64], hessian: &mut [f64]) {
        self.0.expand_terminal(x, gradient, hessian);
    }
    fn curvature(
        &self,
        _t: usize,
        _x: &[f64],
        u: &[f64],
        (c, s): &(f64, f64),
        costate: &[f64],
        out: &mut Curvature<Self::Shape>,
    ) {
        // Only the heading bends the path: ∂²x'/∂θ² = −c v dt, ∂²y'/∂θ² = −s v dt, and with v: −s dt, c dt.
        out.xx.fill(0.0);
        out.xu.fill(0.0);
        out.uu.fill(0.0);
        out.xx[8] = -(c * costate[0] + s * costate[1]) * u[0] * UNICYCLE_DT;
        out.xu[2] = (c * costate[1] - s * costate[0]) * UNICYCLE_DT;
    }
}

impl Problem for CurvedUnicycle {
    fn step(&self, t: usize, x: &[f64], u: &[f64], next: &mut [f64], memo: &mut (f64, f64)) -> f64 {
        self.0.step(t, x, u, next, memo)
    }
    fn terminal(&self, x: &[f64]) -> f64 {
        self.0.terminal(x)
    }
}

/// Crocoddyl's `ActionModelLQR(37, 12)`: A, B, Q, R identities, linear costs of ones, no drift.
pub(crate) fn crocoddyl_lqr(nx: usize, nu: usize, horizon: usize) -> LinearQuadratic {
    let mut problem = LinearQuadratic::zeros(nx, nu, horizon);
    for i in 0..nx {
        problem.a[i * nx + i] = 1.0;
        problem.q[i * nx + i] = 1.0;
        problem.q_final[i * nx + i] = 1.0;
    }
    for i in 0..nu {
        problem.b[i * nx + i] = 1.0;
        problem.r[i * nu + i] = 1.0;
    }
    problem.q_linear.fill(1.0);
    problem.q_final_linear.fill(1.0);
    problem.r_linear.fill(1.0);
    problem
}

/// Which Runge–Kutta rule integrates the cart-pole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Third,
    Fourth,
}

/// ALTRO's cart-pole: state (position, angle from hanging, their velocities), N = 101 knots over 5 s, the goal upright.
pub(crate) struct CartPole {
    pub(crate) rule: Rule,
    /// The bound on the force and the goal at the end.
    pub(crate) constrained: bool,
}

const CART: f64 = 1.0;
const POLE: f64 = 0.2;
const LENGTH: f64 = 0.5;
const GRAVITY: f64 = 9.81;
const STEPS: usize = 100;
const H: f64 = 5.0 / STEPS as f64;
pub(crate) const UPRIGHT: [f64; 4] = [0.0, std::f64::consts::PI, 0.0, 0.0];
const Q: f64 = 1e-2 * H;
const R: f64 = 1e-1 * H;
const Q_FINAL: f64 = 100.0;

/// Sine, cosine and angular velocity of each stage.
pub(crate) type Stages = [[f64; 3]; 4];

impl CartPole {
    /// The accelerations, and what their derivatives need.
    #[inline(always)]
    fn rate(x: &[f64; 4], u: f64, stage: &mut [f64; 3]) -> [f64; 4] {
        let (s, c) = x[1].sin_cos();
        let w = x[3];
        *stage = [s, c, w];
        let inverse = 1.0 / (CART + POLE * s * s);
        let push = u + POLE * LENGTH * s * w * w;
        let cart = (push + POLE * GRAVITY * s * c) * inverse;
        let pole = -((CART + POLE) * GRAVITY * s + c * push) * inverse * (1.0 / LENGTH);
        [x[2], w, cart, pole]
    }

    /// Derivatives of both accelerations by angle, angular velocity and force.
    #[inline(always)]
    fn slopes([s, c, w]: [f64; 3], u: f64) -> [[f64; 3]; 2] {
        let inverse = 1.0 / (CART + POLE * s * s);
        let push = u + POLE * LENGTH * s * w * w;
        let cart = (push + POLE * GRAVITY * s * c) * inverse;
        let pole = -((CART + POLE) * GRAVITY * s + c * push) * inverse * (1.0 / LENGTH);
        let bend = 2.0 * POLE * s * c;
        let (push_angle, push_speed) = (POLE * LENGTH * c * w * w, 2.0 * POLE * LENGTH * s * w);
        let cart_angle = (push_angle + POLE * GRAVITY * (c * c - s * s) - cart * bend) * inverse;
        let turn = -(CART + POLE) * GRAVITY * c + s * push - c * push_angle;
        let pole_angle = (turn * (1.0 / LENGTH) - pole * bend) * inverse;
        let scaled = inverse * (1.0 / LENGTH);
        [[cart_angle, push_speed * inverse, inverse], [pole_angle, -c * push_speed * scaled, -c * scaled]]
    }

    /// `H A M` for one column of M.
    #[inline(always)]
    fn turn(slopes: &[[f64; 3]; 2], m: [f64; 4], u: f64) -> [f64; 4] {
        [
            H * m[2],
            H * m[3],
            H * (slopes[0][0] * m[1] + slopes[0][1] * m[3] + slopes[0][2] * u),
            H * (slopes[1][0] * m[1] + slopes[1][1] * m[3] + slopes[1][2] * u),
        ]
    }

    /// The derivative of the next state along one direction of state and control.
    #[inline(always)]
    fn along(&self, slopes: &[[[f64; 3]; 2]; 4], d: [f64; 4], u: f64) -> [f64; 4] {
        let k1 = Self::turn(&slopes[0], d, u);
        let mut out = [0.0; 4];
        match self.rule {
            Rule::Third => {
                let mut at = [0.0; 4];
                (0..4).for_each(|i| at[i] = d[i] + 0.5 * k1[i]);
                let k2 = Self::turn(&slopes[1], at, u);
                (0..4).for_each(|i| at[i] = d[i] - k1[i] + 2.0 * k2[i]);
                let k3 = Self::turn(&slopes[2], at, u);
                (0..4).for_each(|i| out[i] = d[i] + (k1[i] + 4.0 * k2[i] + k3[i]) * (1.0 / 6.0));
            }
            Rule::Fourth => {
                let mut at = [0.0; 4];
                (0..4).for_each(|i| at[i] = d[i] + 0.5 * k1[i]);
                let k2 = Self::turn(&slopes[1], at, u);
                (0..4).for_each(|i| at[i] = d[i] + 0.5 * k2[i]);
                let k3 = Self::turn(&slopes[2], at, u);
                (0..4).for_each(|i| at[i] = d[i] + k3[i]);
                let k4 = Self::turn(&slopes[3], at, u);
                (0..4).for_each(|i| out[i] = d[i] + (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]) * (1.0 / 6.0));
            }
        }
        out
    }
}

impl Expand for CartPole {
    type Shape = Fixed<4, 1>;
    type Memo = Stages;

    fn shape(&self) -> Self::Shape {
        Fixed
    }
    fn horizon(&self) -> usize {
        STEPS
    }
    #[inline(always)]
    fn bounds(&self) -> Option<(&[f64], &[f64])> {
        self.constrained.then_some((&[-3.0], &[3.0]))
    }
    #[inline(always)]
    fn constants(&self, out: &mut Expansion<Self::Shape>) {
        out.lxx.fill(0.0);
        out.lxu.fill(0.0);
        (0..4).for_each(|i| out.lxx[5 * i] = Q);
        out.luu[0] = R;
    }
    #[inline(always)]
    fn expand(&self, _t: usize, x: &[f64], u: &[f64], memo: &Stages, out: &mut Expansion<Self::Shape>) {
        let mut slopes = [[[0.0; 3]; 2]; 4];
        for i in 0..if self.rule == Rule::Third { 3 } else { 4 } {
            slopes[i] = Self::slopes(memo[i], u[0]);
        }
        for j in 0..4 {
            let mut unit = [0.0; 4];
            unit[j] = 1.0;
            let column = self.along(&slopes, unit, 0.0);
            out.fx[4 * j..4 * j + 4].copy_from_slice(&column);
        }
        let column = self.along(&slopes, [0.0; 4], 1.0);
        out.fu.copy_from_slice(&column);
        (0..4).for_each(|i| out.lx[i] = Q * (x[i] - UPRIGHT[i]));
        out.lu[0] = R * u[0];
    }
    #[inline(always)]
    fn expand_terminal(&self, x: &[f64], gradient: &mut [f64], hessian: &mut [f64]) {
        hessian.fill(0.0);
        for i in 0..4 {
            gradient[i] = Q_FINAL * (x[i] - UPRIGHT[i]);
            hessian[5 * i] = Q_FINAL;
        }
    }
}

#[inline(always)]
fn distance(x: &[f64]) -> f64 {
    let mut sum = 0.0;
    (0..4).for_each(|i| sum += (x[i] - UPRIGHT[i]) * (x[i] - UPRIGHT[i]));
    sum
}

impl Problem for CartPole {
    #[inline(always)]
    fn step(&self, _t: usize, x: &[f64], u: &[f64], next: &mut [f64], memo: &mut Stages) -> f64 {
        let start = [x[0], x[1], x[2], x[3]];
        let mut at = start;
        let k1 = Self::rate(&at, u[0], &mut memo[0]);
        (0..4).for_each(|i| at[i] = start[i] + 0.5 * H * k1[i]);
        let k2 = Self::rate(&at, u[0], &mut memo[1]);
        match self.rule {
            Rule::Third => {
                (0..4).for_each(|i| at[i] = start[i] + H * (2.0 * k2[i] - k1[i]));
                let k3 = Self::rate(&at, u[0], &mut memo[2]);
                (0..4).for_each(|i| next[i] = start[i] + (H / 6.0) * (k1[i] + 4.0 * k2[i] + k3[i]));
            }
            Rule::Fourth => {
                (0..4).for_each(|i| at[i] = start[i] + 0.5 * H * k2[i]);
                let k3 = Self::rate(&at, u[0], &mut memo[2]);
                (0..4).for_each(|i| at[i] = start[i] + H * k3[i]);
                let k4 = Self::rate(&at, u[0], &mut memo[3]);
                (0..4).for_each(|i| next[i] = start[i] + (H / 6.0) * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]));
            }
        }
        0.5 * (Q * distance(x) + R * u[0] * u[0])
    }
    #[inline(always)]
    fn terminal(&self, x: &[f64]) -> f64 {
        0.5 * Q_FINAL * distance(x)
    }
}

impl Constrained for CartPole {
    #[inline(always)]
    fn constraints(&self, t: usize) -> usize {
        if self.constrained && t == STEPS { 4 } else { 0 }
    }
    #[inline(always)]
    fn equalities(&self, t: usize) -> usize {
        self.constraints(t)
    }
    #[inline(always)]
    fn constrain(&self, _t: usize, x: &[f64], _u: &[f64], out: &mut [f64]) {
        (0..4).for_each(|i| out[i] = x[i] - UPRIGHT[i]);
    }
    #[inline(always)]
    fn constrain_gradients(&self, _t: usize, _x: &[f64], _u: &[f64], by_state: &mut [f64], _by_control: &mut [f64]) {
        (0..4).for_each(|i| by_state[5 * i] = 1.0);
    }
}

/// ALTRO's double integrator: N = 21 knots over 2 s from rest at 0 to rest at 1, |u| ≤ 3, speed at most 0.6.
pub(crate) struct DoubleIntegrator;

const DI_STEPS: usize = 20;
const DI_DT: f64 = 2.0 / DI_STEPS as f64;

impl Expand for DoubleIntegrator {
    type Shape = Fixed<2, 1>;
    type Memo = ();

    fn shape(&self) -> Self::Shape {
        Fixed
    }
    fn horizon(&self) -> usize {
        DI_STEPS
    }
    fn bounds(&self) -> Option<(&[f64], &[f64])> {
        Some((&[-3.0], &[3.0]))
    }
    fn constants(&self, out: &mut Expansion<Self::Shape>) {
        out.fx.copy_from_slice(&[1.0, 0.0, DI_DT, 1.0]);
        out.fu.copy_from_slice(&[0.5 * DI_DT * DI_DT, DI_DT]);
        out.lxx.copy_from_slice(&[DI_DT, 0.0, 0.0, DI_DT]);
        out.lxu.fill(0.0);
        out.luu[0] = 0.1 * DI_DT;
    }
    fn expand(&self, _t: usize, x: &[f64], u: &[f64], _memo: &(), out: &mut Expansion<Self::Shape>) {
        out.lx.copy_from_slice(&[DI_DT * (x[0] - 1.0), DI_DT * x[1]]);
        out.lu[0] = 0.1 * DI_DT * u[0];
    }
    fn expand_terminal(&self, x: &[f64], gradient: &mut [f64], hessian: &mut [f64]) {
        gradient.copy_from_slice(&[x[0] - 1.0, x[1]]);
        hessian.copy_from_slice(&[1.0, 0.0, 0.0, 1.0]);
    }
}

impl Problem for DoubleIntegrator {
    fn step(&self, _t: usize, x: &[f64], u: &[f64], next: &mut [f64], _memo: &mut ()) -> f64 {
        next[0] = x[0] + DI_DT * x[1] + 0.5 * DI_DT * DI_DT * u[0];
        next[1] = x[1] + DI_DT * u[0];
        DI_DT * (self.terminal(x) + 0.05 * u[0] * u[0])
    }
    fn terminal(&self, x: &[f64]) -> f64 {
        0.5 * ((x[0] - 1.0).powi(2) + x[1] * x[1])
    }
}

impl Constrained for DoubleIntegrator {
    fn constraints(&self, _t: usize) -> usize {
        2
    }
    fn equalities(&self, t: usize) -> usize {
        if t == DI_STEPS { 2 } else { 0 }
    }
    fn constrain(&self, t: usize, x: &[f64], _u: &[f64], out: &mut [f64]) {
        let values = if t == DI_STEPS { [x[0] - 1.0, x[1]] } else { [x[1] - 0.6, -x[1] - 0.6] };
        out.copy_from_slice(&values);
    }
    fn constrain_gradients(&self, t: usize, _x: &[f64], _u: &[f64], by_state: &mut [f64], _by_control: &mut [f64]) {
        let gradients = if t == DI_STEPS { [1.0, 0.0, 0.0, 1.0] } else { [0.0, 1.0, 0.0, -1.0] };
        by_state.copy_from_slice(&gradients);
    }
}

/// A solver whose every state stands at `start` and whose controls are zero: where Crocoddyl starts.
pub(crate) fn standing<P: Problem>(problem: &P, start: &[f64], options: Options) -> Solver<P> {
    let mut solver = Solver::new(problem, options);
    solver.states_mut().chunks_exact_mut(start.len()).for_each(|state| state.copy_from_slice(start));
    solver
}
