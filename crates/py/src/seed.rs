//! Seeds: whole numbers of 64 bits, and one answer to all else.

use pyo3::prelude::*;
use pyo3::types::PyBool;

use crate::error::refuse;

/// What randomness comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(pub(crate) u64);

impl<'py> FromPyObject<'_, 'py> for Seed {
    type Error = PyErr;

    /// # Errors
    /// `ConfigError`, which is a `ValueError`, that names the range.
    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match given.extract() {
            Ok(seed) if !given.is_instance_of::<PyBool>() => Ok(Self(seed)),
            _ => {
                let shown = given.repr().map_or_else(|_| "something else".to_owned(), |text| text.to_string());
                let most = u64::MAX;
                Err(refuse(given.py(), format!("a seed is a whole number from 0 to {most} (2⁶⁴ - 1), got {shown}")))
            }
        }
    }
}
