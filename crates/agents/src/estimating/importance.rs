//! Importance weights: recorded episodes, each counted as often as the policy would have made it.
//!
//! With `ρ_t = Π_{k ≤ t} π(a_k | s_k) / μ(a_k | s_k)` of each of n episodes, what is paid at step t counts by the ratios up to there (per decision: Precup,
//! Sutton and Singh, "Eligibility Traces for Off-Policy Policy Evaluation", ICML 2000):
//!
//! ```text
//! plain      Σ_t γ^t (1/n) Σ_i ρ_t^i r_t^i          unbiased, and of a large variance
//! weighted   Σ_t γ^t Σ_i ρ_t^i r_t^i / Σ_i ρ_t^i    biased by little, and of a small one
//! ```
//!
//! An episode that ended pays nothing more and keeps its last ratio.
//!
//! Ratios have long tails: what would count most is often not among few episodes, which then agree with each other. The interval therefore reaches at least to
//! where one more episode would take the estimate that counts as much at every step as the one that counts most there, and pays the least or the most that any
//! step paid.

use worldwright_core::Rng;

use super::Estimate;
use super::spread::{bootstrap, student};

/// Sets of episodes that are drawn again.
const AGAIN: usize = 400;
/// Episodes that must count in the end for the estimate to say anything.
const FEWEST: f64 = 2.0;

/// A step of an episode: what it paid, and the logarithm of how much likelier the policy would have taken its action.
pub type Weighed = (f64, f64);

/// How ratios are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighing {
    /// As they are.
    Plain,
    /// As shares of their sum.
    Weighted,
}

/// The estimate from some of the episodes, by their numbers; none where no episode goes on as the policy would.
pub fn per_decision(
    episodes: &[Vec<Weighed>],
    which: &[usize],
    (horizon, discount): (usize, f64),
    weighing: Weighing,
) -> Option<f64> {
    with_unseen(episodes, which, (horizon, discount), weighing, None)
}

/// The same with one more episode, where there is one, that pays so much at every step and counts as much as the one that counts most.
fn with_unseen(
    episodes: &[Vec<Weighed>],
    which: &[usize],
    (horizon, discount): (usize, f64),
    weighing: Weighing,
    unseen: Option<f64>,
) -> Option<f64> {
    let (mut logs, mut total, mut worth) = (vec![0.0; which.len()], 0.0, 1.0);
    for t in 0..horizon {
        let mut most = f64::NEG_INFINITY;
        for (log, episode) in logs.iter_mut().zip(which) {
            *log += episodes[*episode].get(t).map_or(0.0, |step| step.1);
            most = most.max(*log);
        }
        // Shares do not change where all are divided by the largest.
        let base = if weighing == Weighing::Weighted { most } else { 0.0 };
        let (mut paid, mut sum) = (0.0, 0.0);
        for (log, episode) in logs.iter().zip(which) {
            let ratio = (log - base).exp();
            sum += ratio;
            paid += ratio * episodes[*episode].get(t).map_or(0.0, |step| step.0);
        }
        if let Some(unseen) = unseen {
            let ratio = (most - base).exp();
            sum += ratio;
            paid += ratio * unseen;
        }
        total += worth
            * match weighing {
                Weighing::Plain => paid / which.len() as f64,
                Weighing::Weighted if most == f64::NEG_INFINITY => return None,
                Weighing::Weighted => paid / sum,
            };
        worth *= discount;
    }
    total.is_finite().then_some(total)
}

/// How many episodes count in the end: `(Σ ρ)² / Σ ρ²` (Kong, 1992).
fn effective(episodes: &[Vec<Weighed>], horizon: usize) -> f64 {
    let logs = episodes.iter().map(|episode| episode.iter().take(horizon).map(|step| step.1).sum::<f64>());
    let logs: Vec<f64> = logs.collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return 0.0;
    }
    let ratios = || logs.iter().map(|log| (log - most).exp());
    ratios().sum::<f64>().powi(2) / ratios().map(|ratio| ratio * ratio).sum::<f64>()
}

/// What the policy earns, by weighted ratios.
pub(super) fn estimate(episodes: &[Vec<Weighed>], (horizon, discount): (usize, f64), rng: &mut Rng) -> Estimate {
    let all: Vec<usize> = (0..episodes.len()).collect();
    let value = |which: &[usize]| per_decision(episodes, which, (horizon, discount), Weighing::Weighted);
    let count = effective(episodes, horizon);
    let name = "importance weights";
    let Some(mean) = value(&all).filter(|_| count >= FEWEST) else {
        let note = format!(
            "says nothing: {count:.1} of {} recorded episodes would go on as the policy does; shorten the horizon, or record with a policy nearer to it",
            episodes.len()
        );
        return Estimate { name, mean: f64::NAN, low: f64::NEG_INFINITY, high: f64::INFINITY, note };
    };
    let half = bootstrap(episodes.len(), AGAIN, rng, value).map_or(f64::INFINITY, |std| student(count - 1.0) * std);
    let rewards = || episodes.iter().flatten().map(|step| step.0);
    let extremes = [rewards().fold(f64::INFINITY, f64::min), rewards().fold(f64::NEG_INFINITY, f64::max)];
    let [least, most] = extremes
        .map(|paid| with_unseen(episodes, &all, (horizon, discount), Weighing::Weighted, Some(paid)).unwrap_or(mean));
    let note = format!("{count:.1} of {} recorded episodes count", episodes.len());
    Estimate { name, mean, low: least.min(mean - half), high: most.max(mean + half), note }
}
