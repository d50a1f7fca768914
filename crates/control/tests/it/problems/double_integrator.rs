//! ALTRO's double integrator with a speed limit.

use worldwright_control::{Constrained, Expand, Expansion, Fixed, Problem};

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
