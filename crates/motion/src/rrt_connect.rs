//! RRT-Connect (Kuffner and LaValle, "RRT-Connect: An efficient approach to single-query path planning", ICRA 2000).
//!
//! Two trees grow from start and goal. One extends by a step towards a random sample; the other then connects: it extends towards
//! the new node until it reaches it or is stopped. Then they change roles. Local paths may depend on direction (Dubins), so the
//! goal's tree is grown backwards: its edges run from the new node to the old one.

use worldwright_core::{Error, Result, Rng};

use super::MAX_DIMS;
use super::nearest::{KdTree, LinearScan, Nearest};
use super::path::Path;
use super::scene::Scene;
use super::space::Axis;

/// The planner's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RrtConnect {
    /// How far one extension reaches, in the space's distance.
    pub step: f64,
    /// Samples before it gives up.
    pub iterations: usize,
    /// Attempts to shorten what was found; none leaves it as it is.
    pub shortcuts: usize,
}

impl Default for RrtConnect {
    fn default() -> Self {
        Self { step: 0.5, iterations: 5000, shortcuts: 100 }
    }
}

/// What a search gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MotionReport {
    /// A free path, where one was found: none proves nothing.
    pub path: Option<Path>,
    /// Samples drawn.
    pub iterations: usize,
    /// Configurations in both trees.
    pub nodes: usize,
    /// Whether it gave up because they hold as many as they may.
    pub full: bool,
}

/// Configurations that a search may hold: half a gigabyte of them in the plane.
pub const MOST_CONFIGURATIONS: usize = 10_000_000;

/// Checks both ends of a search.
///
/// # Errors
/// [`Error::Shape`] for other dimensions than the space's, [`Error::NotInSpace`] for a start or goal that is not finite.
pub(super) fn ends_are_sound(scene: &dyn Scene, start: &[f64], goal: &[f64]) -> Result<bool> {
    for (what, at) in [("start", start), ("goal", goal)] {
        if at.len() != scene.space().dims() {
            return Err(Error::shape(what, &[scene.space().dims()], &[at.len()]));
        }
        if !at.iter().all(|x| x.is_finite()) {
            return Err(Error::NotInSpace { what: what.into(), reason: format!("{at:?} is not finite") });
        }
    }
    Ok(scene.is_free(start) && scene.is_free(goal))
}

impl RrtConnect {
    /// Looks for a free path. The answer depends on the arguments and the generator's place alone.
    ///
    /// # Errors
    /// [`Error::Shape`] for other dimensions than the space's, [`Error::NotInSpace`] for a start or goal that is not finite,
    /// [`Error::Config`] for a step so short that one way across the space fills the trees. A start or goal that collides is no error:
    /// there is no path then.
    pub fn plan(&self, scene: &dyn Scene, start: &[f64], goal: &[f64], rng: &mut Rng) -> Result<MotionReport> {
        let mut report = MotionReport::default();
        if !ends_are_sound(scene, start, goal)? {
            return Ok(report);
        }
        self.check_step(scene, start, goal)?;
        if scene.motion_is_free(start, goal) {
            report.path = Some(Path { points: vec![start.to_vec(), goal.to_vec()] });
            return Ok(report);
        }
        let dims = start.len();
        let mut sample = [0.0; MAX_DIMS];
        let mut trees = [Tree::new(scene, start, false), Tree::new(scene, goal, true)];
        for i in 0..self.iterations {
            report.full = trees.iter().map(|tree| tree.parents.len()).sum::<usize>() >= MOST_CONFIGURATIONS;
            if report.full {
                break;
            }
            report.iterations = i + 1;
            scene.space().sample(rng, &mut sample[..dims]);
            let [a, b] = &mut trees;
            let (extending, connecting) = if i % 2 == 0 { (a, b) } else { (b, a) };
            let Some(new) = extending.extend(scene, self.step, &sample[..dims]).node() else { continue };
            let mut target = [0.0; MAX_DIMS];
            target[..dims].copy_from_slice(extending.points.point(new));
            if let Some(met) = connecting.connect(scene, self.step, &target[..dims]) {
                let (from_start, from_goal) = if i % 2 == 0 { (new, met) } else { (met, new) };
                let mut points = trees[0].to_root(from_start);
                points.reverse();
                // Both trees hold the configuration where they met.
                points.extend(trees[1].to_root(from_goal).into_iter().skip(1));
                let mut path = Path { points };
                path.shorten(scene, self.shortcuts, rng);
                report.path = Some(path);
                break;
            }
        }
        report.nodes = trees.iter().map(|tree| tree.parents.len()).sum();
        Ok(report)
    }

