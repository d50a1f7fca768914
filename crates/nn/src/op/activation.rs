//! Activation functions by themselves.

use worldwright_core::Result;

use super::Op;
use crate::{
    activation::{Activation, Apply},
    buffer::stride,
    context::Context,
    graph::{Graph, Node},
    plan::Write,
    rowwise::Combine,
    shape::Shape,
};

#[derive(Debug)]
struct Activate {
    activation: Activation,
}

impl Op for Activate {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        Ok(of[0])
    }

    fn kept(&self, _of: &[Shape], out: Shape) -> usize {
        out.rows * stride(out.cols)
    }

    fn forward(&self, c: &Context<'_>) {
        let y = c.output();
        c.run(Combine::copy(y, c.operand(0), Write::Fresh));
        let derivative = if c.pass.keep { c.kept(0).at } else { std::ptr::null_mut() };
        let cols = y.cols.next_multiple_of(16);
        c.run(Apply { activation: self.activation, z: y.at, derivative, rows: y.rows, cols, stride: y.stride });
    }

    fn backward(&self, c: &Context<'_>) {
        let (to, write) = c.operand_gradient(0);
        c.run(Combine { times: Some(c.kept(0)), ..Combine::copy(to, c.gradient(), write) });
    }
}

impl Graph {
    /// `activation(x)`.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn activation(&mut self, x: Node, activation: Activation) -> Result<Node> {
        self.push(Activate { activation }, &[x], &[])
    }
}
