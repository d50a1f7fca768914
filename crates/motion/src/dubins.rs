//! Dubins paths: the shortest ways of a car that drives forwards and turns no tighter than a radius.
//!
//! Dubins (1957): a shortest path is one of LSL, RSR, LSR, RSL, RLR, LRL (left and right arcs, straight). With the start at the
//! origin, lengths in units of the radius, the goal at distance d, and headings α, β against the line to the goal, the segments
//! (t, p, q) have closed forms (Shkel and Lumelsky, "Classification of the Dubins set", Robotics and Autonomous Systems 34,
//! 2001, section 2). Mirroring the plane exchanges left and right and negates α and β, so three of the six forms suffice.

use std::f64::consts::{PI, TAU};

use worldwright_core::{Error, Result, Rng};

use super::space::{Axis, ConfigurationSpace};

/// Position and heading in radians: x, y, θ.
pub type Pose = [f64; 3];

/// How a segment is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Along an arc to the left.
    Left,
    /// Straight on.
    Straight,
    /// Along an arc to the right.
    Right,
}

use Turn::{Left, Right, Straight};

/// The six words, each followed by its mirror image.
const WORDS: [[Turn; 3]; 6] = [
    [Left, Straight, Left],
    [Right, Straight, Right],
    [Left, Straight, Right],
    [Right, Straight, Left],
    [Right, Left, Right],
    [Left, Right, Left],
];

/// A path of three segments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dubins {
    /// Where it starts.
    pub start: Pose,
    /// The turning radius.
    pub radius: f64,
    /// How each segment is driven.
    pub word: [Turn; 3],
    /// Length of each segment in units of the radius: radians on arcs.
    pub segments: [f64; 3],
}

/// An angle from 0 to 2π; what rounding has put just below a full turn is none.
fn turn(angle: f64) -> f64 {
    let angle = angle.rem_euclid(TAU);
    if angle > TAU - 1e-9 { 0.0 } else { angle }
}

/// LSL.
fn same_side(d: f64, alpha: f64, beta: f64) -> Option<[f64; 3]> {
    let (across, along) = (beta.cos() - alpha.cos(), d + alpha.sin() - beta.sin());
    let p = across.hypot(along);
    // On one circle the straight segment has no direction; the first arc is then the whole way.
    let heading = if p < 1e-12 { beta } else { across.atan2(along) };
    Some([turn(heading - alpha), p, turn(beta - heading)])
}

/// LSR.
fn other_side(d: f64, alpha: f64, beta: f64) -> Option<[f64; 3]> {
    let (across, along) = (-alpha.cos() - beta.cos(), d + alpha.sin() + beta.sin());
    let square = across * across + along * along - 4.0;
    // Circles that touch leave a straight segment of length zero, which rounding may put below it.
    let p = if square < -1e-12 { return None } else { square.max(0.0).sqrt() };
    let heading = across.atan2(along) - (-2.0_f64).atan2(p);
    Some([turn(heading - alpha), p, turn(heading - beta)])
}

/// RLR.
fn three_arcs(d: f64, alpha: f64, beta: f64) -> Option<[f64; 3]> {
    let cosine = (6.0 - d * d + 2.0 * (alpha - beta).cos() + 2.0 * d * (alpha.sin() - beta.sin())) / 8.0;
    if cosine.abs() > 1.0 {
        return None;
    }
    let p = TAU - cosine.acos();
    let t = turn(alpha - (alpha.cos() - beta.cos()).atan2(d - alpha.sin() + beta.sin()) + p / 2.0);
    Some([t, p, turn(alpha - beta - t + p)])
}