    fn check_step(&self, scene: &dyn Scene, start: &[f64], goal: &[f64]) -> Result<()> {
        let ways = scene.space().axes().map(|axes| axes.iter().map(Axis::span));
        let across = ways.map_or(0.0, |spans| spans.map(|span| span * span).sum::<f64>().sqrt());
        let steps = across.max(scene.space().distance(start, goal)) / self.step;
        if steps <= MOST_CONFIGURATIONS as f64 / 2.0 {
            return Ok(());
        }
        let why = format!(
            "{} is too short: one way across takes {steps:.0} steps, and a search holds at most {MOST_CONFIGURATIONS}",
            self.step
        );
        Err(Error::config("step", why))
    }
}

/// What one extension did.
enum Extension {
    Reached(usize),
    Advanced(usize),
    Trapped,
}

impl Extension {
    fn node(&self) -> Option<usize> {
        match self {
            Self::Reached(node) | Self::Advanced(node) => Some(*node),
            Self::Trapped => None,
        }
    }
}

struct Tree {
    points: Box<dyn Nearest>,
    parents: Vec<u32>,
    /// Whether edges run from new nodes to old ones.
    backwards: bool,
}

impl Tree {
    fn new(scene: &dyn Scene, root: &[f64], backwards: bool) -> Self {
        let mut points: Box<dyn Nearest> = match scene.space().axes() {
            Some(axes) => Box::new(KdTree::new(axes)),
            None => Box::new(LinearScan::new(root.len())),
        };
        points.insert(root);
        Self { points, parents: vec![0], backwards }
    }

    /// One step from the nearest node towards `target`.
    fn extend(&mut self, scene: &dyn Scene, step: f64, target: &[f64]) -> Extension {
        let near = self.points.nearest(scene.space(), target, self.backwards);
        self.extend_from(scene, step, near, target)
    }

    fn extend_from(&mut self, scene: &dyn Scene, step: f64, near: usize, target: &[f64]) -> Extension {
        let space = scene.space();
        let from = self.points.point(near);
        let distance = if self.backwards { space.distance(target, from) } else { space.distance(from, target) };
        let mut new = [0.0; MAX_DIMS];
        let new = &mut new[..target.len()];
        let reached = distance <= step;
        match (reached, self.backwards) {
            (true, _) => new.copy_from_slice(target),
            (false, false) => space.interpolate(from, target, step / distance, new),
            (false, true) => space.interpolate(target, from, 1.0 - step / distance, new),
        }
        // A step too short for the numbers leads nowhere.
        if !reached && new == from {
            return Extension::Trapped;
        }
        let free = scene.is_free(new)
            && if self.backwards { scene.motion_is_free(new, from) } else { scene.motion_is_free(from, new) };
        if !free {
            return Extension::Trapped;
        }
        self.points.insert(new);
        self.parents.push(near as u32);
        let node = self.parents.len() - 1;
        if reached { Extension::Reached(node) } else { Extension::Advanced(node) }
    }

    /// Steps towards `target` until it is reached (its node here) or something is in the way.
    fn connect(&mut self, scene: &dyn Scene, step: f64, target: &[f64]) -> Option<usize> {
        let mut extension = self.extend(scene, step, target);
        loop {
            match extension {
                Extension::Reached(node) => return Some(node),
                Extension::Trapped => return None,
                Extension::Advanced(node) => extension = self.extend_from(scene, step, node, target),
            }
        }
    }

    /// The configurations from a node to the root.
    fn to_root(&self, mut node: usize) -> Vec<Vec<f64>> {
        let mut points = vec![self.points.point(node).to_vec()];
        while node > 0 {
            node = self.parents[node] as usize;
            points.push(self.points.point(node).to_vec());
        }
        points
    }
}
