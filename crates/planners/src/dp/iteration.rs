//! Value iteration, policy iteration and what lies between, with a bound on how far the answer is from optimal.
//!
//! Value iteration `V ← max_a Q(s, a)` (Bellman 1957) ends by MacQueen's bounds (Puterman, Markov Decision Processes, 1994, section
//! 6.6.3): after a synchronous sweep with changes between `δ_min` and `δ_max`, the optimum lies between `V + γ/(1−γ) δ_min` and
//! `V + γ/(1−γ) δ_max` where no episode ends early; with ends both are taken towards zero, which holds in either case. Policy
//! iteration (Howard 1960) improves after evaluating to the end, modified policy iteration (Puterman and Shin 1978) after a few
//! sweeps.

use worldwright_core::{Error, Result};

use super::FiniteMdp;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// Greatest distance from the optimum that will do; without discounting, the greatest change in a sweep.
    pub tolerance: f64,
    /// Sweeps over all states at most.
    pub sweeps: usize,
}

impl Default for Stop {
    fn default() -> Self {
        Self { tolerance: 1e-9, sweeps: 1_000_000 }
    }
}

/// Values and what is known of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// Value of each state.
    pub values: Vec<f64>,
    /// Greedy action of each state, none for ends.
    pub policy: Vec<Option<u32>>,
    /// Sweeps over all states; for prioritised sweeping, backups divided by states.
    pub sweeps: usize,
    /// No value is farther from the optimum. Without discounting it is the last sweep's greatest change, which bounds nothing.
    pub error: f64,
    /// Whether `error` is within the tolerance.
    pub converged: bool,
}

/// Values of a task that ends after a number of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct FiniteHorizon {
    /// `[steps to go][state]`, the first row zero.
    pub values: Vec<Vec<f64>>,
    /// Best action `[steps to go − 1][state]`, none for ends.
    pub policy: Vec<Vec<Option<u32>>>,
}

pub(super) fn check(discount: f64) -> Result<()> {
    if (0.0..=1.0).contains(&discount) {
        Ok(())
    } else {
        Err(Error::config("discount", format!("must lie between 0 and 1, got {discount}")))
    }
}

/// How far a change in a sweep can still carry.
pub(super) fn carry(discount: f64) -> f64 {
    if discount < 1.0 { discount / (1.0 - discount) } else { 1.0 }
}

/// Value iteration by synchronous sweeps.
///
/// # Errors
/// [`Error::Config`] for a discount outside 0 to 1.
pub fn value_iteration(mdp: &FiniteMdp, discount: f64, stop: Stop) -> Result<Solution> {
    modified(mdp, discount, 0, stop)
}

/// Policy iteration that evaluates each policy by `evaluations` sweeps before it improves; enough of them evaluate it to the
/// end, which is Howard's policy iteration, and none make it value iteration.
///
/// # Errors
/// [`Error::Config`] for a discount outside 0 to 1.
pub fn policy_iteration(mdp: &FiniteMdp, discount: f64, evaluations: usize, stop: Stop) -> Result<Solution> {
    modified(mdp, discount, evaluations, stop)
}

fn modified(mdp: &FiniteMdp, discount: f64, evaluations: usize, stop: Stop) -> Result<Solution> {
    check(discount)?;
    let states = mdp.states();
    let (mut values, mut next) = (vec![0.0; states], vec![0.0; states]);
    let mut chosen: Vec<Option<usize>> = vec![None; states];
    let (mut sweeps, mut error) = (0, f64::INFINITY);
    while sweeps < stop.sweeps && error > stop.tolerance {
        let (mut least, mut most) = (0.0_f64, 0.0_f64);
        for state in 0..states {
            let best = mdp.best(state, discount, &values);
            let value = best.map_or(0.0, |(_, value)| value);
            chosen[state] = best.map(|(choice, _)| choice);
            (least, most) = (least.min(value - values[state]), most.max(value - values[state]));
            next[state] = value;
        }
        std::mem::swap(&mut values, &mut next);
        sweeps += 1;
        error = carry(discount) * most.max(-least);
        if error <= stop.tolerance {
            break;
        }
        for _ in 0..evaluations.min(stop.sweeps - sweeps) {
            // In place: a policy's value is a fixed point whatever the order, and newer values are nearer to it.
            let mut change = 0.0_f64;
            for state in 0..states {
                let value = chosen[state].map_or(0.0, |choice| mdp.choice_value(choice, discount, &values));
                change = change.max((value - values[state]).abs());
                values[state] = value;
            }
            sweeps += 1;
            if carry(discount) * change <= 0.1 * stop.tolerance {
                break;
            }
        }
    }
    let policy = mdp.greedy(discount, &values);
    Ok(Solution { values, policy, sweeps, error, converged: error <= stop.tolerance })
}

/// The best that can be had in `steps` steps, and how.
///
/// # Errors
/// [`Error::Config`] for a discount outside 0 to 1.
pub fn finite_horizon(mdp: &FiniteMdp, discount: f64, steps: usize) -> Result<FiniteHorizon> {
    check(discount)?;
    let mut values = vec![vec![0.0; mdp.states()]];
    let mut policy = Vec::with_capacity(steps);
    for _ in 0..steps {
        let after = values.last().expect("it begins with a row");
        let best = (0..mdp.states()).map(|state| mdp.best(state, discount, after));
        let (row, actions) =
            best.map(|best| best.map_or((0.0, None), |(choice, v)| (v, Some(mdp.action_of(choice))))).unzip();
        values.push(row);
        policy.push(actions);
    }
    Ok(FiniteHorizon { values, policy })
}
