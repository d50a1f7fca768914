//! Rubik's cube: the two-phase plan for 3×3×3, the optimal one for 2×2×2, and a controller that carries a plan out by unsure turns.
//!
//! ```
//! use worldwright_envs::cube::{Cube, format_moves, parse_moves};
//! use worldwright_problems::rubik::TwoPhase;
//!
//! let cube = Cube::default().after(&parse_moves("R U F2 L' D B2")?);
//! let solution = TwoPhase::new().solve(&cube, &Default::default())?;
//! assert!(cube.after(&solution.moves).is_solved());
//! println!("{}", format_moves(&solution.moves));
//! # Ok::<(), worldwright_core::Error>(())
//! ```

mod controller;
mod coordinates;
mod neighbours;
mod permutation;
mod pocket;
mod tables;
mod two_phase;

pub use controller::{Controller, Episode, FaceTurner, Repair, ScriptedTurner};
pub use neighbours::counts_by_depth;
pub use pocket::{Pocket, PocketSolver};
pub use two_phase::{Effort, Solution, TwoPhase};
