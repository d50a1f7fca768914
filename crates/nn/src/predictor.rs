//! Inference: a packed snapshot of any graph, rows split over threads.
//!
//! Only what the wanted outputs need is computed, weights are packed once, and places are used again as soon as nothing reads them any more, so a
//! block of samples passes through all operations while it is in cache. Each sample's numbers depend on that sample and its member alone, bit
//! for bit, so any split over threads and any order of samples give the same bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use worldwright_core::{Error, Result};

use crate::{
    activation::Activation,
    block::SLACK,
    buffer::{Buffer, stride},
    context::{Context, Memory, Pass, Stores},
    device::{Cpu, Device, PARALLEL_WORK},
    feed::{Feed, Window},
    graph::{Graph, Node},
    groups::Groups,
    layout::Layout,
    matmul::{Matmul, Right, Start},
    packs::Packs,
    shape::{Extent, Shape},
    store::Store,
};

/// Rows that pass through the operations together: a multiple of every tile's height.
const BLOCK_ROWS: usize = 96;

/// Outputs of one predictor at most, so that a call keeps their places without allocating.
const MOST_OUTPUTS: usize = 8;

/// Where a layer reads.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// Rows of that input as the caller holds them.
    Input(usize),
    /// A place in the block, and its stride.
    Place(usize, usize),
}

/// A matrix that one or all members have: its place and the distance to the next member's.
#[derive(Debug, Clone, Copy)]
struct Placed {
    store: usize,
    at: usize,
    step: usize,
}

/// A linear layer, with everything looked up.
#[derive(Debug, Clone, Copy)]
struct Layer {
    from: Source,
    to: usize,
    rows: usize,
    inputs: usize,
    outputs: usize,
    /// The result's stride.
    width: usize,
    weight: Placed,
    bias: Option<Placed>,
    activation: Activation,
}

/// An input or output: its node, its place in the block, and whether the block holds a padded copy of it.
#[derive(Debug, Clone, Copy)]
struct Port {
    node: usize,
    at: usize,
    shape: Shape,
    /// The stride of its padded rows.
    width: usize,
    copied: bool,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Layer(Layer),
    /// Any other operation, by its node.
    Other(usize),
}

/// An immutable snapshot of a graph with its numbers.
#[derive(Debug, Clone)]
pub struct Predictor {
    graph: Graph,
    stores: Vec<Store>,
    slots: Vec<usize>,
    packs: Packs,
    layout: Layout,
    steps: Vec<Step>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    device: Cpu,
}

/// Room for [`Predictor`]s of one shape: one slot a thread.
#[derive(Debug, Clone)]
pub struct Scratch {
    slots: Vec<Slot>,
}

#[derive(Debug, Clone)]
struct Slot {
    values: Buffer,
    panel: Buffer,
    scratch: Buffer,
}

/// Which samples a member predicts.
#[derive(Clone, Copy)]
enum Samples<'a> {
    /// Member m predicts samples `m n .. (m + 1) n`.
    Each(usize),
    /// Member m predicts the samples `order[offsets[m] .. offsets[m + 1]]`.
    Grouped { order: &'a [u32], offsets: &'a [usize] },
}

impl Samples<'_> {
    fn of(self, member: usize) -> (usize, usize) {
        match self {
            Self::Each(samples) => (member * samples, samples),
            Self::Grouped { offsets, .. } => (offsets[member], offsets[member + 1] - offsets[member]),
        }
    }
}

/// Where a task's samples are read and written.
#[derive(Clone, Copy)]
struct Task<'a> {
    member: usize,
    first: usize,
    count: usize,
    order: Option<&'a [u32]>,
}

struct Outputs([*mut f32; MOST_OUTPUTS]);
// SAFETY: tasks write disjoint samples.
unsafe impl Sync for Outputs {}

