//! What notebooks show of runs and evaluations: cards of the one report.

use std::path::PathBuf;

use pyo3::prelude::*;
use worldwright_runs::RunFolder;
use worldwright_runs::report::{self, Page};

use crate::error::OrRaise;

/// A run's folder as a small table with its learning curve, in HTML.
#[pyfunction]
pub(crate) fn run_card(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    let folder = RunFolder::new(&path);
    let page = Page::read(&folder).or_raise(py)?;
    let address = folder.report();
    let there = address.exists().then(|| address.display().to_string());
    Ok(report::card(&page, there.as_deref()))
}

/// An evaluation as a small table with the return of each episode, in HTML.
#[pyfunction]
pub(crate) fn evaluation_card(mean: f64, std: f64, returns: Vec<f64>, lengths: Vec<usize>) -> String {
    report::evaluation_card(mean, std, &returns, &lengths)
}
