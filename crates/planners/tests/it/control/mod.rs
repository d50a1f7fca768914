//! Optimal control against known optima.

mod derivatives;
mod planners;
#[expect(unreachable_pub, reason = "an example includes it, too")]
mod problems;
mod trajectories;
