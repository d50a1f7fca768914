//! The linear-quadratic problem with drift and linear cost, for any size.
//!
//! ```text
//! x' = A x + B u + f,    l = ½ xᵀQx + xᵀN u + ½ uᵀRu + q·x + r·u,    l_N = ½ xᵀQ_f x + q_f·x
//! ```

use worldwright_core::{Error, Result};

use super::dense::{add_product, add_product_transposed, dot};
use super::problem::{Expand, Expansion, Problem};
use super::shape::Dynamic;

/// The matrices, each column after column.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearQuadratic {
    /// N, the number of controls.
    pub horizon: usize,
    /// A, n × n.
    pub a: Vec<f64>,
    /// B, n × m.
    pub b: Vec<f64>,
    /// f, n.
    pub drift: Vec<f64>,
    /// Q, n × n, symmetric.
    pub q: Vec<f64>,
    /// N, n × m.
    pub cross: Vec<f64>,
    /// R, m × m, symmetric.
    pub r: Vec<f64>,
    /// q, n.
    pub q_linear: Vec<f64>,
    /// r, m.
    pub r_linear: Vec<f64>,
    /// Q_f, n × n, symmetric.
    pub q_final: Vec<f64>,
    /// q_f, n.
    pub q_final_linear: Vec<f64>,
}

impl LinearQuadratic {
    /// Zero matrices for n states and m controls over `horizon` steps.
    pub fn zeros(nx: usize, nu: usize, horizon: usize) -> Self {
        Self {
            horizon,
            a: vec![0.0; nx * nx],
            b: vec![0.0; nx * nu],
            drift: vec![0.0; nx],
            q: vec![0.0; nx * nx],
            cross: vec![0.0; nx * nu],
            r: vec![0.0; nu * nu],
            q_linear: vec![0.0; nx],
            r_linear: vec![0.0; nu],
            q_final: vec![0.0; nx * nx],
            q_final_linear: vec![0.0; nx],
        }
    }

    /// Refuses matrices that do not fit together.
    ///
    /// # Errors
    /// [`Error::Shape`] that names the matrix.
    pub fn check(&self) -> Result<()> {
        let (n, m) = (self.drift.len(), self.r_linear.len());
        for (name, matrix, rows, columns) in [
            ("A", &self.a, n, n),
            ("B", &self.b, n, m),
            ("Q", &self.q, n, n),
            ("N", &self.cross, n, m),
            ("R", &self.r, m, m),
            ("q", &self.q_linear, n, 1),
            ("Q_f", &self.q_final, n, n),
            ("q_f", &self.q_final_linear, n, 1),
        ] {
            if matrix.len() != rows * columns {
                return Err(Error::shape(name, &[rows, columns], &[matrix.len()]));
            }
        }
        Ok(())
    }
}

/// `½ xᵀQx + q·x`
#[inline(always)]
fn quadratic(q: &[f64], linear: &[f64], x: &[f64]) -> f64 {
    0.5 * bilinear(q, x, x) + dot::<false>(linear, x)
}

/// `xᵀA y`
#[inline(always)]
fn bilinear(a: &[f64], x: &[f64], y: &[f64]) -> f64 {
    let rows = x.len();
    // Lanes that are summed once, not once a column.
    let mut lanes = [0.0; 8];
    let mut rest = 0.0;
    for (column, scale) in a.chunks_exact(rows).zip(y) {
        let (columns, xs) = (column.chunks_exact(8), x.chunks_exact(8));
        for (a, x) in columns.remainder().iter().zip(xs.remainder()) {
            rest += scale * (a * x);
        }
        for (a, x) in columns.zip(xs) {
            for i in 0..8 {
                lanes[i] += scale * (a[i] * x[i]);
            }
        }
    }
    rest + lanes.iter().sum::<f64>()
}

impl Expand for LinearQuadratic {
    type Shape = Dynamic;
    type Memo = ();

    fn shape(&self) -> Dynamic {
        Dynamic { nx: self.drift.len(), nu: self.r_linear.len() }
    }

    fn horizon(&self) -> usize {
        self.horizon
    }

    fn constants(&self, out: &mut Expansion<Dynamic>) {
        out.fx.copy_from_slice(&self.a);
        out.fu.copy_from_slice(&self.b);
        out.lxx.copy_from_slice(&self.q);
        out.lxu.copy_from_slice(&self.cross);
        out.luu.copy_from_slice(&self.r);
    }

    #[inline(always)]
    fn expand(&self, _t: usize, x: &[f64], u: &[f64], _memo: &(), out: &mut Expansion<Dynamic>) {
        out.lx.copy_from_slice(&self.q_linear);
        add_product::<false>(&self.q, x, &mut out.lx);
        add_product::<false>(&self.cross, u, &mut out.lx);
        out.lu.copy_from_slice(&self.r_linear);
        add_product::<false>(&self.r, u, &mut out.lu);
        add_product_transposed::<false>(&self.cross, x, &mut out.lu);
    }

    fn expand_terminal(&self, x: &[f64], gradient: &mut [f64], hessian: &mut [f64]) {
        gradient.copy_from_slice(&self.q_final_linear);
        add_product::<false>(&self.q_final, x, gradient);
        hessian.copy_from_slice(&self.q_final);
    }
}

impl Problem for LinearQuadratic {
    #[inline(always)]
    fn step(&self, _t: usize, x: &[f64], u: &[f64], next: &mut [f64], _memo: &mut ()) -> f64 {
        next.copy_from_slice(&self.drift);
        add_product::<false>(&self.a, x, next);
        add_product::<false>(&self.b, u, next);
        let crossed = bilinear(&self.cross, x, u);
        quadratic(&self.q, &self.q_linear, x) + quadratic(&self.r, &self.r_linear, u) + crossed
    }

    #[inline(always)]
    fn terminal(&self, x: &[f64]) -> f64 {
        quadratic(&self.q_final, &self.q_final_linear, x)
    }
}
