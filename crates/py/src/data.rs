//! Transitions from arrays, for models to learn from.

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use worldwright_core as core;
use worldwright_core::Space;
use worldwright_data::{Elements, Named, arranged};
use worldwright_envs::Made;
use worldwright_runs::world;

use crate::error::{exception, raise};
use crate::interrupts::Interrupts;
use crate::{array, pool, space, tables};

/// Transitions with flat observations and actions, in the order in which they happened.
#[pyclass(frozen, module = "worldwright._native")]
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(crate) inner: core::Dataset,
    /// Whether there were rewards; where there were none, those within are zeros that stand for nothing.
    pub(crate) rewarded: bool,
    /// What observations and actions are elements of, where they came with spaces of their own.
    kinds: Option<Kinds>,
}

/// Spaces of recorded numbers, and what these are called.
#[derive(Debug, Clone)]
struct Kinds {
    observation_space: Space,
    action_space: Space,
    observation_names: Option<Vec<String>>,
    action_names: Option<Vec<String>>,
}

/// Transitions that are not yet those of whoever takes them up.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    inner: core::Dataset,
    kinds: Option<Kinds>,
}

impl Recorded {
    /// As elements of these, parts and numbers being matched by name; also what a user should know of that.
    ///
    /// # Errors
    /// `Error::Config` for parts that one has and the other lacks.
    pub(crate) fn arranged(&self, wanted: &Elements<'_>) -> core::Result<(core::Dataset, Vec<String>)> {
        let Some(kinds) = &self.kinds else { return Ok((self.inner.clone(), Vec::new())) };
        let given = Elements {
            who: "the data",
            observation: Named { space: &kinds.observation_space, names: kinds.observation_names.as_deref() },
            action: Named { space: &kinds.action_space, names: kinds.action_names.as_deref() },
        };
        arranged(self.inner.clone(), &given, wanted)
    }

    /// The world that they are of, as far as they tell: their spaces, or boxes of so many numbers.
    pub(crate) fn world(&self) -> Made {
        let plain = |dim: usize| Space::unbounded(dim);
        let (observed, done) = match &self.kinds {
            Some(kinds) => (kinds.observation_space.clone(), kinds.action_space.clone()),
            None => (plain(self.inner.observation_dim()), plain(self.inner.action_dim())),
        };
        let names = self.kinds.as_ref().map(|kinds| [kinds.observation_names.clone(), kinds.action_names.clone()]);
        let [observation, action] = names.unwrap_or_default();
        world([observation, action], (observed, done))
    }
}

impl Dataset {
    /// Transitions that were made here, of an environment whose spaces they have.
    pub(crate) fn own(inner: core::Dataset) -> Self {
        Self { inner, rewarded: true, kinds: None }
    }

    /// The transitions with what they are.
    pub(crate) fn recorded(&self) -> Recorded {
        Recorded { inner: self.inner.clone(), kinds: self.kinds.clone() }
    }

    /// As elements of these spaces, of `who`.
    ///
    /// # Errors
    /// As for [`Recorded::arranged`].
    pub(crate) fn within(&self, who: &str, observation: &Space, action: &Space) -> core::Result<core::Dataset> {
        let named = |space| Named { space, names: None };
        let wanted = Elements { who, observation: named(observation), action: named(action) };
        self.recorded().arranged(&wanted).map(|(data, _)| data)
    }
}

impl Dataset {
    /// What Python is told of the transitions of a table.
    fn read(
        py: Python<'_>,
        arrays: worldwright_data::Arrays,
        asked: &worldwright_data::Asked,
    ) -> PyResult<(Self, Py<PyAny>, Vec<String>)> {
        let interrupts = Interrupts::default();
        let read = pool::long(py, &interrupts, || arrays.transitions(asked))?;
        let read = interrupts.settle(read.map_err(|error| tables::raise_of_table(py, &error)))?;
        let [observation_names, action_names] = read.names();
        let kinds = read.header.map(|header| Kinds {
            observation_space: header.observation_space,
            action_space: header.action_space,
            observation_names,
            action_names,
        });
        let said = read.notes.into_iter().map(|(about, words)| format!("{about}: {words}")).collect();
        let done = space::write(py, &read.action_space)?.unbind();
        Ok((Self { inner: read.data, rewarded: read.rewarded, kinds }, done, said))
    }

