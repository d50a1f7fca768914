//! ALTRO's cart-pole, with the first and second derivatives of its Runge–Kutta steps.

use worldwright_control::{Constrained, Curvature, Expand, Expansion, Fixed, Problem};

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

/// Derivatives of both accelerations at each stage.
type Slopes = [[[f64; 3]; 2]; 4];

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

    /// The derivative of the next state along one direction of state and control, and of the states that the stages see.
    #[inline(always)]
    fn along(&self, slopes: &Slopes, d: [f64; 4], u: f64) -> ([f64; 4], [[f64; 4]; 4]) {
        let mut at = [d; 4];
        let k1 = Self::turn(&slopes[0], at[0], u);
        (0..4).for_each(|i| at[1][i] = d[i] + 0.5 * k1[i]);
        let k2 = Self::turn(&slopes[1], at[1], u);
        let mut out = [0.0; 4];
        match self.rule {
            Rule::Third => {
                (0..4).for_each(|i| at[2][i] = d[i] - k1[i] + 2.0 * k2[i]);
                let k3 = Self::turn(&slopes[2], at[2], u);
                (0..4).for_each(|i| out[i] = d[i] + (k1[i] + 4.0 * k2[i] + k3[i]) * (1.0 / 6.0));
            }
            Rule::Fourth => {
                (0..4).for_each(|i| at[2][i] = d[i] + 0.5 * k2[i]);
                let k3 = Self::turn(&slopes[2], at[2], u);
                (0..4).for_each(|i| at[3][i] = d[i] + k3[i]);
                let k4 = Self::turn(&slopes[3], at[3], u);
                (0..4).for_each(|i| out[i] = d[i] + (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]) * (1.0 / 6.0));
            }
        }
        (out, at)
    }

    /// How many stages the rule has.
    #[inline(always)]
    fn stages(&self) -> usize {
        if self.rule == Rule::Third { 3 } else { 4 }
    }

    /// `Aᵀ v` of one stage, times H.
    #[inline(always)]
    fn turn_back(slopes: &[[f64; 3]; 2], v: [f64; 4]) -> [f64; 4] {
        let by = |p: usize| slopes[0][p] * v[2] + slopes[1][p] * v[3];
        [0.0, H * by(0), H * v[0], H * (v[1] + by(1))]
    }

    /// How much each stage's rate weighs in `costate · next state`.
    #[inline(always)]
    fn adjoint(&self, slopes: &Slopes, costate: &[f64]) -> [[f64; 4]; 4] {
        let p = [costate[0], costate[1], costate[2], costate[3]];
        let mut v = [[0.0; 4]; 4];
        match self.rule {
            Rule::Third => {
                (0..4).for_each(|i| v[2][i] = p[i] / 6.0);
                let third = Self::turn_back(&slopes[2], v[2]);
                (0..4).for_each(|i| v[1][i] = p[i] / 1.5 + 2.0 * third[i]);
                let second = Self::turn_back(&slopes[1], v[1]);
                (0..4).for_each(|i| v[0][i] = p[i] / 6.0 + 0.5 * second[i] - third[i]);
            }
            Rule::Fourth => {
                (0..4).for_each(|i| v[3][i] = p[i] / 6.0);
                let fourth = Self::turn_back(&slopes[3], v[3]);
                (0..4).for_each(|i| v[2][i] = p[i] / 3.0 + fourth[i]);
                let third = Self::turn_back(&slopes[2], v[2]);
                (0..4).for_each(|i| v[1][i] = p[i] / 3.0 + 0.5 * third[i]);
                let second = Self::turn_back(&slopes[1], v[1]);
                (0..4).for_each(|i| v[0][i] = p[i] / 6.0 + 0.5 * second[i]);
            }
        }
        v
    }

    /// Second derivatives of both accelerations, weighed: by angle and angle, angle and speed, speed twice, angle and force.
    #[inline(always)]
    fn bends([s, c, w]: [f64; 3], u: f64, [cart, pole]: [f64; 2]) -> [f64; 4] {
        let inverse = 1.0 / (CART + POLE * s * s);
        let (d1, d2) = (2.0 * POLE * s * c, 2.0 * POLE * (c * c - s * s));
        let push = u + POLE * LENGTH * s * w * w;
        let (push_a, push_w) = (POLE * LENGTH * c * w * w, 2.0 * POLE * LENGTH * s * w);
        let (push_aa, push_aw, push_ww) =
            (-POLE * LENGTH * s * w * w, 2.0 * POLE * LENGTH * c * w, 2.0 * POLE * LENGTH * s);
        let weight = (CART + POLE) * GRAVITY;
        // Numerators of both and their derivatives, weighed; the denominator is shared.
        let turned = -pole / LENGTH;
        let n = cart * (push + POLE * GRAVITY * s * c) + turned * (weight * s + c * push);
        let n_a = cart * (push_a + POLE * GRAVITY * (c * c - s * s)) + turned * (weight * c - s * push + c * push_a);
        let n_w = (cart + turned * c) * push_w;
        let n_u = cart + turned * c;
        let n_aa = cart * (push_aa - 4.0 * POLE * GRAVITY * s * c)
            + turned * (c * push_aa - weight * s - c * push - 2.0 * s * push_a);
        let n_aw = cart * push_aw + turned * (c * push_aw - s * push_w);
        let n_ww = (cart + turned * c) * push_ww;
        let n_au = -turned * s;
        let y_a = (n_a - n * inverse * d1) * inverse;
        [
            (n_aa - 2.0 * y_a * d1 - n * inverse * d2) * inverse,
            (n_aw - n_w * inverse * d1) * inverse,
            n_ww * inverse,
            (n_au - n_u * inverse * d1) * inverse,
        ]
    }

    #[inline(always)]
    fn all_slopes(&self, memo: &Stages, u: f64) -> Slopes {
        let mut slopes = [[[0.0; 3]; 2]; 4];
        (0..self.stages()).for_each(|i| slopes[i] = Self::slopes(memo[i], u));
        slopes
    }
}

