//! Double-precision kernels that several rooms need, each with the same bytes on every machine and any number of threads.
//!
//! - [`cholesky`]: triangular factors of covariances, their solutions and rank-one updates.
//! - [`sine`], [`trig`] and [`exp_nonpositive`]: elementary functions short enough to be inlined into vector loops.
//! - [`Interner`]: numbers for equal rows, in the order of their first appearance.
//! - [`Change`] and [`shift_rows`]: the extremes of a sweep, and plans moved on in time.

mod change;
pub mod cholesky;
mod exponential;
mod interner;
mod rows;
pub mod sine;
pub mod trig;

pub use change::Change;
pub use exponential::exp_nonpositive;
pub use interner::Interner;
pub use rows::shift_rows;