    /// All of it as named arrays, which tell it apart from others.
    pub(crate) fn state(&self) -> core::State {
        let (data, mut state) = (&self.inner, core::State::new());
        let rows = |row: &dyn Fn(usize) -> Vec<f64>, dims| {
            core::Array::F64(vec![data.len(), dims], (0..data.len()).flat_map(row).collect())
        };
        let flags = |flags: &[bool]| core::Array::U8(flags.iter().map(|flag| u8::from(*flag)).collect());
        state.put("observations", rows(&|i| data.observation(i).to_vec(), data.observation_dim()));
        state.put("actions", rows(&|i| data.action(i).to_vec(), data.action_dim()));
        state.put("next_observations", rows(&|i| data.next_observation(i).to_vec(), data.observation_dim()));
        state.put("rewards", core::Array::F64(vec![data.len()], data.rewards().to_vec()));
        state.put("terminated", flags(data.terminated()));
        state.put("episode_ends", flags(data.episode_ends()));
        state
    }
}

#[pymethods]
impl Dataset {
    /// Takes the arrays of N transitions: observations and next observations (N, O), actions (N, A) or (N,), rewards (N,), and
    /// whether the task and the episode ended at each. Rewards may be none. With an observation space, the numbers are elements of it and
    /// of the action space, whose parts and names count for whoever takes them up.
    #[new]
    #[pyo3(signature = (*, observations, actions, rewards, next_observations, terminated, episode_ends, action_space,
                        observation_space = None, observation_names = None, action_names = None))]
    #[expect(clippy::too_many_arguments, reason = "the columns of a table")]
    fn new(
        py: Python<'_>,
        observations: &Bound<'_, PyAny>,
        actions: &Bound<'_, PyAny>,
        rewards: Option<&Bound<'_, PyAny>>,
        next_observations: &Bound<'_, PyAny>,
        terminated: Vec<bool>,
        episode_ends: Vec<bool>,
        action_space: &Bound<'_, PyAny>,
        observation_space: Option<&Bound<'_, PyAny>>,
        observation_names: Option<Vec<String>>,
        action_names: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let action_space = space::read(action_space)?;
        let observation_space = observation_space.map(space::read).transpose()?;
        let width = observations.getattr("shape")?.get_item(-1)?.extract()?;
        let (before, after) = (
            array::batch("observations", observations, width)?,
            array::batch("next_observations", next_observations, width)?,
        );
        let actions = array::actions(&action_space, actions)?;
        let rewarded = rewards.is_some();
        let rewards = rewards.map_or_else(|| Ok(vec![0.0; before.rows()]), |given| space::numbers(given, "rewards"))?;
        let rows = before.rows();
        let lengths = [actions.actions().rows(), rewards.len(), after.rows(), terminated.len(), episode_ends.len()];
        if lengths.iter().any(|length| *length != rows) {
            return Err(exception(
                py,
                "ShapeError",
                format!(
                    "{rows} observations came with {} actions, {} rewards, {} next observations, {} and {} flags: all must be of \
                     one length",
                    lengths[0], lengths[1], lengths[2], lengths[3], lengths[4]
                ),
            ));
        }
        let mut inner = core::Dataset::new(width, action_space.flat_dim());
        let (mut observation, mut next) = (vec![0.0; width], vec![0.0; width]);
        let mut action = vec![0.0; action_space.flat_dim()];
        for row in 0..rows {
            before.columns().copy_row(row, &mut observation);
            after.columns().copy_row(row, &mut next);
            match &actions {
                array::OwnedActions::Continuous(batch) => batch.columns().copy_row(row, &mut action),
                array::OwnedActions::Discrete(choices) => {
                    action.fill(0.0);
                    action[choices[row] as usize] = 1.0;
                }
            }
            let pushed = inner.push(&observation, &action, rewards[row], &next, terminated[row], episode_ends[row]);
            pushed.map_err(|error| match error {
                core::Error::Diverged { why, .. } => exception(py, "DivergedError", format!("row {row}: {why}")),
                error => raise(py, &error),
            })?;
        }
        inner.end_episode();
        let kinds = observation_space.filter(|space| space.flat_dim() == width).map(|observation_space| Kinds {
            observation_names: observation_names.filter(|names| names.len() == width),
            action_names: action_names.filter(|names| names.len() == action_space.flat_dim()),
            observation_space,
            action_space,
        });
        Ok(Self { inner, rewarded, kinds })
    }

    /// The transitions of a table's columns, by the rules of all readers; what actions are elements of; and sentences about how it was
    /// read.
    #[staticmethod]
    #[pyo3(signature = (columns, *, strict, action_space = None))]
    fn of_columns(
        py: Python<'_>,
        columns: &Bound<'_, PyDict>,
        strict: bool,
        action_space: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Self, Py<PyAny>, Vec<String>)> {
        let asked = tables::asked(strict, None, action_space)?;
        Self::read(py, tables::arrays(columns)?, &asked)
    }

    /// The transitions of episodes that lie in arrays of their own, each by the name of its column; otherwise as [`of_columns`](Self::of_columns).
    #[staticmethod]
    #[pyo3(signature = (episodes, *, action_space = None))]
    fn of_episodes(
        py: Python<'_>,
        episodes: Vec<Bound<'_, PyDict>>,
        action_space: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Self, Py<PyAny>, Vec<String>)> {
        let asked = tables::asked(true, None, action_space)?;
        let each = episodes.iter().map(tables::arrays).collect::<PyResult<_>>()?;
        let joined = worldwright_data::Arrays::joined(each).map_err(|error| tables::raise_of_table(py, &error))?;
        Self::read(py, joined, &asked)
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    /// Length of a flat observation.
    #[getter]
    fn observation_dim(&self) -> usize {
        self.inner.observation_dim()
    }

    /// Length of a flat action.
    #[getter]
    fn action_dim(&self) -> usize {
        self.inner.action_dim()
    }

    /// All observations (N, O).
    #[getter]
    fn observations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let flat = (0..self.inner.len()).flat_map(|i| self.inner.observation(i)).copied().collect();
        array::shaped(py, flat, &[self.inner.len(), self.inner.observation_dim()])
    }

    /// All flat actions (N, A); choices are one-hot.
    #[getter]
    fn actions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let flat = (0..self.inner.len()).flat_map(|i| self.inner.action(i)).copied().collect();
        array::shaped(py, flat, &[self.inner.len(), self.inner.action_dim()])
    }

    /// All next observations (N, O).
    #[getter]
    fn next_observations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let flat = (0..self.inner.len()).flat_map(|i| self.inner.next_observation(i)).copied().collect();
        array::shaped(py, flat, &[self.inner.len(), self.inner.observation_dim()])
    }

    /// Whether the task ended at each transition (N,).
    #[getter]
    fn terminated<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<bool>> {
        PyArray1::from_slice(py, self.inner.terminated())
    }

    /// Whether the episode ended at each transition, for whatever reason (N,).
    #[getter]
    fn episode_ends<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<bool>> {
        PyArray1::from_slice(py, self.inner.episode_ends())
    }

    /// Whether there are rewards; those of a set without any are zeros that stand for nothing.
    #[getter]
    fn rewarded(&self) -> bool {
        self.rewarded
    }

    /// All rewards (N,).
    #[getter]
    fn rewards<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.inner.rewards())
    }
}
