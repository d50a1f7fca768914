//! A request to stop, shared between whoever may ask (a signal handler, a user's thread) and the long work that heeds it; the same way
//! leads back what that work asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::meter::Meter;
use crate::{Call, Calls, Error, Result};

/// Whether long work shall stop. Clones share one request. Work looks at it where that costs nothing beside what it does anyway: at every
/// epoch, wave, iteration, expansion or episode, so that a second is the longest that anyone waits.
///
/// Planners have it in their [`Budget`](crate::Budget) and end as if their time had run out; everything else ends by
/// [`Error::Interrupted`]. Whoever asked knows best what a half-finished result is worth to them.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    flag: Option<Arc<AtomicBool>>,
    meter: Option<Arc<Meter>>,
}

impl Interrupt {
    /// A request that can be made.
    pub fn new() -> Self {
        Self { flag: Some(Arc::default()), meter: None }
    }

    /// A request that nobody ever makes.
    pub const fn never() -> Self {
        Self { flag: None, meter: None }
    }

    /// Asks all who share it to stop. Nothing happens where it is [`never`](Self::never).
    pub fn request(&self) {
        if let Some(flag) = &self.flag {
            flag.store(true, Ordering::SeqCst);
        }
    }

    /// Whether somebody asked.
    pub fn requested(&self) -> bool {
        self.flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// The same request, with counts of its own from zero on, which its clones share.
    #[must_use]
    pub fn metered(&self) -> Self {
        Self { flag: self.flag.clone(), meter: Some(Arc::default()) }
    }

    /// Counts what was asked for; nothing where nobody [counts](Self::metered).
    pub fn count(&self, call: Call, times: u64) {
        if let Some(meter) = &self.meter {
            meter.count(call, times);
        }
    }

    /// What was counted so far.
    pub fn calls(&self) -> Calls {
        self.meter.as_ref().map(|meter| meter.read()).unwrap_or_default()
    }

    /// Goes on from these counts, as a run does that is taken up again.
    pub fn set_calls(&self, calls: Calls) {
        if let Some(meter) = &self.meter {
            meter.set(calls);
        }
    }

    /// Nothing while nobody asked.
    ///
    /// # Errors
    /// [`Error::Interrupted`] from then on; `who` is what was interrupted.
    pub fn check(&self, who: &'static str) -> Result<()> {
        if self.requested() { Err(Error::Interrupted { who: who.into() }) } else { Ok(()) }
    }
}

impl From<Arc<AtomicBool>> for Interrupt {
    /// The request that a flag stands for, set by a signal handler for instance.
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self { flag: Some(flag), meter: None }
    }
}

impl PartialEq for Interrupt {
    /// Whether a request to the one is a request to the other.
    fn eq(&self, other: &Self) -> bool {
        match (&self.flag, &other.flag) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reaches_all_who_share_it() {
        let (interrupt, other) = (Interrupt::new(), Interrupt::new());
        let heeded = interrupt.clone();
        assert!(heeded.check("it").is_ok() && heeded == interrupt && interrupt != other && other != Interrupt::never());
        interrupt.request();
        assert_eq!(heeded.check("the fit").unwrap_err().to_string(), "the fit was interrupted");
        assert!(!other.requested());
        let counting = interrupt.metered();
        counting.clone().count(Call::Gradient, 3);
        interrupt.count(Call::Gradient, 1);
        assert_eq!((counting.calls().gradients, interrupt.calls().gradients), (3, 0));
        Interrupt::never().request();
        assert!(!Interrupt::never().requested());
    }
}
