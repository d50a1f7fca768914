//! Optimal control of known dynamics: Riccati recursions, iLQR, DDP, constraints.
//!
//! A [`Problem`] says how a system moves and what it costs, with its expansion; [`Solver`] finds a locally optimal trajectory with
//! its feedback laws, [`ConstrainedSolver`] one that keeps constraints. Sizes are either known to the compiler ([`Fixed`]) or found
//! when the program runs ([`Dynamic`]); nothing is allocated after construction.

mod backward;
mod box_qp;
mod constrained;
mod dense;
mod elimination;
mod interior;
mod linear_quadratic;
mod lqg;
mod options;
mod problem;
mod riccati;
mod shape;
mod solver;
mod sweeper;

pub use backward::Gains;
pub use constrained::{Constrained, ConstrainedOutcome, ConstrainedSolver, ConstraintOptions};
pub use interior::Interior;
pub use linear_quadratic::LinearQuadratic;
pub use lqg::{Lqg, Observed};
pub use options::{Options, Outcome, Status};
pub use problem::{Curvature, Expand, Expansion, Problem};
pub use riccati::Regulator;
pub use shape::{Array, Dynamic, Fixed, Numbers, Shape};
pub use solver::Solver;
pub use sweeper::{Sweeper, clip_eigenvalues};
