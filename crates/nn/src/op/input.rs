//! What comes from outside.

use worldwright_core::Result;

use super::Op;
use crate::{context::Context, shape::Shape};

#[derive(Debug)]
pub(crate) struct Input;

impl Op for Input {
    fn name(&self) -> &'static str {
        "input"
    }

    /// Inputs are recorded with their shape and never ask for it.
    fn shape(&self, _of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        Ok(Shape::new(0, 0))
    }

    fn is_input(&self) -> bool {
        true
    }

    fn forward(&self, _c: &Context<'_>) {}

    fn backward(&self, _c: &Context<'_>) {}
}
