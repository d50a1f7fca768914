//! Nearest neighbours among configurations: a scan for any distance, and a k-d tree (Bentley 1975) for products of intervals and
//! circles.
//!
//! The tree grows by insertion; uniform samples keep it about twice as deep as the best. A subtree is passed over when its cell is
//! farther away than the best found; along a circle a cell's distance is measured the shorter way around.

use std::f64::consts::PI;

use super::MAX_DIMS;
use super::space::{Axis, ConfigurationSpace};

/// Finds the configuration nearest to another among those inserted. Of equally near ones the scan gives the first inserted.
pub trait Nearest {
    /// Adds a configuration; it gets the next number from 0.
    fn insert(&mut self, at: &[f64]);
    /// The number of the nearest one, by the distance from it to `to` (or back, when `reversed`).
    fn nearest(&self, space: &dyn ConfigurationSpace, to: &[f64], reversed: bool) -> usize;
    /// A configuration by its number.
    fn point(&self, i: usize) -> &[f64];
    /// How many there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Compares with all.
#[derive(Debug, Clone)]
pub struct LinearScan {
    dims: usize,
    points: Vec<f64>,
}

impl LinearScan {
    /// None yet, of `dims` numbers each.
    pub fn new(dims: usize) -> Self {
        Self { dims, points: Vec::new() }
    }
}

impl Nearest for LinearScan {
    fn insert(&mut self, at: &[f64]) {
        self.points.extend_from_slice(at);
    }

    fn nearest(&self, space: &dyn ConfigurationSpace, to: &[f64], reversed: bool) -> usize {
        let mut best = (f64::INFINITY, 0);
        for (i, point) in self.points.chunks_exact(self.dims).enumerate() {
            let distance = if reversed { space.distance(to, point) } else { space.distance(point, to) };
            if distance < best.0 {
                best = (distance, i);
            }
        }
        best.1
    }

    fn point(&self, i: usize) -> &[f64] {
        &self.points[i * self.dims..(i + 1) * self.dims]
    }

    fn len(&self) -> usize {
        self.points.len() / self.dims
    }
}

const NONE: u32 = u32::MAX;

/// A k-d tree. Node i is configuration i and splits its cell at its own coordinate `depth % dims`.
#[derive(Debug, Clone)]
pub struct KdTree {
    axes: Vec<Axis>,
    points: Vec<f64>,
    /// Below and above the split.
    children: Vec<[u32; 2]>,
}

/// The best found so far: squared distance and number.
type Best = (f64, u32);

impl KdTree {
    /// None yet, over these axes.
    pub fn new(axes: &[Axis]) -> Self {
        Self { axes: axes.to_vec(), points: Vec::new(), children: Vec::new() }
    }

    /// Angles are kept between −π and π, so that cells are intervals.
    fn canonical(&self, dim: usize, x: f64) -> f64 {
        match self.axes[dim] {
            Axis::Interval { .. } => x,
            Axis::Circle => (x + PI).rem_euclid(2.0 * PI) - PI,
        }
    }

    /// Distance along one axis from `x` to the interval of a cell.
    fn gap(&self, dim: usize, x: f64, low: f64, high: f64) -> f64 {
        if x >= low && x <= high {
            return 0.0;
        }
        match self.axes[dim] {
            Axis::Interval { .. } => (low - x).max(x - high),
            axis => axis.difference(x, low).abs().min(axis.difference(x, high).abs()),
        }
    }

    /// Searches the subtree of `node`, whose cell is `cell` and lies `far` (squared) away, `gaps` by axis.
    fn search(&self, node: u32, depth: usize, search: &mut Search<'_>, far: f64) {
        if node == NONE || far > search.best.0 {
            return;
        }
        let dims = self.axes.len();
        let point = self.point(node as usize);
        let mut distance = 0.0;
        for ((axis, a), b) in self.axes.iter().zip(point).zip(search.to) {
            distance += axis.difference(*a, *b).powi(2);
        }
        if distance < search.best.0 || (distance == search.best.0 && node < search.best.1) {
            search.best = (distance, node);
        }
        let dim = depth % dims;
        let (x, split) = (search.to[dim], self.canonical(dim, point[dim]));
        let first = usize::from(x >= split);
        for side in [first, 1 - first] {
            let (cell, gap) = (search.cell[dim], search.gaps[dim]);
            search.cell[dim][1 - side] = split;
            let closer = self.gap(dim, x, search.cell[dim][0], search.cell[dim][1]);
            search.gaps[dim] = closer * closer;
            let far = search.gaps[..dims].iter().sum();
            self.search(self.children[node as usize][side], depth + 1, search, far);
            (search.cell[dim], search.gaps[dim]) = (cell, gap);
        }
    }
}

/// The state of a search on its way down.
struct Search<'q> {
    to: &'q [f64],
    cell: [[f64; 2]; MAX_DIMS],
    gaps: [f64; MAX_DIMS],
    best: Best,
}

impl Nearest for KdTree {
    fn insert(&mut self, at: &[f64]) {
        let (new, dims) = (self.len() as u32, self.axes.len());
        let (mut node, mut depth) = (if new == 0 { NONE } else { 0 }, 0);
        while node != NONE {
            let dim = depth % dims;
            let split = self.canonical(dim, self.point(node as usize)[dim]);
            let side = usize::from(self.canonical(dim, at[dim]) >= split);
            let child = &mut self.children[node as usize][side];
            (node, depth) = (*child, depth + 1);
            if node == NONE {
                *child = new;
            }
        }
        self.points.extend_from_slice(at);
        self.children.push([NONE; 2]);
    }

    fn nearest(&self, _space: &dyn ConfigurationSpace, to: &[f64], _reversed: bool) -> usize {
        let mut target = [0.0; MAX_DIMS];
        let mut cell = [[f64::NEG_INFINITY, f64::INFINITY]; MAX_DIMS];
        for (dim, x) in to.iter().enumerate() {
            target[dim] = self.canonical(dim, *x);
            if self.axes[dim] == Axis::Circle {
                cell[dim] = [-PI, PI];
            }
        }
        let mut search = Search { to: &target[..to.len()], cell, gaps: [0.0; MAX_DIMS], best: (f64::INFINITY, 0) };
        self.search(if self.is_empty() { NONE } else { 0 }, 0, &mut search, 0.0);
        search.best.1 as usize
    }

    fn point(&self, i: usize) -> &[f64] {
        let dims = self.axes.len();
        &self.points[i * dims..(i + 1) * dims]
    }

    fn len(&self) -> usize {
        self.children.len()
    }
}
