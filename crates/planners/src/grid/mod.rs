//! Dynamic programming on interpolated grids over continuous spaces of up to four dimensions.
//!
//! The value is kept at the points of a rectangular grid and interpolated between them (Munos and Moore, "Variable Resolution
//! Discretization in Optimal Control", Machine Learning 49, 2002, section 2):
//!
//! `V(ξ) ← max_a mean_k [ r_k(ξ, a) + γ c_k(ξ, a) Σ_j λ_j(x'_k) V(ξ_j) ]`
//!
//! over the model's lanes and draws k, with the weights λ of the multilinear interpolation (all 2^d corners of the cell) or of the simplex
//! one (Kuhn's triangulation: d + 1 corners, found by sorting the fractions). The model is asked once: the place of x' in the grid, the
//! reward and the continuation of each (point, action) are kept, in single precision (place within a cell to 6e-8 of
//! it); values and sums are double. N sweeps are exactly the grid's value of N steps to go.
//!
//! Beyond the bounds the nearest state on them counts. A (point, action) whose step diverges ranks last; a point where all diverge
//! is worth the worst reward seen at every step.

mod actions;
mod axes;
mod build;
mod chart;
pub(crate) mod entry;
mod explore;
mod explorer;
mod lookahead;
mod planner;
mod saved;
mod stencil;
mod table;
mod value;

pub use axes::{Axis, Grid};
pub use build::GridConfig;
pub use lookahead::Choice;
pub use stencil::Interpolation;
pub use value::{GridValue, Settled};
