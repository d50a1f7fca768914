//! What a solver answers, and how far it can be from the truth.
//!
//! One synchronous backup `T V` of any values V proves an interval for the optimal V*: with Δ = T V − V, a = min Δ, b = max Δ,
//! and every Σw between β₋ and β₊ < 1 (MacQueen 1966; Puterman, "Markov Decision Processes", 1994, theorem 6.6.3 and corollary 6.6.4),
//!
//! `a β(a) / (1 − β(a)) ≤ V* − T V ≤ b β(b) / (1 − β(b))`, with β(a) = β₋ where a ≥ 0 and β₊ below, β(b) = β₊ where b ≥ 0 and β₋ below.
//!
//! The policy that is greedy for V is worth at least the lower end too, so it loses at most the interval's width. Where the
//! other player moves next (negative weights) the backup is no longer monotone, and the interval is ± β₊ max|Δ| / (1 − β₊).
//! Where β₊ = 1 nothing is proven this way, and there is no certificate. Rounding is not part of the interval.

use worldwright_core::{Error, Result};
use worldwright_numerics::Change;

use super::Mdp;

/// The policy's entry for a state without actions.
pub const NO_ACTION: u32 = u32::MAX;

/// A proven interval for the distance to the optimum, the same for all states.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certificate {
    /// At least this much is `V*(s) − values[s]`.
    pub lower: f64,
    /// At most this much is `V*(s) − values[s]`.
    pub upper: f64,
}

impl Certificate {
    /// The largest possible distance of a value from the optimal one.
    pub fn error(&self) -> f64 {
        self.lower.abs().max(self.upper.abs())
    }

    /// The most that the policy of the same solution can lose against the optimal one.
    pub fn loss(&self) -> f64 {
        self.upper - self.lower
    }
}

/// When a solver ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// Distance to the optimum that must be proven, in reward; where nothing can be proven (no discount), the largest change of a
    /// sweep.
    pub tolerance: f64,
    /// Sweeps (or, for policy iteration, improvements) after which it ends in any case.
    pub most: usize,
    /// Threads that synchronous sweeps over large processes use; the answer does not depend on it.
    pub threads: usize,
}

impl Default for Stop {
    fn default() -> Self {
        Self { tolerance: 1e-9, most: 1_000_000, threads: 1 }
    }
}

/// An answer with its proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// Value of each state.
    pub values: Vec<f64>,
    /// Zero-based action of each state, [`NO_ACTION`] where it has none; of several equal ones the first.
    pub policy: Vec<u32>,
    /// The proven interval; none without a discount.
    pub certificate: Option<Certificate>,
    /// The largest change of the last synchronous sweep.
    pub residual: f64,
    /// Whether the tolerance was reached, not the largest number of sweeps.
    pub converged: bool,
    /// Sweeps made (improvements, for policy iteration).
    pub sweeps: usize,
    /// Backups of single states.
    pub backups: u64,
}

/// The interval that a synchronous sweep with this change proves for the values it gave.
pub(super) fn certify(mdp: &Mdp, change: Change) -> Option<Certificate> {
    let (least, most) = mdp.moduli();
    // Values without a bound on Σw below one prove nothing.
    if most >= 1.0 {
        return None;
    }
    if !mdp.monotone() {
        let error = change.largest() * most / (1.0 - most);
        return Some(Certificate { lower: -error, upper: error });
    }
    let end = |change: f64, beta: f64| change * beta / (1.0 - beta);
    let lower = end(change.least, if change.least >= 0.0 { least } else { most });
    let upper = end(change.most, if change.most >= 0.0 { most } else { least });
    Some(Certificate { lower, upper })
}

/// Whether a synchronous sweep with this change is good enough.
pub(super) fn good_enough(certificate: Option<Certificate>, change: Change, tolerance: f64) -> bool {
    match certificate {
        // Half the width is the error once the values are moved to the middle.
        Some(certificate) => certificate.loss() <= 2.0 * tolerance,
        None => change.largest() <= tolerance,
    }
}

/// Makes the answer out of `values = T before`: proves the interval, and moves the values to its middle. Ends stay what they
/// are, which the interval about the middle holds too.
pub(super) fn conclude(
    mdp: &Mdp,
    mut values: Vec<f64>,
    policy: Vec<u32>,
    change: Change,
    (sweeps, backups): (usize, u64),
    tolerance: f64,
) -> Result<Solution> {
    if !change.largest().is_finite() {
        return Err(Error::Diverged {
            who: "dynamic programming".into(),
            why: "values grew beyond all numbers: without a discount some policy gains for ever".to_owned(),
        });
    }
    let mut certificate = certify(mdp, change);
    let converged = good_enough(certificate, change, tolerance);
    if let Some(proven) = &mut certificate {
        let middle = 0.5 * (proven.lower + proven.upper);
        let each = values.iter_mut().zip(&policy).filter(|(_, action)| **action != NO_ACTION);
        each.for_each(|(value, _)| *value += middle);
        *proven = Certificate { lower: proven.lower - middle, upper: proven.upper - middle };
    }
    Ok(Solution { values, policy, certificate, residual: change.largest(), converged, sweeps, backups })
}
