//! Replays a tape over batches: cuts them into blocks of fixed size, runs these side by side and gathers what they give.
//!
//! How a batch is cut depends on the tape and the batch alone, and blocks are added up in their order: the number of threads changes no byte.

use pulp::Arch;
use rayon::prelude::*;
use worldwright_core::{Error, Result};

use crate::{
    block::{Block, Context, Layout},
    buffer::{copy_in, copy_out, stride},
    matmul::PARALLEL_WORK,
    parameters::Parameters,
    plan::Plan,
    tape::{Node, Tape},
};

/// Rows of a block, unless the batch is smaller: few enough that a layer's values stay in the second-level cache, enough to use packed
/// weights many times.
pub(crate) const BLOCK_ROWS: usize = 128;

/// Data for one input of a tape, row-major.
#[derive(Debug, Clone, Copy)]
pub enum Feed<'a> {
    /// `[members][rows][cols]`: each member has rows of its own.
    Members(&'a [f32]),
    /// `[rows][cols]`, the same for all members.
    Shared(&'a [f32]),
    /// Rows of a table `[any][cols]`, chosen by `index` `[members][rows]`: bootstrap batches without copying the table.
    Gather {
        /// The table.
        table: &'a [f32],
        /// Which of its rows.
        index: &'a [u32],
    },
}

impl Feed<'_> {
    fn check(&self, members: usize, rows: usize, cols: usize, input: usize) -> Result<()> {
        let fail = |expected: &[usize], got: usize| Err(Error::shape(format!("input {input}"), expected, &[got]));
        match self {
            Self::Members(data) if data.len() != members * rows * cols => fail(&[members, rows, cols], data.len()),
            Self::Shared(data) if data.len() != rows * cols => fail(&[rows, cols], data.len()),
            Self::Gather { index, .. } if index.len() != members * rows => fail(&[members, rows], index.len()),
            Self::Gather { table, index } => {
                let held = table.len().checked_div(cols).unwrap_or(usize::MAX);
                match index.iter().find(|row| **row as usize >= held) {
                    Some(row) => fail(&[*row as usize + 1, cols], held),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn copy(&self, to: &mut [f32], member: usize, start: usize, count: usize, rows: usize, cols: usize) {
        match self {
            Self::Members(data) => {
                let from = (member * rows + start) * cols;
                copy_in(to, &data[from..from + count * cols], cols);
            }
            Self::Shared(data) => copy_in(to, &data[start * cols..(start + count) * cols], cols),
            Self::Gather { table, index } => {
                let from = member * rows + start;
                for (to, row) in to.chunks_mut(stride(cols)).zip(&index[from..from + count]) {
                    to[..cols].copy_from_slice(&table[*row as usize * cols..][..cols]);
                }
            }
        }
    }
}

/// A backward pass from one node to the differentiable inputs, prepared by [`Runner::pullback_from`].
#[derive(Debug, Clone)]
pub struct Pullback {
    node: usize,
    plan: Plan,
}

/// Room to replay a tape on batches of up to a fixed number of rows; everything is allocated at construction.
#[derive(Debug, Clone)]
pub struct Runner {
    pub(crate) tape: Tape,
    layout: Layout,
    plan: Plan,
    pub(crate) blocks: Vec<Block>,
    /// Blocks a member that the room is made for.
    most: usize,
    /// Blocks a member of the last batch.
    pub(crate) used: usize,
    rows: usize,
    /// The rows of the feeds, of which a batch may be a part …
    total: usize,
    /// … that starts here.
    first: usize,
    arch: Arch,
}

impl Runner {
    /// Room for batches of up to `rows` rows a member.
    pub fn new(tape: Tape, rows: usize) -> Self {
        let rows = rows.max(1);
        let most = rows.div_ceil(BLOCK_ROWS);
        let layout = Layout::new(&tape, rows.div_ceil(most));
        let blocks = (0..tape.members * most).map(|index| Block::new(&layout, index / most, true)).collect();
        let plan = Plan::training(&tape);
        Self { tape, layout, plan, blocks, most, used: 0, rows: 0, total: 0, first: 0, arch: Arch::new() }
    }

    /// The tape that is replayed.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The most rows a member of one batch.
    pub fn capacity(&self) -> usize {
        self.most * self.layout.capacity
    }

    fn load(&mut self, rows: usize, feeds: &[Feed<'_>]) -> Result<()> {
        if rows > self.capacity() {
            return Err(Error::shape("rows of a batch", &[self.capacity()], &[rows]));
        }
        self.check(rows, feeds)?;
        (self.total, self.first) = (rows, 0);
        self.select(rows);
        Ok(())
    }

    fn select(&mut self, rows: usize) {
        self.rows = rows;
        self.used = rows.div_ceil(self.layout.capacity);
    }

    fn check(&self, rows: usize, feeds: &[Feed<'_>]) -> Result<()> {
        if feeds.len() != self.tape.inputs.len() {
            return Err(Error::shape("inputs", &[self.tape.inputs.len()], &[feeds.len()]));
        }
        for (index, (feed, node)) in feeds.iter().zip(&self.tape.inputs).enumerate() {
            feed.check(self.tape.members, rows, self.tape.nodes[*node].cols, index)?;
        }
        Ok(())
    }

    /// Runs `work` on each block in use, after copying its rows in when feeds are given.
    fn each(
        &mut self,
        parameters: &Parameters,
        feeds: Option<&[Feed<'_>]>,
        passes: usize,
        work: impl Fn(&mut Block, Context<'_>) + Sync,
    ) {
        let (rows, used, most, capacity) = (self.rows, self.used, self.most, self.layout.capacity);
        let (first, total) = (self.first, self.total);
        let context = Context { tape: &self.tape, layout: &self.layout, parameters, arch: self.arch, batch: total };
        let (tape, layout) = (&self.tape, &self.layout);
        let one = |(index, block): (usize, &mut Block)| {
            let chunk = index % most;
            if chunk >= used {
                return;
            }
            let start = chunk * capacity;
            block.rows = capacity.min(rows - start);
            if let Some(feeds) = feeds {
                for (feed, node) in feeds.iter().zip(&tape.inputs) {
                    let (member, count, cols) = (block.member, block.rows, tape.nodes[*node].cols);
                    if cols > 0 {
                        feed.copy(block.value_mut(layout, tape, *node), member, first + start, count, total, cols);
                    }
                }
            }
            work(block, context);
        };
        if passes * rows * tape.members * layout.work_per_row > PARALLEL_WORK && self.blocks.len() > 1 {
            self.blocks.par_iter_mut().with_max_len(1).enumerate().for_each(one);
        } else {
            self.blocks.iter_mut().enumerate().for_each(one);
        }
    }

    /// Computes all nodes and losses for a batch of `rows` rows a member.
    ///
    /// # Errors
    /// [`Error::Shape`] when a feed does not hold what the tape takes, or the batch is larger than the room.
    pub fn forward(&mut self, parameters: &Parameters, rows: usize, feeds: &[Feed<'_>]) -> Result<()> {
        self.load(rows, feeds)?;
        self.each(parameters, Some(feeds), 1, |block, context| block.forward(context, true));
        Ok(())
    }

    /// As [`forward`](Self::forward), then the gradients of the loss with respect to parameters and differentiable inputs.
    ///
    /// # Errors
    /// As for [`forward`](Self::forward).
    pub fn forward_backward(&mut self, parameters: &Parameters, rows: usize, feeds: &[Feed<'_>]) -> Result<()> {
        self.load(rows, feeds)?;
        let plan = std::mem::take(&mut self.plan);
        self.each(parameters, Some(feeds), 3, |block, context| {
            block.forward(context, true);
            block.backward(context, &plan);
        });
        self.plan = plan;
        Ok(())
    }

    /// Each member's data loss, a mean over `rows` rows that may be more than the room holds: they pass in parts.
    ///
    /// # Errors
    /// As for [`forward`](Self::forward), and [`Error::Shape`] unless there is one loss a member.
    pub fn evaluate(
        &mut self,
        parameters: &Parameters,
        rows: usize,
        feeds: &[Feed<'_>],
        losses: &mut [f64],
    ) -> Result<()> {
        if losses.len() != self.tape.members {
            return Err(Error::shape("losses", &[self.tape.members], &[losses.len()]));
        }
        self.check(rows, feeds)?;
        losses.fill(0.0);
        (self.total, self.first) = (rows, 0);
        while self.first < rows {
            self.select(self.capacity().min(rows - self.first));
            self.each(parameters, Some(feeds), 1, |block, context| block.forward(context, false));
            for (member, loss) in losses.iter_mut().enumerate() {
                *loss += self.loss(member);
            }
            self.first += self.rows;
        }
        Ok(())
    }

    /// The data loss of one member after a forward pass: a mean over its rows.
    pub fn loss(&self, member: usize) -> f64 {
        self.blocks[member * self.most..][..self.used].iter().map(|block| block.loss).sum()
    }

    /// A node's values after a forward pass, `[members][rows][cols]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when `out` is of another length.
    pub fn read(&self, node: Node, out: &mut [f32]) -> Result<()> {
        self.gather(node, out, |block| block.value(&self.layout, &self.tape, node.0))
    }

    /// A differentiable input's gradient after a backward pass, `[members][rows][cols]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when `out` is of another length.
    pub fn read_gradient(&self, node: Node, out: &mut [f32]) -> Result<()> {
        self.gather(node, out, |block| block.gradient(&self.layout, &self.tape, node.0))
    }

    fn gather<'a>(&'a self, node: Node, out: &mut [f32], from: impl Fn(&'a Block) -> &'a [f32]) -> Result<()> {
        let cols = self.tape.nodes[node.0].cols;
        if out.len() != self.tape.members * self.rows * cols {
            return Err(Error::shape("values of a node", &[self.tape.members, self.rows, cols], &[out.len()]));
        }
        if cols == 0 {
            return Ok(());
        }
        let mut rest = out;
        for member in self.blocks.chunks(self.most) {
            for block in &member[..self.used] {
                let (head, tail) = rest.split_at_mut(block.rows * cols);
                copy_out(head, from(block), cols);
                rest = tail;
            }
        }
        Ok(())
    }

    /// Prepares pullbacks from `node` to the differentiable inputs.
    pub fn pullback_from(&self, node: Node) -> Pullback {
        Pullback { node: node.0, plan: Plan::pullback(&self.tape, node.0) }
    }

    /// Vector-Jacobian products: after [`forward`](Self::forward), turns cotangents of the prepared node `[members][rows][cols]` into gradients of
    /// the differentiable inputs, to be had from [`read_gradient`](Self::read_gradient).
    ///
    /// # Errors
    /// [`Error::Shape`] when the cotangents are of another length; [`Error::Unsupported`] when no differentiable input leads to the node.
    pub fn pullback(&mut self, parameters: &Parameters, from: &Pullback, cotangents: &[f32]) -> Result<()> {
        let cols = self.tape.nodes[from.node].cols;
        if cotangents.len() != self.tape.members * self.rows * cols {
            return Err(Error::shape("cotangents", &[self.tape.members, self.rows, cols], &[cotangents.len()]));
        }
        self.pull(parameters, from, Feed::Members(cotangents))
    }

    fn pull(&mut self, parameters: &Parameters, from: &Pullback, cotangents: Feed<'_>) -> Result<()> {
        if !from.plan.runs[from.node] {
            return Err(Error::unsupported("a pullback", "a node that no differentiable input leads to"));
        }
        let (rows, most, capacity) = (self.rows, self.most, self.layout.capacity);
        let cols = self.tape.nodes[from.node].cols;
        for (index, block) in self.blocks.iter_mut().enumerate().filter(|(index, _)| index % most < self.used) {
            let start = (index % most) * capacity;
            let (member, count) = (block.member, block.rows);
            let to = block.gradient_mut(&self.layout, &self.tape, from.node);
            cotangents.copy(to, member, start, count, rows, cols);
        }
        self.each(parameters, None, 1, |block, context| block.backward(context, &from.plan));
        Ok(())
    }

    /// Jacobians of a batch after [`forward`](Self::forward): `out` is `[members][rows][node columns][input columns]`.
    /// One backward pass an output column; allocates nothing beyond what `scratch` has to hold, `members · rows · (node + input columns)`.
    ///
    /// # Errors
    /// As for [`pullback`](Self::pullback), and [`Error::Shape`] for another length of `out`.
    pub fn jacobian(
        &mut self,
        parameters: &Parameters,
        from: &Pullback,
        input: Node,
        scratch: &mut Vec<f32>,
        out: &mut [f32],
    ) -> Result<()> {
        let (outputs, inputs) = (self.tape.nodes[from.node].cols, self.tape.nodes[input.0].cols);
        let rows = self.tape.members * self.rows;
        if out.len() != rows * outputs * inputs {
            return Err(Error::shape("Jacobians", &[rows, outputs, inputs], &[out.len()]));
        }
        scratch.clear();
        scratch.resize(rows * (outputs + inputs), 0.0);
        let (cotangents, gradients) = scratch.split_at_mut(rows * outputs);
        for column in 0..outputs {
            cotangents.fill(0.0);
            cotangents.iter_mut().skip(column).step_by(outputs).for_each(|seed| *seed = 1.0);
            self.pullback(parameters, from, cotangents)?;
            self.read_gradient(input, gradients)?;
            for (row, gradient) in gradients.chunks_exact(inputs.max(1)).enumerate() {
                out[(row * outputs + column) * inputs..][..inputs].copy_from_slice(gradient);
            }
        }
        Ok(())
    }

    /// The blocks of one member that the last batch used.
    pub(crate) fn member_blocks(&self, member: usize) -> &[Block] {
        &self.blocks[member * self.most..][..self.used]
    }
}

impl Runner {
    /// The data losses' gradient after a backward pass, `[members][rows][cols]`, blocks and members of a shared parameter added up.
    pub fn gradient(&self, parameter: crate::Parameter) -> Vec<f32> {
        let entry = &self.tape.entries[parameter.0];
        let each = entry.rows * entry.cols;
        let mut sums = vec![0.0; entry.members * each];
        let mut plain = vec![0.0; each];
        for member in 0..self.tape.members {
            let to = if entry.members == 1 { 0 } else { member * each };
            for block in self.member_blocks(member) {
                copy_out(&mut plain, &block.parameter_gradients[entry.local..entry.local + entry.size()], entry.cols);
                sums[to..to + each].iter_mut().zip(&plain).for_each(|(sum, one)| *sum += one);
            }
        }
        sums
    }
}
