//! Replays a graph over batches: cuts them into blocks of fixed size, runs these side by side and gathers what they give.
//!
//! How a batch is cut depends on the graph and the batch alone, and blocks are added up in their order: the number of threads changes no byte.
//! A block that is alone shares its larger products out over threads instead, in parts that change no byte either.

use worldwright_core::{Error, Result};

use crate::{
    block::Block,
    buffer::{copy_out, stride},
    context::{Pass, Stores},
    device::{Cpu, Device},
    feed::{Feed, Window},
    graph::{Bound, Graph, Node, Objective},
    layout::{Layout, blocks},
    packs::Packs,
    plan::Plan,
    shape::Shape,
    store::{Parameter, Store, entry_of, foreign},
};

/// A backward pass from one node to the differentiable inputs, prepared by [`Runner::pullback_from`].
#[derive(Debug, Clone)]
pub struct Pullback {
    node: usize,
    plan: Plan,
}

/// Room to replay a graph on batches of up to a fixed number of samples; everything is allocated at construction.
#[derive(Debug, Clone)]
pub struct Runner {
    graph: Graph,
    layout: Layout,
    plan: Plan,
    packs: Packs,
    pub(crate) blocks: Vec<Block>,
    slots: Vec<usize>,
    /// Blocks a member that the room is made for.
    most: usize,
    /// Blocks a member of the last batch.
    used: usize,
    samples: usize,
    /// The samples of the feeds, of which a batch may be a part …
    total: usize,
    /// … that starts here.
    first: usize,
    device: Cpu,
}

impl Runner {
    /// Room for batches of up to `samples` samples a member.
    pub fn new(graph: Graph, samples: usize) -> Self {
        let samples = samples.max(1);
        let device = Cpu::new();
        let most = blocks(&graph, samples);
        let plan = Plan::training(&graph);
        let layout = Layout::training(&graph, &plan, samples.div_ceil(most));
        let packs = Packs::new(&graph, most, false);
        let alone = graph.members * most == 1;
        let blocks =
            (0..graph.members * most).map(|index| Block::new(device, &graph, &layout, index / most, alone)).collect();
        let slots = Vec::with_capacity(graph.bindings.len());
        Self { graph, layout, plan, packs, blocks, slots, most, used: 0, samples: 0, total: 0, first: 0, device }
    }

    /// The graph that is replayed.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The most samples a member of one batch.
    pub fn capacity(&self) -> usize {
        self.most * self.layout.capacity
    }

