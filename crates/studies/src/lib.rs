//! Experiments about learning itself, each of which answers a question by tables and figures.
//!
//! A study is one file and a line in [`ALL`]. What it finds is a [`Study`], which says nothing of how it is shown; the same settings give the same findings.

mod adversarial;
mod demonstrator;
mod doubt;
mod emergent;
mod energy;
mod finding;
mod four_rooms;
mod gradients;
mod greedy;
mod growth;
mod imitation;
mod implicit;
mod jacobians;
mod lab;
mod mismatch;
mod oracles;
mod queries;
mod rewards;
mod successor_features;

use worldwright_core::{Entry, Interrupt, Result, Settings};

pub use finding::{Cell, Curve, Figure, Study, Table};

/// What a study is told besides its settings.
pub struct Watch<'a> {
    /// Requested when it shall stop.
    pub interrupt: &'a Interrupt,
    /// Hears what is done of how much, and what that is.
    pub progress: &'a mut dyn FnMut(usize, usize, &str) -> Result<()>,
}

impl Watch<'_> {
    /// Tells that `done` of `all` pieces are done; `what` is the next one.
    ///
    /// # Errors
    /// [`Error::Interrupted`](worldwright_core::Error::Interrupted) once it shall stop, and what those who hear give.
    pub fn tell(&mut self, done: usize, all: usize, what: &str) -> Result<()> {
        (self.progress)(done, all, what)?;
        self.interrupt.check("the study")
    }
}

/// Carries out a study by complete settings.
pub type Build = fn(&Settings, &mut Watch<'_>) -> Result<Study>;

/// Every study that can be named.
pub const ALL: &[Entry<Build>] = &[
    gradients::ENTRY,
    imitation::ENTRY,
    implicit::ENTRY,
    oracles::ENTRY,
    queries::ENTRY,
    rewards::ENTRY,
    successor_features::ENTRY,
    mismatch::ENTRY,
    jacobians::ENTRY,
    implicit::DIFFERENTIABLE_MPC,
    doubt::ENTRY,
    demonstrator::ENTRY,
    emergent::ENTRY,
    adversarial::ENTRY,
    energy::ENTRY,
];
