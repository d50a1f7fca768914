//! Rows of a sample: some of them, several nodes' below each other, repeated, gathered, added up by place, or cut anew.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::{Context, clear},
    graph::{Graph, Node},
    plan::Write,
    rowwise::Combine,
    shape::{Extent, Shape},
};

/// Rows `start .. start + count`, which lie together because row t of all samples does.
#[derive(Debug)]
struct Steps {
    start: usize,
    count: usize,
}

impl Op for Steps {
    fn name(&self) -> &'static str {
        "steps"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        if self.start + self.count > of[0].rows {
            return Err(Error::shape("steps", &[of[0].rows], &[self.start + self.count]));
        }
        Ok(Shape::new(self.count, of[0].cols))
    }

    fn extent(&self) -> Extent {
        Extent::Group
    }

    fn forward(&self, c: &Context<'_>) {
        let y = c.output();
        c.run(Combine::copy(y, c.operand(0).lines(self.start * c.samples, y.rows), Write::Fresh));
    }

    fn backward(&self, c: &Context<'_>) {
        let (to, write) = c.operand_gradient(0);
        if write == Write::Fresh {
            clear(to);
        }
        if write != Write::Skip {
            let dy = c.gradient();
            c.run(Combine::copy(to.lines(self.start * c.samples, dy.rows), dy, Write::Add));
        }
    }
}

/// The rows of all operands, the first operand's first.
#[derive(Debug)]
struct Stack;

impl Op for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        let cols = of.first().map_or(0, |shape| shape.cols);
        if let Some(other) = of.iter().find(|shape| shape.cols != cols) {
            return Err(Error::shape("columns of parts below each other", &[cols], &[other.cols]));
        }
        Ok(Shape::new(of.iter().map(|shape| shape.rows).sum(), cols))
    }

    fn extent(&self) -> Extent {
        Extent::Group
    }

    fn forward(&self, c: &Context<'_>) {
        let (y, mut start) = (c.output(), 0);
        for part in 0..c.node.operands.len() {
            let x = c.operand(part);
            c.run(Combine::copy(y.lines(start, x.rows), x, Write::Fresh));
            start += x.rows;
        }
    }

    fn backward(&self, c: &Context<'_>) {
        let (dy, mut start) = (c.gradient(), 0);
        for part in 0..c.node.operands.len() {
            let (to, write) = c.operand_gradient(part);
            c.run(Combine::copy(to, dy.lines(start, to.rows), write));
            start += to.rows;
        }
    }
}

/// Row i is the operand's row `from[i]`.
#[derive(Debug)]
struct Gather {
    from: Vec<usize>,
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        match self.from.iter().find(|row| **row >= of[0].rows) {
            Some(row) => Err(Error::shape("gathered rows", &[of[0].rows], &[*row + 1])),
            None => Ok(Shape::new(self.from.len(), of[0].cols)),
        }
    }

    fn extent(&self) -> Extent {
        Extent::Group
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, y, n) = (c.operand(0), c.output(), c.samples);
        for (row, from) in self.from.iter().enumerate() {
            c.run(Combine::copy(y.lines(row * n, n), x.lines(from * n, n), Write::Fresh));
        }
    }

    fn backward(&self, c: &Context<'_>) {
        let ((to, write), dy, n) = (c.operand_gradient(0), c.gradient(), c.samples);
        if write == Write::Fresh {
            clear(to);
        }
        if write != Write::Skip {
            for (row, from) in self.from.iter().enumerate() {
                c.run(Combine::copy(to.lines(from * n, n), dy.lines(row * n, n), Write::Add));
            }
        }
    }
}

/// Row j is the sum of the operand's rows i with `to[i] = j`.
#[derive(Debug)]
struct ScatterSum {
    to: Vec<usize>,
    rows: usize,
}

impl Op for ScatterSum {
    fn name(&self) -> &'static str {
        "scatter_sum"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        if self.to.len() != of[0].rows {
            return Err(Error::shape("places of added rows", &[of[0].rows], &[self.to.len()]));
        }
        match self.to.iter().find(|row| **row >= self.rows) {
            Some(row) => Err(Error::shape("places of added rows", &[self.rows], &[*row + 1])),
            None => Ok(Shape::new(self.rows, of[0].cols)),
        }
    }

    fn extent(&self) -> Extent {
        Extent::Group
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, y, n) = (c.operand(0), c.output(), c.samples);
        clear(y);
        for (row, to) in self.to.iter().enumerate() {
            c.run(Combine::copy(y.lines(to * n, n), x.lines(row * n, n), Write::Add));
        }
    }

    fn backward(&self, c: &Context<'_>) {
        let ((to, write), dy, n) = (c.operand_gradient(0), c.gradient(), c.samples);
        for (row, from) in self.to.iter().enumerate() {
            c.run(Combine::copy(to.lines(row * n, n), dy.lines(from * n, n), write));
        }
    }
}

