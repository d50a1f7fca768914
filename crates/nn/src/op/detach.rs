//! A value through which no gradient flows.

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
struct Detach;

impl Op for Detach {
    fn name(&self) -> &'static str {
        "detach"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        Ok(of[0])
    }

    fn differentiates(&self, _operand: usize) -> bool {
        false
    }

    fn forward(&self, c: &Context<'_>) {
        c.run(Combine::copy(c.output(), c.operand(0), Write::Fresh));
    }

    fn backward(&self, _c: &Context<'_>) {}
}

impl Graph {
    /// `x`, through which no gradient flows.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn detach(&mut self, x: Node) -> Result<Node> {
        self.push(Detach, &[x], &[])
    }
}
