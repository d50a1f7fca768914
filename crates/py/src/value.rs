//! Elements of spaces: observations and actions as Python has them, to and from [`Value`].

use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyTuple};
use worldwright_core::{ElementType, Space, Value};
use worldwright_data::shape_fits;

use crate::error::exception;
use crate::space::numbers;

/// Reads an element of `space`, which messages call `what`. Its kind and length are checked, not its bounds.
///
/// # Errors
/// `SpaceError` with what was expected.
pub(crate) fn read(space: &Space, given: &Bound<'_, PyAny>, what: &str) -> PyResult<Value> {
    let py = given.py();
    let foreign = |expected: String| {
        let shown = given.repr().map_or_else(|_| "this".to_owned(), |text| text.to_string());
        exception(py, "SpaceError", format!("{what}: expected {expected}, got {}", shortened(&shown)))
    };
    match space {
        Space::Box { shape, low, element, .. } => {
            let value = match element {
                _ if element.is_bytes() => bytes(given, what).map(Value::Bytes),
                _ => floats(*element, given, what).map(Value::Floats),
            };
            let value = value.map_err(|error| {
                // What is wrong with the numbers themselves is said already.
                if crate::error::is_own(py, &error) {
                    return error;
                }
                let raised = foreign(format!("an array of shape {shape:?}"));
                raised.set_cause(py, Some(error));
                raised
            })?;
            let length = match &value {
                Value::Bytes(bytes) => bytes.len(),
                Value::Floats(numbers) => numbers.len(),
                _ => 0,
            };
            if length != low.len() || !fits(given, shape) {
                return Err(match shown(given) {
                    Some(shown) if shown != *shape => {
                        let text = format!(
                            "{what}: expected an array of shape {shape:?}, as its space has, got one of shape {shown:?}: reshape it"
                        );
                        exception(py, "SpaceError", text)
                    }
                    _ => foreign(format!("an array of shape {shape:?}")),
                });
            }
            let is_whole =
                |value: &Value| value.floats().is_some_and(|numbers| numbers.iter().all(|x| x.fract() == 0.0));
            if !element.is_float() && !element.is_bytes() && !is_whole(&value) {
                return Err(foreign(format!("whole numbers of shape {shape:?}")));
            }
            Ok(value)
        }
        Space::Discrete { n, start, .. } => {
            let choice = given.call_method0("__index__").or_else(|_| given.call_method0("item"));
            let choice: i64 = choice
                .and_then(|choice| choice.extract())
                .map_err(|_| foreign(format!("a whole number from {start} to {}", start + *n as i64 - 1)))?;
            Ok(Value::Integer(choice))
        }
        Space::MultiDiscrete { shape, .. } => {
            integers(given, shape).ok_or_else(|| foreign(format!("whole numbers of shape {shape:?}")))
        }
        Space::MultiBinary { shape } => {
            integers(given, shape).ok_or_else(|| foreign(format!("bits of shape {shape:?}")))
        }
        Space::Dict(parts) => {
            let mapping = given.cast::<PyMapping>().map_err(|_| foreign(format!("named parts {}", names(parts))))?;
            if mapping.len()? != parts.len() {
                let keys =
                    mapping.keys()?.iter().map(|key| Ok(key.str()?.to_string())).collect::<PyResult<Vec<_>>>()?;
                let quoted =
                    |names: Vec<&String>| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
                let surplus = quoted(keys.iter().filter(|key| !parts.iter().any(|(name, _)| name == *key)).collect());
                let lost = quoted(parts.iter().map(|(name, _)| name).filter(|name| !keys.contains(name)).collect());
                let why = match (lost.is_empty(), surplus.is_empty()) {
                    (false, true) => format!("the part {lost} is missing"),
                    (true, _) => format!("the part {surplus} is one too many"),
                    _ => format!("the part {lost} is missing and {surplus} is one too many"),
                };
                return Err(exception(py, "SpaceError", format!("{what}: expected the parts {}: {why}", names(parts))));
            }
            let parts = parts.iter().map(|(name, part)| {
                let value = part_of(mapping, name)?.ok_or_else(|| foreign(format!("the parts {}", names(parts))))?;
                Ok((name.clone(), read(part, &value, &format!("{what}['{name}']"))?))
            });
            Ok(Value::Dict(parts.collect::<PyResult<_>>()?))
        }
        Space::Tuple(parts) => {
            let given: Vec<Bound<'_, PyAny>> =
                given.extract().map_err(|_| foreign(format!("a tuple of {} parts", parts.len())))?;
            if given.len() != parts.len() {
                return Err(foreign(format!("a tuple of {} parts", parts.len())));
            }
            let parts = parts.iter().zip(&given).enumerate();
            let parts = parts.map(|(i, (part, value))| read(part, value, &format!("{what}[{i}]")));
            Ok(Value::Tuple(parts.collect::<PyResult<_>>()?))
        }
    }
}

