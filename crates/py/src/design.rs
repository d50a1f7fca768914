//! `worldwright.build`: the search that designs a model, with data and environments of Python's.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use worldwright_agents::AgentContext;
use worldwright_core::{Error, RewardFunction};
use worldwright_design::{DesignOptions, Progress, Row};
use worldwright_envs as envs;
use worldwright_models::ModelContext;
use worldwright_models::expression::RewardExpression;
use worldwright_runs::{design_context, design_from};

use crate::callable::Reward;
use crate::data::Dataset;
use crate::environment::Source;
use crate::error::{Failures, OrRaise};
use crate::interrupts::Interrupts;
use crate::model::Model;
use crate::seed::Seed;
use crate::{pool, settings, space, value};

/// Where trials take place, and data come from where none are given: an environment of Python's or a native one.
fn environment(
    py: Python<'_>,
    source: Option<Py<PyAny>>,
    name: Option<&str>,
    failures: &Failures,
) -> PyResult<Option<envs::Made>> {
    let made = match (source, name) {
        (Some(source), _) => Source::new(source, failures.clone()).make().map(Some),
        (None, Some(name)) => envs::make(name, &Default::default()).map(Some),
        (None, None) => Ok(None),
    };
    failures.settle(py, made)
}

/// Random steps in an environment, as transitions; also what was seen first.
#[pyfunction]
#[pyo3(signature = (*, source, environment_name, steps, seed))]
pub(crate) fn explore<'py>(
    py: Python<'py>,
    source: Option<Py<PyAny>>,
    environment_name: Option<&str>,
    steps: usize,
    seed: Seed,
) -> PyResult<Bound<'py, PyDict>> {
    let failures = Failures::default();
    let Some(mut made) = environment(py, source, environment_name, &failures)? else {
        return Err(crate::error::refuse(py, "nothing to explore: no environment is given"));
    };
    let interrupts = Interrupts::default();
    let interrupt = interrupts.interrupt();
    let explored = pool::long(py, &interrupts, || worldwright_runs::explore(&mut made, steps, seed.0, &interrupt))?;
    let (inner, first) = interrupts.settle(failures.settle(py, explored))?;
    let answer = PyDict::new(py);
    answer.set_item("start", value::write(py, made.environment.observation_space(), &first)?)?;
    answer.set_item("observation_space", space::write(py, made.environment.observation_space())?)?;
    answer.set_item("action_space", space::write(py, made.environment.action_space())?)?;
    answer.set_item("observation_channels", &made.observation_channels)?;
    answer.set_item("action_channels", &made.action_channels)?;
    answer.set_item("data", Dataset::own(inner))?;
    Ok(answer)
}

/// A reward over names: the expression, the termination, names of the observation's numbers and of the action's.
type Expression = (String, Option<String>, Vec<String>, Vec<String>);

/// The search: the model it chose, fitted, and what it found out.
#[pyfunction]
#[pyo3(signature = (*, observation_space, action_space, reward, expression, data, source, environment_name, discount, seed, options, follow))]
#[expect(clippy::too_many_arguments, reason = "the keyword arguments of the one function that calls it")]
pub(crate) fn design<'py>(
    py: Python<'py>,
    observation_space: &Bound<'_, PyAny>,
    action_space: &Bound<'_, PyAny>,
    reward: Option<Py<PyAny>>,
    expression: Option<Expression>,
    data: &Dataset,
    source: Option<Py<PyAny>>,
    environment_name: Option<&str>,
    discount: f64,
    seed: Seed,
    options: &Bound<'_, PyDict>,
    follow: Option<Py<PyAny>>,
) -> PyResult<(Model, Bound<'py, PyDict>)> {
    let failures = Failures::default();
    let mut made = environment(py, source, environment_name, &failures)?;
    let written = match (reward, &expression) {
        (Some(reward), _) => Some(Arc::new(Reward::new(reward, failures.clone())) as Arc<dyn RewardFunction>),
        (None, Some((text, termination, observations, actions))) => {
            Some(Arc::new(RewardExpression::new(text, termination.as_deref(), observations, actions).or_raise(py)?) as _)
        }
        (None, None) => None,
    };
    let interrupts = Interrupts::default();
    let interrupt = interrupts.interrupt();
    let context = match &made {
        Some(made) => design_context(made, written.or_else(|| made.reward.clone()), false, seed.0, &interrupt),
        None => AgentContext {
            observation_space: space::read(observation_space)?,
            action_space: space::read(action_space)?,
            reward: written,
            simulator: None,
            known: None,
            players: 1,
            places: 1,
            seed: seed.0,
            interrupt: interrupt.clone(),
        },
    };
    let wanted = read_options(options, discount)?;
    let taken = match &made {
        Some(made) => data.recorded().arranged(&worldwright_runs::elements(made)).map(|(data, _)| data),
        None => data.within("the domain", &context.observation_space, &context.action_space),
    };
    let taken = taken.or_raise(py)?;
    let designed = pool::long(py, &interrupts, || {
        design_from(&context, &taken, made.as_mut(), &wanted, &interrupt, &mut |progress| {
            tell(follow.as_ref(), &progress, &failures)
        })
    })?;
    let found = interrupts.settle(failures.settle(py, designed))?;
    let answer = PyDict::new(py);
    answer.set_item("kind", &found.model.name)?;
    answer.set_item("label", &found.model.label)?;
    answer.set_item("settings", named(py, &found.model.settings)?)?;
    answer.set_item("planner", &found.plan.name)?;
    answer.set_item("planner_settings", named(py, &found.plan.settings)?)?;
    answer.set_item("horizon", found.plan.horizon)?;
    answer.set_item("judge", &found.judge)?;
    answer.set_item("reasons", &found.reasons)?;
    answer.set_item("command", found.assignments().join(" "))?;
    answer.set_item("transitions", found.dataset.len())?;
    let rows = PyList::empty(py);
    for row in &found.rows {
        rows.append(describe(py, row)?)?;
    }
    answer.set_item("candidates", rows)?;
    let context = ModelContext {
        observation_space: context.observation_space,
        action_space: context.action_space,
        reward: context.reward,
        simulator: context.simulator,
        known: context.known,
        players: context.players,
        discount,
        seed: seed.0,
    };
    let model = Model::of_parts(&found.model.name, context, found.model.settings, found.fitted, failures);
    Ok((model, answer))
}

