//! What settings cost, estimated before anything is done for them.
//!
//! A setting that asks for more memory than there is would end the process where it is met, perhaps hours into a run. So whatever takes
//! memory or time in proportion to its settings says how much before it takes it, in plain numbers that cannot overflow, and is
//! refused beyond a limit by an error that names the settings. Estimates are of the right order, not exact.
//!
//! This room does no input or output, so that the limit on memory is told by whoever knows the machine ([`set_memory_limit`]).

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, ModelSpec, Result};

/// Bytes that one thing may take where nobody has said what the machine has.
const UNKNOWN_MACHINE: u64 = 8 << 30;
/// Steps of a model that a decision may take: minutes of the quickest model.
pub const MOST_MODEL_STEPS: f64 = 1e10;
/// Multiplications that building a thing may take: seconds.
pub const MOST_MULTIPLICATIONS: f64 = 1e9;

static MEMORY_LIMIT: AtomicU64 = AtomicU64::new(UNKNOWN_MACHINE);

thread_local! {
    /// How many things of the kind that is being built there will be, and the setting that says so.
    static ALIKE: Cell<(&'static str, usize)> = const { Cell::new(("", 1)) };
}

/// Runs `build`, which makes one of so many things alike, as the setting `key` says: the [`memory`] that it asks for counts so many times, so that all of
/// them are refused with the first.
pub fn alike<T>((key, count): (&'static str, usize), build: impl FnOnce() -> T) -> T {
    /// Puts the number back, whatever becomes of `build`.
    struct Before((&'static str, usize));
    impl Drop for Before {
        fn drop(&mut self) {
            ALIKE.set(self.0);
        }
    }
    let _before = Before(ALIKE.replace((key, count.max(1))));
    build()
}

/// Sets what one thing may take of this machine's memory, in bytes, for the whole process. It decides what is refused, never what comes out.
pub fn set_memory_limit(bytes: u64) {
    MEMORY_LIMIT.store(bytes.max(1), Ordering::Relaxed);
}

/// What one thing may take of this machine's memory, in bytes.
pub fn memory_limit() -> u64 {
    MEMORY_LIMIT.load(Ordering::Relaxed)
}

/// Refuses settings whose product or sum takes more than [`memory_limit`]. They are given by key and number, the error stands at the largest.
///
/// # Errors
/// [`Error::Config`] that names them, the estimate and the limit.
pub fn memory(settings: &[(&str, usize)], bytes: f64) -> Result<()> {
    let limit = memory_limit() as f64;
    let (key, count) = ALIKE.get();
    let bytes = bytes * count as f64;
    if bytes <= limit {
        return Ok(());
    }
    let why = format!(
        "would take about {} of memory, and there may be {} at most here; take less",
        in_bytes(bytes),
        in_bytes(limit)
    );
    let repeated = (count > 1).then_some((key, count));
    Err(refused(&settings.iter().copied().chain(repeated).collect::<Vec<_>>(), &why))
}

/// Refuses settings that would keep the machine busy for long before anything comes of them: with more than `most` steps of the kind
/// `what`.
///
/// # Errors
/// [`Error::Config`] that names them, the estimate and the limit.
pub fn work(settings: &[(&str, usize)], what: &str, steps: f64, most: f64) -> Result<()> {
    if steps <= most {
        return Ok(());
    }
    Err(refused(settings, &format!("would take about {steps:.0e} {what}, and {most:.0e} are the most; take less")))
}

/// Refuses an arena of so many rows for a model of this spec. `rows_from` is the setting that they come from.
///
/// # Errors
/// As for [`memory`].
pub fn arena(spec: &ModelSpec, rows: usize, rows_from: &str) -> Result<()> {
    memory(&[(rows_from, rows), ("particles", spec.members)], arena_bytes(spec, rows))
}

/// Bytes that an arena takes: a few copies of each lane's observation, action and payment.
fn arena_bytes(spec: &ModelSpec, rows: usize) -> f64 {
    let numbers = 8.0 * spec.observation_space.flat_dim() as f64 + 4.0 * spec.action_space.flat_dim() as f64 + 24.0;
    8.0 * numbers * rows as f64 * spec.members as f64
}

fn refused(settings: &[(&str, usize)], why: &str) -> Error {
    let largest = settings.iter().max_by_key(|(_, number)| *number);
    let said: Vec<String> = settings.iter().map(|(key, number)| format!("{key} = {number}")).collect();
    Error::config(largest.map_or("settings", |(key, _)| key), format!("{} {why}", said.join(" with ")))
}

/// Bytes in words.
fn in_bytes(bytes: f64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];
    let place = (bytes.max(1.0).log10() / 3.0).floor().clamp(0.0, units.len() as f64 - 1.0);
    let (number, unit) = (bytes / 1000_f64.powf(place), units[place as usize]);
    if number >= 1e4 {
        return format!("{number:.0e} {unit}");
    }
    let digits = format!("{number:.2}");
    format!("{} {unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_limit_is_refused_by_the_largest_setting() {
        assert_eq!(memory_limit(), UNKNOWN_MACHINE);
        assert!(memory(&[("population", 350)], 1e6).is_ok());
        let error = memory(&[("horizon", 25), ("population", 1_000_000_000)], 2e11).unwrap_err().to_string();
        assert_eq!(
            error,
            "population: horizon = 25 with population = 1000000000 would take about 200 GB of memory, and there may be 8.59 GB at \
             most here; take less"
        );
        assert!(memory(&[("hidden", usize::MAX)], f64::INFINITY).is_err());
        assert!(work(&[("knots", 10)], "multiplications", 1e9, MOST_MULTIPLICATIONS).is_ok());
        let error =
            work(&[("knots", 1_000_000)], "multiplications", 1e18, MOST_MULTIPLICATIONS).unwrap_err().to_string();
        assert_eq!(
            error,
            "knots: knots = 1000000 would take about 1e18 multiplications, and 1e9 are the most; take less"
        );
    }

    #[test]
    fn what_there_is_many_times_counts_so_often() {
        let many = || alike(("environment.count", 256), || memory(&[("population", 1000)], 1e8));
        let error = many().unwrap_err().to_string();
        assert!(
            error.starts_with("population: population = 1000 with environment.count = 256 would take about 25.6 GB")
        );
        assert!(alike(("environment.count", 8), || memory(&[("population", 1000)], 1e8)).is_ok());
        assert!(memory(&[("population", 1000)], 1e8).is_ok(), "only while it is built");
    }

    #[test]
    fn bytes_are_told_in_words() {
        let told = [(0.0, "0 bytes"), (1500.0, "1.5 kB"), (8e9, "8 GB"), (1.5e25, "2e7 EB")];
        told.iter().for_each(|(bytes, words)| assert_eq!(in_bytes(*bytes), *words));
    }
}
