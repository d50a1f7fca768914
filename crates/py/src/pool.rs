//! Where long calls run: without the interpreter's lock, on a worker of a thread pool.
//!
//! Work that is handed to a pool from outside pays a sleep and a wake-up each time, so the call itself runs on a worker. The pool
//! belongs to the process that made it: a child that was forked has none of its threads and makes another. Nor has it those of
//! rayon's own pool, which short calls fall back on, so that every call runs on a pool there.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use rayon::ThreadPool;

use crate::error::refuse;
use crate::interrupts::{Elsewhere, Interrupts, PAUSE};

static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);
/// The process that imported the module.
static HOME: OnceLock<u32> = OnceLock::new();
/// Calls that take longer run on the pool, where their work can be shared; handing over costs some microseconds.
const LONG: Duration = Duration::from_millis(1);

/// Takes note of the process that imports the module.
pub(crate) fn settle_in() {
    HOME.get_or_init(std::process::id);
}

fn forked() -> bool {
    HOME.get().is_some_and(|home| *home != std::process::id())
}

fn pool(py: Python<'_>) -> PyResult<Arc<ThreadPool>> {
    let mut slot = locked(py, &POOL);
    let process = std::process::id();
    match &*slot {
        Some((owner, pool)) if *owner == process => Ok(Arc::clone(pool)),
        _ => {
            let built = rayon::ThreadPoolBuilder::new()
                .thread_name(|i| format!("worldwright-{i}"))
                .build()
                .map_err(|error| refuse(py, format!("threads cannot be started: {error}")))?;
            let pool = Arc::new(built);
            // Joining threads that a fork did not take along would wait for ever: the old pool is left as it is.
            std::mem::forget(slot.replace((process, Arc::clone(&pool))));
            Ok(pool)
        }
    }
}

/// Runs `work` on the pool, the lock given up. The worker stays known to the interpreter meanwhile, so that each call back into
/// Python finds its thread state rather than making one; this thread waits, and lets Python's handlers hear of signals.
pub(crate) fn long<T: Send>(py: Python<'_>, interrupts: &Interrupts, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = pool(py)?;
    let _elsewhere = Elsewhere::listen(py, interrupts)?;
    let mut done = None;
    py.detach(|| {
        let (tell, told) = mpsc::channel::<()>();
        let slot = &mut done;
        pool.in_place_scope(|scope| {
            scope.spawn(move |_| {
                // Dropped when the work is done, and when it panics: the wait ends in either case.
                let _tell = tell;
                *slot = Some(Python::attach(|py| py.detach(work)));
            });
            while let Err(RecvTimeoutError::Timeout) = told.recv_timeout(PAUSE) {
                Python::attach(|py| interrupts.ask(py));
            }
        });
    });
    done.ok_or_else(|| refuse(py, "the work ended without a result"))
}

/// How long the last call of a kind took: the next one of that kind takes as long, more or less. The first may take long.
#[derive(Debug, Default)]
pub(crate) struct Took(Option<Duration>);

impl Took {
    /// Runs `work`, the lock given up: where it was called while it is short, else on the pool.
    pub(crate) fn run<T: Send>(
        &mut self,
        py: Python<'_>,
        interrupts: &Interrupts,
        work: impl FnOnce() -> T + Send,
    ) -> PyResult<T> {
        let began = Instant::now();
        let is_short = self.0.is_some_and(|took| took <= LONG) && !forked();
        let done = if is_short { py.detach(work) } else { long(py, interrupts, work)? };
        self.0 = Some(began.elapsed());
        Ok(done)
    }
}

/// Locks, giving up the interpreter's lock while waiting: who holds the mutex may be waiting for the interpreter.
pub(crate) fn locked<'m, T>(py: Python<'_>, mutex: &'m Mutex<T>) -> MutexGuard<'m, T> {
    mutex.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
}
