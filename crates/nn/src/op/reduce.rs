//! Sums, means and the greatest over groups of columns, and sums and means over the rows of a sample.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    shape::{Extent, Shape},
    view::Rows,
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

/// Column j is the greatest of the operand's columns `j size .. (j + 1) size`. As in PyTorch's `amax`, those that are it alike share the gradient.
#[derive(Debug)]
struct MaxGroups {
    size: usize,
}

impl Op for MaxGroups {
    fn name(&self) -> &'static str {
        "max_groups"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        groups(of[0], self.size).map(|count| Shape::new(of[0].rows, count))
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, mut y, size) = (c.read(0), c.write(), self.size);
        c.run(|| {
            for row in 0..x.rows {
                for (y, x) in y.row(row).iter_mut().zip(x.row(row).chunks_exact(size)) {
                    *y = x[1..].iter().fold(x[0], |most, x| if *x > most { *x } else { most });
                }
            }
        });
    }

    fn backward(&self, c: &Context<'_>) {
        let (x, y, dy, to, size) = (c.read(0), c.output(), c.dy(), c.add_to(0), self.size);
        // SAFETY: nobody writes a result once it is there.
        let y = unsafe { Rows::new(y) };
        c.run(|| {
            let Some(mut to) = to else { return };
            for row in 0..dy.rows {
                let parts = to.row(row).chunks_exact_mut(size).zip(x.row(row).chunks_exact(size));
                for ((dx, x), (y, dy)) in parts.zip(y.row(row).iter().zip(dy.row(row))) {
                    let alike: f32 = x.iter().map(|x| if x == y { 1.0 } else { 0.0 }).sum();
                    let share = dy / alike.max(1.0);
                    dx.iter_mut().zip(x).for_each(|(dx, x)| *dx += if x == y { share } else { 0.0 });
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

    /// Column j is the greatest of columns `j size .. (j + 1) size` of `x`; where several are, they share the gradient.
    ///
    /// # Errors
    /// As for [`sum_groups`](Self::sum_groups).
    pub fn max_groups(&mut self, x: Node, size: usize) -> Result<Node> {
        self.push(MaxGroups { size }, &[x], &[])
    }

    /// The greatest of each row, in one column; where several are, they share the gradient.
    ///
    /// # Errors
    /// [`Error::Shape`] when `x` has no column.
    pub fn max_columns(&mut self, x: Node) -> Result<Node> {
        self.max_groups(x, self.shape(x).cols)
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
