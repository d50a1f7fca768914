//! Partially observed worlds: what to do when only a belief over states is known.
//!
//! Two descriptions of a problem. A [`Table`] lists probabilities and rewards; on it work the exact belief update
//! ([`exact_update`]), exact value iteration by alpha vectors ([`Exact`]), the bounds of [`qmdp`], [`fast_informed_bound`] and
//! [`blind_policies`], and point-based value iteration with both bounds ([`PointBased`]). A [`Pomdp`](worldwright_core::pomdp::Pomdp) only simulates; on it work
//! particle beliefs ([`ParticleBelief`]), POMCP ([`Pomcp`]) and a search over determinised scenarios ([`Despot`]).
//!
//! The field's two yardsticks, the tiger and RockSample, are worlds of the room envs, each with its probabilities and as a simulator;
//! others are read from files ([`parse_pomdp`]), and any table can be simulated ([`Simulated`]).
//!
//! ```
//! use worldwright_envs::tiger::Tiger;
//! use worldwright_pomdp::{Exact, ExactConfig, Table};
//!
//! # fn main() -> worldwright_core::Result<()> {
//! let solution = Exact::solve(&Table::of(&Tiger { discount: 0.75 })?, &ExactConfig::default())?;
//! assert!((solution.value(&[0.5, 0.5]) - 1.933_439).abs() < 1e-6);
//! # Ok(())
//! # }
//! ```

mod belief;
mod blocks;
mod bounds;
mod cassandra;
mod despot;
mod dominance;
mod exact;
mod named;
mod particles;
mod point_based;
mod pomcp;
mod simulated;
mod streams;
mod table;

pub use belief::exact_update;
pub use bounds::{Vectors, blind_policies, fast_informed_bound, qmdp};
pub use cassandra::{FileConfig, parse_pomdp, parse_pomdp_with};
pub use despot::{Despot, DespotConfig, DespotReport};
pub use exact::{Exact, ExactConfig};
pub use named::{Named, Names};
pub use particles::ParticleBelief;
pub use point_based::{PointBased, PointBasedConfig, PointBasedEnd, PointBasedReport};
pub use pomcp::{Pomcp, PomcpConfig, PomcpReport};
pub use simulated::Simulated;
pub use table::Table;

/// The tiger in Cassandra's format, as [`parse_pomdp`] reads it.
pub const TIGER_FILE: &str = include_str!("tiger.pomdp");
