//! What a finished simulation teaches the edges on its path.
//!
//! From the leaf up, `G ← r + c G` with the reward and the continuation of each step, which is negative where the other player moves next; an
//! edge's value is the mean of its `G`s. With backups of the maximum (DP-UCT; Keller and Helmert, "Trial-based Heuristic Tree
//! Search for Finite Horizon MDPs", ICAPS 2013) an edge's value is instead `Σ p̂ (r + c V)` over the outcomes seen and a node's `V` its best edge.
//! What is proven (see [`proofs`](super::proofs)) takes the place of means.

use super::arena::{ENDED, NONE, Tree};
use super::length::Stage;
use super::simulations::Step;

/// How values are backed up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backup {
    /// By the best edge instead of by the mean.
    pub(super) by_maximum: bool,
    /// Whether values are proven.
    pub(super) solve: bool,
    /// The best return that a zero-sum game has.
    pub(super) win: f64,
    /// Whether the tree's range is that of edge means, as priors are weighed against them, or that of single returns.
    pub(super) range_of_means: bool,
}

impl Backup {
    /// Ends a simulation whose path leads to a return of `value` from its last node on.
    #[inline]
    pub(super) fn run(&self, tree: &mut Tree, path: &[Step], value: f64) {
        tree.simulations += 1;
        tree.depths += path.len() as u64;
        tree.deepest = tree.deepest.max(path.len());
        if tree.stage == Stage::Shortening {
            return self.shorten(tree, path, value);
        }
        let mut g = value;
        for step in path.iter().rev() {
            let (edge, slot) = (step.edge as usize, step.slot as usize);
            g = tree.returned(slot, g);
            if self.solve && tree.ends {
                tree.prove(step, g, self.win);
            }
            if tree.edge_proven[edge] {
                g = tree.value_below(edge);
                tree.total[edge] = g * f64::from(tree.edge_visits[edge]);
            } else if self.by_maximum {
                let expected = expected(tree, edge);
                // An edge that diverged stays the last.
                if tree.total[edge] != f64::NEG_INFINITY {
                    tree.total[edge] = expected * f64::from(tree.edge_visits[edge]);
                }
                tree.widen(expected);
                g = best(tree, step.node as usize);
                tree.value[step.node as usize] = g;
            } else {
                tree.total[edge] += g - step.lent;
            }
            if tree.proven[step.node as usize] {
                g = tree.value[step.node as usize];
            }
            if !self.range_of_means {
                tree.widen(g);
            } else if tree.total[edge] != f64::NEG_INFINITY {
                tree.widen(tree.mean(edge));
            }
        }
    }

    /// Takes a simulation back that came to nothing.
    pub(super) fn withdraw(tree: &mut Tree, path: &[Step]) {
        for step in path {
            let edge = step.edge as usize;
            tree.branches[step.node as usize].visits -= 1;
            tree.edge_visits[edge] -= 1;
            tree.total[edge] -= step.lent;
        }
    }
}

/// The value of an edge from the outcomes seen and the values of where they lead.
fn expected(tree: &Tree, edge: usize) -> f64 {
    let value = |slot: usize| {
        let child = tree.child[slot];
        let below = if child < ENDED { tree.paid[slot].continuation * tree.value[child as usize] } else { 0.0 };
        tree.paid[slot].reward + below
    };
    if tree.samples.is_empty() {
        return value(edge);
    }
    let (mut sum, mut samples, mut slot) = (0.0, 0.0, edge as u32);
    while slot != NONE {
        let count = f64::from(tree.samples[slot as usize]);
        if count > 0.0 {
            sum += count * value(slot as usize);
            samples += count;
        }
        slot = tree.next[slot as usize];
    }
    sum / samples
}

/// The best mean of a node's edges that led somewhere.
fn best(tree: &Tree, node: usize) -> f64 {
    let tried = tree.edges_made(node).filter(|edge| tree.edge_visits[*edge] > 0 && tree.child[*edge] <= ENDED);
    tried.map(|edge| tree.mean(edge)).fold(f64::NEG_INFINITY, f64::max)
}