fn read_options(given: &Bound<'_, PyDict>, discount: f64) -> PyResult<DesignOptions> {
    let mut options = DesignOptions { discount, ..DesignOptions::default() };
    let py = given.py();
    for (key, value) in given.iter() {
        let key = key.extract::<String>()?;
        let misfit = |error: PyErr| crate::error::refuse(py, format!("{key}: {}", error.value(py)));
        let whole = || value.extract::<usize>().map_err(misfit);
        match key.as_str() {
            "finalists" => options.finalists = whole()?,
            "most_models" => options.most_models = whole()?,
            "held_out" => options.held_out = value.extract().map_err(misfit)?,
            "trial_steps" => options.trial_steps = whole()?,
            "episode_steps" => options.episode_steps = whole()?,
            "time_limit" => {
                let secs: f64 = value.extract().map_err(misfit)?;
                if secs.is_nan() || secs < 0.0 {
                    return Err(crate::error::refuse(py, format!("time_limit is a number of seconds, got {secs}")));
                }
                options.time_limit = Some(Duration::from_secs_f64(secs.min(1e9)));
            }
            other => {
                let known = ["finalists", "most_models", "held_out", "trial_steps", "episode_steps", "time_limit"];
                return Err(crate::error::raise(py, &Error::unknown("option of build", other, known)));
            }
        }
    }
    Ok(options)
}

fn named<'py>(
    py: Python<'py>,
    given: &std::collections::BTreeMap<String, worldwright_core::Setting>,
) -> PyResult<Bound<'py, PyDict>> {
    let named = PyDict::new(py);
    for (key, setting) in given {
        named.set_item(key, settings::write(py, setting)?)?;
    }
    Ok(named)
}

fn describe<'py>(py: Python<'py>, row: &Row) -> PyResult<Bound<'py, PyDict>> {
    let about = PyDict::new(py);
    about.set_item("model", &row.model.label)?;
    about.set_item("planner", row.plan.as_ref().map(|plan| plan.label.as_str()))?;
    about.set_item("horizon", row.plan.as_ref().map(|plan| plan.horizon))?;
    let prediction = row.prediction.as_ref();
    about.set_item("steps", prediction.map(|it| it.steps.clone()))?;
    about.set_item("errors", prediction.map(|it| it.errors.clone()))?;
    about.set_item("log_likelihood", prediction.map(|it| it.log_likelihood))?;
    about.set_item("returns", &row.returns)?;
    about.set_item("return_mean", row.mean_return())?;
    about.set_item("diverged", &row.diverged)?;
    about.set_item("fit_secs", row.fit_secs)?;
    about.set_item("trial_secs", row.trial_secs)?;
    Ok(about)
}

fn tell(follow: Option<&Py<PyAny>>, progress: &Progress<'_>, failures: &Failures) -> worldwright_core::Result<()> {
    let Some(follow) = follow else { return Ok(()) };
    Python::attach(|py| {
        let tell = || -> PyResult<()> {
            let (kind, values) = match progress {
                Progress::Examined { row, done, of } => {
                    let values = describe(py, row)?;
                    values.set_item("done", done)?;
                    values.set_item("of", of)?;
                    ("examined", values)
                }
                Progress::Tried { row, steps, of } => {
                    let values = describe(py, row)?;
                    values.set_item("done", steps)?;
                    values.set_item("of", of)?;
                    ("tried", values)
                }
                // A bar moves by what is done.
                Progress::Examining { .. } | Progress::Trying { .. } => return Ok(()),
                Progress::Chosen => ("chosen", PyDict::new(py)),
            };
            follow.call1(py, (kind, values)).map(|_| ())
        };
        tell().map_err(|error| failures.keep(py, "the function that follows the search", error))
    })
}
