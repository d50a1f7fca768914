//! The exact belief update, Bayes' rule on a table: `b'(s') ∝ Z(o | a, s') Σ_s T(s' | s, a) b(s)` (Kaelbling et al. 1998, section 3.3).

use worldwright_core::{Error, Result};

use super::Table;

/// Writes the belief after doing `action` in `belief` and seeing `observation` into `next`; returns the probability of that
/// observation.
///
/// # Errors
/// [`Error::Shape`] for beliefs of another length; [`Error::Config`] for an action or observation that the table lacks, and for an
/// observation that cannot follow (its probability is zero): `next` is then all zeros.
pub fn exact_update(table: &Table, belief: &[f64], action: usize, observation: usize, next: &mut [f64]) -> Result<f64> {
    let states = table.states();
    if belief.len() != states || next.len() != states {
        return Err(Error::shape("belief and next belief", &[states, states], &[belief.len(), next.len()]));
    }
    if action >= table.actions() || observation >= table.observations() {
        let (actions, observations) = (table.actions(), table.observations());
        let why = format!("action {action} of {actions} and observation {observation} of {observations}");
        return Err(Error::config("belief update", why));
    }
    next.fill(0.0);
    for (state, here) in belief.iter().enumerate().filter(|(_, here)| **here > 0.0) {
        for way in table.ways(state, action).iter().filter(|way| way.observation as usize == observation) {
            next[way.next as usize] += here * way.probability;
        }
    }
    let probability: f64 = next.iter().sum();
    if probability <= 0.0 {
        let why = format!("observation {observation} cannot follow action {action} in this belief");
        return Err(Error::config("belief update", why));
    }
    next.iter_mut().for_each(|share| *share /= probability);
    Ok(probability)
}
