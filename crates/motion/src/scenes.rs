//! Three kinds of robots among shapes: discs that move without turning, rigid bodies that turn, and planar arms.

use worldwright_core::{Error, Result};

use super::MAX_DIMS;
use super::obstacles::Obstacles;
use super::scene::Scene;
use super::shape::{Convex, Point, Shape};
use super::space::{Axis, ConfigurationSpace, JointSpace};

/// Discs fixed to each other that move in the plane without turning; a configuration is (x, y). Motions are checked exactly: a disc
/// sweeps a capsule.
#[derive(Debug, Clone)]
pub struct DiscsScene {
    space: JointSpace,
    discs: Vec<(Point, f64)>,
    obstacles: Obstacles,
}

impl DiscsScene {
    /// Discs given by offset and radius, whose reference point stays between `low` and `high`.
    ///
    /// # Errors
    /// [`Error::Config`] for an empty rectangle.
    pub fn new(low: Point, high: Point, discs: &[(Point, f64)], obstacles: Obstacles) -> Result<Self> {
        let axes = [0, 1].map(|d| Axis::Interval { low: low[d], high: high[d] });
        Ok(Self { space: JointSpace::new(axes.to_vec())?, discs: discs.to_vec(), obstacles })
    }

    /// Whether sweeping from one configuration to another touches any obstacle that `counts`.
    pub fn sweep_touches(&self, from: &[f64], to: &[f64], counts: impl Fn(usize) -> bool) -> bool {
        self.discs.iter().any(|(offset, radius)| {
            let core = [[from[0] + offset[0], from[1] + offset[1]], [to[0] + offset[0], to[1] + offset[1]]];
            self.obstacles.any_touching(&Convex { core: &core, radius: *radius }, &counts)
        })
    }
}

impl Scene for DiscsScene {
    fn space(&self) -> &dyn ConfigurationSpace {
        &self.space
    }

    fn is_free(&self, at: &[f64]) -> bool {
        self.space.contains(at)
            && !self.discs.iter().any(|(offset, radius)| {
                let core = [[at[0] + offset[0], at[1] + offset[1]]];
                self.obstacles.touches(&Convex { core: &core, radius: *radius })
            })
    }

    fn resolution(&self) -> f64 {
        f64::INFINITY
    }

    fn motion_is_free(&self, from: &[f64], to: &[f64]) -> bool {
        self.space.contains(to) && !self.sweep_touches(from, to, |_| true)
    }
}

/// A body of convex parts that moves and turns; a configuration is (x, y, θ), of a [`JointSpace`] or a
/// [`DubinsSpace`](super::DubinsSpace).
#[derive(Debug, Clone)]
pub struct RigidScene<S> {
    space: S,
    parts: Vec<Shape>,
    obstacles: Obstacles,
    resolution: f64,
}

impl<S: ConfigurationSpace> RigidScene<S> {
    /// A body at the origin with heading 0.
    ///
    /// # Errors
    /// [`Error::Config`] for a space of other than three dimensions or a resolution that is not positive.
    pub fn new(space: S, parts: Vec<Shape>, obstacles: Obstacles, resolution: f64) -> Result<Self> {
        if space.dims() != 3 {
            return Err(Error::config("space", "a rigid body in the plane has the three dimensions x, y and θ"));
        }
        positive(resolution)?;
        Ok(Self { space, parts, obstacles, resolution })
    }
}

fn positive(resolution: f64) -> Result<()> {
    if resolution > 0.0 { Ok(()) } else { Err(Error::config("resolution", "it must be positive")) }
}

impl<S: ConfigurationSpace> Scene for RigidScene<S> {
    fn space(&self) -> &dyn ConfigurationSpace {
        &self.space
    }

    fn is_free(&self, at: &[f64]) -> bool {
        let mut corners = Vec::with_capacity(8);
        self.space.contains(at)
            && self.parts.iter().all(|part| {
                let placed = part.placed([at[0], at[1]], at[2], &mut corners);
                !self.obstacles.touches(&placed)
            })
    }

    fn resolution(&self) -> f64 {
        self.resolution
    }
}

/// An arm of straight links in the plane, fixed at its base; a configuration is the angle of each joint against the link before,
/// in radians. Links may not touch obstacles, nor each other except at their joints.
#[derive(Debug, Clone)]
pub struct ArmScene {
    space: JointSpace,
    base: Point,
    links: Vec<f64>,
    thickness: f64,
    obstacles: Obstacles,
    resolution: f64,
}

impl ArmScene {
    /// An arm with links of these lengths and half that thickness around them; `axes` bounds each joint. `resolution` is in
    /// radians of joint motion.
    ///
    /// # Errors
    /// [`Error::Config`] when axes and links differ in number, and as [`JointSpace::new`].
    pub fn new(
        base: Point,
        links: &[f64],
        thickness: f64,
        axes: Vec<Axis>,
        obstacles: Obstacles,
        resolution: f64,
    ) -> Result<Self> {
        if axes.len() != links.len() {
            let why = format!("{} axes for {} links: one each", axes.len(), links.len());
            return Err(Error::config("axes", why));
        }
        positive(resolution)?;
        Ok(Self { space: JointSpace::new(axes)?, base, links: links.to_vec(), thickness, obstacles, resolution })
    }

    /// Where the base, the joints and the tip are: one point more than links, in `out`.
    pub fn joints<'o>(&self, at: &[f64], out: &'o mut [Point; MAX_DIMS + 1]) -> &'o [Point] {
        let (mut angle, mut point) = (0.0, self.base);
        out[0] = point;
        for (i, length) in self.links.iter().enumerate() {
            angle += at[i];
            point = [point[0] + length * f64::cos(angle), point[1] + length * f64::sin(angle)];
            out[i + 1] = point;
        }
        &out[..=self.links.len()]
    }
}

impl Scene for ArmScene {
    fn space(&self) -> &dyn ConfigurationSpace {
        &self.space
    }

    fn is_free(&self, at: &[f64]) -> bool {
        if !self.space.contains(at) {
            return false;
        }
        let mut joints = [[0.0; 2]; MAX_DIMS + 1];
        let joints = self.joints(at, &mut joints);
        let radius = self.thickness / 2.0;
        let link = |i: usize| Convex { core: &joints[i..i + 2], radius };
        let n = self.links.len();
        (0..n).all(|i| !self.obstacles.touches(&link(i)) && (i + 2..n).all(|j| !link(i).touches(&link(j))))
    }

    fn resolution(&self) -> f64 {
        self.resolution
    }
}