impl Predictor {
    /// Takes a snapshot of what `outputs` need of `graph` with the numbers of `stores`. Its inputs are those of the graph that the outputs depend on, in
    /// their order.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when an operation mixes the samples of a batch, a bound store is missing, or more than eight outputs are wanted.
    pub fn new(graph: &Graph, stores: &[&Store], outputs: &[Node]) -> Result<Self> {
        if outputs.is_empty() || outputs.len() > MOST_OUTPUTS {
            return Err(Error::unsupported("a predictor", format!("{} outputs", outputs.len())));
        }
        let graph = graph.clone();
        let count = graph.nodes.len();
        let outputs: Vec<usize> = outputs.iter().map(|node| node.0).collect();
        let mut last: Vec<Option<usize>> = vec![None; count];
        outputs.iter().for_each(|node| last[*node] = Some(count));
        for index in (0..count).rev().filter(|index| *index <= outputs.iter().copied().max().unwrap_or(0)) {
            if last[index].is_some() {
                let node = &graph.nodes[index];
                if node.op.extent() == Extent::Batch {
                    let what = format!("{}, which mixes the samples of a batch", node.op.name());
                    return Err(Error::unsupported("a predictor", what));
                }
                for operand in &node.operands {
                    last[*operand] = last[*operand].max(Some(index));
                }
            }
        }
        let most_rows =
            (0..count).filter(|index| last[*index].is_some()).map(|index| graph.nodes[index].shape.rows).max();
        let capacity = (BLOCK_ROWS / most_rows.unwrap_or(1).max(1)).max(1);
        let layout = Layout::inference(&graph, &last, capacity);
        let mut slots = Vec::new();
        let owned: Vec<Store> = stores.iter().map(|store| (*store).clone()).collect();
        Stores::find(&graph, stores, &mut slots)?;
        let packs = Packs::new(&graph, 1, true);
        let port = |node: usize| Port {
            node,
            at: layout.values[node],
            shape: graph.nodes[node].shape,
            width: stride(graph.nodes[node].shape.cols),
            copied: true,
        };
        let outputs = outputs.into_iter().map(port).collect();
        let mut predictor = Self {
            steps: Vec::new(),
            inputs: Vec::new(),
            outputs,
            device: Cpu::new(),
            stores: owned,
            slots,
            packs,
            layout,
            graph,
        };
        for index in (0..count).filter(|index| last[*index].is_some()) {
            predictor.compile(index);
        }
        predictor.pack();
        Ok(predictor)
    }

    fn compile(&mut self, index: usize) {
        let graph = &self.graph;
        let node = &graph.nodes[index];
        if node.op.is_input() {
            // A layer reads rows of any stride; other operations read whole vectors, which needs padding.
            let reads =
                |other: &crate::graph::Recorded| other.operands.contains(&index) && other.op.activation().is_none();
            let given = self.outputs.iter().any(|output| output.node == index);
            let copied = node.shape.rows != 1 || graph.nodes.iter().any(reads) || given;
            self.inputs.push(Port {
                node: index,
                at: self.layout.values[index],
                shape: node.shape,
                width: stride(node.shape.cols),
                copied,
            });
            return;
        }
        let placed = |bound: crate::graph::Bound| {
            let entry = graph.entry(bound);
            let step = if entry.members == 1 { 0 } else { entry.size() };
            Placed { store: self.slots[bound.binding], at: entry.offset, step }
        };
        let weight = node.parameters.first().and_then(|bound| Some((*bound, self.packs.place(*bound)?)));
        let (Some(activation), Some((bound, at))) = (node.op.activation(), weight) else {
            self.steps.push(Step::Other(index));
            return;
        };
        let x = node.operands[0];
        let input = self.inputs.iter().position(|input| input.node == x && !input.copied);
        let inputs = graph.nodes[x].shape.cols;
        self.steps.push(Step::Layer(Layer {
            from: input.map_or(Source::Place(self.layout.values[x], stride(inputs)), Source::Input),
            to: self.layout.values[index],
            rows: node.shape.rows,
            inputs,
            outputs: node.shape.cols,
            width: stride(node.shape.cols),
            weight: Placed { store: 0, at, step: usize::from(graph.entry(bound).members > 1) },
            bias: node.parameters.get(1).map(|bound| placed(*bound)),
            activation,
        }));
    }

    fn pack(&mut self) {
        let Self { graph, stores, slots, packs, device, .. } = self;
        packs.refresh(graph, Stores::owned(stores, slots), *device, false);
    }

    /// Takes on the present numbers of `stores`, without allocating.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when a store of the snapshot is missing.
    pub fn refresh(&mut self, stores: &[&Store]) -> Result<()> {
        for own in &mut self.stores {
            let Some(store) = stores.iter().find(|store| store.id == own.id && store.values.len() == own.values.len())
            else {
                return Err(Error::unsupported("a predictor", "leaving out a store that it was made of"));
            };
            own.values.copy_from_slice(&store.values);
        }
        self.pack();
        Ok(())
    }

    /// Networks side by side.
    pub fn members(&self) -> usize {
        self.graph.members
    }