    fn load(&mut self, samples: usize, feeds: &[Feed<'_>]) -> Result<()> {
        if samples > self.capacity() {
            return Err(Error::shape("samples of a batch", &[self.capacity()], &[samples]));
        }
        self.check(samples, feeds)?;
        (self.total, self.first) = (samples, 0);
        self.select(samples);
        Ok(())
    }

    fn select(&mut self, samples: usize) {
        self.samples = samples;
        self.used = samples.div_ceil(self.layout.capacity);
    }

    fn check(&self, samples: usize, feeds: &[Feed<'_>]) -> Result<()> {
        if feeds.len() != self.graph.inputs.len() {
            return Err(Error::shape("inputs", &[self.graph.inputs.len()], &[feeds.len()]));
        }
        for (index, (feed, node)) in feeds.iter().zip(&self.graph.inputs).enumerate() {
            feed.check(self.graph.members, samples, self.graph.nodes[*node].shape, index)?;
        }
        Ok(())
    }

    /// Runs `work` on each block in use, after copying its samples in when feeds are given.
    fn each(
        &mut self,
        stores: &[&Store],
        feeds: Option<&[Feed<'_>]>,
        (passes, keep): (usize, bool),
        work: impl Fn(&mut Block, &Pass<'_>) + Sync + Send,
    ) -> Result<()> {
        let Self { graph, layout, packs, blocks, slots, device, .. } = self;
        let (samples, total, first, used, most) = (self.samples, self.total, self.first, self.used, self.most);
        let device = *device;
        let stores = Stores::find(graph, stores, slots)?;
        packs.refresh(graph, stores, device, keep);
        let (graph, layout, packs) = (&*graph, &*layout, &*packs);
        let alone = blocks.len() == 1;
        let pass = Pass { graph, layout, stores, packs, device, batch: total, keep, alone };
        device.each(passes * samples * graph.members * layout.work, blocks, |index, block| {
            let chunk = index % most;
            if chunk >= used {
                return;
            }
            let start = chunk * layout.capacity;
            block.samples = layout.capacity.min(samples - start);
            if let Some(feeds) = feeds {
                let window =
                    Window { member: block.member, start: first + start, count: block.samples, samples: total };
                for (feed, node) in feeds.iter().zip(&graph.inputs) {
                    let shape = graph.nodes[*node].shape;
                    if shape.numbers() > 0 {
                        feed.copy(block.value_mut(layout, graph, *node), window, shape);
                    }
                }
            }
            work(block, &pass);
        });
        Ok(())
    }

    /// Computes all nodes and losses for a batch of `samples` samples a member, with the numbers of `stores`: every store that the graph is bound to,
    /// in any order.
    ///
    /// # Errors
    /// [`Error::Shape`] when a feed does not hold what the graph takes, or the batch is larger than the room; [`Error::Unsupported`] when a
    /// bound store is missing.
    pub fn forward(&mut self, stores: &[&Store], samples: usize, feeds: &[Feed<'_>]) -> Result<()> {
        self.load(samples, feeds)?;
        self.each(stores, Some(feeds), (1, true), |block, pass| block.forward(pass))
    }

    /// As [`forward`](Self::forward), then the gradients of the loss with respect to learned parameters and differentiable inputs.
    ///
    /// # Errors
    /// As for [`forward`](Self::forward).
    pub fn forward_backward(&mut self, stores: &[&Store], samples: usize, feeds: &[Feed<'_>]) -> Result<()> {
        self.load(samples, feeds)?;
        let plan = std::mem::take(&mut self.plan);
        let ran = self.each(stores, Some(feeds), (3, true), |block, pass| {
            block.forward(pass);
            block.backward(pass, &plan);
        });
        self.plan = plan;
        ran
    }

    /// Each member's data loss, a mean over `samples` samples that may be more than the room holds: they pass in parts.
    ///
    /// # Errors
    /// As for [`forward`](Self::forward), and [`Error::Shape`] unless there is one loss a member.
    pub fn evaluate(
        &mut self,
        stores: &[&Store],
        samples: usize,
        feeds: &[Feed<'_>],
        losses: &mut [f64],
    ) -> Result<()> {
        if losses.len() != self.graph.members {
            return Err(Error::shape("losses", &[self.graph.members], &[losses.len()]));
        }
        self.check(samples, feeds)?;
        losses.fill(0.0);
        (self.total, self.first) = (samples, 0);
        while self.first < samples {
            self.select(self.capacity().min(samples - self.first));
            self.each(stores, Some(feeds), (1, false), |block, pass| block.forward(pass))?;
            for (member, loss) in losses.iter_mut().enumerate() {
                *loss += self.loss(member);
            }
            self.first += self.samples;
        }
        Ok(())
    }

    /// The data loss of one member after a forward pass: the sum of its objectives.
    pub fn loss(&self, member: usize) -> f64 {
        self.member_blocks(member).iter().map(|block| block.losses.iter().sum::<f64>()).sum()
    }

    /// One objective of one member after a forward pass, scale included.
    pub fn objective(&self, objective: Objective, member: usize) -> f64 {
        self.member_blocks(member).iter().map(|block| block.losses[objective.0]).sum()
    }

    /// A node's values after a forward pass, `[members][samples][rows][cols]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when `out` is of another length.
    pub fn read(&self, node: Node, out: &mut [f32]) -> Result<()> {
        self.gather(node, out, |block| block.value(&self.layout, &self.graph, node.0))
    }

    /// A differentiable input's gradient after a backward pass, `[members][samples][rows][cols]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when `out` is of another length.
    pub fn read_gradient(&self, node: Node, out: &mut [f32]) -> Result<()> {
        self.gather(node, out, |block| block.gradient(&self.layout, &self.graph, node.0))
    }

    fn gather<'a>(&'a self, node: Node, out: &mut [f32], from: impl Fn(&'a Block) -> &'a [f32]) -> Result<()> {
        let shape = self.graph.shape(node);
        let Shape { rows, cols } = shape;
        if out.len() != self.graph.members * self.samples * shape.numbers() {
            return Err(Error::shape(
                "values of a node",
                &[self.graph.members, self.samples, rows, cols],
                &[out.len()],
            ));
        }
        if shape.numbers() == 0 {
            return Ok(());
        }
        let mut rest = out;
        for member in self.blocks.chunks(self.most) {
            for block in &member[..self.used] {
                let (head, tail) = rest.split_at_mut(block.samples * shape.numbers());
                for (place, row) in from(block).chunks(stride(cols)).take(block.samples * rows).enumerate() {
                    let (row_of_sample, sample) = (place / block.samples, place % block.samples);
                    head[(sample * rows + row_of_sample) * cols..][..cols].copy_from_slice(&row[..cols]);
                }
                rest = tail;
            }
        }
        Ok(())
    }

    /// Prepares pullbacks from `node` to the differentiable inputs.
    pub fn pullback_from(&self, node: Node) -> Pullback {
        Pullback { node: node.0, plan: Plan::pullback(&self.graph, node.0) }
    }

    /// Vector-Jacobian products: after [`forward`](Self::forward), turns cotangents of the prepared node `[members][samples][rows][cols]` into
    /// gradients of the differentiable inputs, to be had from [`read_gradient`](Self::read_gradient).
    ///
    /// # Errors
    /// [`Error::Shape`] when the cotangents are of another length; [`Error::Unsupported`] when no differentiable input leads to the node, or a
    /// bound store is missing.
    pub fn pullback(&mut self, stores: &[&Store], from: &Pullback, cotangents: &[f32]) -> Result<()> {
        if !from.plan.runs[from.node] {
            return Err(Error::unsupported("a pullback", "a node that no differentiable input leads to"));
        }
        let (samples, most, capacity) = (self.samples, self.most, self.layout.capacity);
        let shape = self.graph.nodes[from.node].shape;
        Feed::Members(cotangents).check(self.graph.members, samples, shape, from.node)?;
        for (index, block) in self.blocks.iter_mut().enumerate().filter(|(index, _)| index % most < self.used) {
            let start = (index % most) * capacity;
            let window = Window { member: block.member, start, count: block.samples, samples };
            let to = block.gradient_mut(&self.layout, &self.graph, from.node);
            Feed::Members(cotangents).copy(to, window, shape);
        }
        self.each(stores, None, (1, true), |block, pass| block.backward(pass, &from.plan))
    }

    /// Jacobians of a batch after [`forward`](Self::forward): `out` is `[members][samples][numbers of the node][numbers of the input]`.
    /// One backward pass an output; allocates nothing beyond what `scratch` has to hold, `members · samples · (node + input numbers)`.
    ///
    /// # Errors
    /// As for [`pullback`](Self::pullback), and [`Error::Shape`] for another length of `out`.
    pub fn jacobian(
        &mut self,
        stores: &[&Store],
        from: &Pullback,
        input: Node,
        scratch: &mut Vec<f32>,
        out: &mut [f32],
    ) -> Result<()> {
        let (outputs, inputs) = (self.graph.nodes[from.node].shape.numbers(), self.graph.shape(input).numbers());
        let samples = self.graph.members * self.samples;
        if out.len() != samples * outputs * inputs {
            return Err(Error::shape("Jacobians", &[samples, outputs, inputs], &[out.len()]));
        }
        scratch.clear();
        scratch.resize(samples * (outputs + inputs), 0.0);
        let (cotangents, gradients) = scratch.split_at_mut(samples * outputs);
        for column in 0..outputs {
            cotangents.fill(0.0);
            cotangents.iter_mut().skip(column).step_by(outputs).for_each(|seed| *seed = 1.0);
            self.pullback(stores, from, cotangents)?;
            self.read_gradient(input, gradients)?;
            for (sample, gradient) in gradients.chunks_exact(inputs.max(1)).enumerate() {
                out[(sample * outputs + column) * inputs..][..inputs].copy_from_slice(gradient);
            }
        }
        Ok(())
    }

    /// The blocks of one member that the last batch used.
    pub(crate) fn member_blocks(&self, member: usize) -> &[Block] {
        &self.blocks[member * self.most..][..self.used]
    }

    /// Where a learned parameter's gradient lies in each block.
    pub(crate) fn place(&self, bound: Bound) -> Option<usize> {
        let place = *self.layout.parameters.get(bound.binding)?.get(bound.index)?;
        (place != usize::MAX).then_some(place)
    }

    /// The data losses' gradient after a backward pass, `[members][rows][cols]`, blocks and members of a shared parameter added up.
    ///
    /// # Errors
    /// [`Error::Unknown`] when the graph does not learn the parameter.
    pub fn gradient(&self, parameter: Parameter) -> Result<Vec<f32>> {
        let binding = self.graph.bindings.iter().position(|binding| binding.learns && binding.form == parameter.form);
        let binding = binding.ok_or_else(|| foreign(parameter))?;
        let entry = entry_of(&self.graph.bindings[binding].entries, parameter.form, parameter)?;
        let each = entry.rows * entry.cols;
        let mut sums = vec![0.0; entry.members * each];
        let Some(at) = self.place(Bound { binding, index: parameter.index }) else { return Ok(sums) };
        let mut plain = vec![0.0; each];
        for member in 0..self.graph.members {
            let to = if entry.members == 1 { 0 } else { member * each };
            for block in self.member_blocks(member) {
                copy_out(&mut plain, &block.parameter_gradients[at..at + entry.size()], entry.cols);
                sums[to..to + each].iter_mut().zip(&plain).for_each(|(sum, one)| *sum += one);
            }
        }
        Ok(sums)
    }
}
