//! Some columns of a node.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::{Context, clear},
    graph::{Graph, Node},
    plan::Write,
    rowwise::Combine,
    shape::Shape,
};

#[derive(Debug)]
struct Slice {
    start: usize,
    cols: usize,
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        if self.start + self.cols > of[0].cols {
            return Err(Error::shape("columns of a slice", &[of[0].cols], &[self.start + self.cols]));
        }
        Ok(Shape::new(of[0].rows, self.cols))
    }

    fn forward(&self, c: &Context<'_>) {
        c.run(Combine::copy(c.output(), c.operand(0).columns(self.start, self.cols), Write::Fresh));
    }

    fn backward(&self, c: &Context<'_>) {
        let (to, write) = c.operand_gradient(0);
        if write == Write::Fresh {
            clear(to);
        }
        let write = if write == Write::Skip { Write::Skip } else { Write::Add };
        c.run(Combine::copy(to.columns(self.start, self.cols), c.gradient(), write));
    }
}

impl Graph {
    /// `cols` columns of `x` from `start` on.
    ///
    /// # Errors
    /// [`Error::Shape`] when `x` has fewer.
    pub fn slice(&mut self, x: Node, start: usize, cols: usize) -> Result<Node> {
        self.push(Slice { start, cols }, &[x], &[])
    }
}
