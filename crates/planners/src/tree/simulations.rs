//! The simulations of a round, as paths through their trees: what was chosen, and what was lent to the chosen edges meanwhile.
//!
//! While a simulation is under way, its edges count one visit more, with a return below their mean (the virtual loss; Chaslot, Winands and
//! van den Herik, "Parallel Monte-Carlo Tree Search", 2008), so that others of the same round go elsewhere. The backup
//! takes back exactly what was lent.

use super::length::Question;

/// Simulations side by side, each with room for `longest` edges.
#[derive(Debug, Default)]
pub(super) struct Simulations {
    longest: usize,
    count: usize,
    /// `[simulations]`
    pub(super) tree: Vec<u32>,
    /// The node where the simulation stands.
    pub(super) node: Vec<u32>,
    /// What it asks there, where it shortens.
    pub(super) question: Vec<Question>,
    depth: Vec<u32>,
    /// `[simulations][longest]`
    steps: Vec<Step>,
}

/// An edge of a path.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Step {
    pub(super) node: u32,
    pub(super) edge: u32,
    pub(super) slot: u32,
    /// Return lent to the edge.
    pub(super) lent: f64,
}

impl Simulations {
    pub(super) fn new(capacity: usize, longest: usize) -> Self {
        Self {
            longest,
            count: 0,
            tree: vec![0; capacity],
            node: vec![0; capacity],
            question: vec![Question::default(); capacity],
            depth: vec![0; capacity],
            steps: vec![Step::default(); capacity * longest],
        }
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// A new simulation at a tree's root.
    #[inline]
    pub(super) fn begin(&mut self, tree: usize) -> usize {
        let simulation = self.count;
        self.count += 1;
        self.tree[simulation] = tree as u32;
        self.node[simulation] = 0;
        self.depth[simulation] = 0;
        simulation
    }

    #[inline]
    pub(super) fn depth(&self, simulation: usize) -> usize {
        self.depth[simulation] as usize
    }

    #[inline]
    pub(super) fn push(&mut self, simulation: usize, step: Step) {
        self.steps[simulation * self.longest + self.depth[simulation] as usize] = step;
        self.depth[simulation] += 1;
    }

    /// The last edge taken.
    #[inline]
    pub(super) fn last(&mut self, simulation: usize) -> &mut Step {
        &mut self.steps[simulation * self.longest + self.depth[simulation] as usize - 1]
    }

    /// All edges taken, from the root on.
    #[inline]
    pub(super) fn path(&self, simulation: usize) -> &[Step] {
        &self.steps[simulation * self.longest..][..self.depth[simulation] as usize]
    }
}
