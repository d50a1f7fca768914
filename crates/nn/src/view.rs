//! Padded matrices inside a block of rows: as bare places for vector kernels, and as slices for everything else.
//!
//! Invariant: places of different nodes never overlap, values and gradients lie in different buffers, and an operation asks for each place
//! that it writes once at a time. [`Context`](crate::context::Context) alone makes views, so it alone has to keep that.

use std::marker::PhantomData;

/// A padded matrix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) at: *mut f32,
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl View {
    #[inline(always)]
    pub(crate) fn row(self, row: usize) -> *mut f32 {
        self.at.wrapping_add(row * self.stride)
    }

    /// `cols` columns from `start` on.
    pub(crate) fn columns(self, start: usize, cols: usize) -> Self {
        Self { at: self.at.wrapping_add(start), cols, ..self }
    }

    /// `rows` rows from `start` on.
    pub(crate) fn lines(self, start: usize, rows: usize) -> Self {
        Self { at: self.row(start), rows, ..self }
    }
}

/// Rows to read: `rows` of them, `step` numbers apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    at: *const f32,
    step: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    held: PhantomData<&'a [f32]>,
}

impl<'a> Rows<'a> {
    /// # Safety
    /// The view's rows are readable for `'a`, and nothing writes to them meanwhile.
    pub(crate) unsafe fn new(view: View) -> Self {
        let View { at, stride, rows, cols } = view;
        Self { at: at.cast_const(), step: stride, rows, cols, held: PhantomData }
    }

    /// One row.
    #[inline]
    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        debug_assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: by `new`, all rows are readable.
        unsafe { std::slice::from_raw_parts(self.at.wrapping_add(row * self.step), self.cols) }
    }

    /// The rows of one of `samples` samples, which lie interleaved.
    pub(crate) fn sample(&self, sample: usize, samples: usize) -> Self {
        Self {
            at: self.at.wrapping_add(sample * self.step),
            step: samples * self.step,
            rows: self.rows / samples.max(1),
            ..*self
        }
    }
}

/// Rows to write.
#[derive(Debug)]
pub(crate) struct RowsMut<'a> {
    at: *mut f32,
    step: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    held: PhantomData<&'a mut [f32]>,
}

impl RowsMut<'_> {
    /// # Safety
    /// The view's rows are writable for the lifetime, and nothing else reads or writes them meanwhile.
    pub(crate) unsafe fn new(view: View) -> Self {
        let View { at, stride, rows, cols } = view;
        Self { at, step: stride, rows, cols, held: PhantomData }
    }

    /// One row.
    #[inline]
    pub(crate) fn row(&mut self, row: usize) -> &mut [f32] {
        debug_assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: by `new`, all rows are writable, and the borrow of `self` keeps this the only one.
        unsafe { std::slice::from_raw_parts_mut(self.at.wrapping_add(row * self.step), self.cols) }
    }

    /// The rows of one of `samples` samples, which lie interleaved.
    pub(crate) fn sample(&mut self, sample: usize, samples: usize) -> RowsMut<'_> {
        RowsMut {
            at: self.at.wrapping_add(sample * self.step),
            step: samples * self.step,
            rows: self.rows / samples.max(1),
            cols: self.cols,
            held: PhantomData,
        }
    }
}
