//! Task and motion planning: what to do, found symbolically, joined with how to do it, found geometrically.
//!
//! A symbolic search proposes skeletons, sequences of actions, the cheapest first. Each is bound to grasps, placements and motions
//! by sampling and back-tracking. What turns out to be impossible goes back to the symbolic search as a fact: this action cannot
//! be done while these objects stand where they stand (Srivastava et al., "Combined task and motion planning through an
//! extensible planner-independent interface layer", ICRA 2014; Garrett et al., "Integrated task and motion planning", 2021).
//!
//! Any symbolic planner that can yield plans in order of cost can propose skeletons: it implements [`SkeletonSearch`] over the
//! facts and operators of a grounded [`Strips`] task.

mod binding;
mod blame;
mod pick_place;
mod plan;
mod skeletons;
mod solver;
mod strips;

pub use pick_place::{Object, PickPlace, Region, World};
pub use plan::{Action, Plan, Step};
pub use skeletons::{CheapestSkeletons, Skeleton, SkeletonSearch};
pub use solver::{Report, TaskMotion};
pub use strips::{FactSet, Operator, Strips};
