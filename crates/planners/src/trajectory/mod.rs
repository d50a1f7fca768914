//! Planners that improve one trajectory by derivatives of the model: gradients, iLQR and DDP, LQR, collocation.

pub(crate) mod collocation;
pub(crate) mod gradient;
pub(crate) mod ilqr;
pub(crate) mod lqr;
mod shooting;
