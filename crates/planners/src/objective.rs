//! What a trajectory is worth: the terms, and how the returns of the lanes become one number.
//!
//! The lanes are folded once a trajectory: their mean, their worst, or the mean of the worst share α (CVaR; Rockafellar and
//! Uryasev, "Optimization of Conditional Value-at-Risk", 2000), the lane on the boundary by its fraction. A lane is a member of an
//! ensemble of dynamics, of rewards or of both: they share the axis, so the risk covers each of them.

/// How the returns of the lanes become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Risk {
    Mean,
    Worst,
    /// Mean of the worst share.
    Cvar(f64),
}

/// What a violated constraint does to a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Constraints {
    /// It ranks behind all that violate less, whatever its return.
    Lexicographic,
    /// So much reward is taken off per unit of violation.
    Penalty(f64),
    /// It is pulled back towards a feasible plan; what stays infeasible ranks as by `Lexicographic`.
    Projection,
}

/// What is worth what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Objective {
    pub(crate) risk: Risk,
    pub(crate) constraints: Constraints,
    /// κ, in reward per unit of epistemic spread.
    pub(crate) epistemic_penalty: f64,
    pub(crate) terminal_value: bool,
    /// Share of the candidates that follow the model's policy prior.
    pub(crate) prior_share: f64,
    /// Reward per nat by which an action is unlikely under the prior.
    pub(crate) policy_distance: f64,
}

/// Folds column `i` of finite `[M][n]` numbers by the risk measure; `lanes` is scratch.
pub(crate) fn fold_lanes(risk: Risk, numbers: &[f64], i: usize, n: usize, lanes: &mut [f64]) -> f64 {
    let members = lanes.len();
    if members == 1 {
        return numbers[i];
    }
    let column = || numbers[i..].iter().step_by(n).take(members).copied();
    match risk {
        Risk::Mean => column().sum::<f64>() / members as f64,
        Risk::Worst => column().fold(f64::INFINITY, f64::min),
        Risk::Cvar(alpha) => {
            lanes.iter_mut().zip(column()).for_each(|(slot, number)| *slot = number);
            lanes.sort_unstable_by(f64::total_cmp);
            let share = alpha * members as f64;
            let whole = (share.floor() as usize).min(members);
            let mut sum: f64 = lanes[..whole].iter().sum();
            if whole < members {
                sum += (share - whole as f64) * lanes[whole];
            }
            sum / share
        }
    }
}

/// Standard deviation of column `i` of `[M][n]` numbers over its lanes.
pub(crate) fn lane_std(numbers: &[f64], i: usize, n: usize, members: usize) -> f64 {
    let column = || numbers[i..].iter().step_by(n).take(members);
    let mean = column().sum::<f64>() / members as f64;
    (column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / members as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cvar_lies_between_the_worst_and_the_mean_with_fractions() {
        // Two candidates, four lanes.
        let numbers = [4.0, 0.0, 1.0, 0.0, 3.0, 0.0, 2.0, 8.0];
        let mut lanes = [0.0; 4];
        let mut fold = |risk, i| fold_lanes(risk, &numbers, i, 2, &mut lanes);
        assert_eq!(fold(Risk::Mean, 0), 2.5);
        assert_eq!(fold(Risk::Worst, 0), 1.0);
        assert_eq!(fold(Risk::Cvar(0.25), 0), 1.0);
        assert_eq!(fold(Risk::Cvar(0.5), 0), 1.5);
        // (1 + 0.5 × 2) / 1.5
        assert!((fold(Risk::Cvar(0.375), 0) - 4.0 / 3.0).abs() < 1e-15);
        // Less than one lane is the worst lane.
        assert_eq!(fold(Risk::Cvar(0.1), 0), 1.0);
        assert_eq!(fold(Risk::Cvar(1.0), 0), 2.5);
        assert_eq!(fold(Risk::Cvar(1.0), 1), 2.0);
    }
}
