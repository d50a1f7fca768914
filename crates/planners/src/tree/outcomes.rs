//! Chance: where an edge of a stochastic model leads this time.
//!
//! An edge with n visits may have `⌈k nᵅ⌉` samples of the model (double progressive widening; Couëtoux et al., "Continuous Upper
//! Confidence Trees", LION 2011); beyond that an outcome seen before is drawn, in proportion to how often it came. Where the
//! model gives keys of states, equal outcomes are one, so that with k = α = 1 every visit samples the model and the counts
//! tend to its probabilities.

use super::arena::{ENDED, NONE, Tree};

/// How many samples an edge may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widening {
    pub(super) factor: f64,
    pub(super) exponent: f64,
}

/// What came of a step of the model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampled {
    pub(super) reward: f64,
    pub(super) continuation: f64,
    /// Of the state that came, where the model gives keys.
    pub(super) key: Option<u64>,
}

impl Widening {
    /// Whether an edge that is being visited should sample the model once more.
    pub(super) fn samples(&self, tree: &Tree, edge: usize, room: bool) -> bool {
        let (mut samples, mut slot) = (0, edge as u32);
        while slot != NONE {
            samples += tree.samples[slot as usize];
            slot = tree.next[slot as usize];
        }
        let allowed = self.factor * f64::from(tree.edge_visits[edge]).powf(self.exponent);
        samples == 0 || (room && f64::from(samples) < allowed)
    }
}

/// An outcome of the edge in proportion to how often each came; none when there is none.
pub(super) fn draw(tree: &mut Tree, edge: usize) -> Option<usize> {
    let (mut total, mut slot) = (0_u64, edge as u32);
    while slot != NONE {
        total += u64::from(tree.samples[slot as usize]);
        slot = tree.next[slot as usize];
    }
    let mut left = (u64::from(tree.draw() as u32) * total) >> 32;
    let mut slot = edge as u32;
    while slot != NONE {
        let count = u64::from(tree.samples[slot as usize]);
        if left < count {
            return Some(slot as usize);
        }
        left -= count;
        slot = tree.next[slot as usize];
    }
    None
}

/// The outcome of the edge that is the same as what was sampled.
pub(super) fn find(tree: &Tree, edge: usize, sampled: Sampled) -> Option<usize> {
    let mut slot = edge as u32;
    while slot != NONE {
        let at = slot as usize;
        let pays = tree.samples[at] > 0
            && tree.paid[at].reward == sampled.reward
            && tree.paid[at].continuation == sampled.continuation;
        let child = tree.child[at];
        let same = if sampled.continuation == 0.0 {
            child == ENDED
        } else {
            child < ENDED && sampled.key == Some(tree.key[child as usize])
        };
        if pays && same {
            return Some(at);
        }
        slot = tree.next[at];
    }
    None
}

/// A slot for another outcome of the edge.
pub(super) fn add(tree: &mut Tree, edge: usize) -> usize {
    if tree.samples[edge] == 0 {
        return edge;
    }
    let slot = tree.action.len() + tree.outcomes;
    tree.outcomes += 1;
    tree.samples[slot] = 0;
    tree.next[slot] = tree.next[edge];
    tree.next[edge] = slot as u32;
    slot
}

/// Whether `more` outcomes still find room.
pub(super) fn room(tree: &Tree, more: usize) -> bool {
    tree.action.len() + tree.outcomes + more < tree.child.len()
}
