//! What an operation sees of a pass over one block of samples: places of its operands, parameters and result, and kernels to run on them.

use pulp::WithSimd;
use worldwright_core::{Error, Result};

use crate::{
    buffer::stride,
    device::{Cpu, Device, PARALLEL_WORK},
    graph::{Bound, Graph, Recorded},
    layout::Layout,
    matmul::{Matmul, Right},
    packs::Packs,
    plan::{Plan, Write},
    store::Store,
    view::{Rows, RowsMut, View},
};

/// What all blocks of a pass share.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) layout: &'a Layout,
    pub(crate) stores: Stores<'a>,
    pub(crate) packs: &'a Packs,
    pub(crate) device: Cpu,
    /// Samples of the whole batch of one member, over which losses are means.
    pub(crate) batch: usize,
    /// Whether a backward pass may follow.
    pub(crate) keep: bool,
    /// Whether this is the only block, so that single operations may use all threads.
    pub(crate) alone: bool,
}

/// The stores of a pass.
#[derive(Clone, Copy)]
pub(crate) struct Stores<'a> {
    given: Given<'a>,
    /// Of each binding, which store.
    slots: &'a [usize],
}

#[derive(Clone, Copy)]
enum Given<'a> {
    Borrowed(&'a [&'a Store]),
    Owned(&'a [Store]),
}

impl<'a> Stores<'a> {
    /// Stores whose places are known.
    pub(crate) fn owned(given: &'a [Store], slots: &'a [usize]) -> Self {
        Self { given: Given::Owned(given), slots }
    }

    /// Finds the store of each binding of `graph` among those given; `slots` is room for their places.
    pub(crate) fn find(graph: &Graph, given: &'a [&'a Store], slots: &'a mut Vec<usize>) -> Result<Self> {
        slots.clear();
        for binding in &graph.bindings {
            let is = |store: &&Store| store.id == binding.store && store.entries.len() >= binding.entries.len();
            let place = given.iter().position(is).ok_or_else(|| {
                let name = binding.entries.first().map_or("nothing", |entry| entry.name.as_str());
                Error::unsupported(
                    "a pass over a graph",
                    format!("leaving out the bound store that begins with '{name}'"),
                )
            })?;
            slots.push(place);
        }
        Ok(Self { given: Given::Borrowed(given), slots })
    }

    /// The store that a bound parameter lies in.
    pub(crate) fn of(&self, bound: Bound) -> &'a Store {
        let slot = self.slots[bound.binding];
        match self.given {
            Given::Borrowed(stores) => stores[slot],
            Given::Owned(stores) => &stores[slot],
        }
    }
}

/// A block's memory, see [`Layout`].
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) values: *mut f32,
    pub(crate) gradients: *mut f32,
    pub(crate) parameter_gradients: *mut f32,
    pub(crate) scratch: *mut f32,
    pub(crate) panel: *mut f32,
    pub(crate) losses: *mut f64,
}

/// One operation in a pass over one block.
pub(crate) struct Context<'a> {
    pub(crate) pass: &'a Pass<'a>,
    pub(crate) memory: Memory,
    pub(crate) member: usize,
    /// Samples of this block.
    pub(crate) samples: usize,
    pub(crate) index: usize,
    pub(crate) node: &'a Recorded,
    /// Backwards only.
    pub(crate) plan: Option<&'a Plan>,
}

impl<'a> Context<'a> {
    /// Runs a kernel.
    #[inline(always)]
    pub(crate) fn run<K: WithSimd>(&self, kernel: K) -> K::Output {
        self.pass.device.run(kernel)
    }

    /// Rows of the result in this block.
    pub(crate) fn rows(&self) -> usize {
        self.node.shape.rows * self.samples
    }

    fn view(&self, base: *mut f32, node: usize) -> View {
        let shape = self.pass.graph.nodes[node].shape;
        View {
            at: base.wrapping_add(self.pass.layout.values[node]),
            stride: stride(shape.cols),
            rows: shape.rows * self.samples,
            cols: shape.cols,
        }
    }

    /// The values of any node.
    pub(crate) fn value_of(&self, node: usize) -> View {
        self.view(self.memory.values, node)
    }

