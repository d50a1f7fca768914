//! Signals while a call works without the interpreter's lock: Python's own handlers run all the same, and what one of them raises, such
//! as `KeyboardInterrupt`, ends the call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use worldwright_core::{Error, Interrupt, Result};

/// How long a signal waits at most for its handler.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// What is heard of signals in one call, or in the calls of one object, of which one goes on at a time.
#[derive(Debug)]
pub(crate) struct Interrupts {
    stop: Arc<AtomicBool>,
    raised: Mutex<Option<PyErr>>,
    asked: Mutex<Instant>,
}

impl Default for Interrupts {
    fn default() -> Self {
        Self { stop: Arc::default(), raised: Mutex::default(), asked: Mutex::new(Instant::now()) }
    }
}

impl Interrupts {
    /// The request that is made when the call shall end.
    pub(crate) fn interrupt(&self) -> Interrupt {
        Arc::clone(&self.stop).into()
    }

    /// Runs the handlers of signals that came, where this is the main thread; Python runs them in no other.
    pub(crate) fn ask(&self, py: Python<'_>) {
        if let Err(raised) = py.check_signals() {
            self.raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(raised);
            self.stop.store(true, Ordering::SeqCst);
        }
    }

    /// An error once the call shall end. Short calls are carried out where they are made, where nobody else asks for signals: they ask now
    /// and then themselves.
    pub(crate) fn heard(&self) -> Result<()> {
        {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.elapsed() > PAUSE {
                Python::attach(|py| self.ask(py));
                *asked = Instant::now();
            }
        }
        if self.stop.load(Ordering::Relaxed) { Err(Error::Interrupted { who: "this call".into() }) } else { Ok(()) }
    }

    /// What a handler raised, if anything; nothing is left of the call's signals.
    pub(crate) fn take(&self) -> Option<PyErr> {
        let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stopped = self.stop.swap(false, Ordering::SeqCst);
        raised.or_else(|| stopped.then(|| PyKeyboardInterrupt::new_err("interrupted")))
    }

    /// What the call gives: what a handler raised goes before its result, which is of no use to anyone then.
    pub(crate) fn settle<T>(&self, result: PyResult<T>) -> PyResult<T> {
        match self.take() {
            Some(raised) => Err(raised),
            None => result,
        }
    }
}

/// Sets the flag at an interrupt for as long as it lives. Calls from other threads than the main one need it: an interrupt ends what the
/// main thread does, and would leave theirs going on.
pub(crate) struct Elsewhere(Option<signal_hook::SigId>);

impl Elsewhere {
    pub(crate) fn listen(py: Python<'_>, interrupts: &Interrupts) -> PyResult<Self> {
        let threading = py.import("threading")?;
        let main = threading.call_method0("main_thread")?.getattr("ident")?;
        if main.eq(threading.call_method0("get_ident")?)? {
            return Ok(Self(None));
        }
        let flag = Arc::clone(&interrupts.stop);
        Ok(Self(signal_hook::flag::register(signal_hook::consts::SIGINT, flag).ok()))
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.0.map(signal_hook::low_level::unregister);
    }
}
