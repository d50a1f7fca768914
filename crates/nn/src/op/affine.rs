//! `y = scale · x + shift`.

use worldwright_core::Result;

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    plan::Write,
    rowwise::Combine,
    shape::Shape,
};

#[derive(Debug)]
struct Affine {
    scale: f32,
    shift: f32,
}

impl Op for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        Ok(of[0])
    }

    fn forward(&self, c: &Context<'_>) {
        let copy = Combine::copy(c.output(), c.operand(0), Write::Fresh);
        c.run(Combine { factor: self.scale, constant: self.shift, ..copy });
    }

    fn backward(&self, c: &Context<'_>) {
        let (to, write) = c.operand_gradient(0);
        c.run(Combine { factor: self.scale, ..Combine::copy(to, c.gradient(), write) });
    }
}

impl Graph {
    /// `scale · x + shift`.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn affine(&mut self, x: Node, scale: f32, shift: f32) -> Result<Node> {
        self.push(Affine { scale, shift }, &[x], &[])
    }
}