    /// The gradient of any node.
    pub(crate) fn gradient_of(&self, node: usize) -> View {
        self.view(self.memory.gradients, node)
    }

    /// Values of an operand.
    pub(crate) fn operand(&self, operand: usize) -> View {
        self.value_of(self.node.operands[operand])
    }

    /// The result.
    pub(crate) fn output(&self) -> View {
        self.value_of(self.index)
    }

    /// The gradient of the result.
    pub(crate) fn gradient(&self) -> View {
        self.gradient_of(self.index)
    }

    /// Where an operand's gradient goes, and how.
    pub(crate) fn operand_gradient(&self, operand: usize) -> (View, Write) {
        let write = self.plan.map_or(Write::Skip, |plan| plan.operands[self.index][operand]);
        (self.gradient_of(self.node.operands[operand]), write)
    }

    /// Values of a parameter; not to be written.
    pub(crate) fn parameter(&self, place: usize) -> View {
        let bound = self.node.parameters[place];
        let entry = self.pass.graph.entry(bound);
        let at = self.pass.stores.of(bound).padded(bound.index, self.member).as_ptr().cast_mut();
        View { at, stride: stride(entry.cols), rows: entry.rows, cols: entry.cols }
    }

    /// Where a parameter's gradient goes, and how.
    pub(crate) fn parameter_gradient(&self, place: usize) -> (View, Write) {
        let write = self.plan.and_then(|plan| plan.parameters[self.index].get(place).copied()).unwrap_or(Write::Skip);
        if write == Write::Skip {
            return (View { at: std::ptr::null_mut(), stride: 0, rows: 0, cols: 0 }, write);
        }
        let bound = self.node.parameters[place];
        let entry = self.pass.graph.entry(bound);
        let at = self.memory.parameter_gradients.wrapping_add(self.pass.layout.parameters[bound.binding][bound.index]);
        (View { at, stride: stride(entry.cols), rows: entry.rows, cols: entry.cols }, write)
    }

