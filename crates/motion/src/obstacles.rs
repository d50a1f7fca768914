//! A set of shapes that nothing may touch, with a uniform grid as broad phase (Ericson 2005, section 7.1): a cell lists the shapes
//! whose rectangles reach into it, and only those of the cells under a query's rectangle are compared exactly.

use super::shape::{Convex, Point, Shape};

/// Shapes in a grid.
#[derive(Debug, Clone)]
pub struct Obstacles {
    shapes: Vec<Shape>,
    bounds: Vec<[Point; 2]>,
    low: Point,
    cell: Point,
    /// Cells along x and y.
    size: [usize; 2],
    /// Where each cell's list begins in `members`, and the end of the last.
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Obstacles {
    /// Puts shapes into a grid of about two cells a shape.
    pub fn new(shapes: Vec<Shape>) -> Self {
        let bounds: Vec<[Point; 2]> = shapes.iter().map(|shape| shape.as_convex().bounds()).collect();
        let none = [[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]];
        let [low, high] = bounds.iter().fold(none, |[low, high], [l, h]| {
            [[low[0].min(l[0]), low[1].min(l[1])], [high[0].max(h[0]), high[1].max(h[1])]]
        });
        let side = ((2 * shapes.len()) as f64).sqrt().ceil().clamp(1.0, 256.0) as usize;
        let cell = [0, 1].map(|d| if shapes.is_empty() { 1.0 } else { ((high[d] - low[d]) / side as f64).max(1e-12) });
        let low = if shapes.is_empty() { [0.0; 2] } else { low };
        let mut grid = Self { shapes, bounds, low, cell, size: [side, side], starts: Vec::new(), members: Vec::new() };
        let mut lists = vec![Vec::new(); side * side];
        for (i, bounds) in grid.bounds.iter().enumerate() {
            let [x, y] = grid.cells(bounds);
            for row in y.0..=y.1 {
                lists[row * side + x.0..=row * side + x.1].iter_mut().for_each(|list| list.push(i as u32));
            }
        }
        for list in lists {
            grid.starts.push(grid.members.len() as u32);
            grid.members.extend(list);
        }
        grid.starts.push(grid.members.len() as u32);
        grid
    }

    /// The shapes, in the order given.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// First and last cell along each axis that a rectangle reaches; those beyond the grid count to its border.
    fn cells(&self, bounds: &[Point; 2]) -> [(usize, usize); 2] {
        [0, 1].map(|d| {
            let at = |x: f64| (((x - self.low[d]) / self.cell[d]).max(0.0) as usize).min(self.size[d] - 1);
            (at(bounds[0][d]), at(bounds[1][d]))
        })
    }

    /// Whether a shape touches any of these.
    pub fn touches(&self, shape: &Convex<'_>) -> bool {
        self.any_touching(shape, |_| true)
    }

    /// Whether a shape touches any of these that `counts`.
    pub fn any_touching(&self, shape: &Convex<'_>, counts: impl Fn(usize) -> bool) -> bool {
        let bounds = shape.bounds();
        let [x, y] = self.cells(&bounds);
        (y.0..=y.1).any(|row| {
            let first = self.starts[row * self.size[0] + x.0] as usize;
            let end = self.starts[row * self.size[0] + x.1 + 1] as usize;
            self.members[first..end].iter().any(|i| {
                let i = *i as usize;
                overlap(&self.bounds[i], &bounds) && counts(i) && self.shapes[i].as_convex().touches(shape)
            })
        })
    }
}

fn overlap(a: &[Point; 2], b: &[Point; 2]) -> bool {
    (0..2).all(|d| a[0][d] <= b[1][d] && b[0][d] <= a[1][d])
}
