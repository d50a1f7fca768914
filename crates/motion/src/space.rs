//! Configuration spaces: what a configuration is, how far two are apart, and the local path that joins them.

use std::f64::consts::PI;

use worldwright_core::{Error, Result, Rng};

use super::MAX_DIMS;

/// A set of configurations with a local path between any two, which may differ from the way back.
pub trait ConfigurationSpace: Send + Sync {
    /// Numbers in a configuration, at most [`MAX_DIMS`].
    fn dims(&self) -> usize;
    /// Whether a configuration lies within the bounds.
    fn contains(&self, at: &[f64]) -> bool;
    /// Draws a configuration uniformly.
    fn sample(&self, rng: &mut Rng, out: &mut [f64]);
    /// Length of the local path.
    fn distance(&self, from: &[f64], to: &[f64]) -> f64;
    /// The configuration at a share (0 to 1) of the local path.
    fn interpolate(&self, from: &[f64], to: &[f64], share: f64, out: &mut [f64]);
    /// The axes, where the distance is Euclidean over them; a tree can then find neighbours.
    fn axes(&self) -> Option<&[Axis]>;
}

/// One dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Axis {
    /// Between two numbers.
    Interval {
        /// The smallest.
        low: f64,
        /// The largest.
        high: f64,
    },
    /// An angle in radians, all around: −π and π are the same.
    Circle,
}

impl Axis {
    /// The shortest way from `from` to `to`, with its sign.
    #[inline]
    pub fn difference(self, from: f64, to: f64) -> f64 {
        match self {
            Self::Interval { .. } => to - from,
            Self::Circle => (to - from + PI).rem_euclid(2.0 * PI) - PI,
        }
    }

    /// How far two may be apart.
    pub fn span(&self) -> f64 {
        match self {
            Self::Interval { low, high } => high - low,
            Self::Circle => PI,
        }
    }
}

/// A product of intervals and circles, joined by straight lines: joints of an arm, positions, orientations.
#[derive(Debug, Clone, PartialEq)]
pub struct JointSpace {
    axes: Vec<Axis>,
}

impl JointSpace {
    /// The space of these axes.
    ///
    /// # Errors
    /// [`Error::Config`] for no axis or more than [`MAX_DIMS`], and for an interval that is empty or not finite.
    pub fn new(axes: Vec<Axis>) -> Result<Self> {
        if axes.is_empty() || axes.len() > MAX_DIMS {
            return Err(Error::config("axes", format!("{} axes; there may be 1 to {MAX_DIMS}", axes.len())));
        }
        for (i, axis) in axes.iter().enumerate() {
            if let Axis::Interval { low, high } = axis
                && !(low < high && low.is_finite() && high.is_finite())
            {
                return Err(Error::config("axes", format!("axis {i} from {low} to {high} is no interval")));
            }
        }
        Ok(Self { axes })
    }
}

impl ConfigurationSpace for JointSpace {
    fn dims(&self) -> usize {
        self.axes.len()
    }

    fn contains(&self, at: &[f64]) -> bool {
        self.axes.iter().zip(at).all(|(axis, x)| match axis {
            Axis::Interval { low, high } => x >= low && x <= high,
            Axis::Circle => x.is_finite(),
        })
    }

    fn sample(&self, rng: &mut Rng, out: &mut [f64]) {
        for (axis, slot) in self.axes.iter().zip(out) {
            *slot = match axis {
                Axis::Interval { low, high } => rng.uniform_in(*low, *high),
                Axis::Circle => rng.uniform_in(-PI, PI),
            };
        }
    }

    #[inline]
    fn distance(&self, from: &[f64], to: &[f64]) -> f64 {
        let square = |(axis, (a, b)): (&Axis, (&f64, &f64))| axis.difference(*a, *b).powi(2);
        self.axes.iter().zip(from.iter().zip(to)).map(square).sum::<f64>().sqrt()
    }

    fn interpolate(&self, from: &[f64], to: &[f64], share: f64, out: &mut [f64]) {
        for (i, axis) in self.axes.iter().enumerate() {
            out[i] = from[i] + share * axis.difference(from[i], to[i]);
        }
    }

    fn axes(&self) -> Option<&[Axis]> {
        Some(&self.axes)
    }
}
