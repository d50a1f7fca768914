//! Where long calls run: without the interpreter's lock, on a worker of a thread pool.
//!
//! Work that is handed to a pool from outside pays a sleep and a wake-up each time, so the call itself runs on a worker. The pool
//! belongs to the process that made it: a child that was forked has none of its threads and makes another. Nor has it those of
//! rayon's own pool, which short calls fall back on, so that every call runs on a pool there.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use rayon::ThreadPool;

use crate::error::refuse;

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
/// Python finds its thread state rather than making one.
pub(crate) fn long<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = pool(py)?;
    Ok(py.detach(|| pool.install(|| Python::attach(|py| py.detach(work)))))
}

/// How long the last call of a kind took: the next one of that kind takes as long, more or less.
#[derive(Debug, Default)]
pub(crate) struct Took(Duration);

impl Took {
    /// Whether the next call is expected to be a long one.
    pub(crate) fn is_long(&self) -> bool {
        self.0 > LONG
    }

    /// Runs `work`, the lock given up: where it was called while it is short, else on the pool.
    pub(crate) fn run<T: Send>(&mut self, py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
        let began = Instant::now();
        let done = if self.is_long() || forked() { long(py, work)? } else { py.detach(work) };
        self.0 = began.elapsed();
        Ok(done)
    }
}

/// Locks, giving up the interpreter's lock while waiting: who holds the mutex may be waiting for the interpreter.
pub(crate) fn locked<'m, T>(py: Python<'_>, mutex: &'m Mutex<T>) -> MutexGuard<'m, T> {
    mutex.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
}