impl Dubins {
    /// The paths of all words that exist between two poses, in a fixed order.
    pub fn all(start: Pose, goal: Pose, radius: f64) -> impl Iterator<Item = Self> {
        let (dx, dy) = (goal[0] - start[0], goal[1] - start[1]);
        let d = dx.hypot(dy) / radius;
        let bearing = if d == 0.0 { 0.0 } else { dy.atan2(dx) };
        let (alpha, beta) = (start[2] - bearing, goal[2] - bearing);
        WORDS.into_iter().enumerate().filter_map(move |(i, word)| {
            let (alpha, beta) = if i % 2 == 0 { (alpha, beta) } else { (-alpha, -beta) };
            let segments = [same_side, other_side, three_arcs][i / 2](d, alpha, beta)?;
            Some(Self { start, radius, word, segments })
        })
    }

    /// The shortest path; of equal ones the first in the order LSL, RSR, LSR, RSL, RLR, LRL.
    pub fn shortest(start: Pose, goal: Pose, radius: f64) -> Self {
        let stand = Self { start, radius, word: WORDS[0], segments: [f64::INFINITY; 3] };
        Self::all(start, goal, radius).fold(stand, |best, path| if path.length() < best.length() { path } else { best })
    }

    /// Its length, in the unit of the radius.
    pub fn length(&self) -> f64 {
        self.segments.iter().sum::<f64>() * self.radius
    }

    /// The pose after driving `distance` of it.
    pub fn pose(&self, distance: f64) -> Pose {
        let mut left = (distance / self.radius).max(0.0);
        let [mut x, mut y, mut heading] = self.start;
        for (turn, length) in self.word.into_iter().zip(self.segments) {
            let step = left.min(length);
            left -= step;
            let next = match turn {
                Left => heading + step,
                Straight => heading,
                Right => heading - step,
            };
            let (dx, dy) = match turn {
                Left => (next.sin() - heading.sin(), heading.cos() - next.cos()),
                Straight => (step * heading.cos(), step * heading.sin()),
                Right => (heading.sin() - next.sin(), next.cos() - heading.cos()),
            };
            (x, y, heading) = (x + self.radius * dx, y + self.radius * dy, next);
        }
        [x, y, heading]
    }
}

/// Poses in a rectangle, joined by Dubins paths: a steering function for the sampling planners. Distances depend on direction.
#[derive(Debug, Clone, PartialEq)]
pub struct DubinsSpace {
    low: [f64; 2],
    high: [f64; 2],
    radius: f64,
}

impl DubinsSpace {
    /// Positions between `low` and `high`, any heading, turning radius `radius`.
    ///
    /// # Errors
    /// [`Error::Config`] for a radius that is not positive or an empty rectangle.
    pub fn new(low: [f64; 2], high: [f64; 2], radius: f64) -> Result<Self> {
        if !(radius > 0.0 && radius.is_finite()) {
            return Err(Error::config("radius", format!("{radius} is no turning radius: it must be positive")));
        }
        if !(low[0] < high[0] && low[1] < high[1]) {
            return Err(Error::config("bounds", "the rectangle of positions is empty"));
        }
        Ok(Self { low, high, radius })
    }

    fn between(&self, from: &[f64], to: &[f64]) -> Dubins {
        Dubins::shortest([from[0], from[1], from[2]], [to[0], to[1], to[2]], self.radius)
    }
}

impl ConfigurationSpace for DubinsSpace {
    fn dims(&self) -> usize {
        3
    }

    fn contains(&self, at: &[f64]) -> bool {
        (0..2).all(|dim| at[dim] >= self.low[dim] && at[dim] <= self.high[dim])
    }

    fn sample(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = rng.uniform_in(self.low[0], self.high[0]);
        out[1] = rng.uniform_in(self.low[1], self.high[1]);
        out[2] = rng.uniform_in(-PI, PI);
    }

    fn distance(&self, from: &[f64], to: &[f64]) -> f64 {
        self.between(from, to).length()
    }

    fn interpolate(&self, from: &[f64], to: &[f64], share: f64, out: &mut [f64]) {
        let path = self.between(from, to);
        out.copy_from_slice(&path.pose(share * path.length()));
    }

    fn axes(&self) -> Option<&[Axis]> {
        None
    }
}
