//! `worldwright.study`: experiments about learning itself.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use worldwright_runs as runs;

use crate::error::{Failures, OrRaise};
use crate::interrupts::Interrupts;
use crate::{pool, settings};

/// What a study found.
#[pyclass(frozen, module = "worldwright._native")]
pub(crate) struct Studied(runs::Studied);

#[pymethods]
impl Studied {
    /// Settings, findings, tables and figures as JSON.
    fn json(&self) -> String {
        self.0.to_json().to_string()
    }

    /// The page that works offline.
    fn html(&self) -> String {
        self.0.page().html()
    }

    /// Leaves everything in a folder.
    fn write(&self, py: Python<'_>, folder: PathBuf) -> PyResult<()> {
        self.0.write(&folder).or_raise(py)
    }
}

/// Carries out a study; `follow(done, all, what)` hears how far it is.
#[pyfunction]
#[pyo3(signature = (name, *, given, follow))]
pub(crate) fn study(
    py: Python<'_>,
    name: &str,
    given: &Bound<'_, PyDict>,
    follow: Option<Py<PyAny>>,
) -> PyResult<Studied> {
    let given = settings::named(given)?;
    let (failures, interrupts) = (Failures::default(), Interrupts::default());
    let interrupt = interrupts.interrupt();
    let mut tell = |done: usize, all: usize, what: &str| {
        let Some(follow) = &follow else { return Ok(()) };
        Python::attach(|py| {
            let told = follow.call1(py, (done, all, what)).map(|_| ());
            told.map_err(|error| failures.keep(py, "the function that follows the study", error))
        })
    };
    let studied = pool::long(py, &interrupts, || runs::study(name, &given, &interrupt, &mut tell))?;
    interrupts.settle(failures.settle(py, studied)).map(Studied)
}
