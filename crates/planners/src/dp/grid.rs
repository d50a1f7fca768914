//! Interpolated grids: a continuous space as a finite process whose outcomes are the corners around where a step leads.
//!
//! Multilinear weights of the 2^d corners are taken as probabilities, which keeps the backup a contraction (Kushner and Dupuis,
//! Numerical Methods for Stochastic Control Problems in Continuous Time, 1992; Gordon 1995). Between points the value is
//! interpolated with the same weights. What a step leads to beyond the grid is moved to its border. Its error falls with the
//! square of the spacing where the value is smooth, and linearly across kinks.

use worldwright_core::{Actions, Batch, Error, Imagined, Key, Observation, Result, Rows, Space, WorldModel};

use super::{FiniteMdp, MdpBuilder};

/// One dimension of a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// First point.
    pub low: f64,
    /// Last point; on a circle the point that is the first again.
    pub high: f64,
    /// Points, at least two; on a circle without the last, which is the first.
    pub points: usize,
    /// Whether the dimension is a circle.
    pub periodic: bool,
}

/// A grid over a space of one to four dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    axes: Vec<Axis>,
}

/// How a model's observations belong to the coordinates of a grid.
pub struct GridModel<'a> {
    /// The model: one lane, deterministic.
    pub model: &'a dyn WorldModel,
    /// The observation of coordinates.
    pub observation: &'a dyn Fn(&[f64]) -> Observation,
    /// The coordinates of a flat observation.
    pub coordinates: &'a dyn Fn(&[f64], &mut [f64]),
    /// For continuous actions those that are tried, each a vector; none for discrete ones, which are all tried.
    pub actions: &'a [Vec<f64>],
}

impl Grid {
    /// A grid with these axes, the last one running fastest.
    ///
    /// # Errors
    /// [`Error::Config`] for none or more than four axes, fewer than two points, or bounds that are not in order.
    pub fn new(axes: &[Axis]) -> Result<Self> {
        if !(1..=4).contains(&axes.len()) {
            return Err(Error::config("axes", format!("a grid has one to four, got {}", axes.len())));
        }
        for (i, axis) in axes.iter().enumerate() {
            let ordered = axis.low.is_finite() && axis.high.is_finite() && axis.low < axis.high;
            if !ordered || axis.points < 2 {
                return Err(Error::config(
                    format!("axis {i}"),
                    format!("needs two points or more between bounds in order, got {axis:?}"),
                ));
            }
        }
        let points = axes.iter().try_fold(1_usize, |n, axis| n.checked_mul(axis.points));
        if points.is_none_or(|n| u32::try_from(n).is_err()) {
            return Err(Error::config("axes", "the grid has more points than a number of 32 bits tells apart"));
        }
        Ok(Self { axes: axes.to_vec() })
    }

    /// How many points.
    pub fn points(&self) -> usize {
        self.axes.iter().map(|axis| axis.points).product()
    }

    /// The coordinates of a point.
    pub fn coordinates(&self, point: usize, out: &mut [f64]) {
        let mut rest = point;
        for (axis, slot) in self.axes.iter().zip(out).rev() {
            *slot = axis.low + (rest % axis.points) as f64 * axis.spacing();
            rest /= axis.points;
        }
    }

    /// The corners around `at` and their weights, which sum to one. Writes 2^d of them, some of weight zero.
    fn corners(&self, at: &[f64], out: &mut Vec<(u32, f64)>) {
        out.clear();
        out.push((0, 1.0));
        for (axis, x) in self.axes.iter().zip(at) {
            let (low, high, share) = axis.locate(*x);
            let points = axis.points as u32;
            for i in 0..out.len() {
                let (corner, weight) = out[i];
                out[i] = (corner * points + low, weight * (1.0 - share));
                out.push((corner * points + high, weight * share));
            }
        }
    }

