//! Rows of a table chosen by number: embeddings of discrete observations and actions.

use worldwright_core::Result;

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    shape::Shape,
    store::Parameter,
};

/// Operand: whole numbers. Parameter: the table `[entries][size]`.
#[derive(Debug)]
struct Embedding;

/// The row that a number chooses, if there is one.
fn chosen(index: f32, entries: usize) -> Option<usize> {
    (index >= 0.0 && index < entries as f32).then_some(index as usize)
}

impl Op for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn shape(&self, of: &[Shape], parameters: &[[usize; 2]]) -> Result<Shape> {
        Ok(Shape::new(of[0].rows, of[0].cols * parameters[0][1]))
    }

    fn differentiates(&self, _operand: usize) -> bool {
        false
    }

    fn forward(&self, c: &Context<'_>) {
        let (index, table, mut y) = (c.read(0), c.weights(0), c.write());
        for row in 0..index.rows {
            for (index, y) in index.row(row).iter().zip(y.row(row).chunks_exact_mut(table.cols)) {
                match chosen(*index, table.rows) {
                    Some(entry) => y.copy_from_slice(table.row(entry)),
                    // No entry has that number, which has to show.
                    None => y.fill(f32::NAN),
                }
            }
        }
    }

    fn backward(&self, c: &Context<'_>) {
        let (index, dy) = (c.read(0), c.dy());
        let Some(mut to) = c.add_to_parameter(0) else { return };
        for row in 0..index.rows {
            for (index, dy) in index.row(row).iter().zip(dy.row(row).chunks_exact(to.cols)) {
                if let Some(entry) = chosen(*index, to.rows) {
                    to.row(entry).iter_mut().zip(dy).for_each(|(d, dy)| *d += dy);
                }
            }
        }
    }
}

impl Graph {
    /// For each number of `index`, that row of the table `[entries][size]`, side by side. A number that no entry has gives what is not a number.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn embedding(&mut self, index: Node, table: Parameter) -> Result<Node> {
        self.push(Embedding, &[index], &[table])
    }
}
