//! Tables in memory: named columns go below as they are, where the readers of files know what they hold.

use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyString};
use worldwright_core::Error;
use worldwright_data::{self as data, Arrays, Asked, Flag, Items, Quantity};

use crate::error::{OrRaise, exception, raise, refuse};
use crate::interrupts::Interrupts;
use crate::seed::Seed;
use crate::store::Gathered;
use crate::{pool, space};

/// Which columns hold what: for each quantity that is there, its parts as (name, place of the column, whether it stands after a slash),
/// a column that is all of it having no name; and the places of those that are left out. With `strict` every unknown name is an error.
#[pyfunction]
#[pyo3(signature = (names, *, strict))]
pub(crate) fn resolve_columns(
    py: Python<'_>,
    names: Vec<String>,
    strict: bool,
) -> PyResult<(Bound<'_, PyDict>, Vec<usize>)> {
    let resolved = data::resolve(&names, strict).or_raise(py)?;
    let found = PyDict::new(py);
    for known in data::COLUMNS {
        let parts = resolved.parts(known.quantity);
        if !parts.is_empty() {
            let parts: Vec<(&str, usize, bool)> =
                parts.iter().map(|part| (part.name.as_str(), part.column, part.named)).collect();
            found.set_item(data::name_of(known.quantity), parts)?;
        }
    }
    Ok((found, resolved.left_out))
}

/// What columns are called: the name that this project gives a quantity, and all others.
#[pyfunction]
pub(crate) fn column_names() -> Vec<(&'static str, Vec<&'static str>)> {
    let all = |known: &data::Known| known.names.iter().chain(known.weak).copied().collect();
    data::COLUMNS.iter().map(|known| (data::name_of(known.quantity), all(known))).collect()
}

/// The flags of a column of texts, or of numbers; what is missing is none.
#[pyfunction]
pub(crate) fn read_flags(py: Python<'_>, column: &str, cells: Vec<Option<Bound<'_, PyAny>>>) -> PyResult<Vec<Flag>> {
    cells
        .into_iter()
        .enumerate()
        .map(|(row, cell)| {
            let Some(cell) = cell else { return Ok(None) };
            match cell.extract::<f64>() {
                Ok(number) => data::flag_of_number(column, row, number).or_raise(py),
                Err(_) => data::flag_of_text(column, row, &cell.str()?.to_string()).or_raise(py),
            }
        })
        .collect()
}

/// A flag of an episode, or one for each step.
#[derive(FromPyObject)]
pub(crate) enum Ended {
    Whole(bool),
    Steps(Vec<bool>),
}

impl From<Ended> for data::Ended {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Whole(flag) => Self::Whole(flag),
            Ended::Steps(flags) => Self::Steps(flags),
        }
    }
}

/// Whether an episode of so many steps terminated and was cut, from the flags that it has: one of a kind, or one a step; and sentences
/// about that.
#[pyfunction]
#[pyo3(signature = (steps, *, terminated = None, truncated = None, done = None))]
pub(crate) fn episode_ends(
    py: Python<'_>,
    steps: usize,
    terminated: Option<Ended>,
    truncated: Option<Ended>,
    done: Option<Ended>,
) -> PyResult<(bool, bool, Vec<String>)> {
    let [terminated, truncated, done] = [terminated, truncated, done].map(|ended| ended.map(data::Ended::from));
    data::episode_ends(steps, terminated, truncated, done).or_raise(py)
}

/// The columns of a table by name, as arrays: numbers, flags, times, and objects that are texts, flags or none.
///
/// # Errors
/// `ShapeError` for a column that has no rows; `ConfigError` for one that holds texts and numbers.
pub(crate) fn arrays(columns: &Bound<'_, PyDict>) -> PyResult<Arrays> {
    let mut all = Arrays::default();
    for (name, array) in columns {
        let name: String = name.extract()?;
        add(&mut all, &name, &array)?;
    }
    Ok(all)
}

fn add(all: &mut Arrays, name: &str, array: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = array.py();
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    let Some((rows, shape)) = shape.split_first() else {
        return Err(exception(py, "ShapeError", format!("column '{name}': expected rows, got a single number")));
    };
    let dtype = array.getattr("dtype")?;
    let (kind, size): (char, usize) = (dtype.getattr("kind")?.extract()?, dtype.getattr("itemsize")?.extract()?);
    let mut empty = Vec::new();
    let items = match (kind, size) {
        ('f', ..=4) => Items::F32(flat(array, "float32")?),
        ('f', _) => Items::F64(flat(array, "float64")?),
        ('b', _) => Items::Bool(flat(array, "bool")?),
        ('u', 1) => Items::U8(flat(array, "uint8")?),
        ('u', 8) => {
            let numbers: Vec<u64> = flat(array, "uint64")?;
            match numbers.iter().map(|n| i64::try_from(*n)).collect() {
                Ok(whole) => Items::I64(whole),
                // Refused where a double would round it.
                Err(_) => Items::F64(crate::space::numbers(array, &format!("column '{name}'"))?),
            }
        }
        ('i' | 'u', _) => Items::I64(flat(array, "int64")?),
        ('m' | 'M', _) => {
            let words: Vec<i64> = flat(&array.call_method1("astype", ("int64",))?, "int64")?;
            // What NumPy keeps where a time is missing.
            empty = words.iter().map(|word| *word == i64::MIN).collect();
            Items::Times(words)
        }
        ('c' | 'V', _) => {
            let why = format!("column '{name}' is of type {dtype}, expected numbers, flags or texts");
            return Err(exception(py, "ShapeError", why));
        }
        _ => {
            let cells = array.call_method0("ravel")?.call_method0("tolist")?;
            let cells: Vec<Option<Bound<'_, PyAny>>> = cells.extract()?;
            empty = cells.iter().map(Option::is_none).collect();
            objects(name, &cells)?
        }
    };
    all.add(name, *rows, shape.to_vec(), items, empty).or_raise(py)
}

