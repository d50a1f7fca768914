//! What users write in Python, as traits: rewards and models.
//!
//! `worldwright._callables` wraps a user's function so that it takes and gives arrays of fixed shapes; here one call is made for
//! a whole batch, in which the interpreter's lock is held. An exception within marks the batch as diverged and ends the call
//! from Python that led here.

use std::sync::Arc;

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use worldwright_core::{
    Action, Actions, Dataset, Error, FitReport, Imagination, Imagined, Interrupt, Key, Learn, ModelSpec, Observation,
    Persist, Result, RewardFunction, Rng, Rows, Space, State, Transitions, Values, WorldModel,
};

use crate::array;
use crate::error::{Failures, exception};

/// A reward function of Python's: an object of `worldwright._callables.Reward`.
#[derive(Debug, Clone)]
pub(crate) struct Reward {
    function: Arc<Py<PyAny>>,
    terminates: bool,
    failures: Failures,
}

impl Reward {
    /// Takes the wrapped function.
    pub(crate) fn new(function: Py<PyAny>, failures: Failures) -> Self {
        let terminates =
            Python::attach(|py| function.getattr(py, "terminates").and_then(|flag| flag.extract(py)).unwrap_or(true));
        Self { function: Arc::new(function), terminates, failures }
    }
}

impl RewardFunction for Reward {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        let judged = Python::attach(|py| {
            let mut judge = || -> PyResult<()> {
                let observations = array::rows(py, transitions.observations)?;
                let actions = choices_or_rows(py, transitions.actions)?;
                let next_observations = array::rows(py, transitions.next_observations)?;
                let answer = self.function.bind(py).call1((observations, actions, next_observations))?;
                let answer = answer.cast_into::<PyTuple>().map_err(PyErr::from)?;
                fill(&answer.get_item(0)?, reward)?;
                fill(&answer.get_item(1)?, terminated)
            };
            judge().map_err(|error| self.failures.keep(py, "reward", error))
        });
        if judged.is_err() {
            reward.fill(f64::NAN);
            terminated.fill(false);
        }
    }

    fn terminates(&self) -> bool {
        self.terminates
    }
}

/// Copies an array of the wrapper's into `out`.
fn fill<T: numpy::Element + Copy>(given: &Bound<'_, PyAny>, out: &mut [T]) -> PyResult<()> {
    let array: PyReadonlyArray1<'_, T> = given.extract()?;
    let numbers = array.as_slice()?;
    if numbers.len() != out.len() {
        let message = format!("expected {} numbers, got {}", out.len(), numbers.len());
        return Err(exception(given.py(), "ShapeError", message));
    }
    out.copy_from_slice(numbers);
    Ok(())
}

/// Actions as Python's functions take them: `[rows][dims]`, or one whole number a row.
fn choices_or_rows<'py>(py: Python<'py>, actions: Actions<'_>) -> PyResult<Bound<'py, PyAny>> {
    match actions {
        Actions::Continuous(columns) => array::rows(py, columns),
        Actions::Discrete(choices) => Ok(PyArray1::from_iter(py, choices.iter().map(|c| i64::from(*c))).into_any()),
    }
}

/// The most joint choices of a space of several places that a planner may number.
const MOST_NUMBERED: usize = 4096;

/// A model of Python's: an object of `worldwright._callables.Dynamics`, whose
/// `step(observations [M, N, O], actions [N, A] or [N], seed)` gives next observations, flat `[M, N, O]`, rewards `[M, N]`,
/// whether the task ends `[M, N]`, and epistemic spreads `[M, N]`.
pub(crate) struct Dynamics {
    spec: ModelSpec,
    object: Py<PyAny>,
    discount: f64,
    failures: Failures,
    /// Flat actions `[count][A]` by their numbers, where the space is no single choice but short enough to be listed.
    numbered: Vec<f64>,
}

impl Dynamics {
    /// Takes the wrapped model.
    pub(crate) fn new(spec: ModelSpec, object: Py<PyAny>, discount: f64, failures: Failures) -> Self {
        let numbered = match &spec.action_space {
            Space::Discrete { .. } => Vec::new(),
            space => space.flat_elements(MOST_NUMBERED).unwrap_or_default(),
        };
        Self { spec, object, discount, failures, numbered }
    }
}

impl WorldModel for Dynamics {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        let dims = self.spec.observation_space.flat_dim();
        Box::new(DynamicsImagination { model: self, rows, dims, latents: vec![0.0; rows * dims * self.spec.members] })
    }
}

impl Learn for Dynamics {
    fn fit(&mut self, _dataset: &Dataset, _rng: &mut Rng, _interrupt: &Interrupt) -> Result<FitReport> {
        Err(Error::unsupported(self.spec.name.clone(), "fitting from here: it is written in Python, so fit it there"))
    }
}

impl Persist for Dynamics {
    fn save(&self) -> State {
        State::new()
    }

    fn restore(&mut self, _state: &State) -> Result<()> {
        Ok(())
    }
}

/// Rows of flat observations, `[row][member][dim]`.
struct DynamicsImagination<'m> {
    model: &'m Dynamics,
    rows: usize,
    dims: usize,
    latents: Vec<f64>,
}

