//! Spaces: Gymnasium's, and plain Python in their place, to and from [`Space`].

use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use worldwright_core::{ElementType, Space};

use crate::error::refuse;

/// Reads a space: one of Gymnasium's, a whole number (so many choices), a list of choices, or a pair `(low, high)` of numbers or
/// arrays.
///
/// # Errors
/// `ConfigError` for what is none of these, naming what it is.
pub(crate) fn read(given: &Bound<'_, PyAny>) -> PyResult<Space> {
    let py = given.py();
    if let Ok(n) = given.extract::<usize>() {
        return Ok(Space::discrete(n));
    }
    if let Ok(choices) = given.cast::<PyList>() {
        return Ok(Space::discrete(choices.len()));
    }
    if let Ok(pair) = given.cast::<PyTuple>()
        && let Ok((low, high)) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()
    {
        let (low, high) = (numbers(&low)?, numbers(&high)?);
        if low.len() != high.len() {
            return Err(refuse(py, format!("a box has {} lower and {} upper bounds", low.len(), high.len())));
        }
        return Ok(Space::vector(&low, &high));
    }
    let kind = given.get_type().name()?.to_string();
    match kind.as_str() {
        "Box" => Ok(Space::Box {
            shape: given.getattr("shape")?.extract()?,
            low: numbers(&given.getattr("low")?)?,
            high: numbers(&given.getattr("high")?)?,
            element: element(&given.getattr("dtype")?)?,
        }),
        "Discrete" => {
            Ok(Space::Discrete { n: given.getattr("n")?.extract()?, start: given.getattr("start")?.extract()? })
        }
        "MultiDiscrete" => Ok(Space::MultiDiscrete {
            nvec: numbers(&given.getattr("nvec")?)?.into_iter().map(|n| n as usize).collect(),
        }),
        "MultiBinary" => Ok(Space::MultiBinary { n: given.call_method0("sample")?.len()? }),
        "Dict" => {
            let parts = given.getattr("spaces")?.call_method0("items")?;
            let parts = parts.try_iter()?.map(|item| {
                let (name, part): (String, Bound<'_, PyAny>) = item?.extract()?;
                Ok((name, read(&part)?))
            });
            Ok(Space::Dict(parts.collect::<PyResult<_>>()?))
        }
        "Tuple" => {
            let parts = given.getattr("spaces")?;
            let parts = parts.try_iter()?.enumerate().map(|(i, part)| Ok((i.to_string(), read(&part?)?)));
            Ok(Space::Dict(parts.collect::<PyResult<_>>()?))
        }
        _ => Err(refuse(
            py,
            format!(
                "cannot take {kind} as a space: give a Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple of gymnasium.spaces, \
                 a number of choices, a list of them, or a pair (low, high); gymnasium.wrappers change other spaces into these"
            ),
        )),
    }
}

fn element(dtype: &Bound<'_, PyAny>) -> PyResult<ElementType> {
    let (kind, size): (String, usize) = (dtype.getattr("kind")?.extract()?, dtype.getattr("itemsize")?.extract()?);
    Ok(match (kind.as_str(), size) {
        ("f", 8) => ElementType::F64,
        ("f", _) => ElementType::F32,
        ("u", 1) => ElementType::U8,
        _ => ElementType::I64,
    })
}

/// Numbers of an array, a sequence or a single number, row-major.
pub(crate) fn numbers(given: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let numpy = given.py().import("numpy")?;
    let flat = numpy.call_method1("asarray", (given, "float64"))?.call_method0("ravel")?;
    let flat = flat.cast_into::<PyArray1<f64>>().map_err(PyErr::from)?;
    Ok(flat.to_vec()?)
}

/// The space as Gymnasium's.
pub(crate) fn write<'py>(py: Python<'py>, space: &Space) -> PyResult<Bound<'py, PyAny>> {
    let spaces = py.import("gymnasium.spaces")?;
    match space {
        Space::Box { shape, low, high, element } => {
            let dtype = match element {
                ElementType::F32 => "float32",
                ElementType::F64 => "float64",
                ElementType::U8 => "uint8",
                ElementType::I64 => "int64",
            };
            let array = |numbers: &[f64]| -> PyResult<_> {
                let array = PyArray1::from_slice(py, numbers).call_method1("reshape", (PyTuple::new(py, shape)?,))?;
                array.call_method1("astype", (dtype,))
            };
            let options = PyDict::new(py);
            options.set_item("low", array(low)?)?;
            options.set_item("high", array(high)?)?;
            options.set_item("dtype", py.import("numpy")?.getattr(dtype)?)?;
            spaces.getattr("Box")?.call((), Some(&options))
        }
        Space::Discrete { n, start } => {
            let options = PyDict::new(py);
            options.set_item("start", start)?;
            spaces.getattr("Discrete")?.call((*n,), Some(&options))
        }
        Space::MultiDiscrete { nvec } => spaces.getattr("MultiDiscrete")?.call1((nvec.clone(),)),
        Space::MultiBinary { n } => spaces.getattr("MultiBinary")?.call1((*n,)),
        Space::Dict(parts) => {
            let named = PyDict::new(py);
            for (name, part) in parts {
                named.set_item(name, write(py, part)?)?;
            }
            spaces.getattr("Dict")?.call1((named,))
        }
    }
}
