//! Loops over rows of padded matrices that the tape's operations are made of, one instruction set at a time.

use pulp::{Simd, WithSimd};

use crate::{
    activation::{Function, with_function},
    plan::Write,
    tape::Op,
    vector::{exp, fma, load, neg, softplus, store},
};

/// A padded matrix inside a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) at: *mut f32,
    pub(crate) stride: usize,
}

impl View {
    #[inline(always)]
    pub(crate) fn row(self, row: usize) -> *mut f32 {
        self.at.wrapping_add(row * self.stride)
    }
}

/// Calls `f(column, real columns)` for each vector of a row.
macro_rules! each_vector {
    ($S:ident, $cols:expr, |$col:ident, $real:ident| $body:block) => {
        let mut $col = 0;
        while $col < $cols {
            let $real = $S::F32_LANES.min($cols - $col);
            $body
            $col += $S::F32_LANES;
        }
    };
}

pub(crate) use each_vector;

/// Writes the real columns of a vector, so that padding keeps its zeros.
#[inline(always)]
pub(crate) unsafe fn put<S: Simd>(simd: S, at: *mut f32, value: S::f32s, real: usize, write: Write) {
    // SAFETY: the caller's row is padded to whole vectors.
    unsafe {
        let value = if write == Write::Add { simd.add_f32s(load::<S>(at), value) } else { value };
        if real == S::F32_LANES {
            store::<S>(at, value);
        } else {
            let mut lanes = [0.0_f32; 16];
            store::<S>(lanes.as_mut_ptr(), value);
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), at, real);
        }
    }
}

/// The sum of the real columns of a vector, lane after lane.
#[inline(always)]
fn sum<S: Simd>(value: S::f32s, real: usize) -> f64 {
    let mut lanes = [0.0_f32; 16];
    // SAFETY: no vector is longer than sixteen numbers.
    unsafe { store::<S>(lanes.as_mut_ptr(), value) };
    lanes[..real].iter().map(|lane| f64::from(*lane)).sum()
}

/// `z ← z · derivative` where there is one, and the columns' sums into a bias gradient.
pub(crate) struct ScaleAndSum {
    pub(crate) z: View,
    pub(crate) derivative: *const f32,
    pub(crate) sums: *mut f32,
    pub(crate) write: Write,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl WithSimd for ScaleAndSum {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        each_vector!(S, self.cols, |col, _real| {
            // SAFETY: padded rows, see `buffer`.
            unsafe {
                let zero = simd.splat_f32s(0.0);
                let mut total = if self.write == Write::Add { load::<S>(self.sums.add(col)) } else { zero };
                for row in 0..self.rows {
                    let at = self.z.row(row).add(col);
                    let mut z = load::<S>(at);
                    if !self.derivative.is_null() {
                        z = simd.mul_f32s(z, load::<S>(self.derivative.add(row * self.z.stride + col)));
                        store::<S>(at, z);
                    }
                    total = simd.add_f32s(total, z);
                }
                if self.write != Write::Skip {
                    store::<S>(self.sums.add(col), total);
                }
            }
        });
    }
}

/// `to ← to + factor · from` or `to ← factor · from`, with an optional second factor matrix and a constant.
pub(crate) struct Combine {
    pub(crate) to: View,
    pub(crate) from: View,
    pub(crate) times: Option<View>,
    pub(crate) factor: f32,
    pub(crate) constant: f32,
    pub(crate) write: Write,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl WithSimd for Combine {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (factor, constant) = (simd.splat_f32s(self.factor), simd.splat_f32s(self.constant));
        for row in 0..self.rows {
            each_vector!(S, self.cols, |col, real| {
                // SAFETY: padded rows, see `buffer`; a slice starts anywhere and is read past its end into the next row or the slack
                // behind the arena.
                unsafe {
                    let mut value = fma(simd, load::<S>(self.from.row(row).add(col)), factor, constant);
                    if let Some(times) = self.times {
                        value = simd.mul_f32s(value, load::<S>(times.row(row).add(col)));
                    }
                    put(simd, self.to.row(row).add(col), value, real, self.write);
                }
            });
        }
    }
}

