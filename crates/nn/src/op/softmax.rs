//! Softmax over groups of columns, and its logarithm. Over small groups it is SimNorm, the simplicial normalisation of latents
//! (Lavoie et al. 2022; Hansen, Su and Wang, "TD-MPC2", 2024).

use worldwright_core::Result;

use super::{Op, reduce::groups};
use crate::{
    context::Context,
    graph::{Graph, Node},
    grouped,
    plan::Write,
    shape::Shape,
};

#[derive(Debug)]
struct Softmax {
    classes: usize,
    logarithm: bool,
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        if self.logarithm { "log_softmax" } else { "softmax" }
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        groups(of[0], self.classes).map(|_| of[0])
    }

    fn work(&self, _of: &[Shape], _parameters: &[[usize; 2]], out: Shape) -> usize {
        20 * out.numbers()
    }

    fn forward(&self, c: &Context<'_>) {
        let (classes, logarithm) = (self.classes, self.logarithm);
        c.run(grouped::Softmax { x: c.operand(0), y: c.output(), classes, logarithm });
    }

    fn backward(&self, c: &Context<'_>) {
        let (dx, write) = c.operand_gradient(0);
        if write != Write::Skip {
            let (classes, logarithm) = (self.classes, self.logarithm);
            let (p, dy) = (c.output(), c.gradient());
            c.run(grouped::SoftmaxBack { p, dy, dx, write, classes, logarithm, factor: 1.0 });
        }
    }
}

impl Graph {
    /// Probabilities of each group of `classes` columns.
    ///
    /// # Errors
    /// [`Error::Shape`](worldwright_core::Error::Shape) when the columns are no multiple of `classes` (likewise below).
    pub fn softmax(&mut self, x: Node, classes: usize) -> Result<Node> {
        self.push(Softmax { classes, logarithm: false }, &[x], &[])
    }

    /// Logarithms of the probabilities of each group of `classes` columns.
    ///
    /// # Errors
    /// As for [`softmax`](Self::softmax).
    pub fn log_softmax(&mut self, x: Node, classes: usize) -> Result<Node> {
        self.push(Softmax { classes, logarithm: true }, &[x], &[])
    }

    /// SimNorm: a latent of simplices, `size` columns each.
    ///
    /// # Errors
    /// As for [`softmax`](Self::softmax).
    pub fn sim_norm(&mut self, x: Node, size: usize) -> Result<Node> {
        self.softmax(x, size)
    }
}
