//! RRT* (Karaman and Frazzoli, "Sampling-based algorithms for optimal motion planning", IJRR 30, 2011, algorithm 6): a tree from the
//! start whose new nodes take the best parent among the near ones and become parents of those that they serve better; its
//! cost converges to the optimum.
//!
//! Near means within `min(γ (ln n / n)^{1/d}, step)` of n nodes in d dimensions. Samples lie where a path through them could still
//! be shorter than the best (by distances from the start and to the goal), the informed subset of Gammell et al. 2014, drawn
//! by rejection.

use worldwright_core::{Result, Rng};

use super::MAX_DIMS;
use super::path::Path;
use super::rrt_connect::{MotionReport, ends_are_sound};
use super::scene::Scene;

/// The planner's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RrtStar {
    /// How far one extension reaches, in the space's distance.
    pub step: f64,
    /// γ of the radius; larger than `2 (1 + 1/d)^{1/d} (free volume / unit ball)^{1/d}` it converges to the optimum.
    pub gamma: f64,
    /// Samples.
    pub iterations: usize,
    /// Share of samples that are the goal itself.
    pub goal_bias: f64,
}

impl Default for RrtStar {
    fn default() -> Self {
        Self { step: 1.0, gamma: 6.0, iterations: 3000, goal_bias: 0.05 }
    }
}

struct Node {
    at: Vec<f64>,
    parent: usize,
    cost: f64,
    children: Vec<usize>,
}

impl RrtStar {
    /// The best free path that the samples gave.
    ///
    /// # Errors
    /// As [`RrtConnect::plan`](super::RrtConnect::plan).
    pub fn plan(&self, scene: &dyn Scene, start: &[f64], goal: &[f64], rng: &mut Rng) -> Result<MotionReport> {
        let mut report = MotionReport::default();
        if !ends_are_sound(scene, start, goal)? {
            return Ok(report);
        }
        let space = scene.space();
        let dims = start.len();
        let mut nodes = vec![Node { at: start.to_vec(), parent: 0, cost: 0.0, children: Vec::new() }];
        let mut ends: Vec<usize> = Vec::new();
        let (mut sample, mut new) = ([0.0; MAX_DIMS], [0.0; MAX_DIMS]);
        let (sample, new) = (&mut sample[..dims], &mut new[..dims]);
        for i in 0..self.iterations {
            report.iterations = i + 1;
            if ends.is_empty() && rng.uniform() < self.goal_bias {
                sample.copy_from_slice(goal);
            } else {
                space.sample(rng, sample);
            }
            let best = ends.iter().map(|end| nodes[*end].cost + space.distance(&nodes[*end].at, goal));
            let best = best.fold(f64::INFINITY, f64::min);
            if space.distance(start, sample) + space.distance(sample, goal) >= best {
                continue;
            }
            let nearest = (0..nodes.len()).map(|i| (space.distance(&nodes[i].at, sample), i));
            let (distance, nearest) = nearest.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 0));
            space.interpolate(&nodes[nearest].at, sample, (self.step / distance).min(1.0), new);
            if distance == 0.0 || !scene.is_free(new) {
                continue;
            }
            let n = nodes.len() as f64;
            let radius = (self.gamma * (n.ln() / n).powf(1.0 / dims as f64)).min(self.step);
            let Some(parent) = best_parent(scene, &nodes, nearest, radius, new) else { continue };
            let node = nodes.len();
            let cost = nodes[parent].cost + space.distance(&nodes[parent].at, new);
            nodes[parent].children.push(node);
            nodes.push(Node { at: new.to_vec(), parent, cost, children: Vec::new() });
            rewire(scene, &mut nodes, node, radius);
            if space.distance(new, goal) <= self.step && scene.motion_is_free(new, goal) {
                ends.push(node);
            }
        }
        report.nodes = nodes.len();
        let length = |end: usize| nodes[end].cost + space.distance(&nodes[end].at, goal);
        if let Some(end) = ends.into_iter().min_by(|a, b| length(*a).total_cmp(&length(*b))) {
            let mut points = vec![goal.to_vec(), nodes[end].at.clone()];
            let mut at = end;
            while at != 0 {
                at = nodes[at].parent;
                points.push(nodes[at].at.clone());
            }
            points.reverse();
            points.dedup();
            report.path = Some(Path { points });
        }
        Ok(report)
    }
}

/// The near node through which `new` is reached at the least cost, if any is free.
fn best_parent(scene: &dyn Scene, nodes: &[Node], nearest: usize, radius: f64, new: &[f64]) -> Option<usize> {
    let space = scene.space();
    let mut near: Vec<(f64, usize)> = nodes
        .iter()
        .enumerate()
        .map(|(i, node)| (space.distance(&node.at, new), i))
        .filter(|(distance, i)| *distance <= radius || *i == nearest)
        .map(|(distance, i)| (nodes[i].cost + distance, i))
        .collect();
    near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    near.into_iter().map(|(_, i)| i).find(|i| scene.motion_is_free(&nodes[*i].at, new))
}

/// Makes `new` the parent of the near nodes that it serves better, and passes the saving on to all below them.
fn rewire(scene: &dyn Scene, nodes: &mut [Node], new: usize, radius: f64) {
    let space = scene.space();
    for i in 0..new {
        let distance = space.distance(&nodes[new].at, &nodes[i].at);
        let cost = nodes[new].cost + distance;
        if distance > radius || cost >= nodes[i].cost || !scene.motion_is_free(&nodes[new].at, &nodes[i].at) {
            continue;
        }
        let old = nodes[i].parent;
        nodes[old].children.retain(|child| *child != i);
        nodes[i].parent = new;
        nodes[new].children.push(i);
        let saved = nodes[i].cost - cost;
        let mut below = vec![i];
        while let Some(node) = below.pop() {
            nodes[node].cost -= saved;
            below.extend_from_slice(&nodes[node].children);
        }
    }
}
