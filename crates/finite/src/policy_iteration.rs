//! Policy iteration (Howard, "Dynamic Programming and Markov Processes", 1960) and modified policy iteration (Puterman and Shin,
//! "Modified Policy Iteration Algorithms for Discounted Markov Decision Problems", Management Science 24, 1978).
//!
//! Both alternate between a greedy policy and its value. Policy iteration finds the value exactly: `(I − W_π) V = r_π` by
//! elimination up to [`DENSE`] states, and beyond by Gauss–Seidel sweeps until rounding; it ends when no action is better. The modified form
//! makes a given number of cheap sweeps `V ← r_π + W_π V` instead, and stops by the same certificate as value iteration.

use worldwright_core::{Error, Result};

use super::certificate::{NO_ACTION, Solution, Stop, certify, conclude, good_enough};
use super::linear;
use super::mdp::Mdp;
use super::value_iteration::{gauss_seidel, synchronous};

/// States up to which a policy is evaluated by elimination, which costs their cube.
const DENSE: usize = 600;
/// Sweeps after which the evaluation of a policy is given up.
const EVALUATION_SWEEPS: usize = 1_000_000;
/// Relative size of rounding, below which a difference between two actions means nothing.
const ROUNDING: f64 = 1e-12;

/// The value of each state under `policy` (one action a state; ignored where there is none).
///
/// # Errors
/// [`Error::Shape`] for a policy of another length, [`Error::Config`] for an action that its state does not have,
/// [`Error::Diverged`] when the policy never ends and nothing is discounted.
pub fn evaluate(mdp: &Mdp, policy: &[u32]) -> Result<Vec<f64>> {
    let states = mdp.states();
    if policy.len() != states {
        return Err(Error::shape("policy", &[states], &[policy.len()]));
    }
    for (state, action) in policy.iter().enumerate() {
        let actions = mdp.actions(state);
        if actions > 0 && *action as usize >= actions {
            return Err(Error::config(format!("state {state}"), format!("has {actions} actions, not action {action}")));
        }
    }
    let endless = || Error::Diverged {
        who: "policy evaluation".into(),
        why: "the policy never ends from some state and nothing is discounted: use a discount below 1".to_owned(),
    };
    let decided = || (0..states).filter(|state| mdp.actions(*state) > 0);
    let mut values = vec![0.0; states];
    if states <= DENSE {
        let mut matrix = vec![0.0; states * states];
        (0..states).for_each(|state| matrix[state * states + state] = 1.0);
        for state in decided() {
            let action = policy[state] as usize;
            values[state] = mdp.reward(state, action);
            for (next, weight) in mdp.transitions(state, action) {
                matrix[state * states + next] -= weight;
            }
        }
        return if linear::solve(&mut matrix, &mut values) { Ok(values) } else { Err(endless()) };
    }
    for _ in 0..EVALUATION_SWEEPS {
        let (mut change, mut size) = (0.0_f64, 0.0_f64);
        for state in decided() {
            let value = mdp.action_value(state, policy[state] as usize, &values);
            change = change.max((value - values[state]).abs());
            size = size.max(value.abs());
            values[state] = value;
        }
        if !size.is_finite() {
            return Err(endless());
        }
        if change <= ROUNDING * (1.0 - mdp.contraction()).max(1e-3) * size {
            return Ok(values);
        }
    }
    Err(endless())
}

/// The optimal policy by policy iteration, with its exact value up to rounding. [`Stop::most`] bounds the improvements.
///
/// # Errors
/// As [`evaluate`]. Without a discount it starts from the greedy policy after a sweep for each state, which ends wherever ending pays.
pub fn policy_iteration(mdp: &Mdp, stop: &Stop) -> Result<Solution> {
    let states = mdp.states();
    let mut before = vec![0.0; states];
    if mdp.contraction() >= 1.0 {
        (0..states).for_each(|_| {
            gauss_seidel(mdp, &mut before);
        });
    }
    let mut policy = vec![NO_ACTION; states];
    let mut values = vec![0.0; states];
    synchronous(mdp, &before, &mut values, &mut policy, stop.threads);
    let mut improvements = 0;
    loop {
        before = evaluate(mdp, &policy)?;
        improvements += 1;
        let mut changed = false;
        for state in 0..states {
            let Some((best, action)) = mdp.backup(state, &before) else { continue };
            // Between equal actions rounding must not decide for ever.
            if best > before[state] + ROUNDING * before[state].abs().max(1.0) && action != policy[state] {
                policy[state] = action;
                changed = true;
            }
        }
        if !changed || improvements >= stop.most {
            break;
        }
    }
    let mut greedy = policy.clone();
    let change = synchronous(mdp, &before, &mut values, &mut greedy, stop.threads);
    conclude(mdp, values, policy, change, (improvements, (improvements * states) as u64), stop.tolerance)
}

/// The optimal values by modified policy iteration with `evaluations` sweeps of the greedy policy after each improvement.
///
/// # Errors
/// [`Error::Diverged`] when values grow beyond all numbers.
pub fn modified_policy_iteration(mdp: &Mdp, evaluations: usize, stop: &Stop) -> Result<Solution> {
    let states = mdp.states();
    let (mut values, mut next) = (vec![0.0; states], vec![0.0; states]);
    let mut policy = vec![NO_ACTION; states];
    let (mut improvements, mut backups) = (0, 0);
    loop {
        let change = synchronous(mdp, &values, &mut next, &mut policy, stop.threads);
        std::mem::swap(&mut values, &mut next);
        improvements += 1;
        backups += states as u64;
        let finished = good_enough(certify(mdp, change), change, stop.tolerance) || !change.largest().is_finite();
        if finished || improvements >= stop.most {
            return conclude(mdp, values, policy, change, (improvements, backups), stop.tolerance);
        }
        for _ in 0..evaluations {
            for state in 0..states {
                if policy[state] != NO_ACTION {
                    values[state] = mdp.action_value(state, policy[state] as usize, &values);
                }
            }
            backups += states as u64;
        }
    }
}
