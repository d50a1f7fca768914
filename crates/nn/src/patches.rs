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

    /// The image's row or column that a window's row or column lies on, if it is not beyond the edge.
    #[inline(always)]
    fn pixel(&self, place: usize, tap: usize, size: usize) -> Option<usize> {
        (place * self.stride + tap).checked_sub(self.padding).filter(|pixel| *pixel < size)
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
        let zero = simd.splat_f32s(0.0);
        for row in 0..self.to.rows {
            let (patch, sample) = (self.first + row / n, row % n);
            let (image, place) = (patch / w.places(), patch % w.places());
            let (y, x) = (place / w.grid[1], place % w.grid[1]);
            let mut to = self.to.row(row);
            for ky in 0..w.kernel {
                let line = w.pixel(y, ky, w.height);
                for kx in 0..w.kernel {
                    let from = match (line, w.pixel(x, kx, w.width)) {
                        (Some(line), Some(column)) => {
                            self.image.row(((image * w.height + line) * w.width + column) * n + sample).cast_const()
                        }
                        _ => std::ptr::null(),
                    };
                    let mut col = 0;
                    while col < channels {
                        // SAFETY: pixels are padded to whole vectors. What a vector writes beyond its channels the next pixel's overwrites, the
                        // row below after the last, and slack behind the last row.
                        unsafe {
                            let value = if from.is_null() { zero } else { load::<S>(from.add(col)) };
                            store::<S>(to.add(col), value);
                        }
                        col += S::F32_LANES;
                    }
                    to = to.wrapping_add(channels);
                }
            }
        }
    }
}

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
            let (y, x) = (place / w.grid[1], place % w.grid[1]);
            let mut from = self.from.row(row).cast_const();
            for ky in 0..w.kernel {
                let line = w.pixel(y, ky, w.height);
                for kx in 0..w.kernel {
                    if let (Some(line), Some(column)) = (line, w.pixel(x, kx, w.width)) {
                        let to = self.image.row(((image * w.height + line) * w.width + column) * n + sample);
                        each_vector!(S, channels, |col, real| {
                            // SAFETY: pixels are padded to whole vectors, and slack lies behind the last row of patches.
                            unsafe { put(simd, to.add(col), load::<S>(from.add(col)), real, Write::Add) };
                        });
                    }
                    from = from.wrapping_add(channels);
                }
            }
        }
    }
}
