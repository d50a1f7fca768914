//! Settings: Python's values by name, to and from [`Setting`].

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};
use worldwright_core::Setting;
use worldwright_runs::Choices;

use crate::error::{OrRaise, refuse};
use crate::space::numbers;

/// The text in UTF-8 that the bytes of a file are.
#[pyfunction]
pub(crate) fn utf8_text(py: Python<'_>, who: &str, bytes: &[u8]) -> PyResult<String> {
    worldwright_core::utf8(who, bytes).map(str::to_owned).or_raise(py)
}

/// Reads one value.
///
/// # Errors
/// `ConfigError` for what no setting can be.
pub(crate) fn value(key: &str, given: &Bound<'_, PyAny>) -> PyResult<Setting> {
    let whole = |number: &Bound<'_, PyAny>| {
        let range = format!("{key}: a whole number of a setting is from {} to {}", i64::MIN, i64::MAX);
        number.extract().map(Setting::Integer).map_err(|_| refuse(given.py(), format!("{range}, got {given}")))
    };
    if given.is_instance_of::<PyBool>() {
        Ok(Setting::Bool(given.extract()?))
    } else if given.is_instance_of::<PyInt>() {
        whole(given)
    } else if given.is_instance_of::<PyFloat>() {
        Ok(Setting::Float(given.extract()?))
    } else if given.is_instance_of::<PyString>() {
        Ok(Setting::Text(given.extract()?))
    } else if let Some(number) = scalar(given) {
        whole(&number)
    } else if let Ok(numbers) = numbers(given, key) {
        match (given.getattr("ndim").and_then(|n| n.extract::<usize>()), numbers.as_slice()) {
            (Ok(0), [number]) => Ok(Setting::Float(*number)),
            _ => Ok(Setting::Numbers(numbers)),
        }
    } else {
        let kind = given.get_type().name()?;
        Err(refuse(
            given.py(),
            format!("{key}: a setting is a bool, an int, a float, a str or a list of numbers, got {kind}"),
        ))
    }
}

/// The whole number that one of NumPy's own scalars is, which are numbers of no dimension.
fn scalar<'py>(given: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let dimensions: usize = given.getattr("ndim").ok()?.extract().ok()?;
    (dimensions == 0).then(|| given.call_method0("__index__").ok()).flatten()
}

/// Reads settings by name.
pub(crate) fn named(given: &Bound<'_, PyDict>) -> PyResult<BTreeMap<String, Setting>> {
    given
        .iter()
        .map(|(key, setting)| {
            let key: String = key.extract()?;
            let setting = value(&key, &setting)?;
            Ok((key, setting))
        })
        .collect()
}

/// Reads a user's choices by dotted key, after those of a TOML text.
pub(crate) fn choices(given: &Bound<'_, PyDict>, toml: Option<(&str, &str)>) -> PyResult<Choices> {
    let py = given.py();
    let mut choices = Choices::new();
    if let Some((text, origin)) = toml {
        choices = choices.toml(text, origin).or_raise(py)?;
    }
    for (key, setting) in named(given)? {
        choices = choices.set(&key, setting).or_raise(py)?;
    }
    Ok(choices)
}

/// The value as Python's.
pub(crate) fn write<'py>(py: Python<'py>, setting: &Setting) -> PyResult<Bound<'py, PyAny>> {
    Ok(match setting {
        Setting::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Setting::Integer(number) => number.into_pyobject(py)?.into_any(),
        Setting::Float(number) => number.into_pyobject(py)?.into_any(),
        Setting::Text(text) => text.into_pyobject(py)?.into_any(),
        Setting::Numbers(numbers) => numbers.into_pyobject(py)?.into_any(),
    })
}
