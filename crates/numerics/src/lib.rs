//! Double-precision kernels that several rooms need, each with the same bytes on every machine and any number of threads.
//!
//! - [`dense`]: products of matrices; [`cholesky`]: triangular factors of symmetric ones, what is solved with them, rank-one updates.
//! - [`moments`]: normal distributions through functions, with derivatives.
//! - [`minimize`] goes downhill by L-BFGS.
//! - [`trig`] and [`exp_nonpositive`]: elementary functions short enough to be inlined into vector loops.
//! - [`Interner`]: numbers for equal rows, in the order of their first appearance.
//! - [`Change`] and [`shift_rows`]: the extremes of a sweep, and plans moved on in time.

mod change;
pub mod cholesky;
pub mod dense;
mod exponential;
mod interner;
mod lbfgs;
pub mod moments;
mod rows;
pub mod trig;

pub use change::Change;
pub use exponential::exp_nonpositive;
pub use interner::Interner;
pub use lbfgs::minimize;
pub use rows::shift_rows;
