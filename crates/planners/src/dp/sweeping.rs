//! Prioritised sweeping: the state whose value would change most is backed up first, and then those that lead to it.
//!
//! Moore and Atkeson, "Prioritized Sweeping: Reinforcement Learning with Less Data and Less Time", Machine Learning 13, 1993. Where
//! rewards are rare, most states need no backup until news reach them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use worldwright_core::Result;

use super::iteration::{carry, check};
use super::{FiniteMdp, Solution, Stop};

/// A state that waits, the most urgent first and of equals the first by number.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Waiting {
    change: f64,
    state: u32,
}

impl Eq for Waiting {}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.change.total_cmp(&other.change).then(other.state.cmp(&self.state))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// States that lead to each state, in order and each once.
fn predecessors(mdp: &FiniteMdp) -> (Vec<u32>, Vec<u32>) {
    let pairs = || {
        (0..mdp.states()).flat_map(|state| {
            let mut nexts: Vec<usize> =
                mdp.choices_of(state).flat_map(|choice| mdp.outcomes_of(choice).map(|(next, _)| next)).collect();
            nexts.sort_unstable();
            nexts.dedup();
            nexts.into_iter().map(move |next| (next, state as u32))
        })
    };
    let mut first = vec![0_u32; mdp.states() + 1];
    pairs().for_each(|(next, _)| first[next + 1] += 1);
    (0..mdp.states()).for_each(|state| first[state + 1] += first[state]);
    let mut place = first.clone();
    let mut from = vec![0_u32; first[mdp.states()] as usize];
    for (next, state) in pairs() {
        from[place[next] as usize] = state;
        place[next] += 1;
    }
    (first, from)
}

/// Solves by prioritised sweeping until no state's value would change by what the tolerance allows, or `stop.sweeps` × states
/// backups are spent.
///
/// # Errors
/// [`Error::Config`](worldwright_core::Error::Config) for a discount outside 0 to 1.
pub fn prioritized_sweeping(mdp: &FiniteMdp, discount: f64, stop: Stop) -> Result<Solution> {
    check(discount)?;
    let states = mdp.states();
    let (first, from) = predecessors(mdp);
    let mut values = vec![0.0; states];
    let change_of = |state: usize, values: &[f64]| {
        let best = mdp.best(state, discount, values).map_or(0.0, |(_, value)| value);
        (best - values[state]).abs()
    };
    // What no state may exceed for the bound to hold.
    let least = if discount < 1.0 { stop.tolerance * (1.0 - discount) } else { stop.tolerance };
    // The greatest change that each state waits with: older entries of the heap are passed over.
    let mut waits = vec![0.0; states];
    let mut heap = BinaryHeap::new();
    for state in 0..states {
        let change = change_of(state, &values);
        if change > least {
            waits[state] = change;
            heap.push(Waiting { change, state: state as u32 });
        }
    }
    let allowed = stop.sweeps.saturating_mul(states);
    let mut backups = 0;
    while let Some(Waiting { change, state }) = heap.pop() {
        let state = state as usize;
        if waits[state] != change {
            continue;
        }
        if backups == allowed {
            break;
        }
        backups += 1;
        waits[state] = 0.0;
        values[state] = mdp.best(state, discount, &values).map_or(0.0, |(_, value)| value);
        for before in &from[first[state] as usize..first[state + 1] as usize] {
            let before = *before as usize;
            let change = change_of(before, &values);
            if change > least && change != waits[before] {
                waits[before] = change;
                heap.push(Waiting { change, state: before as u32 });
            }
        }
    }
    let residual = (0..states).map(|state| change_of(state, &values)).fold(0.0, f64::max);
    let error = residual * if discount < 1.0 { carry(discount) / discount.max(f64::MIN_POSITIVE) } else { 1.0 };
    let policy = mdp.greedy(discount, &values);
    let sweeps = backups.div_ceil(states.max(1));
    Ok(Solution { values, policy, sweeps, error, converged: error <= stop.tolerance })
}
