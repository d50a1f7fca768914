//! Shapes in the plane: convex polygons, discs, segments and anything between, as a convex core grown by a radius.
//!
//! A disc is a point with a radius, a capsule a segment with one, a polygon a core without. Two shapes touch when their cores are
//! no farther apart than the sum of their radii; cores that do not overlap are nearest between two of their edges (Ericson,
//! "Real-Time Collision Detection", 2005, sections 5.1 and 5.4).

use worldwright_core::{Error, Result};

/// A point of the plane.
pub type Point = [f64; 2];

/// A convex core, counter-clockwise, and how far the shape reaches around it.
#[derive(Debug, Clone, Copy)]
pub struct Convex<'a> {
    /// Corners: one for a disc, two for a capsule.
    pub core: &'a [Point],
    /// How far the shape reaches around the core.
    pub radius: f64,
}

/// A shape that owns its corners.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    core: Vec<Point>,
    radius: f64,
}

impl Shape {
    /// A disc.
    pub fn disc(centre: Point, radius: f64) -> Self {
        Self { core: vec![centre], radius }
    }

    /// A segment grown by a radius, which may be zero.
    pub fn capsule(from: Point, to: Point, radius: f64) -> Self {
        Self { core: vec![from, to], radius }
    }

    /// A rectangle along the axes.
    ///
    /// # Errors
    /// [`Error::Config`] unless `low` is below `high` in both dimensions.
    pub fn rectangle(low: Point, high: Point) -> Result<Self> {
        Self::polygon(vec![low, [high[0], low[1]], high, [low[0], high[1]]])
    }

    /// A convex polygon, corners counter-clockwise.
    ///
    /// # Errors
    /// [`Error::Config`] when it has fewer than three corners, is not convex or goes clockwise. Split others into convex parts.
    pub fn polygon(corners: Vec<Point>) -> Result<Self> {
        let n = corners.len();
        let turn = |i: usize| cross(corners[i], corners[(i + 1) % n], corners[(i + 2) % n]);
        // A star turns left everywhere too, but around more than once: its exterior angles say so.
        let angle = |i: usize| {
            let (a, b) = (sub(corners[(i + 1) % n], corners[i]), sub(corners[(i + 2) % n], corners[(i + 1) % n]));
            (a[0] * b[1] - a[1] * b[0]).atan2(dot(a, b))
        };
        if n < 3 || !(0..n).all(|i| turn(i) > 0.0) || (0..n).map(angle).sum::<f64>() > 7.0 {
            let why =
                "a polygon needs three or more corners, counter-clockwise and convex: split others into such parts";
            return Err(Error::config("polygon", why));
        }
        Ok(Self { core: corners, radius: 0.0 })
    }

    /// The same shape, to compare.
    pub fn as_convex(&self) -> Convex<'_> {
        Convex { core: &self.core, radius: self.radius }
    }

    /// The shape turned by `angle` about the origin and then moved by `offset`, its corners written over `out`.
    pub fn placed<'o>(&self, offset: Point, angle: f64, out: &'o mut Vec<Point>) -> Convex<'o> {
        let (sin, cos) = angle.sin_cos();
        out.clear();
        out.extend(
            self.core.iter().map(|p| [offset[0] + cos * p[0] - sin * p[1], offset[1] + sin * p[0] + cos * p[1]]),
        );
        Convex { core: out, radius: self.radius }
    }
}

impl Convex<'_> {
    /// The smallest rectangle around it: lowest and highest corner.
    pub fn bounds(&self) -> [Point; 2] {
        let first = [[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]];
        let [low, high] = self.core.iter().fold(first, |[low, high], p| {
            [[low[0].min(p[0]), low[1].min(p[1])], [high[0].max(p[0]), high[1].max(p[1])]]
        });
        [[low[0] - self.radius, low[1] - self.radius], [high[0] + self.radius, high[1] + self.radius]]
    }

    /// Whether two shapes have a point in common.
    #[inline]
    pub fn touches(&self, other: &Convex<'_>) -> bool {
        distance(self.core, other.core) <= self.radius + other.radius
    }

    fn edges(core: &[Point]) -> impl Iterator<Item = (Point, Point)> + '_ {
        let n = core.len();
        (0..if n > 2 { n } else { 1 }).map(move |i| (core[i], core[(i + 1) % n]))
    }
}

/// How far apart two convex cores are; zero where they overlap.
pub fn distance(a: &[Point], b: &[Point]) -> f64 {
    if inside(b[0], a) || inside(a[0], b) {
        return 0.0;
    }
    let mut least = f64::INFINITY;
    for (p, q) in Convex::edges(a) {
        for (r, s) in Convex::edges(b) {
            least = least.min(segment_distance(p, q, r, s));
        }
    }
    least
}

/// How far apart the segments p–q and r–s are.
pub fn segment_distance(p: Point, q: Point, r: Point, s: Point) -> f64 {
    let crossing = (cross(p, q, r) > 0.0) != (cross(p, q, s) > 0.0) && (cross(r, s, p) > 0.0) != (cross(r, s, q) > 0.0);
    if crossing {
        return 0.0;
    }
    let ends = [point_segment(p, r, s), point_segment(q, r, s), point_segment(r, p, q), point_segment(s, p, q)];
    ends.into_iter().fold(f64::INFINITY, f64::min).sqrt()
}

/// Squared distance of a point from the segment a–b.
fn point_segment(p: Point, a: Point, b: Point) -> f64 {
    let (along, to) = (sub(b, a), sub(p, a));
    let square = dot(along, along);
    let share = if square > 0.0 { (dot(to, along) / square).clamp(0.0, 1.0) } else { 0.0 };
    let rest = [to[0] - share * along[0], to[1] - share * along[1]];
    dot(rest, rest)
}

fn inside(p: Point, core: &[Point]) -> bool {
    core.len() > 2 && Convex::edges(core).all(|(a, b)| cross(a, b, p) >= 0.0)
}

fn sub(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}

fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

/// Twice the signed area of the triangle a, b, c: positive when it turns left.
fn cross(a: Point, b: Point, c: Point) -> f64 {
    let (u, v) = (sub(b, a), sub(c, a));
    u[0] * v[1] - u[1] * v[0]
}
