//! Storage of the kernels: 64-byte aligned single-precision numbers in rows of a padded stride.
//!
//! A matrix `[rows][cols]` inside the room is kept with `stride(cols)` numbers a row, so that vector loads and stores never need a
//! mask. Invariant: padding of values is finite, padding of gradients and of parameters is zero.

use std::ops::{Deref, DerefMut};

/// One cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

// SAFETY: sixteen f32 without padding; every bit pattern is valid.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: as above.
unsafe impl bytemuck::Pod for Line {}

/// A zero-filled, cache-line aligned array of f32; its length is rounded up to whole lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buffer(Vec<Line>);

impl Buffer {
    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        Self(vec![Line([0.0; 16]); len.div_ceil(16)])
    }

    /// Room for at least `len` numbers, new ones zero.
    pub(crate) fn grow(&mut self, len: usize) {
        if len.div_ceil(16) > self.0.len() {
            self.0.resize(len.div_ceil(16), Line([0.0; 16]));
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.0)
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}

/// Numbers between the starts of two rows: whole cache lines, and never a multiple of 512 bytes, where walking down a
/// column would hit few sets of the first-level cache.
pub(crate) fn stride(cols: usize) -> usize {
    let padded = cols.next_multiple_of(16);
    if padded.is_multiple_of(128) && padded > 0 { padded + 16 } else { padded }
}

/// Copies contiguous rows into padded ones.
pub(crate) fn copy_in(to: &mut [f32], from: &[f32], cols: usize) {
    for (to, from) in to.chunks_mut(stride(cols)).zip(from.chunks_exact(cols)) {
        to[..cols].copy_from_slice(from);
    }
}

/// Copies padded rows into contiguous ones.
pub(crate) fn copy_out(to: &mut [f32], from: &[f32], cols: usize) {
    for (to, from) in to.chunks_exact_mut(cols).zip(from.chunks(stride(cols))) {
        to.copy_from_slice(&from[..cols]);
    }
}