    /// The shape of each input.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = Shape> {
        self.inputs.iter().map(|port| port.shape)
    }

    /// The shape of each output.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = Shape> {
        self.outputs.iter().map(|port| port.shape)
    }

    /// Room for predictions on as many threads as there are.
    pub fn scratch(&self) -> Scratch {
        let slot = Slot {
            values: self.device.allocate(self.layout.values_len + SLACK),
            panel: self.device.allocate(self.layout.panel_len),
            scratch: self.device.allocate(self.layout.scratch_len + SLACK),
        };
        Scratch { slots: vec![slot; rayon::current_num_threads().max(1)] }
    }

    /// Every member on samples of its own: each of `x` is `[members][samples][rows][cols]` of an input, each of `out` of an output.
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths do not fit together.
    pub fn predict(&self, x: &[&[f32]], out: &mut [&mut [f32]], scratch: &mut Scratch) -> Result<()> {
        let samples = self.samples(x) / self.graph.members;
        self.check(self.graph.members * samples, x, out)?;
        self.run(Samples::Each(samples), x, out, scratch);
        Ok(())
    }

    /// Each sample by the member whose group it is in: member m takes the samples `order[offsets[m]..offsets[m + 1]]` of `x` `[samples][rows][cols]` and
    /// writes the same samples of `out`. Samples in no group are left alone. See [`Groups`].
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths do not fit together or the groups are not of this ensemble and these samples.
    pub fn predict_grouped(
        &self,
        x: &[&[f32]],
        groups: &Groups,
        out: &mut [&mut [f32]],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let samples = self.samples(x);
        self.check(samples, x, out)?;
        if groups.offsets.len() != self.graph.members + 1 || groups.order.len() != samples {
            let got = [groups.offsets.len().saturating_sub(1), groups.order.len()];
            return Err(Error::shape("groups", &[self.graph.members, samples], &got));
        }
        self.run(Samples::Grouped { order: &groups.order, offsets: &groups.offsets }, x, out, scratch);
        Ok(())
    }

    /// One member on some samples, on this thread: the quickest way for few. Each of `x` is `[samples][rows][cols]` of an input, each of `out` of an output.
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths do not fit together or there is no such member.
    pub fn predict_member(
        &self,
        member: usize,
        x: &[&[f32]],
        out: &mut [&mut [f32]],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let samples = self.samples(x);
        self.check(samples, x, out)?;
        if member >= self.graph.members || scratch.slots.is_empty() {
            return Err(Error::shape("members", &[self.graph.members], &[member + 1]));
        }
        let out = places(out);
        let mut first = 0;
        while first < samples {
            let count = self.layout.capacity.min(samples - first);
            self.block(Task { member, first, count, order: None }, x, &out, &mut scratch.slots[0]);
            first += count;
        }
        Ok(())
    }

    /// Samples that the first input holds.
    fn samples(&self, x: &[&[f32]]) -> usize {
        let numbers = self.inputs.first().map_or(1, |port| port.shape.numbers());
        x.first().map_or(0, |x| x.len() / numbers.max(1))
    }

    #[inline]
    fn check(&self, samples: usize, x: &[&[f32]], out: &[&mut [f32]]) -> Result<()> {
        if x.len() != self.inputs.len() || out.len() != self.outputs.len() {
            let (expected, got) = ([self.inputs.len(), self.outputs.len()], [x.len(), out.len()]);
            return Err(Error::shape("inputs and outputs of a prediction", &expected, &got));
        }
        let fits = |what: &'static str, Shape { rows, cols }: Shape, len: usize| {
            if len == samples * rows * cols { Ok(()) } else { Err(Error::shape(what, &[samples, rows, cols], &[len])) }
        };
        for (port, x) in self.inputs.iter().zip(x) {
            fits("an input of a prediction", port.shape, x.len())?;
        }
        for (port, out) in self.outputs.iter().zip(out) {
            fits("an output of a prediction", port.shape, out.len())?;
        }
        Ok(())
    }

    fn run(&self, samples: Samples<'_>, x: &[&[f32]], out: &mut [&mut [f32]], scratch: &mut Scratch) {
        let members = self.graph.members;
        let total: usize = (0..members).map(|member| samples.of(member).1).sum();
        let threads = if total * self.layout.work > PARALLEL_WORK { scratch.slots.len() } else { 1 };
        let capacity = self.layout.capacity;
        // Some blocks a thread, so that they end together; whole tiles, so that none is wasted.
        let wanted = if threads > 1 { total.div_ceil(4 * threads) } else { capacity };
        let size = wanted.next_multiple_of(12).clamp(12.min(capacity), capacity);
        let out = places(out);
        let next = AtomicUsize::new(0);
        let order = match samples {
            Samples::Grouped { order, .. } => Some(order),
            Samples::Each(_) => None,
        };
        let worker = |slot: &mut Slot| {
            loop {
                let mut task = next.fetch_add(1, Ordering::Relaxed);
                let mut member = 0;
                let (first, count) = loop {
                    if member == members {
                        return;
                    }
                    let (first, count) = samples.of(member);
                    let tasks = count.div_ceil(size);
                    if task < tasks {
                        break (first + task * size, size.min(count - task * size));
                    }
                    task -= tasks;
                    member += 1;
                };
                self.block(Task { member, first, count, order }, x, &out, slot);
            }
        };
        if threads > 1 {
            scratch.slots.par_iter_mut().with_max_len(1).for_each(worker);
        } else if let Some(slot) = scratch.slots.first_mut() {
            worker(slot);
        }
    }

    /// Some samples of one member through all steps.
    fn block(&self, task: Task<'_>, x: &[&[f32]], out: &Outputs, slot: &mut Slot) {
        for (port, x) in self.inputs.iter().zip(x) {
            if port.copied || task.order.is_some() {
                let len = task.count * port.shape.rows * port.width;
                load(&mut slot.values[port.at..][..len], x, port.shape, task);
            }
        }
        let values = slot.values.as_mut_ptr();
        for step in &self.steps {
            match step {
                Step::Layer(layer) => self.layer(layer, &task, x, values),
                Step::Other(index) => self.other(*index, task, slot),
            }
        }
        for (port, out) in self.outputs.iter().zip(&out.0) {
            let Shape { rows, cols } = port.shape;
            let mut from = slot.values.as_ptr().wrapping_add(port.at);
            for row in 0..rows {
                for sample in 0..task.count {
                    let index = task.order.map_or(task.first + sample, |order| order[task.first + sample] as usize);
                    // SAFETY: `out` holds every sample (checked by the callers, and `Groups` holds no larger index), no two tasks write the same, and the
                    // block holds `rows * count` padded rows.
                    unsafe { std::ptr::copy_nonoverlapping(from, out.add((index * rows + row) * cols), cols) };
                    from = from.wrapping_add(port.width);
                }
            }
        }
    }

    #[inline(always)]
    fn layer(&self, layer: &Layer, task: &Task<'_>, x: &[&[f32]], values: *mut f32) {
        let (a, a_stride) = match layer.from {
            Source::Input(input) if task.order.is_none() => {
                (x[input][task.first * layer.inputs..].as_ptr(), layer.inputs)
            }
            Source::Input(input) => (values.wrapping_add(self.inputs[input].at).cast_const(), stride(layer.inputs)),
            Source::Place(at, stride) => (values.wrapping_add(at).cast_const(), stride),
        };
        let bias = layer
            .bias
            .map(|bias| self.stores[bias.store].values.as_ptr().wrapping_add(bias.at + task.member * bias.step));
        self.device.run(Matmul {
            rows: layer.rows * task.count,
            cols: layer.outputs,
            inner: layer.inputs,
            a,
            a_strides: (a_stride, 1),
            b: Right::Packed(self.packs.panels(layer.weight.at + task.member * layer.weight.step).as_ptr()),
            start: bias.map_or(Start::Zero, Start::Row),
            c: values.wrapping_add(layer.to),
            c_stride: layer.width,
            panel: std::ptr::null_mut(),
            activation: layer.activation,
            derivative: std::ptr::null_mut(),
        });
    }

    fn other(&self, index: usize, task: Task<'_>, slot: &mut Slot) {
        let node = &self.graph.nodes[index];
        if let Some(value) = node.op.constant() {
            // Its place may have held something else since the last block.
            let width = stride(node.shape.cols);
            let len = task.count * node.shape.rows * width;
            slot.values[self.layout.values[index]..][..len].fill(value);
            return;
        }
        let pass = Pass {
            graph: &self.graph,
            layout: &self.layout,
            stores: Stores::owned(&self.stores, &self.slots),
            packs: &self.packs,
            device: self.device,
            batch: task.count,
            keep: false,
            alone: false,
        };
        let memory = Memory {
            values: slot.values.as_mut_ptr(),
            gradients: std::ptr::null_mut(),
            parameter_gradients: std::ptr::null_mut(),
            scratch: slot.scratch.as_mut_ptr(),
            panel: slot.panel.as_mut_ptr(),
            losses: std::ptr::null_mut(),
        };
        let (member, samples) = (task.member, task.count);
        node.op.forward(&Context { pass: &pass, memory, member, samples, index, node, plan: None });
    }
}

fn places(out: &mut [&mut [f32]]) -> Outputs {
    let mut places = [std::ptr::null_mut(); MOST_OUTPUTS];
    for (place, out) in places.iter_mut().zip(out) {
        *place = out.as_mut_ptr();
    }
    Outputs(places)
}

/// Copies a task's samples of one input into padded rows.
fn load(to: &mut [f32], x: &[f32], shape: Shape, task: Task<'_>) {
    let (samples, member) = (x.len() / shape.numbers().max(1), 0);
    match task.order {
        None => {
            let window = Window { member, start: task.first, count: task.count, samples };
            Feed::Shared(x).copy(to, window, shape);
        }
        Some(order) => {
            let window = Window { member, start: 0, count: task.count, samples: task.count };
            Feed::Gather { table: x, index: &order[task.first..task.first + task.count] }.copy(to, window, shape);
        }
    }
}
