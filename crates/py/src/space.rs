//! Spaces: Gymnasium's, and plain Python in their place, to and from [`Space`].

use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use worldwright_core::{ElementType, Space, check_choices};

use crate::error::{OrRaise as _, refuse};

/// A name for each number of the flat vector of an element called `root`, by part and choice.
#[pyfunction]
pub(crate) fn channel_names(space: &Bound<'_, PyAny>, root: &str) -> PyResult<Vec<String>> {
    Ok(read(space)?.channel_names(root))
}

/// Whether an array of the shape `shown` is, without a doubt, an element of a space of this shape.
#[pyfunction]
pub(crate) fn shape_fits(shown: Vec<usize>, shape: Vec<usize>) -> bool {
    worldwright_data::shape_fits(&shown, &shape)
}

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
        let (low, high) = (numbers(&low, "low of a box")?, numbers(&high, "high of a box")?);
        if low.len() != high.len() {
            return Err(refuse(py, format!("a box has {} lower and {} upper bounds", low.len(), high.len())));
        }
        return Ok(Space::vector(&low, &high));
    }
    let kind = given.get_type().name()?.to_string();
    match kind.as_str() {
        "Box" => Ok(Space::Box {
            shape: given.getattr("shape")?.extract()?,
            low: numbers(&given.getattr("low")?, "low of a Box")?,
            high: numbers(&given.getattr("high")?, "high of a Box")?,
            element: element(given)?,
        }),
        "Discrete" => {
            // Older versions of Gymnasium know neither the first choice nor the type.
            let start = given.getattr("start").and_then(|start| start.extract()).unwrap_or(0);
            let n = given.getattr("n")?.extract()?;
            check_choices(n, start).or_raise(py)?;
            Ok(Space::Discrete { n, start, element: element(given)? })
        }
        "MultiDiscrete" => {
            let nvec = whole(&given.getattr("nvec")?)?;
            let start = given.getattr("start").and_then(|start| whole(&start)).unwrap_or_else(|_| vec![0; nvec.len()]);
            let space = Space::MultiDiscrete {
                shape: given.getattr("shape")?.extract()?,
                nvec: nvec.into_iter().map(|n| usize::try_from(n).unwrap_or(0)).collect(),
                start,
                element: element(given)?,
            };
            space.check_all_choices().or_raise(py)?;
            Ok(space)
        }
        "MultiBinary" => Ok(Space::MultiBinary { shape: given.getattr("shape")?.extract()? }),
        "Dict" => {
            let parts = given.getattr("spaces")?.call_method0("items")?;
            let mut named: Vec<(String, Space)> = Vec::new();
            for item in parts.try_iter()? {
                let (name, part): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item?.extract()?;
                let name = name.str()?.to_string();
                if named.iter().any(|(given, _)| *given == name) {
                    return Err(refuse(py, format!("two parts of a Dict are called '{name}'")));
                }
                named.push((name, read(&part)?));
            }
            Ok(Space::Dict(named))
        }
        "Tuple" => {
            let parts = given.getattr("spaces")?;
            Ok(Space::Tuple(parts.try_iter()?.map(|part| read(&part?)).collect::<PyResult<_>>()?))
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

/// The number type of one of Gymnasium's spaces.
fn element(space: &Bound<'_, PyAny>) -> PyResult<ElementType> {
    let py = space.py();
    let dtype = py.import("numpy")?.call_method1("dtype", (space.getattr("dtype")?,))?;
    let name: String = dtype.getattr("name")?.extract()?;
    ElementType::from_name(&name).ok_or_else(|| {
        refuse(py, format!("cannot take a space of number type {name}: give it a dtype such as float32"))
    })
}

/// Whole numbers of an array, row-major.
fn whole(given: &Bound<'_, PyAny>) -> PyResult<Vec<i64>> {
    let numpy = given.py().import("numpy")?;
    let flat = numpy.call_method1("asarray", (given, "int64"))?.call_method0("ravel")?;
    let flat = flat.cast_into::<PyArray1<i64>>().map_err(PyErr::from)?;
    Ok(flat.to_vec()?)
}

/// An array of doubles, by the one rule of `worldwright/_contract.py`: none is masked, complex or a time, and none would be rounded.
///
/// # Errors
/// `ShapeError` and `SpaceError`, naming the row.
pub(crate) fn reals<'py>(given: &Bound<'py, PyAny>, what: &str) -> PyResult<Bound<'py, PyAny>> {
    given.py().import("worldwright._contract")?.call_method1("reals", (given, what))
}

