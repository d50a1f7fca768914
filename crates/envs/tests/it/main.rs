//! Checks of the environments against their originals, and of what every environment promises.

mod conformance;
mod extremes;
mod golden;
mod known_numbers;
mod pictures;
mod repeat;
mod rewards;
