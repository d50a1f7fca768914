//! Policies against closed forms, and what every policy keeps to.

mod cloning;
mod conservative;
mod critics;
mod deterministic;
mod every;
mod evolved;
mod imagined;
mod implicit;
mod moments;
mod reparametrised;
mod soft;
mod told;
mod values;
