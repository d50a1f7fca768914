//! Which gradients a backward pass needs, and which of its writes come first.
//!
//! A gradient that several operations contribute to is written by the first of them and added to by the rest, so nothing has to be zeroed.
//! A weight that many products share, as in an unrolled network, gets its gradient at the last of them, from all their rows at once: the sum
//! stays in registers instead of passing through memory at every step, and is the same chain of additions.

use crate::graph::{Graph, Recorded};

/// How a contribution goes into its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// Not needed.
    Skip,
    /// The first to arrive.
    Fresh,
    /// Added to what is there.
    Add,
}

/// A backward pass from chosen roots.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Whether a node's operation runs backwards.
    pub(crate) runs: Vec<bool>,
    /// For each node: one entry an operand.
    pub(crate) operands: Vec<Vec<Write>>,
    /// For each node: one entry a parameter.
    pub(crate) parameters: Vec<Vec<Write>>,
    /// For each node: all the products whose weight's gradient it computes, in the order of the pass, where there are several.
    pub(crate) uses: Vec<Vec<usize>>,
}

impl Plan {
    /// From all objectives to all learned parameters and differentiable inputs.
    pub(crate) fn training(graph: &Graph) -> Self {
        let mut plan = Self::new(graph, None);
        plan.defer(graph);
        plan
    }

    /// From one node to the differentiable inputs.
    pub(crate) fn pullback(graph: &Graph, node: usize) -> Self {
        Self::new(graph, Some(node))
    }

    fn new(graph: &Graph, root: Option<usize>) -> Self {
        let count = graph.nodes.len();
        let learns =
            |node: &Recorded, place: usize| root.is_none() && graph.bindings[node.parameters[place].binding].learns;
        let mut needs = vec![false; count];
        for (index, node) in graph.nodes.iter().enumerate() {
            needs[index] = if node.op.is_input() {
                node.active
            } else {
                (0..node.parameters.len()).any(|place| learns(node, place))
                    || node.operands.iter().enumerate().any(|(i, operand)| node.op.differentiates(i) && needs[*operand])
            };
        }
        let mut written = vec![false; count];
        let mut written_parameters: Vec<Vec<bool>> =
            graph.bindings.iter().map(|binding| vec![false; binding.entries.len()]).collect();
        let mut plan = Self {
            runs: vec![false; count],
            operands: vec![vec![]; count],
            parameters: vec![vec![]; count],
            uses: vec![vec![]; count],
        };
        let note = |wanted: bool, seen: &mut bool| match (wanted, std::mem::replace(seen, wanted || *seen)) {
            (false, _) => Write::Skip,
            (true, false) => Write::Fresh,
            (true, true) => Write::Add,
        };
        for (index, node) in graph.nodes.iter().enumerate().rev() {
            let reached = root == Some(index) || (root.is_none() && node.op.is_root()) || written[index];
            if !reached || !needs[index] {
                continue;
            }
            plan.runs[index] = true;
            plan.operands[index] = (node.operands.iter().enumerate())
                .map(|(i, operand)| note(node.op.differentiates(i) && needs[*operand], &mut written[*operand]))
                .collect();
            plan.parameters[index] = (node.parameters.iter().enumerate())
                .map(|(place, bound)| note(learns(node, place), &mut written_parameters[bound.binding][bound.index]))
                .collect();
        }
        plan
    }

    /// Moves the gradients of weights that several products share to the last of them.
    fn defer(&mut self, graph: &Graph) {
        for (binding, bound) in graph.bindings.iter().enumerate().filter(|(_, binding)| binding.learns) {
            for entry in 0..bound.entries.len() {
                let is = |node: &Recorded, place: usize| {
                    (node.parameters[place].binding, node.parameters[place].index) == (binding, entry)
                };
                let mut uses = Vec::new();
                let mut only_products = true;
                for (index, node) in graph.nodes.iter().enumerate().rev().filter(|(index, _)| self.runs[*index]) {
                    for place in (0..node.parameters.len()).filter(|place| is(node, *place)) {
                        only_products &= place == 0 && node.op.is_product();
                        uses.push(index);
                    }
                }
                if !only_products || uses.len() < 2 {
                    continue;
                }
                for index in &uses {
                    self.parameters[*index][0] = Write::Skip;
                }
                if let Some(last) = uses.last().copied() {
                    self.parameters[last][0] = Write::Fresh;
                    self.uses[last] = uses;
                }
            }
        }
    }
}
