//! Rectangular grids: axes with evenly spaced points, some of which may close to a circle.

use worldwright_core::{Error, Result};

/// The most dimensions of a grid.
pub(super) const MOST_DIMS: usize = 4;
/// The most points of a grid.
const MOST_POINTS: usize = 1 << 28;

/// One dimension: `points` evenly spaced coordinates from `low` to `high`, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// The first coordinate.
    pub low: f64,
    /// The last coordinate; of a periodic axis the same place as the first.
    pub high: f64,
    /// How many coordinates, at least 2.
    pub points: usize,
    /// Whether the axis closes to a circle.
    pub periodic: bool,
}

impl Axis {
    /// An axis that ends at its bounds.
    pub fn new(low: f64, high: f64, points: usize) -> Self {
        Self { low, high, points, periodic: false }
    }

    /// An axis that closes to a circle: `low` and `high` are the same place.
    pub fn periodic(low: f64, high: f64, points: usize) -> Self {
        Self { periodic: true, ..Self::new(low, high, points) }
    }

    /// Distance between two coordinates.
    pub fn spacing(&self) -> f64 {
        (self.high - self.low) / (self.points - 1) as f64
    }

    /// The `i`-th coordinate.
    pub fn coordinate(&self, i: usize) -> f64 {
        self.low + i as f64 * self.spacing()
    }

    /// The cell that holds `x`, and where in the cell, in [0, 1]; beyond the bounds the nearest place on them.
    #[inline]
    fn locate(&self, x: f64, per_unit: f64) -> (usize, f64) {
        let x = if self.periodic && !(x >= self.low && x <= self.high) {
            self.low + (x - self.low).rem_euclid(self.high - self.low)
        } else {
            x
        };
        let place = ((x - self.low) * per_unit).max(0.0).min((self.points - 1) as f64);
        let cell = (place as usize).min(self.points - 2);
        (cell, place - cell as f64)
    }
}

/// Where a state lies: the lowest corner of its cell and the fractions of the way across.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    pub(super) base: u32,
    pub(super) fraction: [f32; MOST_DIMS],
}

/// A product of axes; the last one varies fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    axes: Vec<Axis>,
    strides: Vec<usize>,
    /// Reciprocal of each spacing.
    per_unit: Vec<f64>,
}

impl Grid {
    /// A grid over these axes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for no or more than four axes, [`Error::Config`] for bounds out of order or not finite, fewer than
    /// two points, or more points than fit.
    pub fn new(axes: Vec<Axis>) -> Result<Self> {
        if axes.is_empty() || axes.len() > MOST_DIMS {
            return Err(Error::unsupported(
                "grid",
                format!(
                    "{} dimensions: it spans 1 to {MOST_DIMS}; beyond that use a sampling planner such as icem",
                    axes.len()
                ),
            ));
        }
        let mut points = 1_usize;
        for (dim, axis) in axes.iter().enumerate() {
            if !(axis.low < axis.high && axis.low.is_finite() && axis.high.is_finite()) {
                let why = format!("bounds [{}, {}] must be finite and in order", axis.low, axis.high);
                return Err(Error::config(format!("axis {dim}"), why));
            }
            if axis.points < 2 {
                return Err(Error::config(format!("axis {dim}"), format!("needs 2 points, got {}", axis.points)));
            }
            points = points.saturating_mul(axis.points);
        }
        if points > MOST_POINTS {
            return Err(Error::config("points", format!("{points} points are more than {MOST_POINTS}")));
        }
        let mut strides = vec![1; axes.len()];
        for dim in (1..axes.len()).rev() {
            strides[dim - 1] = strides[dim] * axes[dim].points;
        }
        let per_unit = axes.iter().map(|axis| 1.0 / axis.spacing()).collect();
        Ok(Self { axes, strides, per_unit })
    }

    /// Its axes.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// How many points.
    pub fn points(&self) -> usize {
        self.strides[0] * self.axes[0].points
    }

    /// Points between neighbours along each axis.
    pub(super) fn strides(&self) -> &[usize] {
        &self.strides
    }

    /// Writes the coordinates of a point.
    pub fn coordinates(&self, point: usize, out: &mut [f64]) {
        for (dim, slot) in out.iter_mut().enumerate() {
            *slot = self.axes[dim].coordinate(point / self.strides[dim] % self.axes[dim].points);
        }
    }

    /// Where coordinates lie; none for coordinates that are not finite.
    #[inline]
    pub(super) fn locate(&self, coordinates: &[f64]) -> Option<Cell> {
        let mut cell = Cell { base: 0, fraction: [0.0; MOST_DIMS] };
        for (dim, axis) in self.axes.iter().enumerate() {
            if !coordinates[dim].is_finite() {
                return None;
            }
            let (place, fraction) = axis.locate(coordinates[dim], self.per_unit[dim]);
            cell.base += (place * self.strides[dim]) as u32;
            cell.fraction[dim] = fraction as f32;
        }
        Some(cell)
    }
}
