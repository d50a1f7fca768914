//! Observations from outside: elements of their space, of finite numbers. Models, planners and agents would make something of NaN, such as
//! the middle of the action space, and say nothing.

use pyo3::prelude::*;
use worldwright_core::{Space, Value};

use crate::error::exception;
use crate::value;

/// Reads an observation, which messages call `what`.
///
/// # Errors
/// `SpaceError` for no element of the space, `DivergedError` for NaN and infinite numbers.
pub(crate) fn read(space: &Space, given: &Bound<'_, PyAny>, what: &str) -> PyResult<Value> {
    let py = given.py();
    if given.is_none() {
        return Err(exception(py, "SpaceError", format!("{what} is None")));
    }
    let value = value::read(space, given, what)?;
    match misfit(&value) {
        None => Ok(value),
        Some((part, place, number)) => Err(exception(
            py,
            "DivergedError",
            format!("{what}{part} holds {number} at place {place}; expected finite numbers"),
        )),
    }
}

/// The first number that is not finite, with the part that holds it and its place there.
fn misfit(value: &Value) -> Option<(String, usize, f64)> {
    match value {
        Value::Floats(numbers) => {
            let place = numbers.iter().position(|number| !number.is_finite())?;
            Some((String::new(), place, numbers[place]))
        }
        Value::Dict(parts) => parts.iter().find_map(|(name, part)| {
            misfit(part).map(|(inner, place, number)| (format!("['{name}']{inner}"), place, number))
        }),
        Value::Tuple(parts) => parts
            .iter()
            .enumerate()
            .find_map(|(i, part)| misfit(part).map(|(inner, place, number)| (format!("[{i}]{inner}"), place, number))),
        _ => None,
    }
}
