//! What a run learned, for use: a bundle that acts, plans and is evaluated.

use std::path::PathBuf;
use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use worldwright_core::{Error, Space};
use worldwright_models::ModelContext;
use worldwright_runs::{
    EstimateOptions, EvaluationOptions, Lists, Loaded, STEP_LIMIT, estimate, evaluate, load_bundle,
};

use crate::callable::Reward;
use crate::data::Dataset;
use crate::environment::Source;
use crate::error::{Failures, OrRaise};
use crate::interrupts::Interrupts;
use crate::learn::PythonWorkshop;
use crate::model::Model;
use crate::planner::describe;
use crate::pool::{Took, locked};
use crate::seed::Seed;
use crate::{observed, pool, settings, space, value};

/// An agent with its weights.
#[pyclass(frozen, module = "worldwright._native", subclass)]
pub(crate) struct Agent {
    loaded: Mutex<Loaded>,
    /// Where it can be loaded once more; one interpreter runs the environments and rewards of Python's, so that more of them are no quicker.
    again: Option<PathBuf>,
    took: Mutex<Took>,
    interrupts: Interrupts,
    observation_space: Space,
    action_space: Space,
    failures: Failures,
}

#[pymethods]
impl Agent {
    /// Loads a bundle, or the bundle of a run's folder.
    #[new]
    #[pyo3(signature = (*, path, source, reward))]
    fn new(py: Python<'_>, path: PathBuf, source: Option<Py<PyAny>>, reward: Option<Py<PyAny>>) -> PyResult<Self> {
        let failures = Failures::default();
        let again = (source.is_none() && reward.is_none()).then(|| path.clone());
        let workshop = PythonWorkshop {
            source: source.map(|source| Source::new(source, failures.clone())),
            reward: reward.map(|reward| std::sync::Arc::new(Reward::new(reward, failures.clone())) as _),
            recorded: None,
        };
        let interrupts = Interrupts::default();
        let loaded = py.detach(|| load_bundle(&workshop, &path, &interrupts.interrupt()));
        let loaded = interrupts.settle(failures.settle(py, loaded))?;
        Ok(Self {
            observation_space: loaded.made.environment.observation_space().clone(),
            action_space: loaded.made.environment.action_space().clone(),
            loaded: Mutex::new(loaded),
            again,
            took: Mutex::default(),
            interrupts,
            failures,
        })
    }

    /// Tells that an episode begins.
    fn begin(&self, py: Python<'_>, observation: &Bound<'_, PyAny>, seed: Seed) -> PyResult<()> {
        let observation = observed::read(&self.observation_space, observation, "the observation")?;
        let mut loaded = locked(py, &self.loaded);
        loaded.agent.begin_episode(0, &observation, seed.0).or_raise(py)
    }

