//! Policies against closed forms, and what every policy keeps to.

mod cloning;
mod every;
mod heads;
mod soft;
mod told;