/// Layer normalisation of rows, forwards.
pub(crate) struct Normalise {
    pub(crate) op: Op,
    pub(crate) x: View,
    pub(crate) y: View,
    /// The normalised row, the activation's derivative (both laid out as `y`) and the inverse deviation of each row.
    pub(crate) kept: [*mut f32; 3],
    pub(crate) gain: *const f32,
    pub(crate) shift: *const f32,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl WithSimd for Normalise {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if let Op::LayerNorm { activation, epsilon, .. } = self.op {
            with_function!(activation, F => self.run::<S, F>(simd, epsilon));
        }
    }
}

impl Normalise {
    #[inline(always)]
    fn run<S: Simd, F: Function>(&self, simd: S, epsilon: f32) {
        let cols = self.cols as f64;
        for row in 0..self.rows {
            let x = self.x.row(row);
            let (mut total, mut tail) = (simd.splat_f32s(0.0), 0.0);
            // SAFETY: padded rows, see `buffer`.
            unsafe {
                each_vector!(S, self.cols, |col, real| {
                    let value = load::<S>(x.add(col));
                    if real == S::F32_LANES {
                        total = simd.add_f32s(total, value);
                    } else {
                        tail += sum::<S>(value, real);
                    }
                });
                let mean = ((sum::<S>(total, S::F32_LANES) + tail) / cols) as f32;
                let centre = simd.splat_f32s(mean);
                (total, tail) = (simd.splat_f32s(0.0), 0.0);
                each_vector!(S, self.cols, |col, real| {
                    let off = simd.sub_f32s(load::<S>(x.add(col)), centre);
                    if real == S::F32_LANES {
                        total = fma(simd, off, off, total);
                    } else {
                        tail += sum::<S>(simd.mul_f32s(off, off), real);
                    }
                });
                let variance = (sum::<S>(total, S::F32_LANES) + tail) / cols;
                let inverse = (1.0 / (variance + f64::from(epsilon)).sqrt()) as f32;
                *self.kept[2].add(row) = inverse;
                let inverse = simd.splat_f32s(inverse);
                let at = row * self.y.stride;
                each_vector!(S, self.cols, |col, real| {
                    let hat = simd.mul_f32s(simd.sub_f32s(load::<S>(x.add(col)), centre), inverse);
                    let z = fma(simd, hat, load::<S>(self.gain.add(col)), load::<S>(self.shift.add(col)));
                    let (y, d) = F::at(simd, z);
                    put(simd, self.kept[0].add(at + col), hat, real, Write::Fresh);
                    put(simd, self.kept[1].add(at + col), d, real, Write::Fresh);
                    put(simd, self.y.row(row).add(col), y, real, Write::Fresh);
                });
            }
        }
    }
}

/// Layer normalisation backwards: with `d = dy · act′` and `h = d · gain`, `dx = (h − mean h − x̂ mean(h x̂)) / deviation`.
pub(crate) struct NormaliseBack {
    pub(crate) dy: View,
    pub(crate) dx: View,
    pub(crate) write: Write,
    pub(crate) kept: [*mut f32; 3],
    pub(crate) gain: *const f32,
    pub(crate) d_gain: *mut f32,
    pub(crate) d_shift: *mut f32,
    pub(crate) parameters: [Write; 2],
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl WithSimd for NormaliseBack {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n = self.cols as f64;
        for row in 0..self.rows {
            let (mut plain, mut along) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
            let at = row * self.dy.stride;
            // SAFETY: padded rows, see `buffer`; gradients and what was kept are zero in the padding, so sums may run over it.
            unsafe {
                each_vector!(S, self.cols, |col, real| {
                    let hat = load::<S>(self.kept[0].add(at + col));
                    let d = simd.mul_f32s(load::<S>(self.dy.row(row).add(col)), load::<S>(self.kept[1].add(at + col)));
                    store::<S>(self.dy.row(row).add(col), d);
                    let add = |write| if row > 0 { Write::Add } else { write };
                    if self.parameters[0] != Write::Skip {
                        let write = add(self.parameters[0]);
                        put(simd, self.d_gain.add(col), simd.mul_f32s(d, hat), real, write);
                    }
                    if self.parameters[1] != Write::Skip {
                        put(simd, self.d_shift.add(col), d, real, add(self.parameters[1]));
                    }
                    let h = simd.mul_f32s(d, load::<S>(self.gain.add(col)));
                    plain = simd.add_f32s(plain, h);
                    along = fma(simd, h, hat, along);
                });
                if self.write == Write::Skip {
                    continue;
                }
                let plain = simd.splat_f32s((sum::<S>(plain, S::F32_LANES) / n) as f32);
                let along = simd.splat_f32s((sum::<S>(along, S::F32_LANES) / n) as f32);
                let inverse = simd.splat_f32s(*self.kept[2].add(row));
                each_vector!(S, self.cols, |col, real| {
                    let hat = load::<S>(self.kept[0].add(at + col));
                    let h = simd.mul_f32s(load::<S>(self.dy.row(row).add(col)), load::<S>(self.gain.add(col)));
                    let dx = simd.sub_f32s(simd.sub_f32s(h, plain), simd.mul_f32s(hat, along));
                    put(simd, self.dx.row(row).add(col), simd.mul_f32s(dx, inverse), real, self.write);
                });
            }
        }
    }
}

