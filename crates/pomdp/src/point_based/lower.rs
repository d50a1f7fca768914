//! The lower bound: alpha vectors, each over one part of the states.

use super::graph::Graph;
use crate::blocks::Blocks;
use crate::{Table, Vectors};

/// The vectors of all parts. A vector that others exceed everywhere leaves its part's list, but its numbers stay, for nodes refer to them.
#[derive(Debug)]
pub(super) struct Lower {
    numbers: Vec<f64>,
    /// (where its numbers begin, action) of each vector.
    vectors: Vec<(usize, u32)>,
    /// The vectors in use of each part, oldest first.
    parts: Vec<Vec<u32>>,
    /// Length of a part's vectors.
    len: Vec<usize>,
    scratch: Vec<f64>,
}

/// A vector must improve a belief by this much to be kept.
const WORTH: f64 = 1e-9;

impl Lower {
    pub(super) fn new(table: &Table, blocks: &Blocks, blind: &Vectors) -> Self {
        let len: Vec<usize> = blocks.members.iter().map(Vec::len).collect();
        let mut lower = Self {
            numbers: Vec::new(),
            vectors: Vec::new(),
            parts: vec![Vec::new(); len.len()],
            len,
            scratch: Vec::new(),
        };
        for (block, members) in blocks.members.iter().enumerate() {
            for action in 0..table.actions() {
                let values: Vec<f64> = members.iter().map(|state| blind.of(action)[*state as usize]).collect();
                lower.add(block as u32, action, &values);
            }
        }
        lower
    }

    /// Bytes of the vectors.
    pub(super) fn bytes(&self) -> usize {
        self.numbers.len() * size_of::<f64>() + self.vectors.len() * size_of::<(usize, u32)>()
    }

    /// Vectors in use.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    pub(super) fn action(&self, alpha: u32) -> usize {
        self.vectors[alpha as usize].1 as usize
    }

    /// The best vector for a belief, and its value there.
    pub(super) fn best(&self, block: u32, belief: &[f64]) -> (u32, f64) {
        let each = self.parts[block as usize].iter().map(|alpha| (*alpha, dot(belief, self.values(*alpha, block))));
        each.fold((0, f64::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best })
    }

    #[inline]
    fn values(&self, alpha: u32, block: u32) -> &[f64] {
        let start = self.vectors[alpha as usize].0;
        &self.numbers[start..start + self.len[block as usize]]
    }

    /// Holds a node against newer vectors.
    #[inline]
    pub(super) fn refresh(&self, graph: &mut Graph, node: u32) {
        let end = self.vectors.len() as u64;
        let (block, seen) = (graph.nodes[node as usize].block, graph.nodes[node as usize].alphas_seen);
        if seen == end {
            return;
        }
        let (mut best, mut value) = (graph.nodes[node as usize].alpha, graph.nodes[node as usize].lower);
        let belief = graph.belief(node);
        for alpha in self.parts[block as usize].iter().rev().take_while(|alpha| u64::from(**alpha) >= seen) {
            let here = dot(belief, self.values(*alpha, block));
            if here > value {
                (best, value) = (*alpha, here);
            }
        }
        let node = &mut graph.nodes[node as usize];
        (node.alpha, node.lower, node.alphas_seen) = (best, value, end);
    }

    /// Adds the vector of one backup at an expanded node, where it improves the node.
    pub(super) fn backup(&mut self, table: &Table, blocks: &Blocks, graph: &mut Graph, node: u32) {
        let discount = table.discount();
        let mut best = (0, f64::NEG_INFINITY);
        for action in 0..table.actions() {
            let mut value = graph.reward(node, action);
            for edge in graph.edges(node, action) {
                let (probability, child) = graph.children[edge];
                self.refresh(graph, child);
                value += discount * probability * graph.nodes[child as usize].lower;
            }
            if value > best.1 {
                best = (action, value);
            }
        }
        if best.1 <= graph.nodes[node as usize].lower + WORTH {
            return;
        }
        let (block, action) = (graph.nodes[node as usize].block, best.0);
        let members = &blocks.members[block as usize];
        let mut values = std::mem::take(&mut self.scratch);
        let groups = blocks.groups(block, action, table.actions());
        values.clear();
        values.resize(groups.map_or(members.len(), |groups| groups.count), 0.0);
        // Where the belief rules an observation out, no child says which vector follows; any is right, for the new vector is a bound
        // for every belief of the part.
        let first = blocks.first(block, action, table.actions());
        let mut edges = graph.edges(node, action).peekable();
        for (i, branch) in blocks.branches(block, action, table.actions()).iter().enumerate() {
            let seen = edges.next_if(|edge| graph.branch[*edge] as usize == first + i);
            let alpha = match seen {
                Some(edge) => graph.nodes[graph.children[edge].1 as usize].alpha,
                None => self.parts[branch.block as usize][0],
            };
            let next = self.values(alpha, branch.block);
            for (from, to, probability) in &branch.moves {
                values[*from as usize] += probability * next[*to as usize];
            }
        }
        if let Some(groups) = groups {
            values = groups.of.iter().map(|group| values[*group as usize]).collect();
        }
        for (value, state) in values.iter_mut().zip(members) {
            *value = table.reward(*state as usize, action) + discount * *value;
        }
        self.add(block, action, &values);
        self.scratch = values;
        self.refresh(graph, node);
    }

    /// Adds a vector and drops those of its part that it exceeds everywhere.
    fn add(&mut self, block: u32, action: usize, values: &[f64]) {
        let alpha = self.vectors.len() as u32;
        let (numbers, vectors) = (&self.numbers, &self.vectors);
        self.parts[block as usize].retain(|other| {
            let start = vectors[*other as usize].0;
            numbers[start..start + values.len()].iter().zip(values).any(|(old, new)| old > new)
        });
        self.vectors.push((self.numbers.len(), action as u32));
        self.numbers.extend_from_slice(values);
        self.parts[block as usize].push(alpha);
    }
}

/// In eight sums side by side, which vector instructions can take.
#[inline]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f64>() + rest
}
