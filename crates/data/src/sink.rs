//! Where what is read goes, an episode at a time.

use worldwright_core::{Error, Result};

use crate::{Episode, Header};

/// Takes a header and then episodes.
pub(crate) trait Sink {
    fn begin(&mut self, header: &Header) -> Result<()>;
    /// An episode of T actions and rewards and T + 1 observations; see [`check`].
    fn episode(&mut self, episode: Episode) -> Result<()>;
    /// What should stand among the header's notes after all, once the episodes are known; for sinks that keep a header.
    fn note(&mut self, _note: &(String, String)) {}
    /// Looked at while much is read before the first episode is known.
    ///
    /// # Errors
    /// [`Error::Interrupted`] once somebody asked to stop.
    fn go_on(&self) -> Result<()> {
        Ok(())
    }
}

/// # Errors
/// [`Error::NotInSpace`] for NaN and infinite numbers.
pub(crate) fn finite(what: &str, number: f64) -> Result<()> {
    if number.is_finite() {
        Ok(())
    } else {
        Err(Error::NotInSpace { what: "value".into(), reason: format!("{what} is {number}") })
    }
}

/// What a bound may be missed by, relatively: environments compute in single precision what they declare in double.
const SLACK: f64 = 1e-6;

/// Whether a number is beyond the bounds of its box, whose numbers are real or whole ones.
pub(crate) fn beyond(number: f64, (low, high): (f64, f64), real: bool) -> bool {
    let room = |bound: f64| if real && bound.is_finite() { SLACK * (1.0 + bound.abs()) } else { 0.0 };
    number < low - room(low) || number > high + room(high)
}
