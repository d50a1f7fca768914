//! Learners: what gets better by experience, a piece at a time.

use crate::{Experience, Interrupt, Metrics, Persist, Result, Rng};

/// Something that learns from experience in updates, each of which samples what it wants of it.
pub trait Learner: Persist {
    /// Learns once from `experience`. What comes of it depends on the learner's state, the experience and `rng` alone; a long update looks at
    /// `interrupt` as it goes.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) where too little is held to sample from, [`Error::Diverged`](crate::Error::Diverged) once numbers
    /// are not finite, [`Error::Interrupted`](crate::Error::Interrupted) once `interrupt` is requested.
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics>;
}