impl Expand for CartPole {
    type Shape = Fixed<4, 1>;
    type Memo = Stages;
    const CURVATURE: bool = true;

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
        let slopes = self.all_slopes(memo, u[0]);
        for j in 0..4 {
            let mut unit = [0.0; 4];
            unit[j] = 1.0;
            let (column, _) = self.along(&slopes, unit, 0.0);
            out.fx[4 * j..4 * j + 4].copy_from_slice(&column);
        }
        let (column, _) = self.along(&slopes, [0.0; 4], 1.0);
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
    #[inline(always)]
    fn curvature(
        &self,
        _t: usize,
        _x: &[f64],
        u: &[f64],
        memo: &Stages,
        costate: &[f64],
        out: &mut Curvature<Self::Shape>,
    ) {
        let slopes = self.all_slopes(memo, u[0]);
        let weights = self.adjoint(&slopes, costate);
        // Directions: the four numbers of the state, then the force.
        let mut seen = [[[0.0; 4]; 4]; 5];
        for (j, seen) in seen.iter_mut().enumerate() {
            let mut unit = [0.0; 5];
            unit[j] = 1.0;
            *seen = self.along(&slopes, [unit[0], unit[1], unit[2], unit[3]], unit[4]).1;
        }
        let mut sums = [[0.0; 5]; 5];
        for i in 0..self.stages() {
            let [aa, aw, ww, au] = Self::bends(memo[i], u[0], [H * weights[i][2], H * weights[i][3]]);
            for p in 0..5 {
                let (angle, speed, force) = (seen[p][i][1], seen[p][i][3], if p == 4 { 1.0 } else { 0.0 });
                let by = [aa * angle + aw * speed + au * force, aw * angle + ww * speed, au * angle];
                for q in 0..=p {
                    let pushed = if q == 4 { by[2] } else { 0.0 };
                    sums[p][q] += by[0] * seen[q][i][1] + by[1] * seen[q][i][3] + pushed;
                }
            }
        }
        for p in 0..4 {
            for q in 0..4 {
                out.xx[4 * p + q] = sums[p.max(q)][p.min(q)];
            }
            out.xu[p] = sums[4][p];
        }
        out.uu[0] = sums[4][4];
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
