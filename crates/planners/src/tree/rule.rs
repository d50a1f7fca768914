//! What tells one tree search from another: which edge a simulation takes, and what is done in the end.

use worldwright_core::Key;

use super::arena::Tree;

/// A rule of selection. Edges whose total is minus infinity have diverged and are never chosen.
pub(super) trait Rule: Send + 'static {
    /// Whether nodes need the logits of a policy prior, and the root an evaluation of its own. A node's edges are then opened from the
    /// likeliest on, otherwise one by one from a random one.
    const PRIORS: bool;
    /// Whether the tree's range is that of edge means rather than of returns.
    const RANGE_OF_MEANS: bool;

    /// Sets what draws an action, so that others are tried too, to nothing. Without a default, so that every rule says what does.
    fn stop_exploring(&mut self);

    /// Prepares for so many simulations from each root.
    fn plan(&mut self, _simulations: usize) {}

    /// Draws what the root needs; its edges are made.
    fn begin(&self, tree: &mut Tree, key: Key);

    /// The edge that a simulation takes at a node whose edges are made: one of those opened, or the next behind them.
    fn choose(&mut self, tree: &Tree, node: usize) -> Option<usize>;

    /// 1/n, where the rule has it at hand: a division at each step of a path is felt.
    #[inline]
    fn inverse(&self, visits: u32) -> f64 {
        1.0 / f64::from(visits)
    }

    /// The root's edge that is done; `key` is for draws.
    fn decide(&self, tree: &Tree, key: Key) -> Option<usize>;

    /// What the search makes of the policy at the root: probabilities by action, of which `out` holds zeros.
    fn policy(&self, tree: &Tree, out: &mut [f64]);
}

/// The shares of the visits of the root's edges, by action.
pub(super) fn visit_shares(tree: &Tree, out: &mut [f64]) {
    for edge in tree.edges_made(0).filter(|edge| tree.total[*edge].is_finite()) {
        out[tree.action[edge] as usize] = f64::from(tree.edge_visits[edge]);
    }
    let sum: f64 = out.iter().sum();
    if sum > 0.0 {
        out.iter_mut().for_each(|share| *share /= sum);
    }
}

/// The root's favourite, or at a positive temperature a draw in proportion to `visits^(1 / temperature)`.
pub(super) fn decide_by_visits(tree: &Tree, temperature: f64, key: Key) -> Option<usize> {
    let favourite = tree.favourite(0)?;
    if temperature == 0.0 {
        return Some(favourite);
    }
    let most = f64::from(tree.edge_visits[favourite]).max(1.0);
    let weight = |edge: usize| {
        let sound = tree.total[edge].is_finite() && tree.edge_visits[edge] > 0;
        if sound { (f64::from(tree.edge_visits[edge]) / most).powf(1.0 / temperature) } else { 0.0 }
    };
    let total: f64 = tree.edges_made(0).map(weight).sum();
    let mut left = key.rng().uniform() * total;
    for edge in tree.edges_made(0) {
        left -= weight(edge);
        if left < 0.0 {
            return Some(edge);
        }
    }
    Some(favourite)
}
