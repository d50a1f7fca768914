//! The upper bound: the fast informed bound, and the sawtooth of points below the corners (Hauskrecht 2000, section 4.2).

use super::graph::Graph;
use crate::blocks::Blocks;
use crate::{Table, Vectors};

/// A point of the sawtooth: a belief by its inverse shares where they are positive, and how far its value is below the corners'.
#[derive(Debug)]
struct Point {
    /// (place, 1 / share), the largest shares first, for they cut soonest.
    inverse: Vec<(u32, f64)>,
    /// `v − c · b`, not positive.
    drop: f64,
}

/// The bound on all parts.
#[derive(Debug)]
pub(super) struct Upper {
    /// Value of each corner, by part.
    corners: Vec<Vec<f64>>,
    /// The fast informed bound's vectors, by part.
    informed: Vec<Vec<Vec<f64>>>,
    points: Vec<Point>,
    /// Entries of all points.
    entries: usize,
    /// The points in use of each part, oldest first.
    parts: Vec<Vec<u32>>,
    /// The newest point of each node; [`NONE`] where it has none.
    newest: Vec<u32>,
}

const NONE: u32 = u32::MAX;
/// A node's bound must fall by this much to become a new point.
const WORTH: f64 = 1e-7;

impl Upper {
    pub(super) fn new(table: &Table, blocks: &Blocks, bound: &Vectors) -> Self {
        let values = |members: &Vec<u32>, action: usize| -> Vec<f64> {
            members.iter().map(|state| bound.of(action)[*state as usize]).collect()
        };
        let informed: Vec<Vec<Vec<f64>>> = blocks
            .members
            .iter()
            .map(|members| (0..table.actions()).map(|action| values(members, action)).collect())
            .collect();
        let corner = |vectors: &Vec<Vec<f64>>, place: usize| {
            vectors.iter().map(|vector| vector[place]).fold(f64::NEG_INFINITY, f64::max)
        };
        let corners = informed.iter().map(|v| (0..v[0].len()).map(|place| corner(v, place)).collect()).collect();
        let parts = vec![Vec::new(); informed.len()];
        Self { corners, parts, informed, points: Vec::new(), entries: 0, newest: Vec::new() }
    }

    /// Bytes of the points.
    pub(super) fn bytes(&self) -> usize {
        self.entries * size_of::<(u32, f64)>() + self.points.len() * size_of::<Point>()
    }

    /// Points in use.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    /// The bound at any belief.
    pub(super) fn value(&self, block: u32, belief: &[f64]) -> f64 {
        self.lowest(block, belief, 0, self.first(block, belief))
    }

    /// The fast informed bound at a belief.
    fn first(&self, block: u32, belief: &[f64]) -> f64 {
        self.informed[block as usize].iter().map(|vector| dot(belief, vector)).fold(f64::NEG_INFINITY, f64::max)
    }

    /// The least of `bound` and what the points from number `from` on say.
    fn lowest(&self, block: u32, belief: &[f64], from: u64, mut bound: f64) -> f64 {
        let points = &self.parts[block as usize];
        if points.last().is_none_or(|newest| u64::from(*newest) < from) {
            return bound;
        }
        let corners = dot(belief, &self.corners[block as usize]);
        for point in points.iter().rev().take_while(|point| u64::from(**point) >= from) {
            let point = &self.points[*point as usize];
            // The point lowers the bound only while the ratio stays above this.
            let needed = (bound - corners) / point.drop;
            let mut ratio = 1.0_f64;
            for (place, inverse) in &point.inverse {
                ratio = ratio.min(belief[*place as usize] * inverse);
                if ratio <= needed {
                    break;
                }
            }
            if ratio > needed {
                bound = corners + ratio * point.drop;
            }
        }
        bound
    }

    /// Holds a node against newer points.
    #[inline]
    pub(super) fn refresh(&self, graph: &mut Graph, node: u32) {
        let end = self.points.len() as u64;
        let (block, seen, bound) = {
            let node = &graph.nodes[node as usize];
            (node.block, node.points_seen, node.upper)
        };
        if seen == end && bound.is_finite() {
            return;
        }
        let belief = graph.belief(node);
        let start = if bound.is_finite() { bound } else { self.first(block, belief) };
        let upper = self.lowest(block, belief, seen, start);
        let node = &mut graph.nodes[node as usize];
        (node.upper, node.points_seen) = (upper, end);
    }

    /// Lowers a node's bound to `value`, where that is lower, and makes a point of it.
    pub(super) fn lower_to(&mut self, graph: &mut Graph, node: u32, value: f64) {
        let (block, before) = (graph.nodes[node as usize].block, graph.nodes[node as usize].upper);
        if value >= before - WORTH {
            return;
        }
        graph.nodes[node as usize].upper = value;
        let belief = graph.belief(node);
        let drop = value - dot(belief, &self.corners[block as usize]);
        if drop >= 0.0 {
            return;
        }
        self.newest.resize(graph.nodes.len().max(self.newest.len()), NONE);
        let number = self.points.len() as u32;
        let part = &mut self.parts[block as usize];
        let old = std::mem::replace(&mut self.newest[node as usize], number);
        let inverse = if old == NONE {
            let mut inverse: Vec<(u32, f64)> = belief
                .iter()
                .enumerate()
                .filter(|(_, share)| **share > 0.0)
                .map(|(place, share)| (place as u32, 1.0 / share))
                .collect();
            self.entries += inverse.len();
            inverse.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            inverse
        } else {
            // The node's older point says less everywhere.
            part.retain(|point| *point != old);
            std::mem::take(&mut self.points[old as usize].inverse)
        };
        part.push(number);
        self.points.push(Point { inverse, drop });
    }
}

#[inline]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
