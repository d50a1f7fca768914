//! One search tree as a structure of arrays: nodes, their edges, and what edges lead to.
//!
//! A node stands for a row of the model's arena. Its edges, one an applicable action, lie side by side and are made when the node is
//! first searched below, since most nodes never are. A slot is an outcome of an edge: in a deterministic model slot `e` is all that edge
//! `e` leads to; in a stochastic one further outcomes are slots beyond the edges, linked by `next`. Values are those of the player to
//! move at the node.

use worldwright_core::Applicable;

use super::length::{Least, Stage, UNKNOWN};
use super::softmax::softmax;

/// No child yet, no slot, no edges yet.
pub(super) const NONE: u32 = u32::MAX;
/// The step to the child is in the present batch.
pub(super) const PENDING: u32 = u32::MAX - 1;
/// The episode is over there.
pub(super) const ENDED: u32 = u32::MAX - 2;

/// What a tree must have room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Nodes, the root among them.
    pub(super) nodes: usize,
    pub(super) actions: usize,
    /// Outcomes of edges beyond the first; zero for deterministic models.
    pub(super) outcomes: usize,
    /// Whether nodes keep logits.
    pub(super) logits: bool,
}

/// A node's edges and its visits: what every simulation that passes it reads, side by side in one line of cache.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Branches {
    pub(super) first: u32,
    pub(super) count: u32,
    /// Edges that were chosen before: those at the front. The next to be opened is the one behind them.
    pub(super) opened: u32,
    /// Simulations that went on below the node: the sum over its edges.
    pub(super) visits: u32,
}

impl Branches {
    /// Whether they lie within so many edges.
    pub(super) fn fit(&self, edges: usize) -> bool {
        self.first as usize + self.count as usize <= edges && self.opened <= self.count
    }
}

/// What the step to a slot gave.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Paid {
    pub(super) reward: f64,
    pub(super) continuation: f64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    pub(super) actions: usize,
    words: usize,
    logits_each: usize,
    /// Nodes and edges in use, and slots beyond the edges.
    pub(super) nodes: usize,
    pub(super) edges: usize,
    pub(super) outcomes: usize,
    /// Steps that the model has still to take, each of which may be a node.
    pub(super) pending: usize,
    /// Least and largest value seen, see the rules.
    pub(super) low: f64,
    pub(super) high: f64,
    /// Whether some step handed over to another player.
    pub(super) zero_sum: bool,
    /// Whether some step ended an episode: before, nothing can be proven.
    pub(super) ends: bool,
    /// Whether rewards came at ends alone, undiscounted: the length of the game is then no part of the values.
    pub(super) at_end_only: bool,
    pub(super) stage: Stage,
    /// Simulations backed up, the edges on their paths together, and the most of one.
    pub(super) simulations: u64,
    pub(super) depths: u64,
    pub(super) deepest: usize,
    /// A plain generator for draws within the tree, never zero.
    pub(super) generator: u64,

    // Nodes.
    pub(super) row: Vec<u32>,
    pub(super) branches: Vec<Branches>,
    /// The evaluation with which the node came into the tree.
    pub(super) estimate: Vec<f64>,
    /// The value proven, or, with backups of the maximum, the best so far.
    pub(super) value: Vec<f64>,
    pub(super) proven: Vec<bool>,
    /// Of proven nodes: the steps to the end.
    pub(super) plies: Vec<u32>,
    /// While wins are shortened: lower bounds of the steps to the end.
    pub(super) least: Vec<Least>,
    pub(super) key: Vec<u64>,
    /// `[nodes][words]`
    pub(super) applicable: Vec<u64>,
    /// `[nodes][actions]`, or empty
    pub(super) logits: Vec<f32>,

    // Edges.
    pub(super) action: Vec<u32>,
    pub(super) edge_visits: Vec<u32>,
    /// Sum of the returns; minus infinity once the edge has diverged.
    pub(super) total: Vec<f64>,
    pub(super) prior: Vec<f64>,
    pub(super) edge_proven: Vec<bool>,
    /// Of proven edges: the steps to the end, and the mean return of the simulations.
    pub(super) edge_plies: Vec<u32>,
    pub(super) searched: Vec<f32>,
    /// Random numbers of the root's edges, `[actions]`.
    pub(super) noise: Vec<f64>,

    // Slots.
    pub(super) child: Vec<u32>,
    pub(super) paid: Vec<Paid>,
    /// How often the outcome came, in stochastic models.
    pub(super) samples: Vec<u32>,
    pub(super) next: Vec<u32>,
}

