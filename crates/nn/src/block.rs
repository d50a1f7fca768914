//! One block of samples of one member: its values and gradients, and the graph's operations on them in both directions.

use crate::{
    buffer::{Buffer, stride},
    context::{Context, Memory, Pass},
    device::{Cpu, Device},
    graph::Graph,
    layout::Layout,
    plan::Plan,
};

/// Vectors that start inside a row are read past its end; the slack keeps that inside the buffer.
pub(crate) const SLACK: usize = 32;

#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) member: usize,
    pub(crate) samples: usize,
    /// The sums of the block's parts of each objective after a forward pass.
    pub(crate) losses: Vec<f64>,
    values: Buffer,
    gradients: Buffer,
    pub(crate) parameter_gradients: Buffer,
    panel: Buffer,
    scratch: Buffer,
}

impl Block {
    pub(crate) fn new(device: Cpu, graph: &Graph, layout: &Layout, member: usize, alone: bool) -> Self {
        let mut block = Self {
            member,
            samples: 0,
            losses: vec![0.0; graph.objectives],
            values: device.allocate(layout.values_len + SLACK),
            gradients: device.allocate(layout.gradients_len + SLACK),
            parameter_gradients: device.allocate(layout.parameters_len),
            panel: device.allocate(layout.panels_len(alone)),
            scratch: device.allocate(layout.scratch_len + SLACK),
        };
        // What never changes is written once.
        for (index, node) in graph.nodes.iter().enumerate() {
            if let Some(value) = node.op.constant() {
                for row in block.value_mut(layout, graph, index).chunks_mut(stride(node.shape.cols).max(1)) {
                    let cols = node.shape.cols.min(row.len());
                    row[..cols].fill(value);
                }
            }
        }
        block
    }

    /// The padded rows of a node, row t of all samples together.
    pub(crate) fn value(&self, layout: &Layout, graph: &Graph, node: usize) -> &[f32] {
        &self.values[range(layout, graph, node)]
    }

    pub(crate) fn value_mut(&mut self, layout: &Layout, graph: &Graph, node: usize) -> &mut [f32] {
        &mut self.values[range(layout, graph, node)]
    }

    /// The padded rows of a node's gradient.
    pub(crate) fn gradient(&self, layout: &Layout, graph: &Graph, node: usize) -> &[f32] {
        &self.gradients[range(layout, graph, node)]
    }

    pub(crate) fn gradient_mut(&mut self, layout: &Layout, graph: &Graph, node: usize) -> &mut [f32] {
        &mut self.gradients[range(layout, graph, node)]
    }

    fn memory(&mut self) -> Memory {
        Memory {
            values: self.values.as_mut_ptr(),
            gradients: self.gradients.as_mut_ptr(),
            parameter_gradients: self.parameter_gradients.as_mut_ptr(),
            scratch: self.scratch.as_mut_ptr(),
            panel: self.panel.as_mut_ptr(),
            losses: self.losses.as_mut_ptr(),
        }
    }

    /// Computes every node and the losses from the inputs.
    pub(crate) fn forward(&mut self, pass: &Pass<'_>) {
        self.losses.fill(0.0);
        let (member, samples, memory) = (self.member, self.samples, self.memory());
        for (index, node) in pass.graph.nodes.iter().enumerate() {
            node.op.forward(&Context { pass, memory, member, samples, index, node, plan: None });
        }
    }

    /// Gradients by the plan, from the losses or from a gradient already placed at the plan's root.
    pub(crate) fn backward(&mut self, pass: &Pass<'_>, plan: &Plan) {
        let (member, samples, memory) = (self.member, self.samples, self.memory());
        for (index, node) in pass.graph.nodes.iter().enumerate().rev() {
            if plan.runs[index] {
                node.op.backward(&Context { pass, memory, member, samples, index, node, plan: Some(plan) });
            }
        }
    }
}

fn range(layout: &Layout, graph: &Graph, node: usize) -> std::ops::Range<usize> {
    let (start, shape) = (layout.values[node], graph.nodes[node].shape);
    start..start + layout.capacity * shape.rows * stride(shape.cols)
}