    /// The action for an observation.
    fn act<'py>(&self, py: Python<'py>, observation: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let observation = observed::read(&self.observation_space, observation, "the observation")?;
        let mut loaded = locked(py, &self.loaded);
        let loaded = &mut *loaded;
        let interrupts = &self.interrupts;
        let action = locked(py, &self.took).run(py, interrupts, || loaded.agent.act(0, &observation, false))?;
        let action = interrupts.settle(self.failures.settle(py, action))?;
        value::write(py, &self.action_space, &action)
    }

    /// What it would do from an observation: the actions, and how planning went.
    fn plan<'py>(
        &self,
        py: Python<'py>,
        observation: &Bound<'_, PyAny>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyDict>)> {
        let observation = observed::read(&self.observation_space, observation, "the observation")?;
        let mut loaded = locked(py, &self.loaded);
        let loaded = &mut *loaded;
        let interrupts = &self.interrupts;
        let plan = pool::long(py, interrupts, || loaded.agent.plan(&observation))?;
        let plan = interrupts.settle(self.failures.settle(py, plan))?;
        let actions = value::write_all(py, &self.action_space, &plan.actions)?;
        Ok((actions, describe(py, &plan.report)?))
    }

    /// Returns and lengths of new episodes in its environment.
    fn evaluate(&self, py: Python<'_>, episodes: usize, seed: Seed) -> PyResult<(Vec<f64>, Vec<usize>)> {
        let mut loaded = locked(py, &self.loaded);
        let loaded = &mut *loaded;
        let options = EvaluationOptions {
            episodes,
            seed: seed.0,
            step_limit: loaded.made.episode_steps.unwrap_or(STEP_LIMIT),
            share_from: EvaluationOptions::SHARE_FROM,
            picture: false,
        };
        let (interrupts, interrupt) = (&self.interrupts, self.interrupts.interrupt());
        let evaluated = pool::long(py, interrupts, || {
            let environment = loaded.made.environment.as_mut();
            let mut more = || {
                let Some(path) = &self.again else { return Ok(None) };
                let another = load_bundle(&Lists, path, &interrupt)?;
                Ok(Some((another.agent, another.made.environment)))
            };
            evaluate(loaded.agent.as_mut(), environment, &mut more, &options, &mut |_, _| Ok(!interrupt.requested()))
        })?;
        let evaluated = interrupts.settle(self.failures.settle(py, evaluated))?;
        let lengths = evaluated.episodes.iter().map(|episode| episode.transitions.len()).collect();
        Ok((evaluated.returns(), lengths))
    }

    /// What it would earn, told from recorded episodes: a path, or transitions.
    #[pyo3(signature = (data, *, horizon, discount, noise, seed))]
    fn estimate<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'_, PyAny>,
        horizon: Option<i64>,
        discount: f64,
        noise: f64,
        seed: Seed,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (name, recorded) = match data.cast::<Dataset>() {
            Ok(data) => {
                let name = format!("sha256:{}", worldwright_runs::digest(&data.get().state()));
                (name.clone(), Some((name, data.get().recorded())))
            }
            Err(_) => (data.extract::<PathBuf>()?.display().to_string(), None),
        };
        let workshop = PythonWorkshop { source: None, reward: None, recorded };
        // What is below zero is out of range as zero is.
        let horizon = horizon.map(|steps| usize::try_from(steps).unwrap_or(0));
        let options = EstimateOptions { horizon, discount, noise, seed: seed.0, ..EstimateOptions::default() };
        let mut loaded = locked(py, &self.loaded);
        let loaded = &mut *loaded;
        let interrupt = self.interrupts.interrupt();
        let told = pool::long(py, &self.interrupts, || estimate(&workshop, loaded, &name, &options, &interrupt))?;
        let told = self.interrupts.settle(self.failures.settle(py, told))?;
        let answer = PyDict::new(py);
        answer.set_item("horizon", told.horizon)?;
        answer.set_item("promise", told.promise())?;
        answer.set_item("recorded", told.recorded)?;
        answer.set_item("notes", &told.notes)?;
        let each = PyList::empty(py);
        for one in &told.estimates {
            let way = PyDict::new(py);
            way.set_item("name", one.name)?;
            way.set_item("mean", one.mean)?;
            way.set_item("low", one.low)?;
            way.set_item("high", one.high)?;
            way.set_item("note", &one.note)?;
            each.append(way)?;
        }
        answer.set_item("estimates", each)?;
        Ok(answer)
    }

    /// The world model that it plans in, as it was learned.
    fn model(&self, py: Python<'_>) -> PyResult<Model> {
        let loaded = locked(py, &self.loaded);
        let experiment = &loaded.experiment;
        let Some(chosen) = experiment.role("model") else {
            let what = "a world model: it acts by a policy that learned without one";
            return Err(Error::unsupported(experiment.agent.name.clone(), what)).or_raise(py);
        };
        let context = ModelContext {
            observation_space: self.observation_space.clone(),
            action_space: self.action_space.clone(),
            reward: loaded.reward.clone(),
            simulator: loaded.made.simulator.clone(),
            known: loaded.made.model.clone(),
            players: loaded.made.environment.players(),
            discount: match experiment.agent.settings.get("discount") {
                Some(worldwright_core::Setting::Float(discount)) => *discount,
                _ => 1.0,
            },
            seed: experiment.seed,
        };
        let overrides = chosen.settings.clone();
        let mut model = worldwright_models::build(&chosen.name, &context, &overrides).or_raise(py)?;
        model.restore(&loaded.agent.weights().part("model")).or_raise(py)?;
        Ok(Model::of_parts(&chosen.name, context, overrides, model, self.failures.clone()))
    }

    /// Whether it acts by what it learned or knows, and not at random for want of a first fit.
    #[getter]
    fn trained(&self, py: Python<'_>) -> bool {
        locked(py, &self.loaded).agent.is_ready()
    }

    /// Everything that the run depended on, by dotted key.
    fn experiment<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let loaded = locked(py, &self.loaded);
        let entries = PyDict::new(py);
        for (key, setting) in loaded.experiment.entries() {
            entries.set_item(key, settings::write(py, &setting)?)?;
        }
        Ok(entries)
    }

    /// Names of the flat observation's numbers, and of the action's dimensions or choices.
    fn channels(&self, py: Python<'_>) -> (Vec<String>, Vec<String>) {
        let loaded = locked(py, &self.loaded);
        (loaded.made.observation_channels.clone(), loaded.made.action_channels.clone())
    }

    /// What it observes, as Gymnasium's.
    #[getter]
    fn observation_space<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        space::write(py, &self.observation_space)
    }

    /// What it does, as Gymnasium's.
    #[getter]
    fn action_space<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        space::write(py, &self.action_space)
    }
}
