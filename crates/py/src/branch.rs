//! A run that begins with what another has learned: the members of a population after each round.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use worldwright_core::RewardFunction;
use worldwright_runs::RunFolder;

use crate::callable::Reward;
use crate::environment::Source;
use crate::error::Failures;
use crate::interrupts::Interrupts;
use crate::learn::PythonWorkshop;
use crate::{pool, settings};

/// Begins a run of these choices in `run_dir` with what the run in `start` has learned.
#[pyfunction]
#[pyo3(signature = (*, choices, source, reward, run_dir, start))]
pub(crate) fn branch(
    py: Python<'_>,
    choices: &Bound<'_, PyDict>,
    source: Option<Py<PyAny>>,
    reward: Option<Py<PyAny>>,
    run_dir: PathBuf,
    start: PathBuf,
) -> PyResult<()> {
    let failures = Failures::default();
    let choices = settings::choices(choices, None)?;
    let workshop = PythonWorkshop {
        source: source.map(|source| Source::new(source, failures.clone())),
        reward: reward.map(|reward| Arc::new(Reward::new(reward, failures.clone())) as Arc<dyn RewardFunction>),
        recorded: None,
    };
    let interrupts = Interrupts::default();
    let outcome = pool::long(py, &interrupts, || {
        let experiment = workshop.resolve(&choices)?;
        worldwright_runs::branch(&workshop, &experiment, &RunFolder::new(start), &RunFolder::new(run_dir))
    })?;
    interrupts.settle(failures.settle(py, outcome))
}
