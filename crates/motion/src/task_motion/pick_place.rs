//! Pick and place in the plane: a disc robot that carries discs between walls, as geometry and as a symbolic task.
//!
//! Facts: `hand-empty`, `holding(o)`, `home(o)` (untouched) and `in(o, r)`. Operators: `pick(o)` from home or from a region, and
//! `place(o, r)`. The symbolic task knows nothing of what stands in the way.

use worldwright_core::{Error, Result};

use crate::{Convex, DiscsScene, Obstacles, Point, Shape};

use super::strips::{FactSet, Operator, Strips};

/// A disc that can be carried.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// Where it stands at first.
    pub home: Point,
    /// Its radius.
    pub radius: f64,
}

/// A rectangle in which objects can be put down, wholly inside.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// Its lowest corner.
    pub low: Point,
    /// Its highest corner.
    pub high: Point,
}

/// Robot, walls, objects and regions.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// Lowest corner of the room; the discs may not reach beyond.
    pub low: Point,
    /// Highest corner.
    pub high: Point,
    /// Walls, which nothing touches.
    pub walls: Vec<Shape>,
    /// Radius of the robot.
    pub robot: f64,
    /// Where the robot stands at first.
    pub start: Point,
    /// Air between the robot and what it grasps.
    pub gap: f64,
    /// What can be carried.
    pub objects: Vec<Object>,
    /// Where things can be put.
    pub regions: Vec<Region>,
    /// Which object is to be in which region, by numbers.
    pub goal: Vec<(usize, usize)>,
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placement {
    pub(super) robot: Point,
    pub(super) objects: Vec<Point>,
    /// The object in the hand and its offset from the robot.
    pub(super) held: Option<(usize, Point)>,
}

impl World {
    /// Checks numbers and the first placement.
    ///
    /// # Errors
    /// [`Error::Config`] that names what is wrong.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str, why: String| Err(Error::config(what.to_owned(), why));
        if let Some(object) = self.objects.iter().find(|object| !(object.radius > 0.0 && object.radius.is_finite())) {
            return wrong("radius", format!("object '{}' has radius {}", object.name, object.radius));
        }
        if !(self.robot > 0.0 && self.gap > 0.0) {
            return wrong("robot", "its radius and the gap of its grasp must be positive".to_owned());
        }
        let widest = self.objects.iter().map(|object| object.radius).fold(0.0, f64::max);
        let needed = 2.0 * (self.robot + self.gap + 2.0 * widest);
        if (0..2).any(|d| self.high[d] - self.low[d] <= needed) {
            return wrong("room", format!("robot and largest object need {needed} in either direction"));
        }
        if let Some((o, r)) = self.goal.iter().find(|(o, r)| *o >= self.objects.len() || *r >= self.regions.len()) {
            return wrong("goal", format!("object {o} in region {r}: there is no such object or region"));
        }
        let first = self.first();
        for (i, object) in self.objects.iter().enumerate() {
            if !self.disc_fits(object.home, object.radius, &first, |j| j != i) {
                return wrong("objects", format!("'{}' stands in a wall, beyond the room or in another", object.name));
            }
        }
        if !self.disc_fits(self.start, self.robot, &first, |_| true) {
            return wrong("start", "the robot stands in a wall, beyond the room or in an object".to_owned());
        }
        Ok(())
    }

    pub(super) fn first(&self) -> Placement {
        let objects = self.objects.iter().map(|object| object.home).collect();
        Placement { robot: self.start, objects, held: None }
    }

    /// Whether a disc lies in the room and touches no wall and none of the objects that `count`.
    pub(super) fn disc_fits(
        &self,
        at: Point,
        radius: f64,
        placement: &Placement,
        counts: impl Fn(usize) -> bool,
    ) -> bool {
        let core = [at];
        let disc = Convex { core: &core, radius };
        (0..2).all(|d| at[d] - radius >= self.low[d] && at[d] + radius <= self.high[d])
            && !self.walls.iter().any(|wall| wall.as_convex().touches(&disc))
            && !self.touched(at, radius, placement).any(counts)
    }

    /// The objects, other than the held one, that a disc touches.
    pub(super) fn touched<'a>(
        &'a self,
        at: Point,
        radius: f64,
        placement: &'a Placement,
    ) -> impl Iterator<Item = usize> + 'a {
        let held = placement.held.map(|(object, _)| object);
        self.objects.iter().enumerate().zip(&placement.objects).filter_map(move |((i, object), centre)| {
            let near = (at[0] - centre[0]).hypot(at[1] - centre[1]) <= radius + object.radius;
            (Some(i) != held && near).then_some(i)
        })
    }

    /// The discs of the robot and of what it holds.
    pub(super) fn discs(&self, held: Option<(usize, Point)>) -> Vec<(Point, f64)> {
        let carried = held.map(|(object, offset)| (offset, self.objects[object].radius));
        std::iter::once(([0.0; 2], self.robot)).chain(carried).collect()
    }

    /// The scene in which the robot moves with what it holds, among walls and the objects that `count`. Obstacle `i` beyond the
    /// walls is the `i`-th of these objects.
    pub(super) fn scene(&self, placement: &Placement, counts: impl Fn(usize) -> bool) -> Result<DiscsScene> {
        let discs = self.discs(placement.held);
        // The reference point's bounds keep every disc inside.
        let reach = |d: usize, sign: f64| {
            discs.iter().map(|(offset, radius)| sign * offset[d] + radius).fold(f64::NEG_INFINITY, f64::max)
        };
        let low = [self.low[0] + reach(0, -1.0), self.low[1] + reach(1, -1.0)];
        let high = [self.high[0] - reach(0, 1.0), self.high[1] - reach(1, 1.0)];
        let held = placement.held.map(|(object, _)| object);
        let others = (0..self.objects.len()).filter(|i| Some(*i) != held && counts(*i));
        let others = others.map(|i| Shape::disc(placement.objects[i], self.objects[i].radius));
        DiscsScene::new(low, high, &discs, Obstacles::new(self.walls.iter().cloned().chain(others).collect()))
    }
}

