//! Where long calls run: without the interpreter's lock, on a worker of a thread pool.
//!
//! Work that is handed to a pool from outside pays a sleep and a wake-up each time, so the call itself runs on a worker. The pool
//! belongs to the process that made it: a child that was forked has none of its threads and makes another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use rayon::ThreadPool;

use crate::error::refuse;

static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

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

/// Locks, giving up the interpreter's lock while waiting: who holds the mutex may be waiting for the interpreter.
pub(crate) fn locked<'m, T>(py: Python<'_>, mutex: &'m Mutex<T>) -> MutexGuard<'m, T> {
    mutex.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
}
