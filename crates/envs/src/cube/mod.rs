//! Rubik's cube: its states and turns, which solvers search, and the puzzle as an environment (`environment.rs`), 3×3×3 or 2×2×2.
//!
//! ```
//! use worldwright_envs::cube::{Cube, format_moves, parse_moves};
//!
//! let scramble = parse_moves("R U F2 L' D B2")?;
//! let back: Vec<_> = scramble.iter().rev().map(|turn| turn.inverse()).collect();
//! assert_eq!(format_moves(&back), "B2 D' L F2 U' R'");
//! assert!(Cube::default().after(&scramble).after(&back).is_solved());
//! # Ok::<(), worldwright_core::Error>(())
//! ```

mod cubie;
mod environment;
mod facelets;
mod geometry;
mod moves;

pub use cubie::{Cube, third_turn};
pub(crate) use environment::{CUBE, POCKET_CUBE};
pub use geometry::{Vector, normal, quarter};
pub use moves::{Face, Metric, Move, format_moves, parse_moves};
