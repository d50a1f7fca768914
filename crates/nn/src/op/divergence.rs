//! Divergence and cross-entropy of categorical distributions given by logits, groups of `classes` columns side by side.

use pulp::{Simd, WithSimd};
use worldwright_core::Result;

use super::{Op, reduce::groups};
use crate::{
    buffer::stride,
    context::Context,
    graph::{Graph, Node, expect_same},
    grouped::log_sum_exp,
    plan::Write,
    rowwise::{Combine, each_vector, fold, put},
    shape::Shape,
    vector::{exp, fma, load},
    view::View,
};

/// `Σ p (ln p − ln q)` over all groups, in one column.
#[derive(Debug)]
struct CategoricalKl {
    classes: usize,
}

impl CategoricalKl {
    /// The slopes by the logits of p and of q, matrices of the operands' shape one behind the other.
    fn slopes(c: &Context<'_>) -> [View; 2] {
        let x = c.operand(0);
        let all = c.kept_rows(2 * x.rows, x.stride);
        [0, 1].map(|matrix| View { cols: x.cols, ..all.lines(matrix * x.rows, x.rows) })
    }
}

impl Op for CategoricalKl {
    fn name(&self) -> &'static str {
        "categorical_kl"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        expect_same("second distribution", of[1], of[0])?;
        groups(of[0], self.classes).map(|_| Shape::new(of[0].rows, 1))
    }

    fn kept(&self, of: &[Shape], out: Shape) -> usize {
        2 * out.rows * stride(of[0].cols)
    }

    fn work(&self, of: &[Shape], _parameters: &[[usize; 2]], _out: Shape) -> usize {
        40 * of[0].numbers()
    }

    fn forward(&self, c: &Context<'_>) {
        let slopes = c.pass.keep.then(|| Self::slopes(c));
        c.run(Kl { p: c.operand(0), q: c.operand(1), y: c.output(), slopes, classes: self.classes });
    }

    fn backward(&self, c: &Context<'_>) {
        let dy = c.dy();
        for (operand, slope) in Self::slopes(c).into_iter().enumerate() {
            let (to, write) = c.operand_gradient(operand);
            if write == Write::Skip {
                continue;
            }
            for row in 0..to.rows {
                let (to, from, factor) = (to.lines(row, 1), slope.lines(row, 1), dy.row(row)[0]);
                c.run(Combine { factor, ..Combine::copy(to, from, write) });
            }
        }
    }
}

struct Kl {
    p: View,
    q: View,
    y: View,
    slopes: Option<[View; 2]>,
    classes: usize,
}

impl WithSimd for Kl {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.p.rows {
            let mut whole = 0.0_f32;
            for start in (0..self.p.cols).step_by(self.classes) {
                // SAFETY: padded rows and slack behind them, see `buffer`.
                unsafe {
                    let (p, q) = (self.p.row(row).add(start), self.q.row(row).add(start));
                    let (p_top, p_log) = log_sum_exp(simd, p, self.classes);
                    let (q_top, q_log) = log_sum_exp(simd, q, self.classes);
                    let (p_centre, q_centre) = (simd.splat_f32s(p_top + p_log), simd.splat_f32s(q_top + q_log));
                    let mut part = 0.0_f32;
                    each_vector!(S, self.classes, |col, real| {
                        let log_p = simd.sub_f32s(load::<S>(p.add(col)), p_centre);
                        let log_q = simd.sub_f32s(load::<S>(q.add(col)), q_centre);
                        part += fold::<S>(simd.mul_f32s(exp(simd, log_p), simd.sub_f32s(log_p, log_q)), real);
                    });
                    whole += part;
                    if let Some([by_p, by_q]) = self.slopes {
                        let part = simd.splat_f32s(part);
                        each_vector!(S, self.classes, |col, real| {
                            let log_p = simd.sub_f32s(load::<S>(p.add(col)), p_centre);
                            let log_q = simd.sub_f32s(load::<S>(q.add(col)), q_centre);
                            let (p, q) = (exp(simd, log_p), exp(simd, log_q));
                            let off = simd.sub_f32s(simd.sub_f32s(log_p, log_q), part);
                            let (by_p, by_q) = (by_p.row(row).add(start + col), by_q.row(row).add(start + col));
                            put(simd, by_p, simd.mul_f32s(p, off), real, Write::Fresh);
                            put(simd, by_q, simd.sub_f32s(q, p), real, Write::Fresh);
                        });
                    }
                }
            }
            // SAFETY: one number a row.
            unsafe { *self.y.row(row) = whole };
        }
    }
}

