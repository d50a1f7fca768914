//! Inference for planners: an ensemble of perceptrons with packed weights, fused bias and activation, rows split over threads.
//!
//! A block of rows passes through all layers while it is in cache. Each row's numbers depend on that row and its member alone, bit for
//! bit, so any split over threads and any order of rows give the same bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

use pulp::Arch;
use rayon::prelude::*;
use worldwright_core::{Error, Result};

use crate::{
    activation::Activation,
    buffer::{Buffer, stride},
    matmul::{Matmul, PARALLEL_WORK, Pack, Right, Start, packed_cols},
    parameters::{Parameter, Parameters},
    rowwise::View,
    soft_bounds::SoftClampColumns,
};

/// Rows that pass through the layers together: a multiple of every tile's height.
const BLOCK_ROWS: usize = 96;

#[derive(Debug, Clone)]
struct Layer {
    inputs: usize,
    outputs: usize,
    /// `[members]` of packed panels and of padded biases.
    weights: Vec<Buffer>,
    biases: Vec<Buffer>,
}

/// An immutable snapshot of an ensemble's networks.
#[derive(Debug, Clone)]
pub struct Predictor {
    members: usize,
    layers: Vec<Layer>,
    activation: Activation,
    /// First column and bounds of what is softly clamped, and how many columns that is.
    clamp: Option<(usize, usize, [Buffer; 2])>,
    /// Whether the clamped columns come out as standard deviations.
    deviations: bool,
    arch: Arch,
    /// Multiply-adds a row.
    work_per_row: usize,
}

/// Room for [`Predictor`]s of one shape: one slot a thread.
#[derive(Debug, Clone)]
pub struct Scratch {
    slots: Vec<Slot>,
}

#[derive(Debug, Clone)]
struct Slot {
    /// Two of them: a layer reads one and writes the other.
    halves: [Buffer; 2],
}

/// Which rows a member predicts.
#[derive(Clone, Copy)]
enum Rows<'a> {
    /// Member m predicts rows `m n .. (m + 1) n`.
    Each(usize),
    /// Member m predicts the rows `order[offsets[m] .. offsets[m + 1]]`.
    Grouped { order: &'a [u32], offsets: &'a [usize] },
}

impl Rows<'_> {
    fn of(self, member: usize) -> (usize, usize) {
        match self {
            Self::Each(rows) => (member * rows, rows),
            Self::Grouped { offsets, .. } => (offsets[member], offsets[member + 1] - offsets[member]),
        }
    }
}

struct Output(*mut f32);
// SAFETY: tasks write disjoint rows.
unsafe impl Sync for Output {}

impl Predictor {
    /// Packs the layers (weight `[in][out]`, bias `[1][out]`), with `activation` after all but the last.
    pub fn new(parameters: &Parameters, layers: &[(Parameter, Parameter)], activation: Activation) -> Self {
        let arch = Arch::new();
        let mut members = 1;
        let layers: Vec<Layer> = layers
            .iter()
            .map(|(weight, bias)| {
                let [count, inputs, outputs] = parameters.shape(*weight);
                members = members.max(count);
                let mut layer = Layer { inputs, outputs, weights: Vec::new(), biases: Vec::new() };
                for member in 0..count {
                    let mut to = Buffer::zeros(inputs * packed_cols(outputs));
                    let from = parameters.padded(*weight, member);
                    arch.dispatch(Pack { from, stride: stride(outputs), inner: inputs, cols: outputs, to: &mut to });
                    layer.weights.push(to);
                    let mut padded = Buffer::zeros(packed_cols(outputs));
                    padded[..outputs].copy_from_slice(&parameters.padded(*bias, member)[..outputs]);
                    layer.biases.push(padded);
                }
                layer
            })
            .collect();
        let work_per_row = layers.iter().map(|layer| layer.inputs * layer.outputs).sum();
        Self { members, layers, activation, clamp: None, deviations: false, arch, work_per_row }
    }

    /// Keeps the columns from `start` on softly between bounds, as [`Tape::soft_clamp`](crate::Tape::soft_clamp) does in training.
    #[must_use]
    pub fn with_soft_clamp(mut self, start: usize, min: &[f32], max: &[f32]) -> Self {
        let count = min.len().min(max.len()).min(self.outputs().saturating_sub(start));
        let pad = |from: &[f32]| {
            let mut padded = Buffer::zeros(count);
            padded[..count].copy_from_slice(&from[..count]);
            padded
        };
        self.clamp = Some((start, count, [pad(min), pad(max)]));
        self
    }

