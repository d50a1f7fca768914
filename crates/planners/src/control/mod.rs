//! Trajectory optimisation by second-order methods, and linear-quadratic control in closed form.
//!
//! Sizes are constants of the types, so that a problem of few states runs without allocation in loops that the compiler unrolls.

mod box_qp;
mod constrained;
mod ddp;
mod dual;
mod matrix;
mod problem;
pub mod problems;

pub use constrained::{Constrained, ConstrainedOptions, ConstrainedReport, Constraints, Goal};
pub use ddp::{Ddp, DdpOptions, DdpReport, DdpStatus};
pub use dual::{Dual, Number};
pub use problem::{Curvature, Expansion, Problem};
