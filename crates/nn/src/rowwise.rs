//! Loops over rows of padded matrices that several operations are made of, one instruction set at a time.

use pulp::{Simd, WithSimd};

use crate::{
    plan::Write,
    vector::{fma, load, store},
    view::View,
};

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
///
/// # Safety
/// The row at `at` is writable for `real` numbers, and readable for a whole vector.
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

/// The sum of the real columns of a vector, by halves.
#[inline(always)]
pub(crate) fn fold<S: Simd>(value: S::f32s, real: usize) -> f32 {
    let mut lanes = [0.0_f32; 16];
    // SAFETY: no vector is longer than sixteen numbers.
    unsafe { store::<S>(lanes.as_mut_ptr(), value) };
    let mut lane = real;
    while lane < S::F32_LANES {
        lanes[lane] = 0.0;
        lane += 1;
    }
    let mut half = S::F32_LANES / 2;
    while half > 0 {
        let mut lane = 0;
        while lane < half {
            lanes[lane] += lanes[lane + half];
            lane += 1;
        }
        half /= 2;
    }
    lanes[0]
}

/// The greatest of the real columns of a vector and `least`, by halves; nonsense where one is not a number.
#[inline(always)]
pub(crate) fn greatest<S: Simd>(value: S::f32s, real: usize, least: f32) -> f32 {
    let mut lanes = [least; 16];
    // SAFETY: no vector is longer than sixteen numbers.
    unsafe { store::<S>(lanes.as_mut_ptr(), value) };
    let mut lane = real;
    while lane < S::F32_LANES {
        lanes[lane] = least;
        lane += 1;
    }
    let mut half = S::F32_LANES / 2;
    while half > 0 {
        let mut lane = 0;
        while lane < half {
            let other = lanes[lane + half];
            lanes[lane] = if other > lanes[lane] { other } else { lanes[lane] };
            lane += 1;
        }
        half /= 2;
    }
    if lanes[0] > least { lanes[0] } else { least }
}

/// The sum of the real columns of a vector, lane after lane.
#[inline(always)]
pub(crate) fn sum<S: Simd>(value: S::f32s, real: usize) -> f64 {
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

/// Rows whose columns are passed one vector after the other while they are in the first-level cache.
const STRETCH: usize = 64;

impl WithSimd for ScaleAndSum {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut start = 0;
        while start < self.rows {
            let end = self.rows.min(start + STRETCH);
            each_vector!(S, self.cols, |col, _real| {
                // SAFETY: padded rows, see `buffer`.
                unsafe {
                    let zero = simd.splat_f32s(0.0);
                    let goes_on = self.write == Write::Add || (self.write == Write::Fresh && start > 0);
                    let mut total = if goes_on { load::<S>(self.sums.add(col)) } else { zero };
                    for row in start..end {
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
            start = end;
        }
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
}

impl Combine {
    /// `to ← from` or `to ← to + from`, for as many rows and columns as `to` has.
    pub(crate) fn copy(to: View, from: View, write: Write) -> Self {
        Self { to, from, times: None, factor: 1.0, constant: 0.0, write }
    }
}

impl WithSimd for Combine {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.write == Write::Skip {
            return;
        }
        let (factor, constant) = (simd.splat_f32s(self.factor), simd.splat_f32s(self.constant));
        for row in 0..self.to.rows {
            each_vector!(S, self.to.cols, |col, real| {
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