/// The same numbers in rows of another length.
#[derive(Debug)]
struct Reshape {
    to: Shape,
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        if of[0].numbers() != self.to.numbers() {
            return Err(Error::shape("numbers cut anew", &[of[0].rows, of[0].cols], &[self.to.rows, self.to.cols]));
        }
        Ok(self.to)
    }

    fn extent(&self) -> Extent {
        Extent::Group
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, mut y) = (c.read(0), c.write());
        for sample in 0..c.samples {
            let (x, mut y) = (x.sample(sample, c.samples), y.sample(sample, c.samples));
            pieces(x.cols, y.cols, x.rows * x.cols, |from, to, len| {
                y.row(to.0)[to.1..to.1 + len].copy_from_slice(&x.row(from.0)[from.1..from.1 + len]);
            });
        }
    }

    fn backward(&self, c: &Context<'_>) {
        let Some(mut to) = c.add_to(0) else { return };
        let dy = c.dy();
        for sample in 0..c.samples {
            let (dy, mut dx) = (dy.sample(sample, c.samples), to.sample(sample, c.samples));
            pieces(dx.cols, dy.cols, dx.rows * dx.cols, |at, from, len| {
                let from = &dy.row(from.0)[from.1..from.1 + len];
                dx.row(at.0)[at.1..at.1 + len].iter_mut().zip(from).for_each(|(dx, dy)| *dx += dy);
            });
        }
    }
}

/// The stretches over which neither cutting breaks: row and column in the one, row and column in the other, length.
fn pieces(one: usize, other: usize, total: usize, mut each: impl FnMut((usize, usize), (usize, usize), usize)) {
    let mut at = 0;
    while at < total {
        let len = (one - at % one).min(other - at % other);
        each((at / one, at % one), (at / other, at % other), len);
        at += len;
    }
}

impl Graph {
    /// Rows `start .. start + count` of each sample: steps of a sequence.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are fewer.
    pub fn steps(&mut self, x: Node, start: usize, count: usize) -> Result<Node> {
        self.push(Steps { start, count }, &[x], &[])
    }

    /// Row `t` of each sample.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are fewer.
    pub fn step(&mut self, x: Node, t: usize) -> Result<Node> {
        self.steps(x, t, 1)
    }

    /// The rows of all parts, one part's below the other's: a sequence of its steps.
    ///
    /// # Errors
    /// [`Error::Shape`] when the parts differ in columns.
    pub fn stack(&mut self, parts: &[Node]) -> Result<Node> {
        self.push(Stack, parts, &[])
    }

    /// Row i is row `from[i]` of `x`: the ends of a declared graph's edges.
    ///
    /// # Errors
    /// [`Error::Shape`] for a row that `x` does not have.
    pub fn gather(&mut self, x: Node, from: &[usize]) -> Result<Node> {
        self.push(Gather { from: from.to_vec() }, &[x], &[])
    }

    /// Each row of `x` `times` times over, all rows of `x` before they come again.
    ///
    /// # Errors
    /// Never.
    pub fn repeat(&mut self, x: Node, times: usize) -> Result<Node> {
        let rows = self.shape(x).rows;
        let from: Vec<usize> = (0..times).flat_map(|_| 0..rows).collect();
        self.gather(x, &from)
    }

    /// Row j of `rows` is the sum of the rows i of `x` with `to[i] = j`: what arrives at the nodes of a declared graph.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one place a row, below `rows`.
    pub fn scatter_sum(&mut self, x: Node, to: &[usize], rows: usize) -> Result<Node> {
        self.push(ScatterSum { to: to.to_vec(), rows }, &[x], &[])
    }

    /// The numbers of each sample, row by row, in `rows` rows of `cols`.
    ///
    /// # Errors
    /// [`Error::Shape`] when that is another number of them.
    pub fn reshape(&mut self, x: Node, rows: usize, cols: usize) -> Result<Node> {
        self.push(Reshape { to: Shape::new(rows, cols) }, &[x], &[])
    }
}
