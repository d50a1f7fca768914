//! Checks of the environments against their originals, and of what every environment promises.

mod chance;
mod conformance;
mod extremes;
mod golden;
mod known_numbers;
mod pictures;
mod repeat;
mod rewards;
mod wrappers;

use worldwright_core::Entry;
use worldwright_envs::{ALL, Build, make};

/// Environments whose dynamics are a function of vectors, without chance.
fn simulated() -> impl Iterator<Item = &'static Entry<Build>> {
    ALL.iter().filter(|entry| make(entry.name, &Default::default()).unwrap().simulator.is_some())
}
