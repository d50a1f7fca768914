//! Gymnasium's environments as [`Environment`]s, stepped in this process.
//!
//! What an object is (its name, how to make another, names of channels) is found out in Python (`worldwright/_environments.py`),
//! which gives a `Source`; here it is stepped. An exception that it raises ends the call with that exception as its cause. What it gives
//! in plain numbers and flags is taken here; all else is read or refused by the one rule of `worldwright/_contract.py`.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyTuple};
use worldwright_core::{
    Action, ElementType, Environment, Error, Frame, Observation, Result, Space, Step, Value, distinct_channels,
};
use worldwright_envs::python::python_seed;
use worldwright_envs::{Made, known_reward, limited};

use crate::error::{Failures, refuse};
use crate::{observed, space, value};

/// Where environments come from: an object of `worldwright._environments.Source`.
pub(crate) struct Source {
    source: Py<PyAny>,
    failures: Failures,
}

impl Source {
    /// Takes a source; exceptions go to `failures`.
    pub(crate) fn new(source: Py<PyAny>, failures: Failures) -> Self {
        Self { source, failures }
    }

    /// An environment: the given object first, others like it afterwards.
    pub(crate) fn make(&self) -> Result<Made> {
        Python::attach(|py| self.open(py).map_err(|error| self.failures.keep(py, "the environment", error)))
    }

    fn open(&self, py: Python<'_>) -> PyResult<Made> {
        let source = self.source.bind(py);
        let environment = source.call_method0("make")?;
        let id: String = source.getattr("name")?.extract()?;
        let environment = PythonEnvironment {
            observation_space: space::read(&source.getattr("observation_space")?)?,
            action_space: space::read(&source.getattr("action_space")?)?,
            dt_secs: source.getattr("dt_secs")?.extract()?,
            versions: source.getattr("versions")?.extract()?,
            step: environment.getattr("step")?.unbind(),
            environment: environment.unbind(),
            failures: self.failures.clone(),
            running: false,
            id: id.clone(),
        };
        let names = |what: &str| -> PyResult<Vec<String>> { source.getattr(what)?.extract() };
        let (observation_channels, action_channels) =
            distinct_channels(names("observation_channels")?, names("action_channels")?);
        let dims = (environment.observation_space.flat_dim(), environment.action_space.flat_dim());
        Ok(limited(Made {
            reward: known_reward(&id, dims.0, dims.1),
            simulator: None,
            model: None,
            observation_channels,
            action_channels,
            episode_steps: source.getattr("episode_steps")?.extract()?,
            episode_steps_assumed: false,
            optimum: None,
            environment: Box::new(environment),
        }))
    }
}

/// One environment of Python's.
struct PythonEnvironment {
    id: String,
    environment: Py<PyAny>,
    /// Its method `step`, looked up once.
    step: Py<PyAny>,
    observation_space: Space,
    action_space: Space,
    dt_secs: f64,
    versions: Vec<(String, String)>,
    failures: Failures,
    running: bool,
}

impl PythonEnvironment {
    /// What messages call it: its identifier alone.
    fn who(&self) -> &str {
        self.id.split_once(':').map_or(&*self.id, |(_, identity)| identity)
    }

    fn call<T>(&self, work: impl FnOnce(Python<'_>, &Bound<'_, PyAny>) -> PyResult<T>) -> Result<T> {
        Python::attach(|py| {
            work(py, self.environment.bind(py)).map_err(|error| self.failures.keep(py, &self.id, error))
        })
    }
}

/// The module that reads what environments give.
fn contract(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static CONTRACT: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = CONTRACT.get_or_try_init(py, || Ok::<_, PyErr>(py.import("worldwright._contract")?.unbind()))?;
    Ok(module.bind(py))
}

/// A step of five in which the reward is a finite number and the flags are flags, as nearly all are.
fn plain<'py>(answer: &Bound<'py, PyAny>) -> Option<(Bound<'py, PyAny>, f64, bool, bool)> {
    let answer = answer.cast::<PyTuple>().ok().filter(|answer| answer.len() == 5)?;
    let reward = answer.get_borrowed_item(1).ok()?;
    let reward = reward.cast::<PyFloat>().ok()?.value();
    let flag = |place: usize| Some(answer.get_borrowed_item(place).ok()?.cast::<PyBool>().ok()?.is_true());
    let (terminated, truncated) = (flag(2)?, flag(3)?);
    reward.is_finite().then_some((answer.get_item(0).ok()?, reward, terminated, truncated))
}

impl Environment for PythonEnvironment {
    fn id(&self) -> &str {
        &self.id
    }

    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn reset(&mut self, seed: u64) -> Result<Observation> {
        let observation = self.call(|py, environment| {
            let options = PyDict::new(py);
            options.set_item(intern!(py, "seed"), self.own_seed(seed))?;
            let answer = environment.call_method(intern!(py, "reset"), (), Some(&options))?;
            let begun = contract(py)?.call_method1(intern!(py, "begun"), (answer, self.who()))?;
            observed::read(&self.observation_space, &begun.get_item(0)?, "the observation")
        })?;
        self.running = true;
        Ok(observation)
    }

    fn own_seed(&self, seed: u64) -> u64 {
        python_seed(seed)
    }

    fn step(&mut self, action: &Action) -> Result<Step> {
        if !self.running {
            return Err(Error::config(self.id.clone(), "the episode is over or has not begun: reset first"));
        }
        let step = self.call(|py, _| {
            let action = value::write(py, &self.action_space, action)?;
            let answer = self.step.bind(py).call1((action,))?;
            let (observation, reward, terminated, truncated) = match plain(&answer) {
                Some(step) => step,
                None => {
                    let stepped = contract(py)?.call_method1(intern!(py, "stepped"), (answer, self.who()))?;
                    plain(&stepped).ok_or_else(|| refuse(py, "a step is no tuple of five"))?
                }
            };
            let observation = observed::read(&self.observation_space, &observation, "the observation")?;
            Ok(Step { observation, reward, terminated, truncated })
        })?;
        self.running = !step.done();
        Ok(step)
    }

    fn dt_secs(&self) -> f64 {
        self.dt_secs
    }

    fn render(&mut self) -> Result<Frame> {
        // An environment that cannot draw says so in whatever way; a run goes on without a film.
        let picture = Python::attach(|py| {
            let picture = self.environment.bind(py).call_method0("render").ok()?;
            let [height, width, 3] = picture.getattr("shape").and_then(|shape| shape.extract::<[usize; 3]>()).ok()?
            else {
                return None;
            };
            let size = height * width * 3;
            let (low, high) = (vec![0.0; size], vec![255.0; size]);
            let space = Space::Box { shape: vec![height, width, 3], low, high, element: ElementType::U8 };
            match value::read(&space, &picture, "the picture").ok()? {
                Value::Bytes(rgb) => Some(Frame { width, height, rgb }),
                _ => None,
            }
        });
        let why = "pictures: make it with render_mode=\"rgb_array\"";
        picture.ok_or_else(|| Error::unsupported(self.id.clone(), why))
    }

    fn versions(&self) -> Vec<(String, String)> {
        self.versions.clone()
    }
}
