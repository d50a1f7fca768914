//! `worldwright.learn`: an experiment from Python's choices to its run folder.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use worldwright_core::{Agent, Dataset, Error, Interrupt, Result, RewardFunction, Setting};
use worldwright_envs::Made;
use worldwright_runs::tensorboard::TensorBoard;
use worldwright_runs::{
    CheckpointEvery, Choices, Event, Experiment, LearnOptions, Lists, Observer, Outcome, RECORDED, RunFolder, Workshop,
    recorded_world,
};

use crate::callable::Reward;
use crate::data::{Dataset as Transitions, Recorded};
use crate::environment::Source;
use crate::error::{Failures, OrRaise};
use crate::interrupts::Interrupts;
use crate::{pool, settings};

/// The lists' workshop, with an environment of Python's and a reward of Python's in place of theirs.
pub(crate) struct PythonWorkshop {
    pub(crate) source: Option<Source>,
    pub(crate) reward: Option<Arc<dyn RewardFunction>>,
    /// Transitions to begin with, and the name that stands for them in the run's configuration.
    pub(crate) recorded: Option<(String, Recorded)>,
}

impl PythonWorkshop {
    fn dress(&self, mut made: Made) -> Made {
        if let Some(reward) = &self.reward {
            made.reward = Some(Arc::clone(reward));
        }
        made
    }

    /// Completes the choices, asking the environment that is there.
    pub(crate) fn resolve(&self, choices: &Choices) -> Result<Experiment> {
        let mut experiment = Lists.resolve_with(choices, &|name, settings| match (&self.source, &self.recorded) {
            (Some(source), _) => Ok(self.dress(source.make()?)),
            (None, Some((_, recorded))) if name == RECORDED => Ok(self.dress(recorded.world())),
            (None, None) if name == RECORDED => {
                Ok(self.dress(recorded_world(&choices.text("data")?.unwrap_or_default())?))
            }
            (None, _) => Ok(self.dress(worldwright_envs::make(name, settings)?)),
        })?;
        // A step of an object is what its owner makes of one: who acts in it afterwards steps it as it is.
        experiment.finds_action_repeat &= self.source.is_none();
        Ok(experiment)
    }
}

impl Workshop for PythonWorkshop {
    fn environment(&self, experiment: &Experiment) -> Result<Made> {
        let made = match (&self.source, &self.recorded) {
            (Some(source), _) => source.make()?,
            (None, Some((_, recorded))) if experiment.environment.name == RECORDED => recorded.world(),
            (None, _) => Lists.environment(experiment)?,
        };
        Ok(self.dress(made))
    }

    fn works_at_once(&self) -> bool {
        self.source.is_none()
    }

    fn agent(&self, experiment: &Experiment, made: &Made, interrupt: &Interrupt) -> Result<Box<dyn Agent>> {
        Lists.agent(experiment, made, interrupt)
    }

    fn recorded(&self, experiment: &Experiment, made: &Made) -> Result<Option<(Dataset, Vec<String>)>> {
        match &self.recorded {
            Some((name, recorded)) if *name == experiment.data => {
                recorded.arranged(&worldwright_runs::elements(made)).map(Some)
            }
            _ => Lists.recorded(experiment, made),
        }
    }
}

/// Tells a Python function what happens, as `(kind, values)`; also ends the run when Python code within it has failed.
struct Follower<'a> {
    told: Option<Py<PyAny>>,
    failures: Failures,
    interrupt: &'a Interrupt,
}

impl Follower<'_> {
    fn tell(&self, kind: &str, fill: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>) -> Result<()> {
        let Some(told) = &self.told else { return Ok(()) };
        Python::attach(|py| {
            let values = PyDict::new(py);
            let done = fill(&values).and_then(|()| told.call1(py, (kind, values)).map(|_| ()));
            done.map_err(|error| {
                self.interrupt.request();
                self.failures.keep(py, "the function that follows the run", error)
            })
        })
    }
}

impl Observer for Follower<'_> {
    fn name(&self) -> &'static str {
        "python"
    }

    fn event(&mut self, event: &Event<'_>) -> Result<()> {
        if let Some(error) = self.failures.standing() {
            return Err(error);
        }
        match event {
            Event::Started { experiment, step, episode, .. } => self.tell("started", |values| {
                values.set_item("environment", &experiment.environment.name)?;
                values.set_item("algorithm", &experiment.agent.name)?;
                values.set_item("steps", experiment.steps)?;
                values.set_item("step", step)?;
                values.set_item("episode", episode)
            }),
            Event::Step { step, episode, return_so_far, .. } => self.tell("step", |values| {
                values.set_item("step", step)?;
                values.set_item("episode", episode)?;
                values.set_item("return_so_far", return_so_far)
            }),
            Event::Learning => self.tell("learning", |_| Ok(())),
            Event::Row(row) => self.tell(row.kind.as_str(), |values| {
                values.set_item("episode", row.episode)?;
                values.set_item("step", row.step)?;
                row.values.iter().chain(&row.clock).try_for_each(|(name, value)| values.set_item(name.as_ref(), value))
            }),
            Event::EvaluationEpisode { episode, of, episode_return } => self.tell("evaluation_episode", |values| {
                values.set_item("episode", episode)?;
                values.set_item("of", of)?;
                values.set_item("return", episode_return)
            }),
            Event::Note(text) | Event::FitNote(text) => self.tell("note", |values| values.set_item("text", text)),
            Event::Checkpoint { step } => self.tell("checkpoint", |values| values.set_item("step", step)),
            Event::Stopped { updates, step } => self.tell("stopped", |values| {
                values.set_item("updates", updates)?;
                values.set_item("step", step)
            }),
            Event::Finished(_) => self.tell("finished", |_| Ok(())),
            _ => Ok(()),
        }
    }
}

