//! One block of rows of one member: its values and gradients, and the tape's operations on them in both directions.

use pulp::Arch;

use crate::{
    activation::{Activation, Apply},
    buffer::{Buffer, stride},
    matmul::{Matmul, Right, Start, WIDEST},
    parameters::{Parameter, Parameters},
    plan::{Plan, Write},
    rowwise::{Combine, Loss, LossKind, Normalise, NormaliseBack, ScaleAndSum, View},
    soft_bounds::{SoftClamp, SoftClampBack},
    tape::{Op, Tape},
};

/// Where everything lies in a block of at most `capacity` rows.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) capacity: usize,
    /// Of each node, among values and among gradients alike.
    values: Vec<usize>,
    /// Of what each node keeps for the backward pass, among values.
    kept: Vec<usize>,
    gradients_len: usize,
    values_len: usize,
    parameters_len: usize,
    panel_len: usize,
    /// Multiply-adds a row, forwards.
    pub(crate) work_per_row: usize,
}

impl Layout {
    pub(crate) fn new(tape: &Tape, capacity: usize) -> Self {
        let mut at = 0;
        let mut place = |len: usize| {
            let start = at;
            at += len.next_multiple_of(16);
            start
        };
        let values: Vec<usize> = tape.nodes.iter().map(|node| place(capacity * stride(node.cols))).collect();
        let gradients_len = place(0);
        let kept = tape.nodes.iter().map(|node| place(capacity * node.kept)).collect();
        let values_len = place(0);
        let mut depth = capacity;
        let mut work_per_row = 0;
        for node in &tape.nodes {
            if let Op::Linear { weight, .. } = node.op {
                let entry = &tape.entries[weight];
                depth = depth.max(entry.rows).max(entry.cols);
                work_per_row += entry.rows * entry.cols;
            } else {
                work_per_row += 4 * node.cols;
            }
        }
        let parameters_len = tape.entries.last().map_or(0, |last| last.local + last.size());
        Self {
            capacity,
            values,
            kept,
            gradients_len,
            values_len,
            parameters_len,
            panel_len: depth * WIDEST,
            work_per_row,
        }
    }
}

/// What a block's passes refer to.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) tape: &'a Tape,
    pub(crate) layout: &'a Layout,
    pub(crate) parameters: &'a Parameters,
    pub(crate) arch: Arch,
    /// Rows of the whole batch of one member, over which losses are means.
    pub(crate) batch: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) member: usize,
    pub(crate) rows: usize,
    /// The sum of the block's losses after a forward pass.
    pub(crate) loss: f64,
    values: Buffer,
    gradients: Buffer,
    pub(crate) parameter_gradients: Buffer,
    panel: Buffer,
}

impl Block {
    pub(crate) fn new(layout: &Layout, member: usize, training: bool) -> Self {
        // Vectors that start inside a row are read past its end; the slack keeps that inside the buffer.
        let slack = 32;
        Self {
            member,
            rows: 0,
            loss: 0.0,
            values: Buffer::zeros(layout.values_len + slack),
            gradients: Buffer::zeros(layout.gradients_len + slack),
            parameter_gradients: Buffer::zeros(if training { layout.parameters_len } else { 0 }),
            panel: Buffer::zeros(layout.panel_len),
        }
    }

    /// The padded rows of a node.
    pub(crate) fn value(&self, layout: &Layout, tape: &Tape, node: usize) -> &[f32] {
        let start = layout.values[node];
        &self.values[start..start + layout.capacity * stride(tape.nodes[node].cols)]
    }

    pub(crate) fn value_mut(&mut self, layout: &Layout, tape: &Tape, node: usize) -> &mut [f32] {
        let start = layout.values[node];
        &mut self.values[start..start + layout.capacity * stride(tape.nodes[node].cols)]
    }

    /// The padded rows of a node's gradient.
    pub(crate) fn gradient(&self, layout: &Layout, tape: &Tape, node: usize) -> &[f32] {
        let start = layout.values[node];
        &self.gradients[start..start + layout.capacity * stride(tape.nodes[node].cols)]
    }

    pub(crate) fn gradient_mut(&mut self, layout: &Layout, tape: &Tape, node: usize) -> &mut [f32] {
        let start = layout.values[node];
        &mut self.gradients[start..start + layout.capacity * stride(tape.nodes[node].cols)]
    }

    fn values_of(&mut self, context: Context<'_>, node: usize) -> View {
        let at = self.values.as_mut_ptr().wrapping_add(context.layout.values[node]);
        View { at, stride: stride(context.tape.nodes[node].cols) }
    }

    fn gradients_of(&mut self, context: Context<'_>, node: usize) -> View {
        let at = self.gradients.as_mut_ptr().wrapping_add(context.layout.values[node]);
        View { at, stride: stride(context.tape.nodes[node].cols) }
    }