    /// Interpolates `values` of the points at `at`.
    ///
    /// # Panics
    /// When there are fewer values than points.
    pub fn interpolate(&self, values: &[f64], at: &[f64]) -> f64 {
        let mut corners = Vec::with_capacity(16);
        self.corners(at, &mut corners);
        corners.iter().map(|(corner, weight)| weight * values[*corner as usize]).sum()
    }

    /// The model on this grid: state `i` is point `i`, action `a` the model's choice or the `a`-th of the given actions.
    /// Continuations that the model gives multiply the probabilities.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a model with several lanes; [`Error::Config`] without actions or where a step diverges; what
    /// the model gives.
    pub fn process(&self, task: &GridModel<'_>) -> Result<FiniteMdp> {
        let spec = task.model.spec();
        if spec.members != 1 {
            return Err(Error::unsupported(
                "grid",
                format!("'{}' has {} lanes: use one member", spec.name, spec.members),
            ));
        }
        let (count, continuous) = match &spec.action_space {
            Space::Discrete { n, .. } => (*n, None),
            _ => (task.actions.len(), Some(spec.action_space.flat_dim())),
        };
        if count == 0 {
            return Err(Error::config("actions", "name the actions to try"));
        }
        let mut world = task.model.imagination(count + 1);
        let mut out = Imagined::new(spec, count);
        let choices: Vec<u32> = (0..count as u32).collect();
        let mut columns = Batch::zeros(continuous.unwrap_or(0), count);
        for (row, action) in task.actions.iter().enumerate().take(continuous.map_or(0, |_| count)) {
            for (dim, number) in action.iter().enumerate() {
                columns.columns_mut().column_mut(dim)[row] = *number;
            }
        }
        let mut flat = vec![0.0; spec.observation_space.flat_dim()];
        let mut at = vec![0.0; self.axes.len()];
        let mut corners = Vec::with_capacity(16);
        let mut builder = MdpBuilder::new();
        for point in 0..self.points() {
            self.coordinates(point, &mut at);
            world.observe(0, None, &(task.observation)(&at), Key::new(0))?;
            world.copy(0, Rows::Span(1..count + 1));
            let rows = Rows::Span(1..count + 1);
            let actions = match continuous {
                Some(_) => Actions::Continuous(columns.columns()),
                None => Actions::Discrete(&choices),
            };
            world.step(rows.clone(), actions, rows, Key::new(point as u64), &mut out)?;
            for action in 0..count {
                world.decode(1 + action, 0, &mut flat)?;
                (task.coordinates)(&flat, &mut at);
                if !at.iter().all(|x| x.is_finite()) {
                    return Err(Error::config(
                        format!("action {action}"),
                        format!("leads from point {point} to {at:?}"),
                    ));
                }
                let continuation = out.continuation[action];
                if continuation > 0.0 {
                    self.corners(&at, &mut corners);
                    corners.iter_mut().for_each(|(_, weight)| *weight *= continuation);
                } else {
                    corners.clear();
                }
                builder.action(action as u32, out.reward[action], &corners)?;
            }
            builder.end_state();
        }
        builder.finish()
    }
}

impl Axis {
    fn spacing(&self) -> f64 {
        let gaps = if self.periodic { self.points } else { self.points - 1 };
        (self.high - self.low) / gaps as f64
    }

    /// The points on both sides of `x` and the share of the second.
    fn locate(&self, x: f64) -> (u32, u32, f64) {
        let gaps = (x - self.low) / self.spacing();
        if self.periodic {
            let turns = gaps.rem_euclid(self.points as f64);
            // Rounding may reach the number of points itself.
            let low = (turns as usize).min(self.points - 1);
            (low as u32, ((low + 1) % self.points) as u32, (turns - low as f64).min(1.0))
        } else {
            let gaps = gaps.max(0.0).min((self.points - 1) as f64);
            let low = (gaps as usize).min(self.points - 2);
            (low as u32, low as u32 + 1, gaps - low as f64)
        }
    }
}
