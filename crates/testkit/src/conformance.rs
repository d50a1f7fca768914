//! What every environment, learner, world model and planner must keep to. A check panics with what was violated.

pub(crate) mod agent;
mod capabilities;
pub(crate) mod environment;
pub(crate) mod learner;
mod owned_actions;
pub(crate) mod planner;
pub(crate) mod world_model;
mod wrapper;

use worldwright_core::{Array, State};

/// Runs `work` in a pool of `threads` threads.
fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads starts");
    pool.install(work)
}

/// The bits of numbers, so that NaN equals NaN and 0 differs from −0.
fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

/// The bits of a saved state, by the names of its arrays.
fn state_bits(state: &State) -> Vec<(String, Vec<u64>)> {
    let each = state.iter().map(|(name, array)| {
        let numbers = match array {
            Array::F64(_, numbers) => bits(numbers),
            Array::F32(_, numbers) => numbers.iter().map(|number| u64::from(number.to_bits())).collect(),
            Array::U64(numbers) => numbers.clone(),
            Array::U8(bytes) => bytes.iter().map(|byte| u64::from(*byte)).collect(),
        };
        (name.to_owned(), numbers)
    });
    each.collect()
}
