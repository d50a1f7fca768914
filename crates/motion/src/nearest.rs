//! Nearest neighbours among configurations: a scan for any distance, and a k-d tree (Bentley 1975) for products of intervals and
//! circles.
//!
//! The tree grows by insertion; uniform samples keep it about twice as deep as the best. What lies along a line comes in order and would
//! make it as deep as long: where an insertion goes deeper than balance allows, the lowest subtree that leans too far is built
//! anew around medians (scapegoat trees; Galperin and Rivest, SODA 1993). A subtree is passed over when its cell is farther away than the
//! best found; along a circle a cell's distance is measured the shorter way around.

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

/// A subtree whose larger half holds more than this share of it leans too far. Uniform samples in any order stay within what it
/// allows, nearly always.
const LARGEST_SHARE: f64 = 0.8;

/// A k-d tree. Node i is configuration i and splits its cell at its own coordinate.
#[derive(Debug, Clone)]
pub struct KdTree {
    axes: Vec<Axis>,
    points: Vec<f64>,
    root: u32,
    /// Below and above the split; what equals it may be on either side.
    children: Vec<[u32; 2]>,
    /// The axis that a node splits.
    splits: Vec<u8>,
    /// The way down to the last insertion, nodes and sides, and the nodes of a subtree that is built anew.
    path: Vec<(u32, bool)>,
    below: Vec<u32>,
}

/// The best found so far: squared distance and number.
type Best = (f64, u32);

impl KdTree {
    /// None yet, over these axes.
    pub fn new(axes: &[Axis]) -> Self {
        Self {
            axes: axes.to_vec(),
            points: Vec::new(),
            root: NONE,
            children: Vec::new(),
            splits: Vec::new(),
            path: Vec::new(),
            below: Vec::new(),
        }
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

    /// Hangs a subtree in at this depth of the path.
    fn link(&mut self, depth: usize, node: u32) {
        match depth.checked_sub(1).map(|above| self.path[above]) {
            Some((parent, side)) => self.children[parent as usize][usize::from(side)] = node,
            None => self.root = node,
        }
    }

    /// Builds the lowest subtree on the path to `new` that leans too far anew.
    fn rebalance(&mut self, new: u32) {
        let mut below = std::mem::take(&mut self.below);
        below.clear();
        below.push(new);
        for depth in (0..self.path.len()).rev() {
            let (node, side) = self.path[depth];
            let larger = below.len();
            // The other side, from its top down; what is appended is visited in turn.
            let mut next = below.len();
            below.extend(Some(self.children[node as usize][usize::from(!side)]).filter(|child| *child != NONE));
            while let Some(inner) = below.get(next).copied() {
                below.extend(self.children[inner as usize].into_iter().filter(|child| *child != NONE));
                next += 1;
            }
            below.push(node);
            if larger as f64 > LARGEST_SHARE * below.len() as f64 {
                let top = self.build(&mut below);
                self.link(depth, top);
                break;
            }
        }
        self.below = below;
    }

    /// Builds a subtree of these nodes, each around the median along the axis in which its points spread farthest; returns its top.
    fn build(&mut self, nodes: &mut [u32]) -> u32 {
        let mut open = vec![(0, nodes.len(), NONE, 0)];
        let mut top = NONE;
        while let Some((start, end, parent, side)) = open.pop() {
            if start == end {
                continue;
            }
            let part = &mut nodes[start..end];
            let spread = |dim: usize| {
                let coordinates = part.iter().map(|node| self.canonical(dim, self.point(*node as usize)[dim]));
                let range = |(low, high): (f64, f64), x: f64| (low.min(x), high.max(x));
                let (low, high) = coordinates.fold((f64::INFINITY, f64::NEG_INFINITY), range);
                high - low
            };
            let widest = (1..self.axes.len()).fold((0, spread(0)), |best, dim| {
                let spread = spread(dim);
                if spread > best.1 { (dim, spread) } else { best }
            });
            let dim = widest.0;
            let middle = part.len() / 2;
            let coordinate = |node: u32| self.canonical(dim, self.point(node as usize)[dim]);
            part.select_nth_unstable_by(middle, |a, b| coordinate(*a).total_cmp(&coordinate(*b)).then(a.cmp(b)));
            let node = part[middle];
            self.children[node as usize] = [NONE; 2];
            self.splits[node as usize] = dim as u8;
            match parent {
                NONE => top = node,
                parent => self.children[parent as usize][side] = node,
            }
            open.push((start, start + middle, node, 0));
            open.push((start + middle + 1, end, node, 1));
        }
        top
    }

    /// Searches the subtree of `node`, whose cell is `cell` and lies `far` (squared) away, `gaps` by axis. Balance bounds how deep the calls
    /// go: to a hundred for any number of points.
    fn search(&self, node: u32, search: &mut Search<'_>, far: f64) {
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
        let dim = usize::from(self.splits[node as usize]);
        let (x, split) = (search.to[dim], self.canonical(dim, point[dim]));
        let first = usize::from(x >= split);
        for side in [first, 1 - first] {
            let (cell, gap) = (search.cell[dim], search.gaps[dim]);
            search.cell[dim][1 - side] = split;
            let closer = self.gap(dim, x, search.cell[dim][0], search.cell[dim][1]);
            search.gaps[dim] = closer * closer;
            let far = search.gaps[..dims].iter().sum();
            self.search(self.children[node as usize][side], search, far);
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
        let (mut node, mut split) = (self.root, 0);
        self.path.clear();
        while node != NONE {
            let dim = usize::from(self.splits[node as usize]);
            let above = self.canonical(dim, at[dim]) >= self.canonical(dim, self.point(node as usize)[dim]);
            self.path.push((node, above));
            node = self.children[node as usize][usize::from(above)];
            split = (dim + 1) % dims;
        }
        self.points.extend_from_slice(at);
        self.children.push([NONE; 2]);
        self.splits.push(split as u8);
        self.link(self.path.len(), new);
        if self.path.len() as f64 > f64::from(new + 1).ln() / -LARGEST_SHARE.ln() {
            self.rebalance(new);
        }
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
        self.search(self.root, &mut search, 0.0);
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