/// Which loss [`Loss`] computes.
#[derive(Clone, Copy)]
pub(crate) enum LossKind {
    Gaussian,
    Square,
    Bernoulli,
}

/// A loss over rows: its sum and, where wanted, its gradient.
pub(crate) struct Loss {
    pub(crate) kind: LossKind,
    pub(crate) prediction: View,
    pub(crate) log_variance: Option<View>,
    pub(crate) target: View,
    pub(crate) weight: Option<View>,
    /// What each number is multiplied by: the scale over rows of the batch times columns.
    pub(crate) coefficient: f32,
    pub(crate) d_prediction: Option<(View, Write)>,
    pub(crate) d_log_variance: Option<(View, Write)>,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl WithSimd for Loss {
    type Output = f64;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (one, two) = (simd.splat_f32s(1.0), simd.splat_f32s(2.0));
        let mut total = 0.0_f64;
        for row in 0..self.rows {
            // SAFETY: padded rows, see `buffer`.
            let weight = self.weight.map_or(1.0, |weight| unsafe { *weight.row(row) });
            let coefficient = simd.splat_f32s(self.coefficient * weight);
            let (mut vector, mut tail) = (simd.splat_f32s(0.0), 0.0);
            each_vector!(S, self.cols, |col, real| {
                // SAFETY: as above.
                unsafe {
                    let prediction = load::<S>(self.prediction.row(row).add(col));
                    let target = load::<S>(self.target.row(row).add(col));
                    let off = simd.sub_f32s(prediction, target);
                    let (value, d, d2) = match (self.kind, self.log_variance) {
                        (LossKind::Gaussian, Some(log_variance)) => {
                            let lv = load::<S>(log_variance.row(row).add(col));
                            let scaled = simd.mul_f32s(off, exp(simd, neg(simd, lv)));
                            let square = simd.mul_f32s(off, scaled);
                            (simd.add_f32s(square, lv), simd.mul_f32s(two, scaled), simd.sub_f32s(one, square))
                        }
                        (LossKind::Bernoulli, _) => {
                            let (value, probability) = softplus(simd, prediction);
                            let value = fma(simd, neg(simd, target), prediction, value);
                            (value, simd.sub_f32s(probability, target), one)
                        }
                        _ => (simd.mul_f32s(off, off), simd.mul_f32s(two, off), one),
                    };
                    if real == S::F32_LANES {
                        vector = simd.add_f32s(vector, value);
                    } else {
                        tail += sum::<S>(value, real);
                    }
                    if let Some((to, write)) = self.d_prediction {
                        put(simd, to.row(row).add(col), simd.mul_f32s(d, coefficient), real, write);
                    }
                    if let Some((to, write)) = self.d_log_variance {
                        put(simd, to.row(row).add(col), simd.mul_f32s(d2, coefficient), real, write);
                    }
                }
            });
            total += f64::from(weight) * (sum::<S>(vector, S::F32_LANES) + tail);
        }
        total * f64::from(self.coefficient)
    }
}
