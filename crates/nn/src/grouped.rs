//! Exponentials over groups of columns: what categorical distributions are made of.

use pulp::{Simd, WithSimd};

use crate::{
    plan::Write,
    rowwise::{each_vector, fold, greatest, put},
    vector::{exp, fma, load},
    view::View,
};

/// The greatest of `classes` numbers, and the logarithm of the sum of `e^{x − greatest}`.
///
/// # Safety
/// `x` is readable for `classes` numbers rounded up to whole vectors.
#[inline(always)]
pub(crate) unsafe fn log_sum_exp<S: Simd>(simd: S, x: *const f32, classes: usize) -> (f32, f32) {
    let mut top = f32::NEG_INFINITY;
    let mut sum = 0.0_f32;
    // SAFETY: the caller's promise.
    unsafe {
        each_vector!(S, classes, |col, real| {
            top = greatest::<S>(load::<S>(x.add(col)), real, top);
        });
        let centre = simd.splat_f32s(top);
        each_vector!(S, classes, |col, real| {
            sum += fold::<S>(exp(simd, simd.sub_f32s(load::<S>(x.add(col)), centre)), real);
        });
    }
    (top, sum.ln())
}

/// Softmax of each group of `classes` columns, or its logarithm.
pub(crate) struct Softmax {
    pub(crate) x: View,
    pub(crate) y: View,
    pub(crate) classes: usize,
    pub(crate) logarithm: bool,
}

impl WithSimd for Softmax {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.y.rows {
            for start in (0..self.y.cols).step_by(self.classes) {
                // SAFETY: padded rows and slack behind them, see `buffer`.
                unsafe {
                    let (x, y) = (self.x.row(row).add(start), self.y.row(row).add(start));
                    let (top, log_sum) = log_sum_exp(simd, x, self.classes);
                    let centre = simd.splat_f32s(top + log_sum);
                    each_vector!(S, self.classes, |col, real| {
                        let log = simd.sub_f32s(load::<S>(x.add(col)), centre);
                        let value = if self.logarithm { log } else { exp(simd, log) };
                        put(simd, y.add(col), value, real, Write::Fresh);
                    });
                }
            }
        }
    }
}

/// Backwards through a softmax `p`: `dx = factor p (dy − Σ p dy)`; or through its logarithm: `dx = dy − p Σ dy`.
pub(crate) struct SoftmaxBack {
    /// The softmax, or its logarithm.
    pub(crate) p: View,
    pub(crate) dy: View,
    pub(crate) dx: View,
    pub(crate) write: Write,
    pub(crate) classes: usize,
    pub(crate) logarithm: bool,
    pub(crate) factor: f32,
}

impl WithSimd for SoftmaxBack {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.write == Write::Skip {
            return;
        }
        let factor = simd.splat_f32s(self.factor);
        for row in 0..self.dy.rows {
            for start in (0..self.dy.cols).step_by(self.classes) {
                // SAFETY: padded rows and slack behind them, see `buffer`.
                unsafe {
                    let (p, dy) = (self.p.row(row).add(start), self.dy.row(row).add(start));
                    let dx = self.dx.row(row).add(start);
                    let mut along = 0.0_f32;
                    each_vector!(S, self.classes, |col, real| {
                        let dy = load::<S>(dy.add(col));
                        let term = if self.logarithm { dy } else { simd.mul_f32s(load::<S>(p.add(col)), dy) };
                        along += fold::<S>(term, real);
                    });
                    let along = simd.splat_f32s(-along);
                    each_vector!(S, self.classes, |col, real| {
                        let (p, dy) = (load::<S>(p.add(col)), load::<S>(dy.add(col)));
                        let d = if self.logarithm {
                            fma(simd, exp(simd, p), along, dy)
                        } else {
                            simd.mul_f32s(simd.mul_f32s(factor, p), simd.add_f32s(dy, along))
                        };
                        put(simd, dx.add(col), d, real, self.write);
                    });
                }
            }
        }
    }
}
