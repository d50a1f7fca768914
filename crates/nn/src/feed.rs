//! What a replay gives to the inputs of a graph.

use worldwright_core::{Error, Result};

use crate::{
    buffer::{copy_in, stride},
    shape::Shape,
};

/// Data for one input of a graph, row-major. A sample is a row of the batch and holds `rows` rows of `cols` numbers, as the input was declared.
#[derive(Debug, Clone, Copy)]
pub enum Feed<'a> {
    /// `[members][samples][rows][cols]`: each member has samples of its own.
    Members(&'a [f32]),
    /// `[samples][rows][cols]`, the same for all members.
    Shared(&'a [f32]),
    /// `[rows][samples][cols]`, the same for all members: sequences that lie step by step.
    Steps(&'a [f32]),
    /// Samples of a table `[any][rows][cols]`, chosen by `index` `[members][samples]`: bootstrap batches without copying the table.
    Gather {
        /// The table.
        table: &'a [f32],
        /// Which of its samples.
        index: &'a [u32],
    },
    /// `[samples][rows][cols]` bytes, the same for all members, each read as `scale · byte + shift`: images stay bytes until here.
    Bytes {
        /// The bytes.
        data: &'a [u8],
        /// What a byte is multiplied by.
        scale: f32,
        /// What is added to it.
        shift: f32,
    },
}

/// Where a block lies in a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) member: usize,
    /// First sample of the block.
    pub(crate) start: usize,
    /// Samples of the block.
    pub(crate) count: usize,
    /// Samples of the batch.
    pub(crate) samples: usize,
}

impl Feed<'_> {
    pub(crate) fn check(&self, members: usize, samples: usize, shape: Shape, input: usize) -> Result<()> {
        let Shape { rows, cols } = shape;
        let size = shape.numbers();
        let fail = |expected: &[usize], got: usize| Err(Error::shape(format!("input {input}"), expected, &[got]));
        match self {
            Self::Members(data) if data.len() != members * samples * size => {
                fail(&[members, samples, rows, cols], data.len())
            }
            Self::Shared(data) if data.len() != samples * size => fail(&[samples, rows, cols], data.len()),
            Self::Steps(data) if data.len() != samples * size => fail(&[rows, samples, cols], data.len()),
            Self::Bytes { data, .. } if data.len() != samples * size => fail(&[samples, rows, cols], data.len()),
            Self::Gather { index, .. } if index.len() != members * samples => fail(&[members, samples], index.len()),
            Self::Gather { table, index } => {
                let held = table.len().checked_div(size).unwrap_or(usize::MAX);
                match index.iter().find(|sample| **sample as usize >= held) {
                    Some(sample) => fail(&[*sample as usize + 1, rows, cols], held),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Copies a block's samples into padded rows, row t of all samples together.
    pub(crate) fn copy(&self, to: &mut [f32], window: Window, shape: Shape) {
        let Window { member, start, count, samples } = window;
        let (size, cols) = (shape.numbers(), shape.cols);
        match self {
            Self::Members(data) => {
                let from = (member * samples + start) * size;
                interleave(to, count, shape, |sample| &data[from + sample * size..][..size]);
            }
            Self::Shared(data) => interleave(to, count, shape, |sample| &data[(start + sample) * size..][..size]),
            Self::Steps(data) => {
                for (step, to) in to.chunks_mut(count * stride(cols)).take(shape.rows).enumerate() {
                    copy_in(to, &data[(step * samples + start) * cols..][..count * cols], cols);
                }
            }
            Self::Gather { table, index } => {
                let index = &index[member * samples + start..][..count];
                interleave(to, count, shape, |sample| &table[index[sample] as usize * size..][..size]);
            }
            Self::Bytes { data, scale, shift } => {
                for (place, to) in to.chunks_mut(stride(cols)).take(count * shape.rows).enumerate() {
                    let (row, sample) = (place / count, place % count);
                    let from = &data[((start + sample) * shape.rows + row) * cols..][..cols];
                    for (to, from) in to.iter_mut().zip(from) {
                        *to = scale * f32::from(*from) + shift;
                    }
                }
            }
        }
    }
}

/// Copies samples, each contiguous, so that row t of all of them lies together.
fn interleave<'a>(to: &mut [f32], count: usize, shape: Shape, sample: impl Fn(usize) -> &'a [f32]) {
    let cols = shape.cols;
    for (place, to) in to.chunks_mut(stride(cols)).take(count * shape.rows).enumerate() {
        let (row, index) = (place / count, place % count);
        to[..cols].copy_from_slice(&sample(index)[row * cols..(row + 1) * cols]);
    }
}
