//! Skills as actions: options (Sutton, Precup and Singh, "Between MDPs and semi-MDPs", Artificial Intelligence 112, 1999) make of
//! any world model one with a discrete choice of skills, in which every planner can plan.
//!
//! One step of the new model runs the chosen skill until it ends, after k steps of the old one: `R = Σ_{t<k} γ^t r_t` as reward and
//! `γ^k` as continuation (or rather the products of the old model's continuations, which hold discount and termination), so that
//! planning over skills is planning in the semi-Markov process.

mod arena;
mod skill;
mod tabulated;

pub use arena::SkillModel;
pub use skill::{Primitive, Skill};
pub use tabulated::Tabulated;
