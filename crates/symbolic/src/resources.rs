//! What reading, grounding and searching may use between them: time from one start, memory, and a request to stop.

use std::time::{Duration, Instant};

use worldwright_core::{Interrupt, cost};

use super::error::PddlErrorKind;

/// Bytes that may be taken where nobody has set a limit: enough for tasks that a search can do anything with.
const USUAL_BYTES: usize = 4 << 30;

/// Limits with the time at which they began to count.
#[derive(Debug, Clone)]
pub struct Resources {
    started: Instant,
    time: Option<Duration>,
    memory_bytes: usize,
    interrupt: Interrupt,
}

impl Resources {
    /// Limits that count from now. Without one in memory 4 GiB may be taken, or what the machine allows if that is less.
    pub fn new(time: Option<Duration>, memory_bytes: Option<usize>, interrupt: Interrupt) -> Self {
        let usual = usize::try_from(cost::memory_limit()).unwrap_or(usize::MAX).min(USUAL_BYTES);
        Self { started: Instant::now(), time, memory_bytes: memory_bytes.unwrap_or(usual), interrupt }
    }

    /// What is left of the time, if it is limited.
    pub fn time_left(&self) -> Option<Duration> {
        self.time.map(|time| time.saturating_sub(self.started.elapsed()))
    }

    /// What is used up where `bytes` are held, if anything is.
    pub(crate) fn spent(&self, bytes: usize) -> Option<PddlErrorKind> {
        if bytes > self.memory_bytes {
            return Some(PddlErrorKind::MemoryLimit);
        }
        if self.interrupt.requested() {
            return Some(PddlErrorKind::Interrupted);
        }
        self.time.is_some_and(|time| self.started.elapsed() >= time).then_some(PddlErrorKind::TimeLimit)
    }

    /// A limit that was passed, in words.
    pub(crate) fn passed(&self, kind: PddlErrorKind) -> String {
        match kind {
            PddlErrorKind::TimeLimit => {
                let limit = self.time.unwrap_or_default().as_secs_f64();
                format!("the time limit of {limit} s has passed")
            }
            PddlErrorKind::Interrupted => "interrupted".to_owned(),
            PddlErrorKind::MemoryLimit | PddlErrorKind::Text => {
                let limit = self.memory_bytes as f64 / f64::from(1 << 20);
                format!("the limit of {limit:.0} MB of memory has been reached")
            }
        }
    }
}

impl Default for Resources {
    /// No limit in time, and the usual one in memory.
    fn default() -> Self {
        Self::new(None, None, Interrupt::never())
    }
}
