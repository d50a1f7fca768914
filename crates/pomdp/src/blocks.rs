//! What is always known of the state: the finest partition of the states such that every belief that can arise lies within one part.
//!
//! From the support of the first belief on, all states that one (part, action, observation) can lead to belong to one part; parts
//! are joined until that holds. In RockSample the parts are the rover's places, 256 states each out of 12,545: beliefs and
//! alpha vectors are then 256 numbers long. This finds by itself what Ong, Png, Hsu and Lee ("Planning under Uncertainty for Robotic
//! Tasks with Mixed Observability", 2010) have to be told. A problem without such structure is one part.

use std::collections::HashMap;

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
    /// The group of each place of (part, action), where several places share one.
    groups: Vec<Option<Groups>>,
    branches: Vec<Branch>,
}

/// What one observation after an action in a part leads to.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) observation: u32,
    /// The part that it leads to.
    pub(super) block: u32,
    /// (group before, place after, probability), sorted by the group before.
    pub(super) moves: Vec<(u32, u32, f64)>,
}

/// Places that an action treats alike, since their states share a row of the table. Elsewhere each place is a group of its own.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) of: Vec<u32>,
    pub(super) count: usize,
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
        // The first state seen of each (part, observation) after an action, which later ones are joined with.
        let mut seen: HashMap<(u32, u32), u32> = HashMap::new();
        // The part from which each row was followed last: from the same part it leads nowhere else.
        let mut followed = vec![NONE; table.rows()];
        loop {
            let mut changed = false;
            followed.fill(NONE);
            for action in 0..table.actions() {
                seen.clear();
                for state in 0..states {
                    if !reached[state] {
                        continue;
                    }
                    let (part, row) = (union.root(state as u32), table.row_of(state, action));
                    if std::mem::replace(&mut followed[row], part) == part {
                        continue;
                    }
                    for way in table.row(row).iter().filter(|way| way.probability > 0.0) {
                        changed |= !std::mem::replace(&mut reached[way.next as usize], true);
                        let first = *seen.entry((part, way.observation)).or_insert(way.next);
                        changed |= union.join(first, way.next);
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
        let mut blocks = Self { of, local, members, first_branch: vec![0], groups: Vec::new(), branches: Vec::new() };
        blocks.fill(table);
        blocks
    }

    fn fill(&mut self, table: &Table) {
        // The branch of each observation, and the group of each row, while a (part, action) is filled.
        let mut branch_of = vec![NONE; table.observations()];
        let mut group_of: HashMap<usize, u32> = HashMap::new();
        for part in 0..self.members.len() {
            for action in 0..table.actions() {
                let begin = self.branches.len();
                group_of.clear();
                let mut groups = Vec::with_capacity(self.members[part].len());
                for state in &self.members[part] {
                    let row = table.row_of(*state as usize, action);
                    let next = group_of.len() as u32;
                    let group = *group_of.entry(row).or_insert(next);
                    groups.push(group);
                    if group < next {
                        continue;
                    }
                    for way in table.row(row).iter().filter(|way| way.probability > 0.0) {
                        let moved = (group, self.local[way.next as usize], way.probability);
                        let slot = &mut branch_of[way.observation as usize];
                        if *slot == NONE {
                            *slot = self.branches.len() as u32;
                            let (observation, block) = (way.observation, self.of[way.next as usize]);
                            self.branches.push(Branch { observation, block, moves: Vec::new() });
                        }
                        self.branches[*slot as usize].moves.push(moved);
                    }
                }
                let count = group_of.len();
                self.groups.push((count < groups.len()).then_some(Groups { of: groups, count }));
                self.branches[begin..].iter().for_each(|branch| branch_of[branch.observation as usize] = NONE);
                self.branches[begin..].sort_by_key(|branch| branch.observation);
                self.first_branch.push(self.branches.len() as u32);
            }
        }
    }

    /// The groups of a part's places for an action, where several places share one.
    #[inline]
    pub(super) fn groups(&self, block: u32, action: usize, actions: usize) -> Option<&Groups> {
        self.groups[block as usize * actions + action].as_ref()
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
