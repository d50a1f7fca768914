//! Problems with planners of their own: each solves itself from a few settings and says what came of it.
//!
//! They are what is no model to imagine in, or comes with a better planner than any that only imagines: puzzles, motions, partially
//! observed and finite processes, symbolic tasks, games. [`ALL`] lists them, a file each; [`solve`] solves one by name. `method`,
//! where a problem has it, chooses among its planners.
//!
//! ```
//! use std::collections::BTreeMap;
//! use worldwright_core::Setting;
//! use worldwright_problems::{Status, solve};
//!
//! let settings = BTreeMap::from([("discs".to_owned(), Setting::Integer(3))]);
//! let solution = solve("hanoi", &settings)?;
//! assert_eq!((solution.status, solution.rows.len()), (Status::Optimal, 7));
//! # Ok::<(), worldwright_core::Error>(())
//! ```

use std::collections::BTreeMap;

use worldwright_core::{Entry, Result, Setting, Settings, find};

mod arm;
mod belief;
pub mod breadth_first;
mod cube;
mod dubins;
mod floor;
mod gridworld;
mod hanoi;
mod maze;
mod pocket_cube;
mod pomdp;
mod reach;
mod rock_sample;
mod room;
mod rooms;
pub mod rubik;
mod solution;
mod tabletop;
mod tiger;
mod two_player;

pub use solution::{Cell, Solution, Solve, Status};
pub use tabletop::closet;

/// Every problem.
pub const ALL: &[Entry<Solve>] = &[
    hanoi::ENTRY,
    gridworld::ENTRY,
    tiger::ENTRY,
    rock_sample::ENTRY,
    pomdp::ENTRY,
    two_player::TIC_TAC_TOE,
    two_player::CONNECT_FOUR,
    reach::ENTRY,
    arm::ENTRY,
    dubins::ENTRY,
    tabletop::ENTRY,
    maze::ENTRY,
    rooms::ENTRY,
    cube::ENTRY,
    pocket_cube::ENTRY,
];

/// Solves the problem called `name` with `overrides` laid over its default settings.
///
/// # Errors
/// [`Error::Unknown`](worldwright_core::Error::Unknown) for a name or setting that does not exist,
/// [`Error::Config`](worldwright_core::Error::Config) for a value out of range, and what the problem's planner gives. That no plan
/// was found is no error: the solution says so.
pub fn solve(name: &str, overrides: &BTreeMap<String, Setting>) -> Result<Solution> {
    let entry = find(ALL, "problem", name)?;
    (entry.build)(&Settings::resolve(name, entry.parameters, overrides)?)
}
