//! What is always known of the state: the finest partition of the states such that every belief that can arise lies within one part.
//!
//! From the support of the first belief on, all states that one (part, action, observation) can lead to belong to one part; parts
//! are joined until that holds. In RockSample the parts are the rover's places, 256 states each out of 12,545: beliefs and
//! alpha vectors are then 256 numbers long. This finds by itself what Ong, Png, Hsu and Lee ("Planning under Uncertainty for Robotic
//! Tasks with Mixed Observability", 2010) have to be told. A problem without such structure is one part.

use super::Table;

/// No part: a state that cannot be reached.
pub(super) const NONE: u32 = u32::MAX;

/// The partition, and the table sorted by it.
#[derive(Debug)]
pub(super) struct Blocks {
    /// Part of each state.
    pub(super) of: Vec<u32>,
    /// Place of each state within its part.
    pub(super) local: Vec<u32>,
    /// The states of each part, ascending.
    pub(super) members: Vec<Vec<u32>>,
    /// Where (part, action)'s branches begin.
    first_branch: Vec<u32>,
    branches: Vec<Branch>,
}

/// What one observation after an action in a part leads to.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) observation: u32,
    /// The part that it leads to.
    pub(super) block: u32,
    /// (place before, place after, probability), sorted by the place before.
    pub(super) moves: Vec<(u32, u32, f64)>,
}

struct Union(Vec<u32>);

impl Union {
    fn root(&mut self, mut of: u32) -> u32 {
        while self.0[of as usize] != of {
            self.0[of as usize] = self.0[self.0[of as usize] as usize];
            of = self.0[of as usize];
        }
        of
    }

    /// Joins two parts under the smaller number; tells whether they were apart.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
        a != b
    }
}

impl Blocks {
    pub(super) fn new(table: &Table) -> Self {
        let states = table.states();
        let mut union = Union((0..states as u32).collect());
        let mut reached = vec![false; states];
        let support: Vec<usize> = (0..states).filter(|state| table.initial()[*state] > 0.0).collect();
        for state in &support {
            union.join(support[0] as u32, *state as u32);
            reached[*state] = true;
        }
        // The first state seen of each (part, action, observation), which later ones are joined with.
        let mut seen = vec![NONE; states * table.observations()];
        loop {
            let mut changed = false;
            for action in 0..table.actions() {
                seen.fill(NONE);
                for state in 0..states {
                    if !reached[state] {
                        continue;
                    }
                    let part = union.root(state as u32) as usize;
                    for way in table.ways(state, action).iter().filter(|way| way.probability > 0.0) {
                        changed |= !std::mem::replace(&mut reached[way.next as usize], true);
                        let slot = &mut seen[part * table.observations() + way.observation as usize];
                        if *slot == NONE {
                            *slot = way.next;
                        }
                        changed |= union.join(*slot, way.next);
                    }
                }
            }
            if !changed {
                break;
            }
        }
        let (mut of, mut local, mut members) = (vec![NONE; states], vec![0; states], Vec::<Vec<u32>>::new());
        for state in (0..states).filter(|state| reached[*state]) {
            let root = union.root(state as u32) as usize;
            // Roots are the smallest of their part, so they come first.
            if root == state {
                of[state] = members.len() as u32;
                members.push(Vec::new());
            }
            of[state] = of[root];
            let part = &mut members[of[root] as usize];
            local[state] = part.len() as u32;
            part.push(state as u32);
        }
        let mut blocks = Self { of, local, members, first_branch: vec![0], branches: Vec::new() };
        blocks.fill(table);
        blocks
    }

    fn fill(&mut self, table: &Table) {
        for part in 0..self.members.len() {
            for action in 0..table.actions() {
                let begin = self.branches.len();
                for (place, state) in self.members[part].iter().enumerate() {
                    for way in table.ways(*state as usize, action).iter().filter(|way| way.probability > 0.0) {
                        let block = self.of[way.next as usize];
                        let moved = (place as u32, self.local[way.next as usize], way.probability);
                        let known = self.branches[begin..].iter_mut().find(|b| b.observation == way.observation);
                        match known {
                            Some(branch) => branch.moves.push(moved),
                            None => {
                                let observation = way.observation;
                                self.branches.push(Branch { observation, block, moves: vec![moved] });
                            }
                        }
                    }
                }
                self.branches[begin..].sort_by_key(|branch| branch.observation);
                self.first_branch.push(self.branches.len() as u32);
            }
        }
    }

    /// What an action in a part may lead to.
    #[inline]
    pub(super) fn branches(&self, block: u32, action: usize, actions: usize) -> &[Branch] {
        let row = block as usize * actions + action;
        &self.branches[self.first_branch[row] as usize..self.first_branch[row + 1] as usize]
    }

    /// Number of the (part, action)'s first branch.
    pub(super) fn first(&self, block: u32, action: usize, actions: usize) -> usize {
        self.first_branch[block as usize * actions + action] as usize
    }

    /// A belief over all states as its part and the numbers within; `None` where it lies in no single part.
    pub(super) fn localise(&self, belief: &[f64], out: &mut Vec<f64>) -> Option<u32> {
        let first = belief.iter().position(|share| *share > 0.0)?;
        let block = self.of[first];
        if block == NONE {
            return None;
        }
        let inside: f64 = self.members[block as usize].iter().map(|state| belief[*state as usize]).sum();
        let total: f64 = belief.iter().sum();
        if (inside - total).abs() > 1e-9 * total {
            return None;
        }
        out.clear();
        out.extend(self.members[block as usize].iter().map(|state| belief[*state as usize] / total));
        Some(block)
    }
}