    /// Gives `exp(½ y)` for each clamped `y`: standard deviations rather than log-variances.
    #[must_use]
    pub fn with_deviations(mut self) -> Self {
        self.deviations = true;
        self
    }

    /// Networks side by side.
    pub fn members(&self) -> usize {
        self.members
    }

    /// Columns of the input.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    /// Columns of the output.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// Room for predictions on as many threads as there are.
    pub fn scratch(&self) -> Scratch {
        let widest = self.layers.iter().map(|layer| layer.inputs.max(layer.outputs)).max().unwrap_or(0);
        let len = BLOCK_ROWS * stride(widest) + 32;
        let slot = Slot { halves: [Buffer::zeros(len), Buffer::zeros(len)] };
        Scratch { slots: vec![slot; rayon::current_num_threads().max(1)] }
    }

    /// Every member on rows of its own: `x` `[members][rows][inputs]` to `out` `[members][rows][outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths do not fit together.
    pub fn predict(&self, x: &[f32], out: &mut [f32], scratch: &mut Scratch) -> Result<()> {
        let rows = x.len() / (self.members * self.inputs()).max(1);
        self.check(self.members * rows, x, out)?;
        self.run(Rows::Each(rows), x, out, scratch);
        Ok(())
    }

    /// Each row by the member whose group it is in: member m takes the rows `order[offsets[m]..offsets[m + 1]]` of `x` `[rows][inputs]` and writes
    /// the same rows of `out` `[rows][outputs]`. Rows in no group are left alone. See [`Groups`].
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths do not fit together or the groups are not of this ensemble and these rows.
    pub fn predict_grouped(&self, x: &[f32], groups: &Groups, out: &mut [f32], scratch: &mut Scratch) -> Result<()> {
        let rows = x.len() / self.inputs().max(1);
        self.check(rows, x, out)?;
        if groups.offsets.len() != self.members + 1 || groups.order.len() != rows {
            let got = [groups.offsets.len().saturating_sub(1), groups.order.len()];
            return Err(Error::shape("groups", &[self.members, rows], &got));
        }
        self.run(Rows::Grouped { order: &groups.order, offsets: &groups.offsets }, x, out, scratch);
        Ok(())
    }

    /// One member on some rows: `x` `[rows][inputs]` to `out` `[rows][outputs]`, on this thread. The quickest way for few rows.
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths do not fit together or there is no such member.
    pub fn predict_member(&self, member: usize, x: &[f32], out: &mut [f32], scratch: &mut Scratch) -> Result<()> {
        let rows = x.len() / self.inputs().max(1);
        self.check(rows, x, out)?;
        if member >= self.members || scratch.slots.is_empty() {
            return Err(Error::shape("members", &[self.members], &[member + 1]));
        }
        let out = Output(out.as_mut_ptr());
        let mut start = 0;
        while start < rows {
            let count = BLOCK_ROWS.min(rows - start);
            self.block(member, start, count, None, x, &out, &mut scratch.slots[0]);
            start += count;
        }
        Ok(())
    }

    fn check(&self, rows: usize, x: &[f32], out: &[f32]) -> Result<()> {
        if x.len() != rows * self.inputs() {
            return Err(Error::shape("inputs of a prediction", &[rows, self.inputs()], &[x.len()]));
        }
        if out.len() != rows * self.outputs() {
            return Err(Error::shape("outputs of a prediction", &[rows, self.outputs()], &[out.len()]));
        }
        Ok(())
    }

    fn run(&self, rows: Rows<'_>, x: &[f32], out: &mut [f32], scratch: &mut Scratch) {
        let total: usize = (0..self.members).map(|member| rows.of(member).1).sum();
        let threads = if total * self.work_per_row > PARALLEL_WORK { scratch.slots.len() } else { 1 };
        // Some blocks a thread, so that they end together; whole tiles, so that none is wasted.
        let wanted = if threads > 1 { total.div_ceil(4 * threads) } else { BLOCK_ROWS };
        let size = wanted.next_multiple_of(12).clamp(12, BLOCK_ROWS);
        let out = Output(out.as_mut_ptr());
        let next = AtomicUsize::new(0);
        let order = match rows {
            Rows::Grouped { order, .. } => Some(order),
            Rows::Each(_) => None,
        };
        let worker = |slot: &mut Slot| {
            loop {
                let mut task = next.fetch_add(1, Ordering::Relaxed);
                let mut member = 0;
                let (first, count) = loop {
                    if member == self.members {
                        return;
                    }
                    let (first, count) = rows.of(member);
                    let tasks = count.div_ceil(size);
                    if task < tasks {
                        break (first + task * size, size.min(count - task * size));
                    }
                    task -= tasks;
                    member += 1;
                };
                self.block(member, first, count, order, x, &out, slot);
            }
        };
        if threads > 1 {
            scratch.slots.par_iter_mut().with_max_len(1).for_each(worker);
        } else if let Some(slot) = scratch.slots.first_mut() {
            worker(slot);
        }
    }

