//! Motions and pick-and-place against geometry.

mod motion;
mod task_motion;