impl Tree {
    /// Allocates everything.
    pub(super) fn new(room: Room) -> Self {
        let Room { nodes, actions, .. } = room;
        let (edges, words) = (nodes * actions, actions.div_ceil(64));
        let slots = edges + room.outcomes;
        let chance = if room.outcomes > 0 { slots } else { 0 };
        let logits_each = if room.logits { actions } else { 0 };
        let mut tree = Self {
            actions,
            words,
            logits_each,
            row: vec![0; nodes],
            branches: vec![Branches::default(); nodes],
            estimate: vec![0.0; nodes],
            value: vec![0.0; nodes],
            proven: vec![false; nodes],
            plies: vec![0; nodes],
            least: vec![Least::default(); nodes],
            key: vec![0; nodes],
            applicable: vec![0; nodes * words],
            logits: vec![0.0; nodes * logits_each],
            action: vec![0; edges],
            edge_visits: vec![0; edges],
            total: vec![0.0; edges],
            prior: vec![0.0; if room.logits { edges } else { 0 }],
            edge_proven: vec![false; edges],
            edge_plies: vec![0; edges],
            searched: vec![0.0; edges],
            noise: vec![0.0; actions],
            child: vec![0; slots],
            paid: vec![Paid::default(); slots],
            samples: vec![0; chance],
            next: vec![0; chance],
            ..Self::default()
        };
        tree.clear(1);
        tree
    }

    /// Takes every node out; `seed` begins the tree's generator.
    pub(super) fn clear(&mut self, seed: u64) {
        (self.nodes, self.edges, self.outcomes, self.pending) = (0, 0, 0, 0);
        (self.low, self.high) = (f64::INFINITY, f64::NEG_INFINITY);
        (self.zero_sum, self.ends, self.at_end_only, self.stage) = (false, false, true, Stage::Open);
        (self.simulations, self.depths, self.deepest) = (0, 0, 0);
        self.generator = seed | 1;
    }

    /// Nodes that it has room for.
    pub(super) fn capacity(&self) -> usize {
        self.row.len()
    }

    /// A new node on a row.
    #[inline]
    pub(super) fn add_node(&mut self, row: u32, key: Option<u64>) -> usize {
        let node = self.nodes;
        self.nodes += 1;
        self.row[node] = row;
        self.branches[node].first = NONE;
        self.proven[node] = false;
        if self.stage == Stage::Shortening {
            self.least[node] = UNKNOWN;
        }
        // Each array not written is a line of cache not taken: what edges need is set when they are made.
        if let Some(key) = key {
            self.key[node] = key;
        }
        node
    }

    /// Settles the evaluation of a node: row `i` of what the model said.
    #[inline]
    pub(super) fn evaluate(&mut self, node: usize, estimate: f64, applicable: &Applicable, logits: &[f64], i: usize) {
        self.estimate[node] = estimate;
        let words = self.words;
        self.applicable[node * words..(node + 1) * words].copy_from_slice(applicable.row(i));
        let each = self.logits_each;
        if each > 0 {
            let own = &mut self.logits[node * each..(node + 1) * each];
            own.iter_mut().zip(&logits[i * each..(i + 1) * each]).for_each(|(slot, logit)| *slot = *logit as f32);
        }
    }

    /// Takes a node's actions away: simulations end there.
    pub(super) fn forget_actions(&mut self, node: usize) {
        let words = self.words;
        self.applicable[node * words..(node + 1) * words].fill(0);
        self.forget_logits(node);
    }

    /// Makes a node's prior uniform.
    pub(super) fn forget_logits(&mut self, node: usize) {
        let each = self.logits_each;
        self.logits[node * each..(node + 1) * each].fill(0.0);
    }

    /// The edges of a node, made now if they were not.
    #[inline]
    pub(super) fn edges_of(&mut self, node: usize) -> std::ops::Range<usize> {
        if self.branches[node].first == NONE {
            self.make_edges(node);
        }
        self.edges_made(node)
    }

    /// The edges of a node, none where they were not made.
    #[inline]
    pub(super) fn edges_made(&self, node: usize) -> std::ops::Range<usize> {
        match self.branches[node].first {
            NONE => 0..0,
            first => first as usize..first as usize + self.branches[node].count as usize,
        }
    }

    fn make_edges(&mut self, node: usize) {
        let first = self.edges;
        let mut edge = first;
        for word in 0..self.words {
            let mut bits = self.applicable[node * self.words + word];
            while bits != 0 {
                self.action[edge] = word as u32 * 64 + bits.trailing_zeros();
                bits &= bits - 1;
                edge += 1;
            }
        }
        self.branches[node] = Branches { first: first as u32, count: (edge - first) as u32, opened: 0, visits: 0 };
        self.edges = edge;
        self.edge_visits[first..edge].fill(0);
        self.total[first..edge].fill(0.0);
        self.edge_proven[first..edge].fill(false);
        self.child[first..edge].fill(NONE);
        if !self.samples.is_empty() {
            self.samples[first..edge].fill(0);
            self.next[first..edge].fill(NONE);
        }
        if self.logits_each > 0 {
            self.make_priors(node, first..edge);
            self.bring_likeliest(node);
        }
    }

    /// Softmax of the logits of the applicable actions.
    fn make_priors(&mut self, node: usize, edges: std::ops::Range<usize>) {
        let logits = &self.logits[node * self.logits_each..(node + 1) * self.logits_each];
        let (priors, actions) = (&mut self.prior[edges.clone()], &self.action[edges]);
        for (prior, action) in priors.iter_mut().zip(actions) {
            *prior = f64::from(logits[*action as usize]);
        }
        softmax(priors);
    }

