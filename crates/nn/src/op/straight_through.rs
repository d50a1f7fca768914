//! A draw from categorical distributions whose gradient is that of the probabilities (Bengio, Léonard and Courville 2013; Hafner et al.,
//! "Mastering Atari with Discrete World Models", 2021).
//!
//! Each group of `classes` columns becomes the one-hot vector of `argmax(logits + gumbel)`, which is a draw when `gumbel` is noise of that name
//! (`−ln −ln u`) and the mode when it is zero. Backwards it is a softmax.

use pulp::{Simd, WithSimd};
use worldwright_core::Result;

use super::{Op, reduce::groups};
use crate::{
    buffer::stride,
    context::Context,
    graph::{Graph, Node, expect_same},
    grouped::{Softmax, SoftmaxBack},
    shape::Shape,
    view::View,
};

#[derive(Debug)]
struct StraightThrough {
    classes: usize,
}

impl Op for StraightThrough {
    fn name(&self) -> &'static str {
        "straight_through"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        expect_same("noise of a categorical draw", of[1], of[0])?;
        groups(of[0], self.classes).map(|_| of[0])
    }

    fn differentiates(&self, operand: usize) -> bool {
        operand == 0
    }

    /// The probabilities.
    fn kept(&self, _of: &[Shape], out: Shape) -> usize {
        out.rows * stride(out.cols)
    }

    fn work(&self, _of: &[Shape], _parameters: &[[usize; 2]], out: Shape) -> usize {
        20 * out.numbers()
    }

    fn forward(&self, c: &Context<'_>) {
        let x = c.operand(0);
        if c.pass.keep {
            c.run(Softmax { x, y: c.kept(0), classes: self.classes, logarithm: false });
        }
        c.run(Draw { x, noise: c.operand(1), y: c.output(), classes: self.classes });
    }

    fn backward(&self, c: &Context<'_>) {
        let (dx, write) = c.operand_gradient(0);
        let (p, dy, classes) = (c.kept(0), c.gradient(), self.classes);
        c.run(SoftmaxBack { p, dy, dx, write, classes, logarithm: false, factor: 1.0 });
    }
}

struct Draw {
    x: View,
    noise: View,
    y: View,
    classes: usize,
}

impl WithSimd for Draw {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for row in 0..self.y.rows {
            // SAFETY: rows of `cols` numbers each, see `view`.
            let (x, noise, y) = unsafe {
                (
                    std::slice::from_raw_parts(self.x.row(row).cast_const(), self.y.cols),
                    std::slice::from_raw_parts(self.noise.row(row).cast_const(), self.y.cols),
                    std::slice::from_raw_parts_mut(self.y.row(row), self.y.cols),
                )
            };
            y.fill(0.0);
            let groups = x.chunks_exact(self.classes).zip(noise.chunks_exact(self.classes));
            for ((x, noise), y) in groups.zip(y.chunks_exact_mut(self.classes)) {
                let (mut best, mut place) = (x[0] + noise[0], 0);
                // A number that is none shows in the result.
                let mut sum = best;
                for i in 1..x.len() {
                    let value = x[i] + noise[i];
                    sum += value;
                    if value > best {
                        (best, place) = (value, i);
                    }
                }
                y[place] = if sum.is_nan() { f32::NAN } else { 1.0 };
            }
        }
    }
}

impl Graph {
    /// One-hot draws from each group of `classes` columns of `logits` by Gumbel noise of the same shape, with the gradient of the probabilities.
    ///
    /// # Errors
    /// As for [`softmax`](Self::softmax).
    pub fn straight_through(&mut self, logits: Node, gumbel: Node, classes: usize) -> Result<Node> {
        self.push(StraightThrough { classes }, &[logits, gumbel], &[])
    }
}
