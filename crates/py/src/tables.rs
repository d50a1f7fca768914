//! The rules by which tables become episodes, which are the readers' of files: names of columns, flags, rows.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use worldwright_data::{self as data, EpisodeRows, Flag, Quantity, Rows};

use crate::error::OrRaise;

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

fn told(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Vec<Flag>>> {
    given.map(|given| given.extract()).transpose()
}

/// What decides about the rows of a table, from a mapping of what is there.
fn rows(given: &Bound<'_, PyDict>) -> PyResult<Rows> {
    let get = |name: &str| given.get_item(name);
    let flags = |quantity: Quantity| told(get(data::name_of(quantity))?.as_ref());
    let acted: Vec<bool> = get("acted")?.map(|acted| acted.extract()).transpose()?.unwrap_or_default();
    Ok(Rows {
        count: acted.len(),
        acted,
        episode: get("episode")?.map(|names| names.extract()).transpose()?,
        step: get("step")?.map(|steps| steps.extract()).transpose()?,
        next: get("next")?.map(|next| next.extract()).transpose()?,
        terminated: flags(Quantity::Terminated)?,
        truncated: flags(Quantity::Truncated)?,
        done: flags(Quantity::Done)?,
        first: flags(Quantity::First)?,
        reward: get("reward")?.map(|rewards| rewards.extract()).transpose()?,
    })
}

/// One episode: its name, the rows whose observations and whose actions are its own, the row whose next observation closes it, and whether
/// it terminated and was truncated.
type Laid = (String, (usize, usize), (usize, usize), Option<usize>, bool, bool);

/// Lays the rows of a table out as episodes; and sentences about how it was read.
#[pyfunction]
pub(crate) fn lay_out_rows(py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<(Vec<Laid>, Vec<String>)> {
    let laid = data::lay_out(&rows(given)?).or_raise(py)?;
    let episode = |rows: EpisodeRows| {
        let span = |rows: &std::ops::Range<usize>| (rows.start, rows.end);
        (rows.name.clone(), span(&rows.seen), span(&rows.acted), rows.closing, rows.terminated, rows.truncated)
    };
    let said = laid.notes.into_iter().chain(laid.warnings).collect();
    Ok((laid.episodes.into_iter().map(episode).collect(), said))
}

/// Whether each row terminates and is cut, by the same rules; and sentences about that.
#[pyfunction]
pub(crate) fn row_ends(py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<(Vec<bool>, Vec<bool>, Vec<String>)> {
    let mut notes = Vec::new();
    let ends = data::row_ends(&rows(given)?, &mut notes).or_raise(py)?;
    Ok((ends.terminated, ends.truncated, notes))
}
