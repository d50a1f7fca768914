//! Soft bounds on some columns of a node, the rest passed on: how an ensemble's outputs leave inference.
//!
//! `y = x`, but from column `start` on `y = min + softplus(max − softplus(max − x) − min)` as in `soft_clamp`, for as many columns as there are bounds;
//! or, where deviations are wanted, `e^{y/2}` there.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node, expect_parameter},
    plan::Write,
    rowwise::Combine,
    shape::Shape,
    soft_bounds::SoftClampColumns,
    store::Parameter,
};

/// Parameters: the bounds, min and max `[1][bounded columns]`.
#[derive(Debug)]
struct Bounded {
    start: usize,
    deviations: bool,
}

impl Op for Bounded {
    fn name(&self) -> &'static str {
        "bounded"
    }

    fn shape(&self, of: &[Shape], parameters: &[[usize; 2]]) -> Result<Shape> {
        let cols = parameters[0][1];
        expect_parameter("least bound", parameters[0], 1, cols)?;
        expect_parameter("greatest bound", parameters[1], 1, cols)?;
        if self.start + cols > of[0].cols {
            return Err(Error::shape("bounded columns", &[of[0].cols], &[self.start + cols]));
        }
        Ok(of[0])
    }

    fn forward(&self, c: &Context<'_>) {
        let (y, min) = (c.output(), c.parameter(0));
        c.run(Combine::copy(y, c.operand(0), Write::Fresh));
        c.run(SoftClampColumns {
            x: y.columns(self.start, min.cols),
            min: min.at,
            max: c.parameter(1).at,
            deviation: self.deviations,
            rows: y.rows,
            cols: min.cols,
        });
    }

    fn backward(&self, c: &Context<'_>) {
        let (x, y, dy) = (c.read(0), c.result(), c.dy());
        let (min, max) = (c.weights(0), c.weights(1));
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        let softplus = |x: f32| x.max(0.0) + (-x.abs()).exp().ln_1p();
        // Of a bounded column: the two sigmoids, and the gradient of the clamped value.
        let parts = |row: usize, col: usize| {
            let (x, max, min) = (x.row(row)[self.start + col], max.row(0)[col], min.row(0)[col]);
            let below = max - softplus(max - x);
            let chain = if self.deviations { 0.5 * y.row(row)[self.start + col] } else { 1.0 };
            [sigmoid(max - x), sigmoid(below - min), chain * dy.row(row)[self.start + col]]
        };
        if let Some(mut to) = c.add_to(0) {
            for row in 0..to.rows {
                for col in 0..to.cols {
                    let bounded = col >= self.start && col < self.start + min.cols;
                    to.row(row)[col] += if bounded {
                        let [upper, lower, d] = parts(row, col - self.start);
                        d * upper * lower
                    } else {
                        dy.row(row)[col]
                    };
                }
            }
        }
        for place in 0..2 {
            if let Some(mut to) = c.add_to_parameter(place) {
                for row in 0..dy.rows {
                    for col in 0..min.cols {
                        let [upper, lower, d] = parts(row, col);
                        to.row(0)[col] += if place == 0 { d * (1.0 - lower) } else { d * lower * (1.0 - upper) };
                    }
                }
            }
        }
    }
}

impl Graph {
    /// Keeps the columns from `start` on softly between bounds, as [`soft_clamp`](Self::soft_clamp) does, and passes the others on. With `deviations`
    /// the bounded ones, log-variances, come out as standard deviations.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn bounded(&mut self, x: Node, start: usize, bounds: [Parameter; 2], deviations: bool) -> Result<Node> {
        self.push(Bounded { start, deviations }, &[x], &bounds)
    }
}