impl DynamicsImagination<'_> {
    fn width(&self) -> usize {
        self.dims * self.model.spec.members
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.latents[row * self.width()..(row + 1) * self.width()]
    }

    /// The latents of rows, `[member][row][dim]`.
    fn gather(&self, rows: &Rows<'_>) -> Vec<f64> {
        let members = self.model.spec.members;
        let mut flat = Vec::with_capacity(rows.len() * self.width());
        for member in 0..members {
            for row in rows.iter() {
                flat.extend_from_slice(&self.row(row)[member * self.dims..(member + 1) * self.dims]);
            }
        }
        flat
    }

    fn call(
        &mut self,
        py: Python<'_>,
        from: &Rows<'_>,
        actions: Actions<'_>,
        to: &Rows<'_>,
        key: Key,
        out: &mut Imagined,
    ) -> PyResult<()> {
        let (members, n) = (self.model.spec.members, from.len());
        let observations = array::shaped(py, self.gather(from), &[members, n, self.dims])?;
        let width = self.model.spec.action_space.flat_dim();
        let actions = match actions {
            // Of a space of several places, Python sees the flat action, never the number that a planner gave it.
            Actions::Discrete(choices) if !self.model.numbered.is_empty() => {
                let flat = choices.iter().flat_map(|choice| {
                    self.model.numbered[*choice as usize * width..(*choice as usize + 1) * width].iter().copied()
                });
                array::shaped(py, flat.collect(), &[choices.len(), width])?
            }
            actions => choices_or_rows(py, actions)?,
        };
        let object = self.model.object.bind(py);
        let answer = object.call_method1(intern!(py, "step"), (observations, actions, key.to_seed()))?;
        let answer = answer.cast_into::<PyTuple>().map_err(PyErr::from)?;
        let next: PyReadonlyArray1<'_, f64> = answer.get_item(0)?.extract()?;
        let next = next.as_slice()?;
        if next.len() != members * n * self.dims {
            let message = format!("next observations: expected {}, got {}", members * n * self.dims, next.len());
            return Err(exception(py, "ShapeError", message));
        }
        let width = self.width();
        for member in 0..members {
            for (i, row) in to.iter().enumerate() {
                let (from, to) = ((member * n + i) * self.dims, row * width + member * self.dims);
                self.latents[to..to + self.dims].copy_from_slice(&next[from..from + self.dims]);
            }
        }
        fill(&answer.get_item(1)?, &mut out.reward)?;
        let mut terminated = vec![false; members * n];
        fill(&answer.get_item(2)?, &mut terminated)?;
        for (continuation, ended) in out.continuation.iter_mut().zip(&terminated) {
            *continuation = if *ended { 0.0 } else { self.model.discount };
        }
        fill(&answer.get_item(3)?, &mut out.epistemic)?;
        // A row that left the numbers is marked, whatever it is paid for.
        for (place, next) in next.chunks_exact(self.dims.max(1)).enumerate() {
            if next.iter().any(|number| !number.is_finite()) {
                out.reward[place] = f64::NAN;
            }
        }
        Ok(())
    }
}

impl Imagination for DynamicsImagination<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn observe(
        &mut self,
        row: usize,
        _previous: Option<(usize, &Action)>,
        observation: &Observation,
        _key: Key,
    ) -> Result<()> {
        let (dims, width) = (self.dims, self.width());
        let latent = &mut self.latents[row * width..(row + 1) * width];
        self.model.spec.observation_space.flatten(observation, &mut latent[..dims])?;
        let (first, others) = latent.split_at_mut(dims);
        others.chunks_exact_mut(dims.max(1)).for_each(|member| member.copy_from_slice(first));
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        let width = self.width();
        for row in to.iter() {
            self.latents.copy_within(from * width..(from + 1) * width, row * width);
        }
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        if from.len() != to.len() || actions.rows() != from.len() {
            return Err(Error::shape("rows of a step", &[from.len()], &[to.len(), actions.rows()]));
        }
        out.begin(from.len());
        if from.is_empty() {
            return Ok(());
        }
        let model = self.model;
        Python::attach(|py| {
            let stepped = self.call(py, &from, actions, &to, key, out);
            stepped.map_err(|error| model.failures.keep(py, &model.spec.name, error))
        })
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        let model = self.model;
        if !model.spec.capabilities.value {
            return Err(Error::unsupported(model.spec.name.clone(), "values of rows: give the model a method `value`"));
        }
        let flat = self.gather(&rows);
        out.value.resize(model.spec.members * rows.len(), 0.0);
        Python::attach(|py| {
            let shape = [model.spec.members, rows.len(), self.dims];
            let asked = || {
                let observations = array::shaped(py, flat, &shape)?;
                fill(&model.object.bind(py).call_method1(intern!(py, "value"), (observations,))?, &mut out.value)
            };
            asked().map_err(|error: PyErr| model.failures.keep(py, &model.spec.name, error))
        })
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.model.spec.check_decoded(member, out.len())?;
        out.copy_from_slice(&self.row(row)[member * self.dims..(member + 1) * self.dims]);
        Ok(())
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        let members = self.model.spec.members;
        out.fill(0.0);
        for member in self.row(row).chunks_exact(self.dims.max(1)) {
            out.iter_mut().zip(member).for_each(|(sum, number)| *sum += number / members as f64);
        }
        Ok(())
    }

    fn write_latent(&mut self, row: usize, latent: &[f64]) -> Result<()> {
        let width = self.width();
        let row = &mut self.latents[row * width..(row + 1) * width];
        row.chunks_exact_mut(latent.len().max(1)).for_each(|member| member.copy_from_slice(latent));
        Ok(())
    }
}
