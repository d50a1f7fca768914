//! The tree of histories: a structure of arrays, sized once.
//!
//! An edge is (node, action); its value, its visits and `1/√visits` lie in rows of the node, so that the bound of all actions is one
//! multiplication and addition a lane. Children are found by (edge, observation) in a table of open addressing.

use worldwright_core::pomdp::Actions;

/// Lanes compared side by side.
const LANES: usize = 8;
/// `1/√visits` of an action that was never tried: it comes before all that were.
const UNTRIED: f32 = 1e12;
/// Share of the most tried action's visits that an action needs to be the answer.
const ENOUGH: f32 = 0.1;
const FREE: u64 = u64::MAX;

/// What the actions of a new node begin with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior {
    pub(super) preferred: Actions,
    /// Visits that they are taken to have.
    pub(super) visits: f32,
    /// The return of the rollout from here.
    pub(super) value: f32,
    /// What actions that are not preferred are taken to earn less.
    pub(super) penalty: f32,
    /// What the rollout did first.
    pub(super) first: u32,
}

/// The arrays of one tree.
#[derive(Debug)]
struct Arrays {
    /// Visits of each node.
    visits: Vec<u32>,
    /// (edge, observation) that leads to each node.
    origin: Vec<(u32, u32)>,
    /// `[node][stride]`
    value: Vec<f32>,
    tried: Vec<f32>,
    inverse_root: Vec<f32>,
    /// Keys (edge, observation) and children, `mask + 1` places.
    keys: Vec<u64>,
    children: Vec<u32>,
}

/// The tree, with a second one to move into.
#[derive(Debug)]
pub(super) struct Tree {
    actions: usize,
    /// Actions rounded up to full lanes.
    stride: usize,
    capacity: usize,
    mask: usize,
    now: Arrays,
    other: Arrays,
    /// `√ln n`.
    root_log: Vec<f32>,
    /// (node here, node there) while moving.
    moved: Vec<u32>,
}

impl Tree {
    pub(super) const ROOT: u32 = 0;

    /// Bytes of a tree for so many simulations.
    pub(super) fn bytes(actions: usize, simulations: usize) -> f64 {
        let (nodes, lanes) = (2.0 * simulations as f64 + 1.0, actions.next_multiple_of(LANES) as f64);
        // Two sets of arrays: visits, origin, three numbers a lane, and up to four places of the table a node; then the roots of logarithms.
        2.0 * nodes * (12.0 + 12.0 * lanes + 4.0 * 12.0) + 16.0 * simulations as f64
    }

