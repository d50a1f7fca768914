//! Sums and means over groups of columns, and over the rows of a sample.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    shape::{Extent, Shape},
};

/// Column j is the sum of the operand's columns `j size .. (j + 1) size`.
#[derive(Debug)]
struct SumGroups {
    size: usize,
}

impl Op for SumGroups {
    fn name(&self) -> &'static str {
        "sum_groups"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        groups(of[0], self.size).map(|count| Shape::new(of[0].rows, count))
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, mut y, size) = (c.read(0), c.write(), self.size);
        c.run(|| {
            for row in 0..x.rows {
                for (y, x) in y.row(row).iter_mut().zip(x.row(row).chunks_exact(size)) {
                    *y = x.iter().sum();
                }
            }
        });
    }

    fn backward(&self, c: &Context<'_>) {
        let (dy, to, size) = (c.dy(), c.add_to(0), self.size);
        c.run(|| {
            if let Some(mut to) = to {
                for row in 0..dy.rows {
                    for (dx, dy) in to.row(row).chunks_exact_mut(size).zip(dy.row(row)) {
                        dx.iter_mut().for_each(|dx| *dx += dy);
                    }
                }
            }
        });
    }
}

/// How many groups of `size` columns there are.
pub(super) fn groups(shape: Shape, size: usize) -> Result<usize> {
    if size == 0 || !shape.cols.is_multiple_of(size) {
        return Err(Error::shape("columns in groups", &[size], &[shape.cols]));
    }
    Ok(shape.cols / size)
}

/// The sum of a sample's rows.
#[derive(Debug)]
struct SumRows;

impl Op for SumRows {
    fn name(&self) -> &'static str {
        "sum_rows"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        Ok(Shape::new(1, of[0].cols))
    }

    fn extent(&self) -> Extent {
        Extent::Group
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, mut y, n) = (c.read(0), c.write(), c.samples);
        c.run(|| {
            for sample in 0..n {
                let y = y.row(sample);
                y.fill(0.0);
                for row in (sample..x.rows).step_by(n) {
                    y.iter_mut().zip(x.row(row)).for_each(|(y, x)| *y += x);
                }
            }
        });
    }

    fn backward(&self, c: &Context<'_>) {
        let (dy, to, n) = (c.dy(), c.add_to(0), c.samples);
        c.run(|| {
            if let Some(mut to) = to {
                for row in 0..to.rows {
                    to.row(row).iter_mut().zip(dy.row(row % n)).for_each(|(dx, dy)| *dx += dy);
                }
            }
        });
    }
}

impl Graph {
    /// Column j is the sum of columns `j size .. (j + 1) size` of `x`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the columns are no multiple of `size`.
    pub fn sum_groups(&mut self, x: Node, size: usize) -> Result<Node> {
        self.push(SumGroups { size }, &[x], &[])
    }

    /// The sum of each row, in one column.
    ///
    /// # Errors
    /// [`Error::Shape`] when `x` has no column.
    pub fn sum_columns(&mut self, x: Node) -> Result<Node> {
        self.sum_groups(x, self.shape(x).cols)
    }

    /// The mean of each row, in one column.
    ///
    /// # Errors
    /// [`Error::Shape`] when `x` has no column.
    pub fn mean_columns(&mut self, x: Node) -> Result<Node> {
        let sum = self.sum_columns(x)?;
        self.affine(sum, 1.0 / self.shape(x).cols as f32, 0.0)
    }

    /// The greatest of each row, in one column, by halves; where several are, they share the gradient.
    ///
    /// # Errors
    /// [`Error::Shape`] when `x` has no column.
    pub fn max_columns(&mut self, x: Node) -> Result<Node> {
        let cols = self.shape(x).cols;
        if cols <= 1 {
            return if cols == 1 { Ok(x) } else { Err(Error::shape("columns to choose from", &[1], &[0])) };
        }
        let half = cols / 2;
        let (first, second) = (self.slice(x, 0, half)?, self.slice(x, half, half)?);
        let greater = self.max(first, second)?;
        let greater = self.max_columns(greater)?;
        if cols == 2 * half {
            return Ok(greater);
        }
        let last = self.slice(x, cols - 1, 1)?;
        self.max(greater, last)
    }

    /// The sum of each sample's rows, in one row.
    ///
    /// # Errors
    /// Never.
    pub fn sum_rows(&mut self, x: Node) -> Result<Node> {
        self.push(SumRows, &[x], &[])
    }

    /// The mean of each sample's rows, in one row.
    ///
    /// # Errors
    /// Never.
    pub fn mean_rows(&mut self, x: Node) -> Result<Node> {
        let sum = self.sum_rows(x)?;
        self.affine(sum, 1.0 / self.shape(x).rows.max(1) as f32, 0.0)
    }
}
