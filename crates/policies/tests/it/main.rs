//! Policies against closed forms, and what every policy keeps to.

mod cloning;
mod critics;
mod deterministic;
mod every;
mod evolved;
mod imagined;
mod moments;
mod soft;
mod told;
mod values;