/// What an operator of the task means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Pick { object: usize, from_home: bool },
    Place { object: usize, region: usize },
}

/// A world with its symbolic task.
#[derive(Debug, Clone)]
pub struct PickPlace {
    /// The geometry.
    pub world: World,
    /// The task.
    pub task: Strips,
    pub(super) meanings: Vec<Meaning>,
}

impl PickPlace {
    /// Makes the symbolic task of a world.
    ///
    /// # Errors
    /// As [`World::check`].
    pub fn new(world: World) -> Result<Self> {
        world.check()?;
        let (n, m) = (world.objects.len(), world.regions.len());
        let count = 1 + n * (2 + m);
        let inside = |object: usize, region: usize| 1 + 2 * n + object * m + region;
        let mut facts = vec!["hand-empty".to_owned()];
        facts.extend(world.objects.iter().map(|object| format!("holding({})", object.name)));
        facts.extend(world.objects.iter().map(|object| format!("home({})", object.name)));
        for object in &world.objects {
            facts.extend(world.regions.iter().map(|region| format!("in({}, {})", object.name, region.name)));
        }
        let set = |facts: &[usize]| FactSet::new(count, facts);
        let (mut operators, mut meanings) = (Vec::new(), Vec::new());
        let mut operator = |name: String, requires: &[usize], adds: &[usize], deletes: &[usize], meaning: Meaning| {
            let [requires, adds, deletes] = [requires, adds, deletes].map(set);
            operators.push(Operator { name, requires, forbids: set(&[]), adds, deletes, cost: 1.0 });
            meanings.push(meaning);
        };
        for (i, object) in world.objects.iter().enumerate() {
            let (holding, home) = (1 + i, Self::home_fact(n, i));
            let meaning = Meaning::Pick { object: i, from_home: true };
            operator(format!("pick({})", object.name), &[0, home], &[holding], &[0, home], meaning);
            for (r, region) in world.regions.iter().enumerate() {
                let name = format!("pick({}, {})", object.name, region.name);
                let meaning = Meaning::Pick { object: i, from_home: false };
                operator(name, &[0, inside(i, r)], &[holding], &[0, inside(i, r)], meaning);
                let name = format!("place({}, {})", object.name, region.name);
                let meaning = Meaning::Place { object: i, region: r };
                operator(name, &[holding], &[0, inside(i, r)], &[holding], meaning);
            }
        }
        let homes: Vec<usize> = std::iter::once(0).chain((0..n).map(|i| Self::home_fact(n, i))).collect();
        let goal: Vec<usize> = world.goal.iter().map(|(object, region)| inside(*object, *region)).collect();
        let task = Strips { facts, operators, initial: set(&homes), goal: set(&goal) };
        Ok(Self { world, task, meanings })
    }

    /// The fact that object `i` of `n` is where it was at first.
    pub(super) fn home_fact(n: usize, i: usize) -> usize {
        1 + n + i
    }
}
