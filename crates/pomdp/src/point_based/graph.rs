//! The beliefs that were met, each once, with what leads from one to another.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::Table;
use crate::blocks::Blocks;

/// A belief and its bounds.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) block: u32,
    /// Where its numbers begin.
    start: usize,
    len: u32,
    pub(super) lower: f64,
    pub(super) upper: f64,
    /// The vector that gives the lower bound.
    pub(super) alpha: u32,
    /// Vectors and points with smaller numbers were looked at.
    pub(super) alphas_seen: u64,
    pub(super) points_seen: u64,
    /// Where the expansion of this node begins in `Graph::first`; [`UNEXPANDED`] before.
    expansion: u32,
}

const UNEXPANDED: u32 = u32::MAX;

impl Node {
    pub(super) fn is_expanded(&self) -> bool {
        self.expansion != UNEXPANDED
    }
}

/// The graph.
#[derive(Debug)]
pub(super) struct Graph {
    actions: usize,
    pub(super) nodes: Vec<Node>,
    numbers: Vec<f64>,
    /// For each expanded node, where the children of each action begin, and the end.
    first: Vec<u32>,
    rewards: Vec<f64>,
    /// (probability of the observation, child)
    pub(super) children: Vec<(f64, u32)>,
    /// Branch (observation) of each child.
    pub(super) branch: Vec<u32>,
    known: HashMap<u64, u32, BuildHasherDefault<Mixed>>,
    scratch: Vec<f64>,
}

/// Entries that differ by less are the same.
const SAME: f64 = 1e-9;

impl Graph {
    pub(super) fn new(actions: usize) -> Self {
        Self {
            actions,
            nodes: Vec::new(),
            numbers: Vec::new(),
            first: Vec::new(),
            rewards: Vec::new(),
            children: Vec::new(),
            branch: Vec::new(),
            known: HashMap::default(),
            scratch: Vec::new(),
        }
    }

    /// Bytes of what grows.
    pub(super) fn bytes(&self) -> usize {
        // A place of the table of known beliefs is a key, a node and a byte, and some are free.
        self.nodes.len() * (size_of::<Node>() + 32)
            + self.numbers.len() * size_of::<f64>()
            + self.children.len() * (size_of::<(f64, u32)>() + size_of::<u32>())
            + self.first.len() * size_of::<u32>()
            + self.rewards.len() * size_of::<f64>()
    }

    /// The numbers of a node's belief.
    #[inline]
    pub(super) fn belief(&self, node: u32) -> &[f64] {
        let node = &self.nodes[node as usize];
        &self.numbers[node.start..node.start + node.len as usize]
    }

    /// The node of a belief, new where it is.
    pub(super) fn intern(&mut self, block: u32, belief: &[f64]) -> u32 {
        let mut hasher = Mixed::default();
        hasher.write_u64(u64::from(block));
        // Rounded, so that orders of multiplication do not tell beliefs apart. Two that fall on either side of a boundary stay two.
        belief.iter().for_each(|share| hasher.write_u64((share * 1e8).round() as u64));
        let hash = hasher.finish();
        let known = self.known.get(&hash).copied().filter(|known| {
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= SAME;
            self.nodes[*known as usize].block == block && self.belief(*known).iter().zip(belief).all(close)
        });
        known.unwrap_or_else(|| {
            let node = self.nodes.len() as u32;
            self.nodes.push(Node {
                block,
                start: self.numbers.len(),
                len: belief.len() as u32,
                lower: f64::NEG_INFINITY,
                upper: f64::INFINITY,
                alpha: 0,
                alphas_seen: 0,
                points_seen: 0,
                expansion: UNEXPANDED,
            });
            self.numbers.extend_from_slice(belief);
            self.known.entry(hash).or_insert(node);
            node
        })
    }

    /// Expected reward of an action in an expanded node.
    #[inline]
    pub(super) fn reward(&self, node: u32, action: usize) -> f64 {
        let expansion = self.nodes[node as usize].expansion as usize;
        self.rewards[expansion / (self.actions + 1) * self.actions + action]
    }

    /// The places of an action's children.
    #[inline]
    pub(super) fn edges(&self, node: u32, action: usize) -> std::ops::Range<usize> {
        let at = self.nodes[node as usize].expansion as usize + action;
        self.first[at] as usize..self.first[at + 1] as usize
    }

    /// Adds a node's rewards and children.
    pub(super) fn expand(&mut self, node: u32, table: &Table, blocks: &Blocks) {
        let block = self.nodes[node as usize].block;
        let belief = self.belief(node).to_vec();
        self.nodes[node as usize].expansion = self.first.len() as u32;
        let members = &blocks.members[block as usize];
        let mut next = std::mem::take(&mut self.scratch);
        let mut weights = Vec::new();
        for action in 0..self.actions {
            let rewards = belief.iter().zip(members).map(|(share, s)| share * table.reward(*s as usize, action));
            self.rewards.push(rewards.sum());
            self.first.push(self.children.len() as u32);
            let number = blocks.first(block, action, self.actions);
            let grouped = blocks.groups(block, action, self.actions);
            if let Some(groups) = grouped {
                weights.clear();
                weights.resize(groups.count, 0.0);
                groups.of.iter().zip(&belief).for_each(|(group, share)| weights[*group as usize] += share);
            }
            let weights = if grouped.is_some() { &weights } else { &belief };
            for (i, branch) in blocks.branches(block, action, self.actions).iter().enumerate() {
                next.clear();
                next.resize(blocks.members[branch.block as usize].len(), 0.0);
                for (from, to, probability) in &branch.moves {
                    next[*to as usize] += weights[*from as usize] * probability;
                }
                let total: f64 = next.iter().sum();
                if total > 0.0 {
                    next.iter_mut().for_each(|share| *share /= total);
                    let child = self.intern(branch.block, &next);
                    self.children.push((total, child));
                    self.branch.push((number + i) as u32);
                }
            }
        }
        self.first.push(self.children.len() as u32);
        self.scratch = next;
    }
}

/// A hasher without a random seed (the finaliser of splitmix64; Steele, Lea and Flood 2014).
#[derive(Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        let mut z = (self.0 ^ word).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        self.0 = z ^ (z >> 31);
    }
}
