//! The average reward of a process without end, by relative value iteration.
//!
//! `h ← (1 − τ) h + τ (T h − (T h)(s₀))` with τ = 1/2, which makes any unichain process aperiodic (White 1963; Puterman 1994, sections
//! 8.5.4 and 8.5.5). With Δ = T h − h the optimal gain lies in [min Δ, max Δ] in every sweep: the interval is the stopping rule.

use worldwright_core::{Error, Result};
use worldwright_numerics::Change;

use super::certificate::{NO_ACTION, Stop};
use super::mdp::Mdp;
use super::value_iteration::synchronous;

/// Share of the new values that a sweep takes.
const SHARE: f64 = 0.5;

/// The answer of [`average_reward`].
#[derive(Debug, Clone, PartialEq)]
pub struct AverageReward {
    /// The optimal gain is at least this.
    pub lower: f64,
    /// The optimal gain is at most this.
    pub upper: f64,
    /// Value of each state relative to state 0.
    pub bias: Vec<f64>,
    /// Zero-based action of each state.
    pub policy: Vec<u32>,
    /// Sweeps made.
    pub sweeps: usize,
}

impl AverageReward {
    /// The middle of the proven interval.
    pub fn gain(&self) -> f64 {
        0.5 * (self.lower + self.upper)
    }
}

/// The optimal gain to within `stop.tolerance`.
///
/// # Errors
/// [`Error::Unsupported`] for a process that ends or discounts, [`Error::Diverged`] when the interval does not shrink within
/// `stop.most` sweeps: the gain then depends on where the process starts.
pub fn average_reward(mdp: &Mdp, stop: &Stop) -> Result<AverageReward> {
    let (least, most) = mdp.moduli();
    if !mdp.monotone() || (least - 1.0).abs() > 1e-9 || (most - 1.0).abs() > 1e-9 {
        return Err(Error::unsupported(
            "average reward",
            "a process that ends or discounts: build it with a discount of 1 and without ends, or use value iteration",
        ));
    }
    let states = mdp.states();
    let (mut bias, mut backed) = (vec![0.0; states], vec![0.0; states]);
    let mut policy = vec![NO_ACTION; states];
    for sweep in 1..=stop.most {
        let Change { least, most } = synchronous(mdp, &bias, &mut backed, &mut policy, stop.threads);
        if most - least <= 2.0 * stop.tolerance {
            return Ok(AverageReward { lower: least, upper: most, bias, policy, sweeps: sweep });
        }
        let reference = (1.0 - SHARE) * bias[0] + SHARE * backed[0];
        for (old, new) in bias.iter_mut().zip(&backed) {
            *old = (1.0 - SHARE) * *old + SHARE * new - reference;
        }
    }
    Err(Error::Diverged {
        who: "relative value iteration".into(),
        why: format!("the gain is not settled after {} sweeps: it may depend on the start", stop.most),
    })
}