    /// Some rows of one member through all layers.
    #[allow(clippy::too_many_arguments)]
    fn block(
        &self,
        member: usize,
        first: usize,
        rows: usize,
        order: Option<&[u32]>,
        x: &[f32],
        out: &Output,
        slot: &mut Slot,
    ) {
        let inputs = self.inputs();
        let [mut from, mut to] = slot.halves.each_mut().map(|half| half.as_mut_ptr());
        let (mut a, mut a_stride) = match order {
            None => (x[first * inputs..].as_ptr(), inputs),
            Some(order) => {
                let width = stride(inputs);
                for (row, index) in order[first..first + rows].iter().enumerate() {
                    let source = &x[*index as usize * inputs..][..inputs];
                    // SAFETY: a half holds `BLOCK_ROWS` rows of the widest layer.
                    unsafe { std::ptr::copy_nonoverlapping(source.as_ptr(), from.add(row * width), inputs) };
                }
                (from.cast_const(), width)
            }
        };
        for (index, layer) in self.layers.iter().enumerate() {
            let last = index + 1 == self.layers.len();
            // One set of weights serves all members where parameters are shared.
            let which = if layer.weights.len() == 1 { 0 } else { member };
            let width = stride(layer.outputs);
            self.arch.dispatch(Matmul {
                rows,
                cols: layer.outputs,
                inner: layer.inputs,
                a,
                a_strides: (a_stride, 1),
                b: Right::Packed(layer.weights[which].as_ptr()),
                start: Start::Row(layer.biases[if layer.biases.len() == 1 { 0 } else { member }].as_ptr()),
                c: to,
                c_stride: width,
                panel: std::ptr::null_mut(),
                activation: if last { Activation::Identity } else { self.activation },
                derivative: std::ptr::null_mut(),
            });
            (a, a_stride) = (to.cast_const(), width);
            std::mem::swap(&mut from, &mut to);
        }
        let (outputs, width) = (self.outputs(), stride(self.outputs()));
        if let Some((start, cols, [min, max])) = &self.clamp {
            self.arch.dispatch(SoftClampColumns {
                x: View { at: from.wrapping_add(*start), stride: width },
                min: min.as_ptr(),
                max: max.as_ptr(),
                deviation: self.deviations,
                rows,
                cols: *cols,
            });
        }
        for row in 0..rows {
            let index = order.map_or(first + row, |order| order[first + row] as usize);
            // SAFETY: `out` holds every row (checked by the callers, and `Groups` holds no larger index), and no two tasks write the same.
            unsafe {
                std::ptr::copy_nonoverlapping(from.add(row * width).cast_const(), out.0.add(index * outputs), outputs);
            }
        }
    }
}

/// Rows sorted by the member that predicts them.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    order: Vec<u32>,
    offsets: Vec<usize>,
}

impl Groups {
    /// Room for `rows` rows of `members` members.
    pub fn new(members: usize, rows: usize) -> Self {
        Self { order: Vec::with_capacity(rows), offsets: Vec::with_capacity(members + 1) }
    }

    /// Sorts rows by `member_of[row]`, stably; allocates only beyond the largest size seen.
    ///
    /// # Errors
    /// [`Error::Shape`] for a member that is not below `members`.
    pub fn assign(&mut self, members: usize, member_of: &[u32]) -> Result<()> {
        self.offsets.clear();
        self.offsets.resize(members + 1, 0);
        for member in member_of {
            match self.offsets.get_mut(*member as usize + 1) {
                Some(count) => *count += 1,
                None => return Err(Error::shape("members", &[members], &[*member as usize + 1])),
            }
        }
        for member in 0..members {
            self.offsets[member + 1] += self.offsets[member];
        }
        self.order.clear();
        self.order.resize(member_of.len(), 0);
        for (row, member) in member_of.iter().enumerate() {
            let place = &mut self.offsets[*member as usize];
            self.order[*place] = row as u32;
            *place += 1;
        }
        // Each offset has moved to the end of its group, which is the start of the next.
        for member in (0..members).rev() {
            self.offsets[member + 1] = self.offsets[member];
        }
        if let Some(first) = self.offsets.first_mut() {
            *first = 0;
        }
        Ok(())
    }
}