fn names(parts: &[(String, Space)]) -> String {
    parts.iter().map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

/// The part called `name`: the key itself, or else another whose text it is, such as the number 1 for `1`.
fn part_of<'py>(mapping: &Bound<'py, PyMapping>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    if mapping.contains(name)? {
        return mapping.get_item(name).map(Some);
    }
    for item in mapping.items()?.iter() {
        let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = item.extract()?;
        if key.str()? == name {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// The shape of an array, or of what NumPy would make one of.
fn shown(given: &Bound<'_, PyAny>) -> Option<Vec<usize>> {
    match given.cast::<PyUntypedArray>() {
        Ok(array) => Some(array.shape().to_vec()),
        Err(_) => given.py().import("numpy").ok()?.call_method1("shape", (given,)).ok()?.extract().ok(),
    }
}

/// Whether an array is one of this shape, by the rule of [`shape_fits`].
fn fits(given: &Bound<'_, PyAny>, shape: &[usize]) -> bool {
    if given.cast::<PyUntypedArray>().is_ok_and(|array| array.shape() == shape) {
        return true;
    }
    shown(given).is_some_and(|shown| shape_fits(&shown, shape))
}

fn integers(given: &Bound<'_, PyAny>, shape: &[usize]) -> Option<Value> {
    let length = shape.iter().product::<usize>();
    let numbers = numbers(given, "an array").ok().filter(|numbers| numbers.len() == length && fits(given, shape))?;
    // What is no whole number, such as NaN, would be cut to one.
    if numbers.iter().any(|number| number.fract() != 0.0) {
        return None;
    }
    Some(Value::Integers(numbers.into_iter().map(|number| number as i64).collect()))
}

/// Contiguous arrays of the space's own type are read in place; everything else by way of NumPy.
fn floats(element: ElementType, given: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<f64>> {
    let read = match element {
        ElementType::F32 => contiguous::<f32, _>(given, f64::from).or_else(|| contiguous::<f64, _>(given, f64::from)),
        _ => contiguous::<f64, _>(given, f64::from).or_else(|| contiguous::<f32, _>(given, f64::from)),
    };
    read.map_or_else(|| numbers(given, what), Ok)
}

fn bytes(given: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<u8>> {
    if let Some(bytes) = contiguous::<u8, _>(given, |byte| byte) {
        return Ok(bytes);
    }
    // NumPy would wrap numbers that are no bytes.
    let not_byte = |number: f64| PyValueError::new_err(format!("{number} is no whole number from 0 to 255"));
    let byte = |number: f64| if number == f64::from(number as u8) { Ok(number as u8) } else { Err(not_byte(number)) };
    numbers(given, what)?.into_iter().map(byte).collect()
}

/// The numbers of an array of this type; none for another or one that is not contiguous.
fn contiguous<T: numpy::Element + Copy, U>(given: &Bound<'_, PyAny>, convert: impl Fn(T) -> U) -> Option<Vec<U>> {
    // Arrays of other types, masked ones above all, are more than their numbers.
    let array = given.cast_exact::<PyArrayDyn<T>>().ok()?;
    if !array.is_c_contiguous() {
        // NumPy lays columns one after another in memory too (Fortran's order), and such a slice would be theirs.
        return None;
    }
    // SAFETY: the interpreter's lock is held, no code of Python's runs while the numbers are copied, and no reference to them stays.
    let numbers = unsafe { array.as_slice() }.ok()?;
    Some(numbers.iter().map(|number| convert(*number)).collect())
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The element as Python's users expect it: arrays of the space's own shape and type, plain `int` choices, dictionaries.
pub(crate) fn write<'py>(py: Python<'py>, space: &Space, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match (space, value) {
        (Space::Box { shape, element, .. }, Value::Floats(numbers)) => match element {
            ElementType::F64 => shaped(PyArray1::from_slice(py, numbers), shape)?,
            ElementType::F32 => shaped(converted(py, numbers, |x| x as f32), shape)?,
            _ => {
                crate::space::converted(py, *element, numbers)?.call_method1("reshape", (PyTuple::new(py, shape)?,))?
            }
        },
        (Space::Box { shape, element: ElementType::Bool, .. }, Value::Bytes(bytes)) => {
            let flags = PyArray1::from_iter(py, bytes.iter().map(|byte| *byte != 0));
            shaped(flags, shape)?
        }
        (Space::Box { shape, .. }, Value::Bytes(bytes)) => shaped(PyArray1::from_slice(py, bytes), shape)?,
        (_, Value::Integer(choice)) => choice.into_pyobject(py)?.into_any(),
        (Space::MultiDiscrete { shape, element, .. }, Value::Integers(choices)) => {
            let whole = shaped(PyArray1::from_slice(py, choices), shape)?;
            if *element == ElementType::I64 { whole } else { whole.call_method1("astype", (element.name(),))? }
        }
        (Space::MultiBinary { shape }, Value::Integers(bits)) => {
            shaped(PyArray1::from_iter(py, bits.iter().map(|bit| *bit as i8)), shape)?
        }
        (_, Value::Integers(choices)) => PyArray1::from_slice(py, choices).into_any(),
        (Space::Dict(spaces), Value::Dict(parts)) => {
            let named = PyDict::new(py);
            for ((name, space), (_, part)) in spaces.iter().zip(parts) {
                named.set_item(name, write(py, space, part)?)?;
            }
            named.into_any()
        }
        (Space::Tuple(spaces), Value::Tuple(parts)) => {
            let parts = spaces.iter().zip(parts).map(|(space, part)| write(py, space, part));
            PyTuple::new(py, parts.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
        (_, Value::Floats(numbers)) => PyArray1::from_slice(py, numbers).into_any(),
        (_, Value::Bytes(bytes)) => PyArray1::from_slice(py, bytes).into_any(),
        (_, Value::Dict(parts)) => {
            let named = PyDict::new(py);
            for (name, part) in parts {
                named.set_item(name, write(py, space, part)?)?;
            }
            named.into_any()
        }
        (_, Value::Tuple(parts)) => {
            let parts = parts.iter().map(|part| write(py, space, part));
            PyTuple::new(py, parts.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
    })
}

/// Elements as Python's users expect them together: one array `[elements][…]` of a box, else a list.
pub(crate) fn write_all<'py>(py: Python<'py>, space: &Space, values: &[Value]) -> PyResult<Bound<'py, PyAny>> {
    if let Space::Box { shape, element, .. } = space {
        let all: Option<Vec<&[f64]>> = values
            .iter()
            .map(|value| match value {
                Value::Floats(numbers) => Some(numbers.as_slice()),
                _ => None,
            })
            .collect();
        if let Some(all) = all {
            let shape = std::iter::once(values.len()).chain(shape.iter().copied()).collect();
            let together = Space::Box { shape, low: Vec::new(), high: Vec::new(), element: *element };
            return write(py, &together, &Value::Floats(all.concat()));
        }
    }
    let list = PyList::empty(py);
    for value in values {
        list.append(write(py, space, value)?)?;
    }
    Ok(list.into_any())
}

/// Numbers in an array of NumPy's own memory: one allocation, without an object that keeps Rust's alive.
fn converted<'py, T: numpy::Element + Copy>(
    py: Python<'py>,
    numbers: &[f64],
    convert: impl Fn(f64) -> T,
) -> Bound<'py, PyArray1<T>> {
    // SAFETY: the array is this function's alone, and every slot is written before anyone reads it.
    unsafe {
        let array = PyArray1::<T>::new(py, [numbers.len()], false);
        for (i, number) in numbers.iter().enumerate() {
            array.data().add(i).write(convert(*number));
        }
        array
    }
}

fn shaped<'py, T: numpy::Element>(flat: Bound<'py, PyArray1<T>>, shape: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    if let [length] = shape
        && *length == flat.len()
    {
        return Ok(flat.into_any());
    }
    Ok(flat.reshape(shape.to_vec())?.into_any())
}