    /// Room for `simulations` new nodes beside as many kept ones.
    pub(super) fn new(actions: usize, simulations: usize) -> Self {
        let capacity = 2 * simulations + 1;
        let stride = actions.next_multiple_of(LANES);
        let places = (2 * capacity).next_power_of_two();
        let arrays = || Arrays {
            visits: Vec::with_capacity(capacity),
            origin: Vec::with_capacity(capacity),
            value: Vec::with_capacity(capacity * stride),
            tried: Vec::with_capacity(capacity * stride),
            inverse_root: Vec::with_capacity(capacity * stride),
            keys: vec![FREE; places],
            children: vec![0; places],
        };
        Self {
            actions,
            stride,
            capacity,
            mask: places - 1,
            now: arrays(),
            other: arrays(),
            root_log: (0..4 * simulations.max(64)).map(|n| (n.max(1) as f32).ln().sqrt()).collect(),
            moved: vec![0; capacity],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.now.visits.len()
    }

    pub(super) fn has_room(&self) -> bool {
        self.len() < self.capacity
    }

    pub(super) fn clear(&mut self) {
        self.now.clear();
    }

    /// The action of an edge.
    #[inline]
    pub(super) fn action(&self, edge: u32) -> u32 {
        edge % self.stride as u32
    }

    /// Adds a node; the caller has seen that there is room.
    #[inline]
    pub(super) fn add(&mut self, origin: Option<(u32, u32)>, legal: Actions, prior: &Prior) {
        self.now.push(origin.unwrap_or((u32::MAX, 0)), self.mask);
        let inverse_root = if prior.visits > 0.0 { 1.0 / prior.visits.sqrt() } else { UNTRIED };
        for lane in 0..self.stride {
            let is_legal = (lane < self.actions) & (legal.0 >> (lane & 63) & 1 == 1);
            let is_preferred = prior.preferred.0 >> (lane & 63) & 1 == 1;
            let value = if is_preferred { prior.value } else { prior.value - prior.penalty };
            self.now.value.push(if is_legal { value } else { f32::NEG_INFINITY });
            self.now.tried.push(if is_legal { prior.visits } else { 0.0 });
            self.now.inverse_root.push(if is_legal { inverse_root } else { 0.0 });
        }
        // The rollout is a visit of its own first action.
        let node = self.len() - 1;
        self.update((node * self.stride + prior.first as usize) as u32, prior.value);
    }

    /// The edge of the highest bound, the first of equals in the order of (lane, place).
    #[inline]
    pub(super) fn select(&self, node: u32, exploration: f32) -> u32 {
        let visits = self.now.visits[node as usize] as usize + 1;
        let root_log = self.root_log.get(visits).copied().unwrap_or_else(|| (visits as f32).ln().sqrt());
        let bonus = exploration * root_log;
        let start = node as usize * self.stride;
        let values = &self.now.value[start..start + self.stride];
        let roots = &self.now.inverse_root[start..start + self.stride];
        let (mut best, mut at) = ([f32::NEG_INFINITY; LANES], [0_u32; LANES]);
        for (chunk, (values, roots)) in values.chunks_exact(LANES).zip(roots.chunks_exact(LANES)).enumerate() {
            for lane in 0..LANES {
                let bound = values[lane] + bonus * roots[lane];
                let better = bound > best[lane];
                best[lane] = if better { bound } else { best[lane] };
                at[lane] = if better { chunk as u32 } else { at[lane] };
            }
        }
        let mut lane = 0;
        for other in 1..LANES {
            if best[other] > best[lane] {
                lane = other;
            }
        }
        start as u32 + at[lane] * LANES as u32 + lane as u32
    }

    /// The child of an edge after an observation.
    #[inline]
    pub(super) fn child(&self, edge: u32, observation: u32) -> Option<u32> {
        self.now.find(edge, observation, self.mask).ok()
    }

    /// Counts a return at an edge and its node.
    #[inline]
    pub(super) fn update(&mut self, edge: u32, outcome: f32) {
        let at = edge as usize;
        let tried = self.now.tried[at] + 1.0;
        self.now.tried[at] = tried;
        self.now.value[at] += (outcome - self.now.value[at]) / tried;
        self.now.inverse_root[at] = 1.0 / tried.sqrt();
        self.now.visits[at / self.stride] += 1;
    }

    /// The action of the highest value among those that were tried at least [`ENOUGH`] times as often as the most tried one, and the
    /// value: the mean of a few returns is no evidence.
    pub(super) fn best(&self, node: u32) -> (u32, f64) {
        let start = node as usize * self.stride;
        let tried = &self.now.tried[start..start + self.actions];
        let enough = ENOUGH * tried.iter().copied().fold(0.0, f32::max);
        let mut best = (0, f32::NEG_INFINITY);
        for (action, value) in self.now.value[start..start + self.actions].iter().enumerate() {
            if tried[action] >= enough && *value > best.1 {
                best = (action as u32, *value);
            }
        }
        (best.0, f64::from(best.1))
    }

    /// Keeps what lies below an action and observation of the root; false where nothing does.
    pub(super) fn keep_below(&mut self, action: u32, observation: u32) -> bool {
        let Some(root) = self.child(Self::ROOT * self.stride as u32 + action, observation) else { return false };
        let (stride, mask, half) = (self.stride, self.mask, self.capacity / 2);
        self.other.clear();
        self.moved.fill(u32::MAX);
        // Parents stand before their children, so one pass finds every descendant.
        for node in root as usize..self.now.visits.len() {
            let (edge, observation) = self.now.origin[node];
            let origin = if node == root as usize {
                (u32::MAX, 0)
            } else {
                let parent = edge as usize / stride;
                let parent = if parent < root as usize { u32::MAX } else { self.moved[parent] };
                if parent == u32::MAX || self.other.visits.len() >= half {
                    continue;
                }
                (parent * stride as u32 + edge % stride as u32, observation)
            };
            let new = self.other.push(origin, mask);
            self.moved[node] = new;
            self.other.visits[new as usize] = self.now.visits[node];
            let row = node * stride..(node + 1) * stride;
            self.other.value.extend_from_slice(&self.now.value[row.clone()]);
            self.other.tried.extend_from_slice(&self.now.tried[row.clone()]);
            self.other.inverse_root.extend_from_slice(&self.now.inverse_root[row]);
        }
        std::mem::swap(&mut self.now, &mut self.other);
        true
    }
}

impl Arrays {
    fn clear(&mut self) {
        self.visits.clear();
        self.origin.clear();
        self.value.clear();
        self.tried.clear();
        self.inverse_root.clear();
        self.keys.fill(FREE);
    }

    /// A node without a row of edges yet, entered under its origin; the root's is no edge.
    #[inline]
    fn push(&mut self, origin: (u32, u32), mask: usize) -> u32 {
        let node = self.visits.len() as u32;
        self.visits.push(0);
        self.origin.push(origin);
        if origin.0 != u32::MAX
            && let Err(place) = self.find(origin.0, origin.1, mask)
        {
            self.keys[place] = key(origin.0, origin.1);
            self.children[place] = node;
        }
        node
    }

    /// The child, or the place where it belongs.
    #[inline]
    fn find(&self, edge: u32, observation: u32, mask: usize) -> Result<u32, usize> {
        let key = key(edge, observation);
        // Fibonacci hashing: the golden ratio's multiples spread evenly.
        let mut place = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & mask;
        loop {
            if self.keys[place] == key {
                return Ok(self.children[place]);
            }
            if self.keys[place] == FREE {
                return Err(place);
            }
            place = (place + 1) & mask;
        }
    }
}

#[inline]
fn key(edge: u32, observation: u32) -> u64 {
    u64::from(edge) << 32 | u64::from(observation)
}
