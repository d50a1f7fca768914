//! Columns brought to mean zero and deviation one over all rows of all samples, as advantages are before a policy's gradient.

use worldwright_core::Result;

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    shape::{Extent, Shape},
};

/// `(x − mean) / √(variance + epsilon)` of each column.
#[derive(Debug)]
struct Standardise {
    epsilon: f32,
}

impl Op for Standardise {
    fn name(&self) -> &'static str {
        "standardise"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        Ok(of[0])
    }

    fn extent(&self) -> Extent {
        Extent::Batch
    }

    /// The inverse deviation of each column, which is there once however many samples there are.
    fn kept(&self, _of: &[Shape], out: Shape) -> usize {
        out.cols.next_multiple_of(16)
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, mut y) = (c.read(0), c.write());
        let mut kept = c.keep_rows(1, x.cols);
        let rows = x.rows as f64;
        for col in 0..x.cols {
            let mean = (0..x.rows).map(|row| f64::from(x.row(row)[col])).sum::<f64>() / rows;
            let off = |row: usize| f64::from(x.row(row)[col]) - mean;
            let variance = (0..x.rows).map(|row| off(row) * off(row)).sum::<f64>() / rows;
            let inverse = 1.0 / (variance + f64::from(self.epsilon)).sqrt();
            for row in 0..x.rows {
                y.row(row)[col] = (off(row) * inverse) as f32;
            }
            if let Some(kept) = &mut kept {
                kept.row(0)[col] = inverse as f32;
            }
        }
    }

    /// `dx = (dy − mean dy − y mean(y dy)) / deviation`.
    fn backward(&self, c: &Context<'_>) {
        let Some(mut to) = c.add_to(0) else { return };
        let (y, dy, kept) = (c.result(), c.dy(), c.kept_read(1, to.cols));
        let rows = y.rows as f64;
        for col in 0..y.cols {
            let mean = (0..y.rows).map(|row| f64::from(dy.row(row)[col])).sum::<f64>() / rows;
            let along =
                (0..y.rows).map(|row| f64::from(dy.row(row)[col]) * f64::from(y.row(row)[col])).sum::<f64>() / rows;
            for row in 0..y.rows {
                let d = f64::from(dy.row(row)[col]) - mean - f64::from(y.row(row)[col]) * along;
                to.row(row)[col] += kept.row(0)[col] * d as f32;
            }
        }
    }
}

impl Graph {
    /// Each column of `x` at mean zero and deviation one over all rows of the batch. A batch with this operation is never cut into blocks.
    ///
    /// # Errors
    /// Never.
    pub fn standardise(&mut self, x: Node, epsilon: f32) -> Result<Node> {
        self.push(Standardise { epsilon }, &[x], &[])
    }
}
