//! Subgoal planners: far goals by way of near ones, given a goal-conditioned value that is right for near goals.
//!
//! - [`Leap`]: a few subgoals in a continuous space, optimised together.
//! - [`SubgoalTree`]: the best middle state of every pair, by dynamic programming over doubling distances.
//! - [`DcMcts`]: one query at a time, by a tree search that divides it into two.

mod dc_mcts;
mod leap;
mod midway;
mod tree;
mod value;

pub use dc_mcts::{DcMcts, DcReport, Proposals, UniformProposals};
pub use leap::{Leap, LeapReport, Legs};
pub use midway::Midway;
pub use tree::SubgoalTree;
pub use value::{GoalValue, StateGoalValue, WithinReach};
