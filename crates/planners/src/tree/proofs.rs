//! Proofs: values that are settled because all play below them ends, with how far off the end is.
//!
//! MCTS-Solver (Winands, Björnsson and Saito, "Monte-Carlo Tree Search Solver", 2008, with values in place of wins and losses): an edge is
//! proven when the episode ends there or its node is proven; a node is proven when all its edges are, or when one attains the best
//! return of a zero-sum game. Each proof carries the steps to the end along its best line: of edges worth the same the shortest where
//! that is worth something, the longest where it costs something. Where one winning edge proves a node the steps are
//! a bound, since another edge may win sooner; [`shorter`](super::shorter) lowers it.

use super::arena::{ENDED, Tree};
use super::length::Stage;
use super::simulations::Step;

impl Tree {
    /// Marks the step's edge, and then its node, if their values are settled; `g` is the return of the simulation under way.
    #[inline]
    pub(super) fn prove(&mut self, step: &Step, g: f64, win: f64) {
        let (node, edge) = (step.node as usize, step.edge as usize);
        if self.edge_proven[edge] || !self.leads_to_proof(edge) {
            return;
        }
        let visits = f64::from(self.edge_visits[edge]);
        self.prove_edge(edge, (self.total[edge] - step.lent + g) / visits);
        let won = self.zero_sum && self.value_below(edge) >= win;
        if won || self.edges_made(node).all(|edge| self.edge_proven[edge]) {
            self.prove_node(node);
        }
    }

    /// Whether the edge leads to an end or to a node that is proven.
    #[inline]
    pub(super) fn leads_to_proof(&self, edge: usize) -> bool {
        let child = self.child[edge];
        let settled = child == ENDED || (child < ENDED && self.proven[child as usize]);
        settled && self.total[edge] != f64::NEG_INFINITY
    }

    /// What the edge is worth by what it leads to, which is an end or a proven node.
    #[inline]
    pub(super) fn value_below(&self, edge: usize) -> f64 {
        let child = self.child[edge];
        let below = if child == ENDED { 0.0 } else { self.paid[edge].continuation * self.value[child as usize] };
        self.paid[edge].reward + below
    }

    /// Takes over the proof of what the edge leads to. `searched` is the mean of its simulations, which the proof replaces.
    pub(super) fn prove_edge(&mut self, edge: usize, searched: f64) {
        self.edge_proven[edge] = true;
        self.searched[edge] = searched as f32;
        self.renew_edge(edge);
    }

    /// Takes over the value and the steps of what a proven edge leads to.
    pub(super) fn renew_edge(&mut self, edge: usize) {
        let child = self.child[edge];
        self.total[edge] = self.value_below(edge) * f64::from(self.edge_visits[edge]);
        self.edge_plies[edge] = if child == ENDED { 1 } else { self.plies[child as usize].saturating_add(1) };
    }

    /// Proves a node by the best of its proven edges.
    pub(super) fn prove_node(&mut self, node: usize) {
        let (mut value, mut plies) = (f64::NEG_INFINITY, 0);
        for edge in self.edges_made(node).filter(|edge| self.edge_proven[*edge]) {
            let (worth, steps) = (self.proven_value(edge), self.edge_plies[edge]);
            let better = if worth < 0.0 { steps > plies } else { steps < plies };
            if worth > value || (worth == value && better) {
                (value, plies) = (worth, steps);
            }
        }
        (self.proven[node], self.value[node], self.plies[node]) = (true, value, plies);
    }

    /// The value of a proven edge, also of one that lost what it led to when its tree was cut.
    pub(super) fn proven_value(&self, edge: usize) -> f64 {
        if self.leads_to_proof(edge) { self.value_below(edge) } else { self.mean(edge) }
    }

    /// Whether a proven edge is the better of two worth the same: an end that is won comes sooner, one that is lost later, for sure if
    /// possible, or after better simulations.
    pub(super) fn ends_better(&self, edge: usize, than: usize) -> bool {
        let (steps, others, value) = (self.edge_plies[edge], self.edge_plies[than], self.proven_value(edge));
        if steps != others {
            return if value < 0.0 { steps > others } else { value > 0.0 && steps < others };
        }
        // Steps to a loss are a bound from above; of equal ones the defence that surely lasts longer is worth more.
        let sure = |edge: usize| if self.stage == Stage::Open { 0 } else { self.least_by(edge, -value).loss };
        value < 0.0 && (sure(edge), self.searched[edge]) > (sure(than), self.searched[than])
    }
}