/// The numbers of an array, row after row, in a copy that lies as its type must.
fn flat<T: numpy::Element + Clone>(array: &Bound<'_, PyAny>, dtype: &str) -> PyResult<Vec<T>> {
    let numpy = array.py().import("numpy")?;
    let flat = numpy.call_method1("array", (array, dtype))?.call_method0("ravel")?;
    Ok(flat.cast_into::<PyArray1<T>>().map_err(PyErr::from)?.to_vec()?)
}

/// Texts, flags or numbers of a column of objects; empty texts and zeros where there are none.
fn objects(name: &str, cells: &[Option<Bound<'_, PyAny>>]) -> PyResult<Items> {
    let there = || cells.iter().flatten();
    let text = |cell: &Bound<'_, PyAny>| cell.is_instance_of::<PyString>() || cell.is_instance_of::<PyBytes>();
    if there().all(|cell| cell.is_instance_of::<PyBool>()) {
        let flags = cells.iter().map(|cell| cell.as_ref().map_or(Ok(false), |cell| cell.extract()));
        return Ok(Items::Bool(flags.collect::<PyResult<_>>()?));
    }
    if there().any(text) {
        let written = |cell: &Bound<'_, PyAny>| -> PyResult<String> {
            if let Ok(bytes) = cell.cast::<PyBytes>() {
                return Ok(String::from_utf8_lossy(bytes.as_bytes()).into_owned());
            }
            if text(cell) || cell.is_instance_of::<PyBool>() {
                return Ok(cell.str()?.to_string());
            }
            Err(refuse(cell.py(), format!("{name}: holds texts in some rows and numbers in others")))
        };
        let texts = cells.iter().map(|cell| cell.as_ref().map_or(Ok(String::new()), written));
        return Ok(Items::Text(texts.collect::<PyResult<_>>()?));
    }
    let numbers = cells.iter().map(|cell| match cell {
        None => Ok(f64::NAN),
        Some(cell) => cell.extract().map_err(|_| {
            let kind = cell.get_type().name().map_or_else(|_| "something".to_owned(), |kind| kind.to_string());
            let why = format!("column '{name}' holds {kind}, expected numbers, flags or texts");
            exception(cell.py(), "ShapeError", why)
        }),
    });
    Ok(Items::F64(numbers.collect::<PyResult<_>>()?))
}

/// The space that rows of observations or actions span as far as their type tells, as one of Gymnasium's.
#[pyfunction]
pub(crate) fn spanned_space<'py>(py: Python<'py>, what: &str, rows: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let quantity = if what == "actions" { Quantity::Action } else { Quantity::Observation };
    let mut all = Arrays::default();
    add(&mut all, what, rows)?;
    space::write(py, &all.space(quantity).or_raise(py)?)
}

/// What is asked of a table beside its columns.
pub(crate) fn asked(
    strict: bool,
    observation_space: Option<&Bound<'_, PyAny>>,
    action_space: Option<&Bound<'_, PyAny>>,
) -> PyResult<Asked> {
    Ok(Asked {
        strict,
        observation_space: observation_space.map(space::read).transpose()?,
        action_space: action_space.map(space::read).transpose()?,
        environment: "data".into(),
        seed: 0,
    })
}

/// Raises an error of a table; what is not finite is told with its place.
pub(crate) fn raise_of_table(py: Python<'_>, error: &Error) -> PyErr {
    match error {
        Error::Diverged { who, why } => exception(py, "DivergedError", format!("{who}: {why}")),
        error => raise(py, error),
    }
}

/// Episodes of the columns of a table in long format, as [`read_store`](crate::store::read_store) gives those of a store.
#[pyfunction]
#[pyo3(signature = (columns, *, strict, environment, seed, observation_space = None, action_space = None))]
pub(crate) fn read_table<'py>(
    py: Python<'py>,
    columns: &Bound<'_, PyDict>,
    strict: bool,
    environment: String,
    seed: Seed,
    observation_space: Option<&Bound<'_, PyAny>>,
    action_space: Option<&Bound<'_, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let asked = Asked { environment, seed: seed.0, ..asked(strict, observation_space, action_space)? };
    let arrays = arrays(columns)?;
    let interrupts = Interrupts::default();
    let read = pool::long(py, &interrupts, || arrays.episodes(&asked))?;
    let (header, episodes) = interrupts.settle(read.map_err(|error| raise_of_table(py, &error)))?;
    let mut gathered = Gathered::of(&header);
    episodes.into_iter().try_for_each(|episode| gathered.add(&header, &episode)).or_raise(py)?;
    gathered.answer(py, &header)
}
