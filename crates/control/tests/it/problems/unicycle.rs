//! Crocoddyl's unicycle, with and without the second derivatives of its motion.

use worldwright_control::{Curvature, Expand, Expansion, Fixed, Problem};
use worldwright_numerics::trig::sin_cos_fused as sin_cos;

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
        let way = u[0] * UNICYCLE_DT;
        out.fx[6] = -s * way;
        out.fx[7] = c * way;
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
        let (s, c) = sin_cos(x[2]);
        *memo = (c, s);
        // The heading does not wait for the sine, and the way is known before it.
        let way = u[0] * UNICYCLE_DT;
        next[2] = u[1].mul_add(UNICYCLE_DT, x[2]);
        next[0] = c.mul_add(way, x[0]);
        next[1] = s.mul_add(way, x[1]);
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