fn workshop(source: Option<Py<PyAny>>, reward: Option<&Reward>, failures: &Failures) -> PythonWorkshop {
    PythonWorkshop {
        source: source.map(|source| Source::new(source, failures.clone())),
        reward: reward.map(|reward| Arc::new(reward.clone()) as Arc<dyn RewardFunction>),
        recorded: None,
    }
}

/// Runs an experiment. Returns the folder, and whether it finished (false: it was interrupted and can be resumed).
#[pyfunction]
#[pyo3(signature = (*, choices, source, reward, data, toml, run_dir, resume, checkpoint, follow))]
#[expect(clippy::too_many_arguments, reason = "the keyword arguments of the one function that calls it")]
pub(crate) fn learn(
    py: Python<'_>,
    choices: &Bound<'_, PyDict>,
    source: Option<Py<PyAny>>,
    reward: Option<Py<PyAny>>,
    data: Option<&Bound<'_, Transitions>>,
    toml: Option<(String, String)>,
    run_dir: Option<PathBuf>,
    resume: bool,
    checkpoint: (u64, f64),
    follow: Option<Py<PyAny>>,
) -> PyResult<(PathBuf, bool)> {
    let failures = Failures::default();
    let toml = toml.as_ref().map(|(text, origin)| (text.as_str(), origin.as_str()));
    let mut choices = settings::choices(choices, toml)?;
    let reward = reward.map(|reward| Reward::new(reward, failures.clone()));
    let mut workshop = workshop(source, reward.as_ref(), &failures);
    if let Some(data) = data {
        // Where they came from is not known, but what they are is: a run goes on with these and no others.
        let recorded = data.get().recorded();
        let name = format!("sha256:{}", worldwright_runs::digest(&data.get().state()));
        choices = choices.set("data", Setting::Text(name.clone())).or_raise(py)?;
        workshop.recorded = Some((name, recorded));
    }
    let unpaid = data.is_some_and(|data| !data.get().rewarded);
    let interrupts = Interrupts::default();
    let interrupt = &interrupts.interrupt();
    let outcome = pool::long(py, &interrupts, || {
        let experiment = workshop.resolve(&choices)?;
        if unpaid && experiment.reward.kind == "learned" {
            let why = "holds no rewards, and the run would learn them: give rewards beside it, or reward=…, a function";
            return Err(Error::config("data", why));
        }
        let folder = RunFolder::new(run_dir.unwrap_or_else(|| PathBuf::from("runs").join(experiment.default_name())));
        let (mut board, mut follower) =
            (TensorBoard::new(), Follower { told: follow, failures: failures.clone(), interrupt });
        let options = LearnOptions {
            folder: folder.clone(),
            resume,
            checkpoint: CheckpointEvery { steps: checkpoint.0, secs: checkpoint.1 },
            interrupt,
            observers: vec![&mut board, &mut follower],
        };
        let outcome = worldwright_runs::learn(&workshop, &experiment, options)?;
        Ok((folder.path().to_owned(), matches!(outcome, Outcome::Finished(_))))
    })?;
    match (interrupts.take(), failures.settle(py, outcome)) {
        // `worldwright.learn` says more than the bare exception of an interrupt would.
        (Some(raised), Ok((folder, _))) if raised.is_instance_of::<PyKeyboardInterrupt>(py) => Ok((folder, false)),
        (Some(raised), _) => Err(raised),
        (None, settled) => settled,
    }
}

/// Where [`learn`] keeps a run of these choices unless told otherwise.
#[pyfunction]
#[pyo3(signature = (*, choices, source, toml))]
pub(crate) fn default_run_folder(
    py: Python<'_>,
    choices: &Bound<'_, PyDict>,
    source: Option<Py<PyAny>>,
    toml: Option<(String, String)>,
) -> PyResult<PathBuf> {
    let failures = Failures::default();
    let toml = toml.as_ref().map(|(text, origin)| (text.as_str(), origin.as_str()));
    let choices = settings::choices(choices, toml)?;
    let workshop = workshop(source, None, &failures);
    let experiment = workshop.resolve(&choices).or_raise(py)?;
    Ok(PathBuf::from("runs").join(experiment.default_name()))
}
