//! What every environment, world model and planner must keep to. A check panics with what was violated.

pub(crate) mod agent;
mod capabilities;
pub(crate) mod environment;
pub(crate) mod planner;
pub(crate) mod world_model;

/// Runs `work` in a pool of `threads` threads.
fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads starts");
    pool.install(work)
}

/// The bits of numbers, so that NaN equals NaN and 0 differs from −0.
fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}
