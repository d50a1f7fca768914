//! Optimal control against known optima.

mod derivatives;
#[expect(unreachable_pub, reason = "an example includes it, too")]
mod problems;
mod trajectories;
