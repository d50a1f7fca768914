//! Whole numbers out of numbers of any kind: those that are none are refused, never cut or rounded.

use worldwright_core::{Error, LARGEST_WHOLE, Result};

/// The whole number that this is.
///
/// # Errors
/// [`Error::NotInSpace`] for fractions, for what is no number, and beyond 2^53, where an f64 no longer tells neighbours apart.
pub(crate) fn whole(number: f64) -> Result<i64> {
    between(number, -LARGEST_WHOLE, LARGEST_WHOLE)
}

/// The byte that this is.
///
/// # Errors
/// As for [`whole`], and beyond 0 to 255.
pub(crate) fn byte(number: f64) -> Result<u8> {
    between(number, 0.0, 255.0).map(|byte| byte as u8)
}

/// Both bounds are within 2^53, so that nothing is lost on the way.
fn between(number: f64, low: f64, high: f64) -> Result<i64> {
    if number.fract() == 0.0 && number >= low && number <= high {
        Ok(number as i64)
    } else {
        Err(not_in(format!("{number} is not a whole number in [{low}, {high}]")))
    }
}

/// Whether an f64 holds a whole number as it is.
pub(crate) fn held(number: i128) -> bool {
    (number as f64) as i128 == number
}

/// An error for a whole number that an f64 would round.
pub(crate) fn lost(column: &str, row: usize, written: &str) -> Error {
    Error::config(
        column,
        format!(
            "row {row} holds {written}, which a float64 cannot hold exactly: give whole numbers from -2^53 to 2^53, such as differences from the \
             first, or leave the column out"
        ),
    )
}

pub(crate) fn not_in(reason: impl Into<String>) -> Error {
    Error::NotInSpace { what: "value".into(), reason: reason.into() }
}

/// The same error, told of a place.
pub(crate) fn at(place: &str, error: Error) -> Error {
    match error {
        Error::NotInSpace { what, reason } => Error::NotInSpace { what, reason: format!("{place}: {reason}") },
        other => other,
    }
}