    /// The products whose weight's gradient is due here, in the order in which it adds up; empty where each does its own.
    pub(crate) fn uses(&self) -> &'a [usize] {
        self.plan.map_or(&[], |plan| &plan.uses[self.index])
    }

    /// The parameter as the right side of a product.
    pub(crate) fn right(&self, place: usize) -> Right {
        let weight = self.parameter(place);
        let packed = self.pass.packs.forward(self.node.parameters[place], self.member);
        packed.map_or(Right::Rows(weight.at, weight.stride), |panels| Right::Packed(panels.as_ptr()))
    }

    /// The transposed parameter as the right side of a product.
    pub(crate) fn right_transposed(&self, place: usize) -> Right {
        let weight = self.parameter(place);
        let packed = self.pass.packs.transposed(self.node.parameters[place], self.member);
        packed.map_or(Right::Transposed(weight.at, weight.stride), |panels| Right::Packed(panels.as_ptr()))
    }

    /// Matrix `matrix` of what the operation keeps for its backward pass, laid out as the result. The node asked for the room by `Op::kept`.
    pub(crate) fn kept(&self, matrix: usize) -> View {
        let (shape, layout) = (self.node.shape, self.pass.layout);
        let stride = stride(shape.cols);
        let at = layout.kept[self.index] + matrix * layout.capacity * shape.rows * stride;
        View { at: self.memory.values.wrapping_add(at), stride, rows: self.rows(), cols: shape.cols }
    }

    /// Everything that the operation keeps, as rows of `cols` numbers.
    pub(crate) fn kept_rows(&self, rows: usize, cols: usize) -> View {
        let at = self.memory.values.wrapping_add(self.pass.layout.kept[self.index]);
        View { at, stride: cols, rows, cols }
    }

    /// Room that the operation asked for by `Op::scratch`; its content is anything.
    pub(crate) fn scratch(&self) -> *mut f32 {
        self.memory.scratch
    }

    /// Two rows of `cols` numbers in that room.
    #[allow(clippy::mut_from_ref)]
    pub(crate) fn scratch_rows(&self, cols: usize) -> [&mut [f32]; 2] {
        // SAFETY: the room belongs to this operation alone while it runs, it asked for as much, and it asks for these rows once.
        unsafe {
            [
                std::slice::from_raw_parts_mut(self.memory.scratch, cols),
                std::slice::from_raw_parts_mut(self.memory.scratch.add(cols), cols),
            ]
        }
    }

    /// Rows to keep for the backward pass, where one may follow.
    pub(crate) fn keep_rows(&self, rows: usize, cols: usize) -> Option<RowsMut<'_>> {
        // SAFETY: nobody reads what an operation keeps before it has run.
        self.pass.keep.then(|| unsafe { RowsMut::new(self.kept_rows(rows, cols)) })
    }

    /// Rows that were kept.
    pub(crate) fn kept_read(&self, rows: usize, cols: usize) -> Rows<'_> {
        // SAFETY: the forward pass wrote them.
        unsafe { Rows::new(self.kept_rows(rows, cols)) }
    }

    /// Room for one panel of a product, see [`Matmul`].
    pub(crate) fn panel(&self) -> *mut f32 {
        self.memory.panel
    }

    /// A product; shared out over threads where this block is alone and the product large.
    pub(crate) fn matmul(&self, product: Matmul) {
        let work = product.rows * product.cols * product.inner;
        if !self.pass.alone || work < PARALLEL_WORK {
            return self.run(product);
        }
        let device = self.pass.device;
        let mut parts = product.parts(self.pass.layout.panel_len);
        device.each(work, &mut parts, |_, part| {
            if let Some(part) = part.take() {
                device.run(part);
            }
        });
    }

    /// An operand's rows.
    pub(crate) fn read(&self, operand: usize) -> Rows<'_> {
        // SAFETY: an operand's values were written before and are not written again in this pass.
        unsafe { Rows::new(self.operand(operand)) }
    }

    /// The result's rows.
    pub(crate) fn write(&self) -> RowsMut<'_> {
        // SAFETY: nobody reads a result before its operation has run, see `view`.
        unsafe { RowsMut::new(self.output()) }
    }

    /// The result's rows, once computed.
    pub(crate) fn result(&self) -> Rows<'_> {
        // SAFETY: as for `read`.
        unsafe { Rows::new(self.output()) }
    }

    /// The rows of the result's gradient.
    pub(crate) fn dy(&self) -> Rows<'_> {
        // SAFETY: all contributions have arrived when an operation runs backwards.
        unsafe { Rows::new(self.gradient()) }
    }

    /// The rows of a parameter.
    pub(crate) fn weights(&self, place: usize) -> Rows<'_> {
        // SAFETY: stores are borrowed for the whole pass.
        unsafe { Rows::new(self.parameter(place)) }
    }

    /// The rows of an operand's gradient to add to, if it is wanted. Of an operation's operands one at a time, as two may be the same node.
    pub(crate) fn add_to(&self, operand: usize) -> Option<RowsMut<'_>> {
        accumulate(self.operand_gradient(operand))
    }

    /// The rows of a parameter's gradient to add to, if it is wanted.
    pub(crate) fn add_to_parameter(&self, place: usize) -> Option<RowsMut<'_>> {
        accumulate(self.parameter_gradient(place))
    }

    /// Adds to the value of a part of the loss.
    pub(crate) fn add_loss(&self, objective: usize, value: f64) {
        // SAFETY: a block has one number for each objective of its graph.
        unsafe { *self.memory.losses.add(objective) += value };
    }
}

/// Into how many parts a product of a block that is alone is cut. The parts do not depend on the number of threads.
pub(crate) const PARTS: usize = 8;

fn accumulate<'a>((view, write): (View, Write)) -> Option<RowsMut<'a>> {
    if write == Write::Skip {
        return None;
    }
    if write == Write::Fresh {
        clear(view);
    }
    // SAFETY: gradients are written by the operation that runs alone, see `view`.
    Some(unsafe { RowsMut::new(view) })
}

/// Zeros everywhere, padding too.
pub(crate) fn clear(view: View) {
    for row in 0..view.rows {
        // SAFETY: whole padded rows of the view, see `view`.
        unsafe { std::ptr::write_bytes(view.row(row), 0, view.stride) };
    }
}