/// Numbers of an array, a sequence or a single number, row-major; messages call it `what`.
pub(crate) fn numbers(given: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<f64>> {
    let numpy = given.py().import("numpy")?;
    let real = reals(given, what)?;
    // A copy, which lies at an address of its type wherever the given one does.
    let flat = numpy.call_method1("array", (real, "float64"))?.call_method0("ravel")?;
    let flat = flat.cast_into::<PyArray1<f64>>().map_err(PyErr::from)?;
    Ok(flat.to_vec()?)
}

/// The space as Gymnasium's.
pub(crate) fn write<'py>(py: Python<'py>, space: &Space) -> PyResult<Bound<'py, PyAny>> {
    let spaces = py.import("gymnasium.spaces")?;
    match space {
        Space::Box { shape, low, high, element } => {
            let shape = PyTuple::new(py, shape)?;
            let array = |numbers: &[f64]| converted(py, *element, numbers)?.call_method1("reshape", (&shape,));
            let options = PyDict::new(py);
            options.set_item("low", array(low)?)?;
            options.set_item("high", array(high)?)?;
            options.set_item("dtype", dtype(py, *element)?)?;
            spaces.getattr("Box")?.call((), Some(&options))
        }
        Space::Discrete { n, start, element } => {
            let options = PyDict::new(py);
            options.set_item("start", start)?;
            typed(py, &spaces.getattr("Discrete")?, n.into_pyobject(py)?.as_any(), &options, *element)
        }
        Space::MultiDiscrete { shape, nvec, start, element } => {
            let shape = PyTuple::new(py, shape)?;
            let array = |numbers: Vec<i64>| PyArray1::from_vec(py, numbers).call_method1("reshape", (&shape,));
            let options = PyDict::new(py);
            options.set_item("start", array(start.clone())?)?;
            let nvec = array(nvec.iter().map(|n| *n as i64).collect())?;
            typed(py, &spaces.getattr("MultiDiscrete")?, &nvec, &options, *element)
        }
        Space::MultiBinary { shape } => match shape.as_slice() {
            [n] => spaces.getattr("MultiBinary")?.call1((*n,)),
            _ => spaces.getattr("MultiBinary")?.call1((shape.clone(),)),
        },
        // Pairs in a list keep their order, where Gymnasium would sort the keys of a dictionary.
        Space::Dict(parts) => {
            let named = parts.iter().map(|(name, part)| Ok((name, write(py, part)?))).collect::<PyResult<Vec<_>>>()?;
            spaces.getattr("Dict")?.call1((named,))
        }
        Space::Tuple(parts) => {
            let parts = parts.iter().map(|part| write(py, part)).collect::<PyResult<Vec<_>>>()?;
            spaces.getattr("Tuple")?.call1((PyTuple::new(py, parts)?,))
        }
    }
}

/// One of Gymnasium's spaces of choices, with its number type where this version takes one.
fn typed<'py>(
    py: Python<'py>,
    kind: &Bound<'py, PyAny>,
    first: &Bound<'py, PyAny>,
    options: &Bound<'py, PyDict>,
    element: ElementType,
) -> PyResult<Bound<'py, PyAny>> {
    if element == ElementType::I64 {
        return kind.call((first,), Some(options));
    }
    options.set_item("dtype", dtype(py, element)?)?;
    kind.call((first,), Some(options))
}

fn dtype(py: Python<'_>, element: ElementType) -> PyResult<Bound<'_, PyAny>> {
    py.import("numpy")?.getattr(if element == ElementType::Bool { "bool_" } else { element.name() })
}

/// Numbers as a flat array of the environment's own type: whole ones within its range, because NumPy would wrap those beyond it.
pub(crate) fn converted<'py>(py: Python<'py>, element: ElementType, numbers: &[f64]) -> PyResult<Bound<'py, PyAny>> {
    let dtype = dtype(py, element)?;
    if element.is_float() {
        return PyArray1::from_slice(py, numbers).call_method1("astype", (dtype,));
    }
    if element == ElementType::U64 {
        let whole = PyArray1::from_iter(py, numbers.iter().map(|number| element.nearest(*number) as u64));
        return Ok(whole.into_any());
    }
    let whole = PyArray1::from_iter(py, numbers.iter().map(|number| element.nearest(*number) as i64));
    whole.call_method1("astype", (dtype,))
}
