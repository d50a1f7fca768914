//! Where everything lies in a block of samples.

use crate::{buffer::stride, context::PARTS, graph::Graph, matmul::WIDEST, plan::Plan, shape::Extent};

/// Rows of a block, unless the batch is smaller: few enough that a layer's values stay in the second-level cache, enough to use packed
/// weights many times.
const BLOCK_ROWS: usize = 128;

/// Sequences of a block: eight rows keep the multipliers busy at each step of an unrolled network, and a batch of sixteen makes two blocks.
const BLOCK_SEQUENCES: usize = 8;

/// Into how many blocks a batch is cut. It depends on the graph and the batch alone, so that the bytes do not depend on the threads.
pub(crate) fn blocks(graph: &Graph, samples: usize) -> usize {
    let rows = graph.nodes.iter().map(|node| node.shape.rows).max().unwrap_or(1).max(1);
    match graph.extent() {
        Extent::Batch => 1,
        _ if rows == 1 => samples.div_ceil(BLOCK_ROWS),
        _ => samples.div_ceil((BLOCK_ROWS / rows).max(BLOCK_SEQUENCES)),
    }
}

/// Places in a block of at most `capacity` samples.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) capacity: usize,
    /// Of each node, among values and among gradients alike.
    pub(crate) values: Vec<usize>,
    /// Of what each node keeps for the backward pass, among values.
    pub(crate) kept: Vec<usize>,
    pub(crate) gradients_len: usize,
    pub(crate) values_len: usize,
    /// Of each binding's entries, among the gradients of parameters; `usize::MAX` for those that get none.
    pub(crate) parameters: Vec<Vec<usize>>,
    pub(crate) parameters_len: usize,
    /// Of one panel, of which there are [`PARTS`] where a block may be alone.
    pub(crate) panel_len: usize,
    pub(crate) scratch_len: usize,
    /// Multiply-adds a sample, forwards.
    pub(crate) work: usize,
}

impl Layout {
    /// Every node in a place of its own, with what backward passes need.
    pub(crate) fn training(graph: &Graph, plan: &Plan, capacity: usize) -> Self {
        let mut layout = Self::empty(graph, capacity);
        let mut at = 0;
        let mut place = |len: usize| {
            let start = at;
            at += len.next_multiple_of(16);
            start
        };
        layout.values =
            graph.nodes.iter().map(|node| place(capacity * node.shape.rows * stride(node.shape.cols))).collect();
        layout.gradients_len = place(0);
        layout.kept = (graph.nodes.iter())
            .map(|node| place(capacity * node.op.kept(&shapes(graph, &node.operands), node.shape)))
            .collect();
        layout.values_len = place(0);
        layout.parameters = graph.bindings.iter().map(|binding| vec![usize::MAX; binding.entries.len()]).collect();
        for (index, node) in graph.nodes.iter().enumerate() {
            for bound in &node.parameters {
                let slot = &mut layout.parameters[bound.binding][bound.index];
                if graph.bindings[bound.binding].learns && *slot == usize::MAX {
                    *slot = layout.parameters_len;
                    layout.parameters_len += graph.entry(*bound).size();
                }
            }
            let gathered: usize = plan.uses[index].iter().map(|node| capacity * graph.nodes[*node].shape.rows).sum();
            if gathered > 0 {
                let width: usize = stride(graph.nodes[node.operands[0]].shape.cols) + stride(node.shape.cols);
                layout.scratch_len = layout.scratch_len.max(gathered * width);
                layout.panel_len = layout.panel_len.max(gathered * WIDEST);
            }
        }
        layout
    }

    /// Values alone; a node's place is used again once nothing needs it any more. `last` says of each node which node reads it last,
    /// `None` for nodes that have no place.
    pub(crate) fn inference(graph: &Graph, last: &[Option<usize>], capacity: usize) -> Self {
        let mut layout = Self::empty(graph, capacity);
        layout.values = vec![0; graph.nodes.len()];
        // Start, length and the last reader of each place.
        let mut places: Vec<(usize, usize, usize)> = Vec::new();
        // Inputs are written before anything runs, wherever in the graph they were declared: no place of theirs was another's before.
        let is_input = |index: &usize| graph.nodes[*index].op.is_input();
        let inputs = (0..graph.nodes.len()).filter(is_input);
        for index in inputs.chain((0..graph.nodes.len()).filter(|index| !is_input(index))) {
            let node = &graph.nodes[index];
            let Some(reader) = last[index] else { continue };
            let len = (capacity * node.shape.rows * stride(node.shape.cols)).next_multiple_of(16);
            // Those of nodes read before this one is written are free, the smallest that suffices is taken.
            let free = places
                .iter_mut()
                .filter(|place| !is_input(&index) && place.2 < index && place.1 >= len)
                .min_by_key(|place| place.1);
            if let Some(place) = free {
                place.2 = reader;
                layout.values[index] = place.0;
            } else {
                layout.values[index] = layout.values_len;
                places.push((layout.values_len, len, reader));
                layout.values_len += len;
            }
        }
        layout
    }

    fn empty(graph: &Graph, capacity: usize) -> Self {
        let mut layout = Self {
            capacity,
            values: Vec::new(),
            kept: vec![0; graph.nodes.len()],
            gradients_len: 0,
            values_len: 0,
            parameters: Vec::new(),
            parameters_len: 0,
            panel_len: 0,
            scratch_len: 0,
            work: 0,
        };
        for node in &graph.nodes {
            let of = shapes(graph, &node.operands);
            let sizes: Vec<[usize; 2]> =
                node.parameters.iter().map(|bound| [graph.entry(*bound).rows, graph.entry(*bound).cols]).collect();
            layout.work += node.op.work(&of, &sizes, node.shape);
            layout.scratch_len = layout.scratch_len.max(node.op.scratch(&of, &sizes, node.shape, capacity));
            let depth = node.op.depth(&of, &sizes, node.shape, capacity);
            layout.panel_len = layout.panel_len.max(depth * WIDEST);
        }
        layout
    }

    /// Room for panels.
    pub(crate) fn panels_len(&self, alone: bool) -> usize {
        if alone { PARTS * self.panel_len } else { self.panel_len }
    }
}

fn shapes(graph: &Graph, operands: &[usize]) -> Vec<crate::shape::Shape> {
    operands.iter().map(|operand| graph.nodes[*operand].shape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_by_rows_and_sequences() {
        let mut rows = Graph::new(1);
        rows.input(3);
        assert_eq!([1, 128, 129, 256, 257].map(|samples| blocks(&rows, samples)), [1, 1, 2, 2, 3]);
        let mut sequences = Graph::new(1);
        sequences.input_rows(32, 3);
        // Sixteen sequences are work for two threads, and no block has too few rows for the multipliers.
        assert_eq!([1, 8, 16, 50].map(|samples| blocks(&sequences, samples)), [1, 1, 2, 7]);
        let mut short = Graph::new(1);
        short.input_rows(2, 3);
        assert_eq!(blocks(&short, 128), 2);
        let x = short.input(1);
        assert!(short.standardise(x, 1e-3).is_ok());
        assert_eq!(blocks(&short, 128), 1);
    }
}
