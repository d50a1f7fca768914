//! Batches: NumPy's `[rows][dims]` to and from columns, and to arrays of more axes.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;
use worldwright_core::{Actions, Batch, Columns, Space};

use crate::error::exception;

/// A batch of actions that owns its numbers.
#[derive(Debug)]
pub(crate) enum OwnedActions {
    Continuous(Batch),
    Discrete(Vec<u32>),
}

impl OwnedActions {
    /// The batch as models take it.
    pub(crate) fn actions(&self) -> Actions<'_> {
        match self {
            Self::Continuous(batch) => Actions::Continuous(batch.columns()),
            Self::Discrete(choices) => Actions::Discrete(choices),
        }
    }
}

/// Reads `[rows][dims]`, row-major, as columns.
///
/// # Errors
/// `ShapeError` unless there are `dims` numbers a row.
pub(crate) fn batch(what: &str, given: &Bound<'_, PyAny>, dims: usize) -> PyResult<Batch> {
    let py = given.py();
    let array = crate::space::reals(given, what)?;
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    let array = match shape.as_slice() {
        // A row of numbers where each row has one.
        [_] if dims == 1 => array.call_method1("reshape", (-1, 1))?,
        _ => array,
    };
    let array = array.cast_into::<PyArray2<f64>>().ok().filter(|array| array.shape()[1] == dims);
    let Some(array) = array else {
        return Err(exception(py, "ShapeError", format!("{what}: expected shape (rows, {dims}), got {shape:?}")));
    };
    let array =
        if array.is_aligned() { array } else { array.call_method0("copy")?.cast_into().map_err(PyErr::from)? };
    let array = array.readonly();
    let array = array.as_array();
    let mut batch = Batch::zeros(dims, array.nrows());
    for (dim, column) in batch.columns_mut().columns_mut().enumerate() {
        column.iter_mut().zip(array.column(dim)).for_each(|(slot, number)| *slot = *number);
    }
    Ok(batch)
}

/// Reads a batch of actions: `[rows][dims]` of a box, `[rows]` choices of a discrete space.
///
/// # Errors
/// `ShapeError` or `SpaceError`.
pub(crate) fn actions(space: &Space, given: &Bound<'_, PyAny>) -> PyResult<OwnedActions> {
    let py = given.py();
    match space {
        Space::Discrete { n, start, .. } => {
            let flat = crate::space::numbers(given, "actions")?;
            let choices = flat.iter().map(|choice| {
                let place = *choice - *start as f64;
                if place >= 0.0 && place < *n as f64 && place.fract() == 0.0 {
                    Ok(place as u32)
                } else {
                    let last = start + *n as i64 - 1;
                    Err(exception(py, "SpaceError", format!("action {choice} is not a choice from {start} to {last}")))
                }
            });
            Ok(OwnedActions::Discrete(choices.collect::<PyResult<_>>()?))
        }
        space => {
            let actions = batch("actions", given, space.flat_dim())?;
            let rows = actions.rows();
            let wrong = |row: &usize| (0..space.flat_dim()).any(|dim| !actions.columns().column(dim)[*row].is_finite());
            match (0..rows).find(wrong) {
                None => Ok(OwnedActions::Continuous(actions)),
                Some(row) => {
                    let message =
                        format!("actions: row {row} holds NaN or an infinite number; expected finite numbers");
                    Err(exception(py, "DivergedError", message))
                }
            }
        }
    }
}

/// Columns as `[rows][dims]`.
pub(crate) fn rows<'py>(py: Python<'py>, columns: Columns<'_>) -> PyResult<Bound<'py, PyAny>> {
    let (rows, dims) = (columns.rows(), columns.dims());
    let mut flat = vec![0.0; rows * dims];
    for (row, out) in flat.chunks_exact_mut(dims.max(1)).enumerate() {
        columns.copy_row(row, out);
    }
    shaped(py, flat, &[rows, dims])
}

/// Numbers as an array of this shape, without a copy.
pub(crate) fn shaped<'py>(py: Python<'py>, flat: Vec<f64>, shape: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyArray1::from_vec(py, flat).reshape(shape.to_vec())?.into_any())
}
