//! Columns side by side.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    plan::Write,
    rowwise::Combine,
    shape::Shape,
};

#[derive(Debug)]
struct Concat;

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        let rows = of.first().map_or(1, |shape| shape.rows);
        if let Some(other) = of.iter().find(|shape| shape.rows != rows) {
            return Err(Error::shape("rows of parts side by side", &[rows], &[other.rows]));
        }
        Ok(Shape::new(rows, of.iter().map(|shape| shape.cols).sum()))
    }

    fn forward(&self, c: &Context<'_>) {
        let (y, mut start) = (c.output(), 0);
        for part in 0..c.node.operands.len() {
            let x = c.operand(part);
            c.run(Combine::copy(y.columns(start, x.cols), x, Write::Fresh));
            start += x.cols;
        }
    }

    fn backward(&self, c: &Context<'_>) {
        let (dy, mut start) = (c.gradient(), 0);
        for part in 0..c.node.operands.len() {
            let (to, write) = c.operand_gradient(part);
            c.run(Combine::copy(to, dy.columns(start, to.cols), write));
            start += to.cols;
        }
    }
}

impl Graph {
    /// The columns of all parts, side by side.
    ///
    /// # Errors
    /// [`Error::Shape`] when the parts differ in rows.
    pub fn concat(&mut self, parts: &[Node]) -> Result<Node> {
        self.push(Concat, parts, &[])
    }
}
