//! Soft bounds on log-variances, `y₁ = max − softplus(max − x)`, `y = min + softplus(y₁ − min)` (Chua et al., NeurIPS 2018, appendix A.1).

use pulp::{Simd, WithSimd};

use crate::{
    vector::{exp, load, softplus, store},
    view::View,
};

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
