//! Value iteration: back up every state again and again.
//!
//! Synchronous: `V ← T V` on two arrays, in chunks on as many threads as allowed, with MacQueen's interval as the stopping rule
//! (Puterman 1994, section 6.6). Gauss–Seidel: in place, in the order of the states, so that a sweep uses what it found before
//! (section 6.3.3); each sweep brings the largest error down by at least β as well, and a last synchronous sweep proves it.

use worldwright_core::{Error, Result};
use worldwright_numerics::Change;

use super::certificate::{NO_ACTION, Solution, Stop, certify, conclude, good_enough};
use super::mdp::Mdp;

/// Outcomes below which a further thread costs more than it saves.
const OUTCOMES_PER_THREAD: usize = 100_000;

/// In which order states are backed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sweep {
    /// All from the values before the sweep.
    #[default]
    Synchronous,
    /// Each from the newest values.
    GaussSeidel,
}

/// The optimal values by value iteration.
///
/// # Errors
/// [`Error::Diverged`] when values grow beyond all numbers, which a process without a discount
/// can do.
pub fn value_iteration(mdp: &Mdp, sweep: Sweep, stop: &Stop) -> Result<Solution> {
    value_iteration_from(mdp, vec![0.0; mdp.states()], sweep, stop)
}

/// The same from other values than zeros, such as those of a process that differs little.
///
/// # Errors
/// As for [`value_iteration`]; [`Error::Shape`] for values of another number of states.
pub fn value_iteration_from(mdp: &Mdp, mut values: Vec<f64>, sweep: Sweep, stop: &Stop) -> Result<Solution> {
    let states = mdp.states();
    if values.len() != states {
        return Err(Error::shape("values", &[states], &[values.len()]));
    }
    (0..states).filter(|state| mdp.actions(*state) == 0).for_each(|end| values[end] = 0.0);
    let mut next = vec![0.0; states];
    let mut policy = vec![NO_ACTION; states];
    let beta = mdp.contraction();
    let mut sweeps = 0;
    loop {
        if sweep == Sweep::GaussSeidel {
            while sweeps + 1 < stop.most {
                sweeps += 1;
                let change = gauss_seidel(mdp, &mut values);
                // ‖V* − V‖ ≤ β/(1 − β) ‖change‖ for any order of backups.
                let factor = if beta < 1.0 { beta / (1.0 - beta) } else { 1.0 };
                if change * factor <= stop.tolerance || !change.is_finite() {
                    break;
                }
            }
        }
        let change = synchronous(mdp, &values, &mut next, &mut policy, stop.threads);
        sweeps += 1;
        std::mem::swap(&mut values, &mut next);
        let finished = good_enough(certify(mdp, change), change, stop.tolerance) || !change.largest().is_finite();
        if finished || sweeps >= stop.most {
            return conclude(mdp, values, policy, change, (sweeps, (sweeps * states) as u64), stop.tolerance);
        }
    }
}

/// One sweep in place; the largest change.
pub(super) fn gauss_seidel(mdp: &Mdp, values: &mut [f64]) -> f64 {
    let mut largest = 0.0_f64;
    for state in 0..values.len() {
        if let Some((value, _)) = mdp.backup(state, values) {
            let change = (value - values[state]).abs();
            // `max` would swallow NaN.
            largest = if change > largest || change.is_nan() { change } else { largest };
            values[state] = value;
        }
    }
    largest
}

/// Writes `T values` over `next` and the greedy action of each state over `policy`. Ends do not change.
pub(super) fn synchronous(mdp: &Mdp, values: &[f64], next: &mut [f64], policy: &mut [u32], threads: usize) -> Change {
    let threads = threads.min(mdp.outcomes() / OUTCOMES_PER_THREAD).max(1);
    if threads == 1 {
        return span(mdp, values, 0, next, policy);
    }
    let length = values.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let parts = next.chunks_mut(length).zip(policy.chunks_mut(length)).enumerate();
        let workers: Vec<_> = parts
            .map(|(part, (next, policy))| scope.spawn(move || span(mdp, values, part * length, next, policy)))
            .collect();
        let mut change = Change::NONE;
        for worker in workers {
            change.join(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        change
    })
}

/// Backs up the states from `first` on.
fn span(mdp: &Mdp, values: &[f64], first: usize, next: &mut [f64], policy: &mut [u32]) -> Change {
    let mut change = Change::NONE;
    for (i, (slot, choice)) in next.iter_mut().zip(policy).enumerate() {
        let state = first + i;
        (*slot, *choice) = mdp.backup(state, values).unwrap_or((0.0, NO_ACTION));
        change.add(*slot - values[state]);
    }
    change
}
