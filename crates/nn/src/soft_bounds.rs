//! Soft bounds on log-variances, `y₁ = max − softplus(max − x)`, `y = min + softplus(y₁ − min)` (Chua et al., NeurIPS 2018, appendix A.1).

use pulp::{Simd, WithSimd};

use crate::{
    plan::Write,
    rowwise::{View, each_vector, put},
    vector::{exp, load, softplus, store},
};

/// Soft bounds forwards; keeps `σ(max − x)` and `σ(y₁ − min)`.
pub(crate) struct SoftClamp {
    pub(crate) x: View,
    pub(crate) y: View,
    /// Null when no gradient will be wanted.
    pub(crate) kept: [*mut f32; 2],
    pub(crate) min: *const f32,
    pub(crate) max: *const f32,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl WithSimd for SoftClamp {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.rows {
            each_vector!(S, self.cols, |col, real| {
                // SAFETY: padded rows, see `buffer`, or a window that is read past its end into slack.
                unsafe {
                    let (min, max) = (load::<S>(self.min.add(col)), load::<S>(self.max.add(col)));
                    let (over, upper) = softplus(simd, simd.sub_f32s(max, load::<S>(self.x.row(row).add(col))));
                    let below = simd.sub_f32s(max, over);
                    let (under, lower) = softplus(simd, simd.sub_f32s(below, min));
                    put(simd, self.y.row(row).add(col), simd.add_f32s(min, under), real, Write::Fresh);
                    if !self.kept[0].is_null() {
                        let at = row * self.y.stride + col;
                        put(simd, self.kept[0].add(at), upper, real, Write::Fresh);
                        put(simd, self.kept[1].add(at), lower, real, Write::Fresh);
                    }
                }
            });
        }
    }
}

/// Soft bounds backwards: `dx = dy σ₁ σ₂`, `dmax = dy σ₂ (1 − σ₁)`, `dmin = dy (1 − σ₂)`.
pub(crate) struct SoftClampBack {
    pub(crate) dy: View,
    pub(crate) dx: View,
    pub(crate) write: Write,
    pub(crate) kept: [*const f32; 2],
    pub(crate) d_min: *mut f32,
    pub(crate) d_max: *mut f32,
    pub(crate) parameters: [Write; 2],
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl WithSimd for SoftClampBack {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let one = simd.splat_f32s(1.0);
        for row in 0..self.rows {
            each_vector!(S, self.cols, |col, real| {
                // SAFETY: padded rows, see `buffer`.
                unsafe {
                    let at = row * self.dy.stride + col;
                    let dy = load::<S>(self.dy.row(row).add(col));
                    let (upper, lower) = (load::<S>(self.kept[0].add(at)), load::<S>(self.kept[1].add(at)));
                    let inside = simd.mul_f32s(dy, lower);
                    let add = |write| if row > 0 { Write::Add } else { write };
                    if self.parameters[0] != Write::Skip {
                        let d = simd.mul_f32s(dy, simd.sub_f32s(one, lower));
                        put(simd, self.d_min.add(col), d, real, add(self.parameters[0]));
                    }
                    if self.parameters[1] != Write::Skip {
                        let d = simd.mul_f32s(inside, simd.sub_f32s(one, upper));
                        put(simd, self.d_max.add(col), d, real, add(self.parameters[1]));
                    }
                    if self.write != Write::Skip {
                        put(simd, self.dx.row(row).add(col), simd.mul_f32s(inside, upper), real, self.write);
                    }
                }
            });
        }
    }
}

/// Soft bounds for inference, in place, a column at a time: a vector holds one column of several rows, so that none of it is idle
/// however few columns there are.
pub(crate) struct SoftClampColumns {
    pub(crate) x: View,
    pub(crate) min: *const f32,
    pub(crate) max: *const f32,
    /// Whether `exp(½ y)` is written: the standard deviation rather than the log-variance.
    pub(crate) deviation: bool,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl WithSimd for SoftClampColumns {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let half = simd.splat_f32s(0.5);
        let mut lanes = [0.0_f32; 16];
        for col in 0..self.cols {
            // SAFETY: both bounds hold `cols` numbers, and the view all rows with these columns; no vector is longer than 16.
            unsafe {
                let (min, max) = (simd.splat_f32s(*self.min.add(col)), simd.splat_f32s(*self.max.add(col)));
                let mut row = 0;
                while row < self.rows {
                    let real = S::F32_LANES.min(self.rows - row);
                    for (i, lane) in lanes[..real].iter_mut().enumerate() {
                        *lane = *self.x.row(row + i).add(col);
                    }
                    let (over, _) = softplus(simd, simd.sub_f32s(max, load::<S>(lanes.as_ptr())));
                    let (under, _) = softplus(simd, simd.sub_f32s(simd.sub_f32s(max, over), min));
                    let mut y = simd.add_f32s(min, under);
                    if self.deviation {
                        y = exp(simd, simd.mul_f32s(half, y));
                    }
                    store::<S>(lanes.as_mut_ptr(), y);
                    for (i, lane) in lanes[..real].iter().enumerate() {
                        *self.x.row(row + i).add(col) = *lane;
                    }
                    row += real;
                }
            }
        }
    }
}
