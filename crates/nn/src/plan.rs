//! Which gradients a backward pass needs, and which of its writes come first.
//!
//! A gradient that several operations contribute to is written by the first of them and added to by the rest, so nothing has to be zeroed.

use crate::tape::{Op, Tape};

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
    /// For each node: one entry an operand, in the order of [`operands`].
    pub(crate) operands: Vec<Vec<Write>>,
    /// For each node: one entry a parameter, in the order of [`parameters`].
    pub(crate) parameters: Vec<Vec<Write>>,
}

/// The nodes that an operation differentiates with respect to. Targets and weights of losses are constants.
pub(crate) fn operands(op: &Op) -> Vec<usize> {
    match op {
        Op::Input | Op::Detach { .. } => vec![],
        Op::Linear { x, .. }
        | Op::Activation { x, .. }
        | Op::LayerNorm { x, .. }
        | Op::Slice { x, .. }
        | Op::Affine { x, .. }
        | Op::SoftClamp { x, .. } => vec![*x],
        Op::Concat { parts } => parts.clone(),
        Op::Add { a, b } | Op::Sub { a, b } | Op::Mul { a, b } => vec![*a, *b],
        Op::GaussianNll { mean, log_variance, .. } => vec![*mean, *log_variance],
        Op::Mse { prediction, .. } => vec![*prediction],
        Op::Bce { logit, .. } => vec![*logit],
    }
}

/// The parameters of an operation.
pub(crate) fn parameters(op: &Op) -> Vec<usize> {
    match op {
        Op::Linear { weight, bias, .. } => std::iter::once(*weight).chain(*bias).collect(),
        Op::LayerNorm { gain, shift, .. } => vec![*gain, *shift],
        Op::SoftClamp { min, max, .. } => vec![*min, *max],
        _ => vec![],
    }
}

fn is_loss(op: &Op) -> bool {
    matches!(op, Op::GaussianNll { .. } | Op::Mse { .. } | Op::Bce { .. })
}

impl Plan {
    /// From all losses to all parameters and differentiable inputs.
    pub(crate) fn training(tape: &Tape) -> Self {
        Self::new(tape, is_loss, None, true)
    }

    /// From one node to the differentiable inputs.
    pub(crate) fn pullback(tape: &Tape, node: usize) -> Self {
        Self::new(tape, |_| false, Some(node), false)
    }

    fn new(tape: &Tape, is_root: impl Fn(&Op) -> bool, root: Option<usize>, with_parameters: bool) -> Self {
        let count = tape.nodes.len();
        let mut needs = vec![false; count];
        for (index, node) in tape.nodes.iter().enumerate() {
            needs[index] = match &node.op {
                Op::Input => node.active,
                Op::Detach { .. } => false,
                op => {
                    (with_parameters && !parameters(op).is_empty())
                        || operands(op).iter().any(|operand| needs[*operand])
                }
            };
        }
        let mut written = vec![false; count];
        let mut written_parameters = vec![false; tape.entries.len()];
        let mut plan =
            Self { runs: vec![false; count], operands: vec![vec![]; count], parameters: vec![vec![]; count] };
        for (index, node) in tape.nodes.iter().enumerate().rev() {
            let reached = root == Some(index) || is_root(&node.op) || written[index];
            if !reached || !needs[index] {
                continue;
            }
            plan.runs[index] = true;
            let note = |wanted: bool, seen: &mut bool| match (wanted, std::mem::replace(seen, wanted || *seen)) {
                (false, _) => Write::Skip,
                (true, false) => Write::Fresh,
                (true, true) => Write::Add,
            };
            plan.operands[index] =
                operands(&node.op).iter().map(|operand| note(needs[*operand], &mut written[*operand])).collect();
            plan.parameters[index] = parameters(&node.op)
                .iter()
                .map(|parameter| note(with_parameters, &mut written_parameters[*parameter]))
                .collect();
        }
        plan
    }
}
