//! How a trajectory optimiser runs, and what it says at the end.

use std::time::Duration;

/// When to stop and how careful to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Accepted steps at most.
    pub iterations: usize,
    /// Wall-clock time at most.
    pub time: Option<Duration>,
    /// Converged when a full step promises to lower the cost by less.
    pub tolerance: f64,
    /// Share of the promised decrease that a step must keep.
    pub accept: f64,
    /// While the trajectory has gaps, the cost may rise by this multiple of what was predicted.
    pub accept_rise: f64,
    /// Step lengths tried: 1, ½, ¼, ….
    pub halvings: u32,
    /// μ to start with.
    pub regularization: f64,
    /// Largest μ before giving up.
    pub regularization_max: f64,
    /// The motion's second derivatives, where a problem has them, count once a full step promises to lower the cost by less than
    /// this share of 1 + |cost|. Far from an optimum they often make the problem concave, and Gauss–Newton steps lead further.
    pub curvature_share: f64,
    /// A gap below this is closed.
    pub gap_tolerance: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            iterations: 100,
            time: None,
            tolerance: 1e-9,
            accept: 0.1,
            accept_rise: 2.0,
            halvings: 10,
            regularization: 0.0,
            regularization_max: 1e9,
            curvature_share: 0.02,
            gap_tolerance: 1e-16,
        }
    }
}

/// Why an optimiser ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// No step promises a decrease above the tolerance, and the trajectory has no gaps.
    Converged,
    /// All iterations were used.
    IterationsSpent,
    /// The time is over.
    TimeSpent,
    /// No step length improved at the largest regularisation.
    Stuck,
    /// The cost of the start is not finite.
    Diverged,
}

/// What a call of a solver came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Why it ended.
    pub status: Status,
    /// Accepted steps.
    pub iterations: usize,
    /// Cost of the trajectory.
    pub cost: f64,
}