    /// Brings the likeliest of the edges that were not opened to their front. Without visits nothing but the prior tells edges apart, so
    /// no rule looks at another of them first: a simulation reads the opened edges and that one.
    #[inline]
    pub(super) fn bring_likeliest(&mut self, node: usize) {
        let Branches { first, count, opened, .. } = self.branches[node];
        let (next, end) = ((first + opened) as usize, (first + count) as usize);
        let (mut best, mut at) = (f64::NEG_INFINITY, next);
        for (i, prior) in self.prior[next..end].iter().enumerate() {
            let wins = *prior > best;
            best = if wins { *prior } else { best };
            at = if wins { next + i } else { at };
        }
        if at != next {
            self.prior.swap(next, at);
            self.action.swap(next, at);
        }
    }

    /// Notes that a node's edge is chosen; if it is the next to be opened, there is another next.
    #[inline]
    pub(super) fn open(&mut self, node: usize, edge: usize) {
        let branches = &mut self.branches[node];
        if edge as u32 == branches.first + branches.opened {
            branches.opened += 1;
            if self.logits_each > 0 {
                self.bring_likeliest(node);
            }
        }
    }

    /// The edges of a node that were opened.
    #[inline]
    pub(super) fn edges_opened(&self, node: usize) -> std::ops::Range<usize> {
        let Branches { first, opened, .. } = self.branches[node];
        if first == NONE { 0..0 } else { first as usize..(first + opened) as usize }
    }

    /// Begins the opening of a node's edges at a random one, so that no action is favoured by its number.
    #[inline]
    pub(super) fn rotate_edges(&mut self, node: usize) {
        let edges = self.edges_made(node);
        if edges.len() > 1 {
            let by = (u64::from(self.draw() as u32) * edges.len() as u64) >> 32;
            self.action[edges].rotate_left(by as usize);
        }
    }

    /// 64 random bits of the tree's own generator (Marsaglia, "Xorshift RNGs", 2003).
    #[inline]
    pub(super) fn draw(&mut self) -> u64 {
        let mut x = self.generator;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.generator = x;
        x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// Mean return of an edge that was visited; minus infinity for one that diverged.
    #[inline]
    pub(super) fn mean(&self, edge: usize) -> f64 {
        self.total[edge] / f64::from(self.edge_visits[edge])
    }

    /// The return by way of a slot, whose node returned `g`.
    #[inline]
    pub(super) fn returned(&self, slot: usize, g: f64) -> f64 {
        let below = if self.child[slot] == ENDED { 0.0 } else { self.paid[slot].continuation * g };
        self.paid[slot].reward + below
    }

    /// What returns range over; 1 before two different ones were seen.
    #[inline]
    pub(super) fn range(&self) -> f64 {
        let range = self.high - self.low;
        if range > 0.0 { range } else { 1.0 }
    }

    #[inline]
    pub(super) fn widen(&mut self, value: f64) {
        self.low = if value < self.low { value } else { self.low };
        self.high = if value > self.high { value } else { self.high };
    }

    /// The visited edge of a node that search trusts most: the most visited, the better and then the first of equals; an edge whose value
    /// is proven counts instead where it is no worse, of several the one of the soonest win or the latest loss. None where all diverged or none was visited.
    pub(super) fn favourite(&self, node: usize) -> Option<usize> {
        let sound = || {
            self.edges_made(node).filter(|edge| {
                self.total[*edge].is_finite() && (self.edge_visits[*edge] > 0 || self.edge_proven[*edge])
            })
        };
        let worth = |edge: usize| if self.edge_proven[edge] { self.proven_value(edge) } else { self.mean(edge) };
        let mut visited: Option<usize> = None;
        let mut proven: Option<usize> = None;
        for edge in sound() {
            let slot = if self.edge_proven[edge] { &mut proven } else { &mut visited };
            let wins = slot.is_none_or(|best| {
                let (visits, most) = (self.edge_visits[edge], self.edge_visits[best]);
                let (value, other) = (worth(edge), worth(best));
                if self.edge_proven[edge] {
                    value > other || (value == other && self.ends_better(edge, best))
                } else {
                    visits > most || (visits == most && value > other)
                }
            });
            if wins {
                *slot = Some(edge);
            }
        }
        match (visited, proven) {
            (Some(visited), Some(proven)) if !self.proven[node] && worth(visited) > worth(proven) => Some(visited),
            (visited, proven) => proven.or(visited),
        }
    }

    /// The child to which an edge led most often.
    pub(super) fn likely_child(&self, edge: usize) -> Option<usize> {
        let mut best = edge;
        if !self.samples.is_empty() {
            let mut slot = edge;
            while slot as u32 != NONE {
                best = if self.samples[slot] > self.samples[best] { slot } else { best };
                slot = self.next[slot] as usize;
            }
        }
        (self.child[best] < ENDED).then(|| self.child[best] as usize)
    }
}
