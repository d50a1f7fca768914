//! Patches of images: from pixels to rows that a product can take, and back by addition.
//!
//! Pixels are rows of a node, `height · width` an image, each with its channels in columns. A patch is the window of `kernel × kernel` pixels that a
//! convolution sees at one place of its grid, as one row of `kernel² · channels` numbers; pixels beyond the edge are zero. The copy costs one pass over
//! numbers that are then used once for each output channel.

use pulp::{Simd, WithSimd};

use crate::{
    plan::Write,
    rowwise::{each_vector, put},
    vector::{load, store},
    view::View,
};

/// How a grid of windows lies on an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) grid: [usize; 2],
}

impl Windows {
    /// Windows of an image.
    pub(crate) fn places(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// The first tap of a window on the image along one axis, the tap behind the last, and the image's row or column under the first.
    #[inline(always)]
    fn taps(&self, place: usize, size: usize) -> (usize, usize, usize) {
        let start = place * self.stride;
        let first = self.padding.saturating_sub(start).min(self.kernel);
        let end = (size + self.padding).saturating_sub(start).min(self.kernel).max(first);
        (first, end, (start + first).saturating_sub(self.padding))
    }
}

/// Copies patches `first .. first + count` of a sample's images, all samples' patch p before patch p + 1, to the rows of `to`.
pub(crate) struct Collect {
    pub(crate) windows: Windows,
    pub(crate) image: View,
    pub(crate) samples: usize,
    pub(crate) first: usize,
    /// As many patches as fit in its rows.
    pub(crate) to: View,
}

impl WithSimd for Collect {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (w, channels, n) = (self.windows, self.image.cols, self.samples);
        // SAFETY: pixels are padded to whole vectors. What a vector writes beyond its channels the next pixel's overwrites, the row below after the last,
        // and slack behind the last row.
        unsafe {
            for row in 0..self.to.rows {
                let (patch, sample) = (self.first + row / n, row % n);
                let (image, place) = (patch / w.places(), patch % w.places());
                let (top, bottom, line) = w.taps(place / w.grid[1], w.height);
                let (left, right, column) = w.taps(place % w.grid[1], w.width);
                let mut to = self.to.row(row);
                for ky in 0..w.kernel {
                    if ky < top || ky >= bottom {
                        to = blank::<S>(simd, to, w.kernel * channels);
                        continue;
                    }
                    to = blank::<S>(simd, to, left * channels);
                    let pixel = (image * w.height + line + ky - top) * w.width + column;
                    let mut from = self.image.row(pixel * n + sample).cast_const();
                    for _ in left..right {
                        let mut col = 0;
                        while col < channels {
                            store::<S>(to.add(col), load::<S>(from.add(col)));
                            col += S::F32_LANES;
                        }
                        (to, from) = (to.add(channels), from.wrapping_add(n * self.image.stride));
                    }
                    to = blank::<S>(simd, to, (w.kernel - right) * channels);
                }
            }
        }
    }
}

/// Writes `count` zeros and what a vector has beyond them; returns the place behind them.
///
/// # Safety
/// As many numbers, rounded up to whole vectors, are writable.
#[inline(always)]
unsafe fn blank<S: Simd>(simd: S, to: *mut f32, count: usize) -> *mut f32 {
    let mut at = 0;
    while at < count {
        // SAFETY: the caller's promise.
        unsafe { store::<S>(to.add(at), simd.splat_f32s(0.0)) };
        at += S::F32_LANES;
    }
    to.wrapping_add(count)
}

/// Channels below which single numbers are added faster than a vector's real columns.
const FEW: usize = 4;

/// Adds the rows of `from`, patches `first ..`, to the pixels that they came from.
pub(crate) struct Spread {
    pub(crate) windows: Windows,
    pub(crate) from: View,
    pub(crate) samples: usize,
    pub(crate) first: usize,
    pub(crate) image: View,
}

impl WithSimd for Spread {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (w, channels, n) = (self.windows, self.image.cols, self.samples);
        for row in 0..self.from.rows {
            let (patch, sample) = (self.first + row / n, row % n);
            let (image, place) = (patch / w.places(), patch % w.places());
            let (top, bottom, line) = w.taps(place / w.grid[1], w.height);
            let (left, right, column) = w.taps(place % w.grid[1], w.width);
            for ky in top..bottom {
                let pixel = (image * w.height + line + ky - top) * w.width + column;
                let mut to = self.image.row(pixel * n + sample);
                let mut from = self.from.row(row).cast_const().wrapping_add((ky * w.kernel + left) * channels);
                for _ in left..right {
                    if channels < FEW {
                        for channel in 0..channels {
                            // SAFETY: both are pixels with as many channels.
                            unsafe { *to.add(channel) += *from.add(channel) };
                        }
                        (to, from) = (to.wrapping_add(n * self.image.stride), from.wrapping_add(channels));
                        continue;
                    }
                    each_vector!(S, channels, |col, real| {
                        // SAFETY: pixels are padded to whole vectors, and slack lies behind the last row of patches.
                        unsafe { put(simd, to.add(col), load::<S>(from.add(col)), real, Write::Add) };
                    });
                    (to, from) = (to.wrapping_add(n * self.image.stride), from.wrapping_add(channels));
                }
            }
        }
    }
}
