//! Linear layers, `y = activation(x W + b)`.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    activation::Activation,
    buffer::stride,
    context::Context,
    graph::{Graph, Node, expect_parameter},
    matmul::{Matmul, Right, Start},
    plan::Write,
    rowwise::ScaleAndSum,
    shape::Shape,
    store::Parameter,
    view::View,
};

/// Parameters: weight `[in][out]`, and a bias `[1][out]` where there is one.
#[derive(Debug)]
pub(crate) struct Linear {
    pub(crate) activation: Activation,
}

impl Op for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn shape(&self, of: &[Shape], parameters: &[[usize; 2]]) -> Result<Shape> {
        let [inputs, outputs] = parameters[0];
        if of[0].cols != inputs {
            return Err(Error::shape("columns of a linear layer's input", &[inputs], &[of[0].cols]));
        }
        if let Some(bias) = parameters.get(1) {
            expect_parameter("bias of a linear layer", *bias, 1, outputs)?;
        }
        Ok(Shape::new(of[0].rows, outputs))
    }

    fn kept(&self, _of: &[Shape], out: Shape) -> usize {
        if self.activation == Activation::Identity { 0 } else { out.rows * stride(out.cols) }
    }

    fn depth(&self, _of: &[Shape], parameters: &[[usize; 2]], out: Shape, samples: usize) -> usize {
        (samples * out.rows).max(parameters[0][0]).max(parameters[0][1])
    }

    fn work(&self, _of: &[Shape], parameters: &[[usize; 2]], out: Shape) -> usize {
        out.rows * parameters[0][0] * parameters[0][1]
    }

    fn packings(&self) -> usize {
        1
    }

    fn is_product(&self) -> bool {
        true
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, y) = (c.operand(0), c.output());
        let keep = c.pass.keep && self.activation != Activation::Identity;
        c.matmul(Matmul {
            rows: y.rows,
            cols: y.cols,
            inner: x.cols,
            a: x.at,
            a_strides: (x.stride, 1),
            b: c.right(0),
            start: if c.node.parameters.len() > 1 { Start::Row(c.parameter(1).at) } else { Start::Zero },
            c: y.at,
            c_stride: y.stride,
            panel: c.panel(),
            activation: self.activation,
            derivative: if keep { c.kept(0).at } else { std::ptr::null_mut() },
        });
    }

    fn backward(&self, c: &Context<'_>) {
        let (x, dy) = (c.operand(0), c.gradient());
        let keeps = self.activation != Activation::Identity;
        let derivative = if keeps { c.kept(0).at.cast_const() } else { std::ptr::null() };
        let (sums, write) = c.parameter_gradient(1);
        if keeps || write != Write::Skip {
            c.run(ScaleAndSum { z: dy, derivative, sums: sums.at, write, rows: dy.rows, cols: dy.cols });
        }
        let (to, write) = c.parameter_gradient(0);
        if write != Write::Skip {
            let (x, dy) = if c.uses().is_empty() { (x, dy) } else { gather(c) };
            c.matmul(Matmul {
                rows: x.cols,
                cols: dy.cols,
                inner: x.rows,
                a: x.at,
                a_strides: (1, x.stride),
                b: Right::Rows(dy.at, dy.stride),
                start: start(write),
                c: to.at,
                c_stride: to.stride,
                panel: c.panel(),
                activation: Activation::Identity,
                derivative: std::ptr::null_mut(),
            });
        }
        let (to, write) = c.operand_gradient(0);
        if write != Write::Skip {
            c.matmul(Matmul {
                rows: dy.rows,
                cols: x.cols,
                inner: dy.cols,
                a: dy.at,
                a_strides: (dy.stride, 1),
                b: c.right_transposed(0),
                start: start(write),
                c: to.at,
                c_stride: to.stride,
                panel: c.panel(),
                activation: Activation::Identity,
                derivative: std::ptr::null_mut(),
            });
        }
    }
}

/// What a gradient's product starts from.
pub(super) fn start(write: Write) -> Start {
    if write == Write::Add { Start::Current } else { Start::Zero }
}

/// Inputs and gradients of all products with this weight, one below the other in the order of the pass.
fn gather(c: &Context<'_>) -> (View, View) {
    let (x, dy) = (c.operand(0), c.gradient());
    let rows = c.uses().iter().map(|node| c.gradient_of(*node).rows).sum();
    let inputs = View { at: c.scratch(), rows, ..x };
    let outputs = View { at: c.scratch().wrapping_add(rows * x.stride), rows, ..dy };
    let mut row = 0;
    for node in c.uses() {
        let dy = c.gradient_of(*node);
        let x = c.value_of(c.pass.graph.nodes[*node].operands[0]);
        for (from, to) in [(x, inputs), (dy, outputs)] {
            // SAFETY: both are whole padded rows of the same stride, and the scratch has room for all uses, see `Layout`.
            unsafe { std::ptr::copy_nonoverlapping(from.at.cast_const(), to.row(row), from.rows * from.stride) };
        }
        row += dy.rows;
    }
    (inputs, outputs)
}

impl Graph {
    /// `activation(x W + b)`: weight `[in][out]`, bias `[1][out]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the parameters do not fit the node, [`Error::Unknown`] when no store of their form is bound. So do all operations.
    pub fn linear(
        &mut self,
        x: Node,
        weight: Parameter,
        bias: Option<Parameter>,
        activation: Activation,
    ) -> Result<Node> {
        match bias {
            Some(bias) => self.push(Linear { activation }, &[x], &[weight, bias]),
            None => self.push(Linear { activation }, &[x], &[weight]),
        }
    }
}