/// `−Σ t ln softmax(x)` of each group, a column a group. Targets are probabilities and get no gradient.
#[derive(Debug)]
struct CrossEntropy {
    classes: usize,
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        expect_same("target probabilities", of[1], of[0])?;
        groups(of[0], self.classes).map(|count| Shape::new(of[0].rows, count))
    }

    fn differentiates(&self, operand: usize) -> bool {
        operand == 0
    }

    fn work(&self, of: &[Shape], _parameters: &[[usize; 2]], _out: Shape) -> usize {
        20 * of[0].numbers()
    }

    fn forward(&self, c: &Context<'_>) {
        c.run(Entropy { x: c.operand(0), target: c.operand(1), y: c.output(), back: None, classes: self.classes });
    }

    fn backward(&self, c: &Context<'_>) {
        let (dx, write) = c.operand_gradient(0);
        let back = Some((dx, write));
        c.run(Entropy { x: c.operand(0), target: c.operand(1), y: c.gradient(), back, classes: self.classes });
    }
}

/// The values to `y`; or, with somewhere to put them, the slopes times `y`.
struct Entropy {
    x: View,
    target: View,
    y: View,
    back: Option<(View, Write)>,
    classes: usize,
}

impl WithSimd for Entropy {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.x.rows {
            for group in 0..self.x.cols / self.classes {
                let start = group * self.classes;
                // SAFETY: padded rows and slack behind them, see `buffer`.
                unsafe {
                    let (x, t) = (self.x.row(row).add(start), self.target.row(row).add(start));
                    let (top, log_sum) = log_sum_exp(simd, x, self.classes);
                    let centre = simd.splat_f32s(top + log_sum);
                    let (mut value, mut total) = (0.0_f32, 0.0_f32);
                    each_vector!(S, self.classes, |col, real| {
                        let t = load::<S>(t.add(col));
                        let term = simd.mul_f32s(t, simd.sub_f32s(centre, load::<S>(x.add(col))));
                        value += fold::<S>(term, real);
                        total += fold::<S>(t, real);
                    });
                    let y = self.y.row(row).add(group);
                    let Some((dx, write)) = self.back else {
                        *y = value;
                        continue;
                    };
                    let (dy, total) = (simd.splat_f32s(*y), simd.splat_f32s(total));
                    each_vector!(S, self.classes, |col, real| {
                        let p = exp(simd, simd.sub_f32s(load::<S>(x.add(col)), centre));
                        let t = load::<S>(t.add(col));
                        let slope = simd.sub_f32s(fma(simd, p, total, simd.splat_f32s(0.0)), t);
                        put(simd, dx.row(row).add(start + col), simd.mul_f32s(slope, dy), real, write);
                    });
                }
            }
        }
    }
}

impl Graph {
    /// `KL(p ‖ q)` of categorical distributions given by logits, summed over groups of `classes` columns into one column.
    ///
    /// # Errors
    /// As for [`softmax`](Self::softmax).
    pub fn categorical_kl(&mut self, p: Node, q: Node, classes: usize) -> Result<Node> {
        self.push(CategoricalKl { classes }, &[p, q], &[])
    }

    /// The cross-entropy of each group of `classes` columns of `logits` with `targets`, probabilities of the same shape that get no gradient.
    ///
    /// # Errors
    /// As for [`softmax`](Self::softmax).
    pub fn cross_entropy(&mut self, logits: Node, targets: Node, classes: usize) -> Result<Node> {
        self.push(CrossEntropy { classes }, &[logits, targets], &[])
    }
}
