//! Environments that are made by their names, as Python steps them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use pyo3::prelude::*;
use worldwright_envs::Made;

use crate::error::OrRaise;
use crate::pool::locked;
use crate::seed::Seed;
use crate::{observed, space, value};

/// An environment of a name that [`worldwright_envs::make`] knows, with its usual settings.
#[pyclass(frozen, module = "worldwright._native")]
pub(crate) struct Environment {
    made: Mutex<Made>,
}

#[pymethods]
impl Environment {
    /// Makes the environment of a name: native, or of a suite in a worker of its own.
    #[new]
    fn new(py: Python<'_>, name: &str) -> PyResult<Self> {
        let made = py.detach(|| worldwright_envs::make(name, &BTreeMap::new())).or_raise(py)?;
        Ok(Self { made: Mutex::new(made) })
    }

    /// Begins an episode: its first observation.
    fn reset<'py>(&self, py: Python<'py>, seed: Seed) -> PyResult<Bound<'py, PyAny>> {
        let mut made = locked(py, &self.made);
        let environment = &mut made.environment;
        let observation = py.detach(|| environment.reset(seed.0)).or_raise(py)?;
        value::write(py, environment.observation_space(), &observation)
    }

    /// Takes an action: what is seen then, its reward, and whether the episode terminated or was truncated.
    fn step<'py>(&self, py: Python<'py>, action: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, f64, bool, bool)> {
        let mut made = locked(py, &self.made);
        let environment = &mut made.environment;
        let action = observed::read(environment.action_space(), action, "the action")?;
        let step = py.detach(|| environment.step(&action)).or_raise(py)?;
        let shown = value::write(py, environment.observation_space(), &step.observation)?;
        Ok((shown, step.reward, step.terminated, step.truncated))
    }

    /// The name that stands in records.
    #[getter]
    fn name(&self, py: Python<'_>) -> String {
        locked(py, &self.made).environment.id().to_owned()
    }

    /// What it shows.
    #[getter]
    fn observation_space<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        space::write(py, locked(py, &self.made).environment.observation_space())
    }

    /// What it takes.
    #[getter]
    fn action_space<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        space::write(py, locked(py, &self.made).environment.action_space())
    }
}
