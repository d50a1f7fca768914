//! The same number everywhere: the zeros that a recurrent network begins with.

use worldwright_core::Result;

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    shape::Shape,
};

#[derive(Debug)]
struct Constant {
    shape: Shape,
    value: f32,
}

impl Op for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn shape(&self, _of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        Ok(self.shape)
    }

    fn work(&self, _of: &[Shape], _parameters: &[[usize; 2]], _out: Shape) -> usize {
        0
    }

    fn constant(&self) -> Option<f32> {
        Some(self.value)
    }

    /// It was written when the block was made.
    fn forward(&self, _c: &Context<'_>) {}

    fn backward(&self, _c: &Context<'_>) {}
}

impl Graph {
    /// `value` in `rows` rows of `cols` columns a sample.
    ///
    /// # Errors
    /// Never: the result lets it stand in a chain of operations.
    pub fn constant(&mut self, rows: usize, cols: usize, value: f32) -> Result<Node> {
        self.push(Constant { shape: Shape::new(rows, cols), value }, &[], &[])
    }
}
