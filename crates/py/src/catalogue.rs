//! What there is: the lists of all rooms, for `worldwright.environments()` and its like.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use worldwright_runs::List;

use crate::error::exception;
use crate::settings;

/// The items of a list: `"environment"`, `"model"`, `"planner"`, `"policy"`, `"learner"` or `"algorithm"`.
#[pyfunction]
pub(crate) fn catalogue<'py>(py: Python<'py>, what: &str) -> PyResult<Bound<'py, PyList>> {
    let list = List::ALL.into_iter().find(|list| list.what() == what).ok_or_else(|| {
        let known: Vec<&str> = List::ALL.iter().map(|list| list.what()).collect();
        exception(py, "UnknownNameError", format!("no list of '{what}'; there are {}", known.join(", ")))
    })?;
    let items = PyList::empty(py);
    for item in list.items() {
        let parameters = PyDict::new(py);
        for parameter in item.parameters {
            let about = PyDict::new(py);
            about.set_item("default", settings::write(py, &parameter.default.to_setting())?)?;
            about.set_item("summary", parameter.summary)?;
            parameters.set_item(parameter.name, about)?;
        }
        let entry = PyDict::new(py);
        entry.set_item("name", item.name)?;
        entry.set_item("summary", item.summary)?;
        entry.set_item("source", item.source)?;
        entry.set_item("settings", parameters)?;
        items.append(entry)?;
    }
    Ok(items)
}