    fn kept_of(&mut self, context: Context<'_>, node: usize, matrix: usize) -> *mut f32 {
        let each = context.layout.capacity * stride(context.tape.nodes[node].cols);
        self.values.as_mut_ptr().wrapping_add(context.layout.kept[node] + matrix * each)
    }

    fn parameter(&self, context: Context<'_>, entry: usize) -> *const f32 {
        context.parameters.padded(Parameter(entry), self.member).as_ptr()
    }

    fn parameter_gradient(&mut self, context: Context<'_>, entry: usize, write: Write) -> *mut f32 {
        if write == Write::Skip {
            return std::ptr::null_mut();
        }
        self.parameter_gradients.as_mut_ptr().wrapping_add(context.tape.entries[entry].local)
    }

    /// Computes every node and the loss from the inputs. With `keep`, also what [`backward`](Self::backward) needs.
    pub(crate) fn forward(&mut self, context: Context<'_>, keep: bool) {
        self.loss = 0.0;
        let (rows, arch) = (self.rows, context.arch);
        for (index, node) in context.tape.nodes.iter().enumerate() {
            let cols = node.cols;
            let y = self.values_of(context, index);
            match &node.op {
                Op::Input => {}
                Op::Linear { x, weight, bias, activation } => {
                    let from = self.values_of(context, *x);
                    let keep = keep && *activation != Activation::Identity;
                    arch.dispatch(Matmul {
                        rows,
                        cols,
                        inner: context.tape.nodes[*x].cols,
                        a: from.at,
                        a_strides: (from.stride, 1),
                        b: Right::Rows(self.parameter(context, *weight), stride(cols)),
                        start: bias.map_or(Start::Zero, |bias| Start::Row(self.parameter(context, bias))),
                        c: y.at,
                        c_stride: y.stride,
                        panel: self.panel.as_mut_ptr(),
                        activation: *activation,
                        derivative: if keep { self.kept_of(context, index, 0) } else { std::ptr::null_mut() },
                    });
                }
                Op::Activation { x, activation } => {
                    let from = self.values_of(context, *x);
                    self.combine(context, y, from, None, 1.0, 0.0, Write::Fresh, cols);
                    let derivative = if keep { self.kept_of(context, index, 0) } else { std::ptr::null_mut() };
                    let cols = cols.next_multiple_of(16);
                    arch.dispatch(Apply { activation: *activation, z: y.at, derivative, rows, cols, stride: y.stride });
                }
                op @ Op::LayerNorm { x, gain, shift, .. } => {
                    let kept = [0, 1, 2].map(|matrix| self.kept_of(context, index, matrix));
                    arch.dispatch(Normalise {
                        op: op.clone(),
                        x: self.values_of(context, *x),
                        y,
                        kept,
                        gain: self.parameter(context, *gain),
                        shift: self.parameter(context, *shift),
                        rows,
                        cols,
                    });
                }
                Op::Concat { parts } => {
                    let mut start = 0;
                    for part in parts {
                        let to = View { at: y.at.wrapping_add(start), stride: y.stride };
                        let from = self.values_of(context, *part);
                        let cols = context.tape.nodes[*part].cols;
                        self.combine(context, to, from, None, 1.0, 0.0, Write::Fresh, cols);
                        start += cols;
                    }
                }
                Op::Slice { x, start } => {
                    let from = self.values_of(context, *x);
                    let from = View { at: from.at.wrapping_add(*start), stride: from.stride };
                    self.combine(context, y, from, None, 1.0, 0.0, Write::Fresh, cols);
                }
                Op::Add { a, b } | Op::Sub { a, b } => {
                    let sign = if matches!(node.op, Op::Add { .. }) { 1.0 } else { -1.0 };
                    let (a, b) = (self.values_of(context, *a), self.values_of(context, *b));
                    self.combine(context, y, a, None, 1.0, 0.0, Write::Fresh, cols);
                    self.combine(context, y, b, None, sign, 0.0, Write::Add, cols);
                }
                Op::Mul { a, b } => {
                    let (a, b) = (self.values_of(context, *a), self.values_of(context, *b));
                    self.combine(context, y, a, Some(b), 1.0, 0.0, Write::Fresh, cols);
                }
                Op::Affine { x, scale, shift } => {
                    let from = self.values_of(context, *x);
                    self.combine(context, y, from, None, *scale, *shift, Write::Fresh, cols);
                }
                Op::Detach { x } => {
                    let from = self.values_of(context, *x);
                    self.combine(context, y, from, None, 1.0, 0.0, Write::Fresh, cols);
                }
                Op::SoftClamp { x, min, max } => {
                    let kept = if keep {
                        [0, 1].map(|matrix| self.kept_of(context, index, matrix))
                    } else {
                        [std::ptr::null_mut(); 2]
                    };
                    arch.dispatch(SoftClamp {
                        x: self.values_of(context, *x),
                        y,
                        kept,
                        min: self.parameter(context, *min),
                        max: self.parameter(context, *max),
                        rows,
                        cols,
                    });
                }
                Op::GaussianNll { mean, log_variance, target, weight, scale } => {
                    let nodes = [*mean, *target];
                    self.loss(context, None, LossKind::Gaussian, nodes, Some(*log_variance), *weight, *scale);
                }
                Op::Mse { prediction, target, weight, scale } => {
                    let nodes = [*prediction, *target];
                    self.loss(context, None, LossKind::Square, nodes, None, *weight, *scale);
                }
                Op::Bce { logit, target, weight, scale } => {
                    let nodes = [*logit, *target];
                    self.loss(context, None, LossKind::Bernoulli, nodes, None, *weight, *scale);
                }
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn combine(
        &self,
        context: Context<'_>,
        to: View,
        from: View,
        times: Option<View>,
        factor: f32,
        constant: f32,
        write: Write,
        cols: usize,
    ) {
        if write != Write::Skip {
            context.arch.dispatch(Combine { to, from, times, factor, constant, write, rows: self.rows, cols });
        }
    }

    /// Without `writes` adds a loss's value to the block's, with them writes its gradients.
    #[allow(clippy::too_many_arguments)]
    fn loss(
        &mut self,
        context: Context<'_>,
        writes: Option<&[Write]>,
        kind: LossKind,
        [prediction, target]: [usize; 2],
        log_variance: Option<usize>,
        weight: Option<usize>,
        scale: f32,
    ) {
        let cols = context.tape.nodes[prediction].cols;
        let place = |write: Option<&Write>, view: View| {
            write.filter(|write| **write != Write::Skip).map(|write| (view, *write))
        };
        let d_prediction = place(writes.and_then(|writes| writes.first()), self.gradients_of(context, prediction));
        let d_log_variance = log_variance
            .and_then(|node| place(writes.and_then(|writes| writes.get(1)), self.gradients_of(context, node)));
        let value = context.arch.dispatch(Loss {
            kind,
            prediction: self.values_of(context, prediction),
            log_variance: log_variance.map(|node| self.values_of(context, node)),
            target: self.values_of(context, target),
            weight: weight.map(|node| self.values_of(context, node)),
            coefficient: scale / (context.batch.max(1) * cols.max(1)) as f32,
            d_prediction,
            d_log_variance,
            rows: self.rows,
            cols,
        });
        if writes.is_none() {
            self.loss += value;
        }
    }

    /// Gradients by the plan, from the losses or from a gradient already placed at the plan's root.
    pub(crate) fn backward(&mut self, context: Context<'_>, plan: &Plan) {
        let (rows, arch) = (self.rows, context.arch);
        for (index, node) in context.tape.nodes.iter().enumerate().rev() {
            if !plan.runs[index] {
                continue;
            }
            let (writes, weights) = (plan.operands[index].as_slice(), plan.parameters[index].as_slice());
            let cols = node.cols;
            let dy = self.gradients_of(context, index);
            match &node.op {
                Op::Input | Op::Detach { .. } => {}
                Op::Linear { x, weight, bias, activation } => {
                    let keeps = *activation != Activation::Identity;
                    let derivative =
                        if keeps { self.kept_of(context, index, 0).cast_const() } else { std::ptr::null() };
                    let write = weights.get(1).copied().unwrap_or(Write::Skip);
                    let sums = self.parameter_gradient(context, bias.unwrap_or(0), write);
                    if keeps || write != Write::Skip {
                        arch.dispatch(ScaleAndSum { z: dy, derivative, sums, write, rows, cols });
                    }
                    let inner = context.tape.nodes[*x].cols;
                    let (from, to) = (self.values_of(context, *x), self.gradients_of(context, *x));
                    let common = |write| match write {
                        Write::Add => Start::Current,
                        _ => Start::Zero,
                    };
                    if weights[0] != Write::Skip {
                        arch.dispatch(Matmul {
                            rows: inner,
                            cols,
                            inner: rows,
                            a: from.at,
                            a_strides: (1, from.stride),
                            b: Right::Rows(dy.at, dy.stride),
                            start: common(weights[0]),
                            c: self.parameter_gradient(context, *weight, weights[0]),
                            c_stride: stride(cols),
                            panel: self.panel.as_mut_ptr(),
                            activation: Activation::Identity,
                            derivative: std::ptr::null_mut(),
                        });
                    }
                    if writes[0] != Write::Skip {
                        arch.dispatch(Matmul {
                            rows,
                            cols: inner,
                            inner: cols,
                            a: dy.at,
                            a_strides: (dy.stride, 1),
                            b: Right::Transposed(self.parameter(context, *weight), stride(cols)),
                            start: common(writes[0]),
                            c: to.at,
                            c_stride: to.stride,
                            panel: self.panel.as_mut_ptr(),
                            activation: Activation::Identity,
                            derivative: std::ptr::null_mut(),
                        });
                    }
                }
                Op::Activation { x, .. } => {
                    let derivative = View { at: self.kept_of(context, index, 0), stride: dy.stride };
                    let to = self.gradients_of(context, *x);
                    self.combine(context, to, dy, Some(derivative), 1.0, 0.0, writes[0], cols);
                }
                Op::LayerNorm { x, gain, shift, .. } => {
                    let back = NormaliseBack {
                        dy,
                        dx: self.gradients_of(context, *x),
                        write: writes[0],
                        kept: [0, 1, 2].map(|matrix| self.kept_of(context, index, matrix)),
                        gain: self.parameter(context, *gain),
                        d_gain: self.parameter_gradient(context, *gain, weights[0]),
                        d_shift: self.parameter_gradient(context, *shift, weights[1]),
                        parameters: [weights[0], weights[1]],
                        rows,
                        cols,
                    };
                    arch.dispatch(back);
                }
                Op::Concat { parts } => {
                    let mut start = 0;
                    for (part, write) in parts.iter().zip(writes) {
                        let from = View { at: dy.at.wrapping_add(start), stride: dy.stride };
                        let to = self.gradients_of(context, *part);
                        let cols = context.tape.nodes[*part].cols;
                        self.combine(context, to, from, None, 1.0, 0.0, *write, cols);
                        start += cols;
                    }
                }
                Op::Slice { x, start } => {
                    let to = self.gradients_of(context, *x);
                    if writes[0] == Write::Fresh {
                        for row in 0..rows {
                            // SAFETY: the row lies in the gradients of `x`.
                            unsafe { std::ptr::write_bytes(to.at.add(row * to.stride), 0, to.stride) };
                        }
                    }
                    let to = View { at: to.at.wrapping_add(*start), stride: to.stride };
                    let write = if writes[0] == Write::Skip { Write::Skip } else { Write::Add };
                    self.combine(context, to, dy, None, 1.0, 0.0, write, cols);
                }
                Op::Add { a, b } | Op::Sub { a, b } => {
                    let sign = if matches!(node.op, Op::Add { .. }) { 1.0 } else { -1.0 };
                    let (to_a, to_b) = (self.gradients_of(context, *a), self.gradients_of(context, *b));
                    self.combine(context, to_a, dy, None, 1.0, 0.0, writes[0], cols);
                    self.combine(context, to_b, dy, None, sign, 0.0, writes[1], cols);
                }
                Op::Mul { a, b } => {
                    let (to_a, to_b) = (self.gradients_of(context, *a), self.gradients_of(context, *b));
                    let (a, b) = (self.values_of(context, *a), self.values_of(context, *b));
                    self.combine(context, to_a, dy, Some(b), 1.0, 0.0, writes[0], cols);
                    self.combine(context, to_b, dy, Some(a), 1.0, 0.0, writes[1], cols);
                }
                Op::Affine { x, scale, .. } => {
                    let to = self.gradients_of(context, *x);
                    self.combine(context, to, dy, None, *scale, 0.0, writes[0], cols);
                }
                Op::SoftClamp { x, min, max } => {
                    let back = SoftClampBack {
                        dy,
                        dx: self.gradients_of(context, *x),
                        write: writes[0],
                        kept: [0, 1].map(|matrix| self.kept_of(context, index, matrix).cast_const()),
                        d_min: self.parameter_gradient(context, *min, weights[0]),
                        d_max: self.parameter_gradient(context, *max, weights[1]),
                        parameters: [weights[0], weights[1]],
                        rows,
                        cols,
                    };
                    arch.dispatch(back);
                }
                Op::GaussianNll { mean, log_variance, target, weight, scale } => {
                    let nodes = [*mean, *target];
                    self.loss(context, Some(writes), LossKind::Gaussian, nodes, Some(*log_variance), *weight, *scale);
                }
                Op::Mse { prediction, target, weight, scale } => {
                    let nodes = [*prediction, *target];
                    self.loss(context, Some(writes), LossKind::Square, nodes, None, *weight, *scale);
                }
                Op::Bce { logit, target, weight, scale } => {
                    let nodes = [*logit, *target];
                    self.loss(context, Some(writes), LossKind::Bernoulli, nodes, None, *weight, *scale);
                }
            }
        }
    }
}
