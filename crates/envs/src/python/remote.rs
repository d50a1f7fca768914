//! One worker with its environments: made, described, attached to their arrays, and made again after a failure.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use worldwright_core::{Action, Error, Frame, Observation, Result, Space, Step, Value};

use super::layout::{Layout, check_size, space_from_json};
use super::process::{Operation, Process};
use super::{Autoreset, Suite, Vectorization, WorkerOptions, further_packages};

const TERMINATED: u8 = 1;
const TRUNCATED: u8 = 2;
const STARTED: u8 = 4;
const RESTARTED: u8 = 8;

/// What a worker says of its environments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Description {
    pub(super) observation_space: Arc<Space>,
    pub(super) action_space: Arc<Space>,
    pub(super) dt_secs: Option<f64>,
    pub(super) episode_steps: Option<usize>,
    /// Names and lengths of the parts of a joined observation; no length: a single number.
    pub(super) observation_parts: Option<Vec<(String, Option<usize>)>>,
    /// Names that the environment gives the numbers of its actions.
    pub(super) action_names: Option<Vec<String>>,
    pub(super) environment: String,
    pub(super) autoreset: Autoreset,
    pub(super) versions: Vec<(String, String)>,
}

/// Where an observation holds what is no finite number, in words that go on from its name.
fn undefined(observation: &Observation) -> Option<String> {
    match observation {
        Value::Floats(numbers) => {
            let place = numbers.iter().position(|number| !number.is_finite())?;
            Some(format!(" holds {} at place {place}", numbers[place]))
        }
        Value::Dict(parts) => parts.iter().find_map(|(name, part)| Some(format!("['{name}']{}", undefined(part)?))),
        Value::Tuple(parts) => {
            parts.iter().enumerate().find_map(|(i, part)| Some(format!("[{i}]{}", undefined(part)?)))
        }
        _ => None,
    }
}

impl Description {
    fn from_json(json: &Json, bounds: &[u8]) -> Option<Self> {
        let observation_parts = match &json["observation_parts"] {
            Json::Array(parts) => Some(
                parts
                    .iter()
                    .map(|part| Some((part[0].as_str()?.to_owned(), part[1].as_u64().map(|n| n as usize))))
                    .collect::<Option<Vec<_>>>()?,
            ),
            _ => None,
        };
        let action_names = match &json["action_names"] {
            Json::Array(names) => {
                Some(names.iter().map(|name| Some(name[0].as_str()?.to_owned())).collect::<Option<Vec<_>>>()?)
            }
            _ => None,
        };
        let versions = json["versions"].as_array()?.iter();
        let environment = json["environment"].as_str()?.to_owned();
        let mut named = vec![("environment".to_owned(), environment.clone())];
        for pair in versions {
            named.push((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
        }
        Some(Self {
            observation_space: Arc::new(space_from_json(&json["observation_space"], bounds)?),
            action_space: Arc::new(space_from_json(&json["action_space"], bounds)?),
            dt_secs: json["dt_secs"].as_f64(),
            episode_steps: json["episode_steps"].as_u64().map(|n| n as usize),
            observation_parts,
            action_names,
            environment,
            autoreset: Autoreset::named(json["autoreset"].as_str()?)?,
            versions: named,
        })
    }
}

/// What an environment in Python is given for `seed`: many hand their seed on to NumPy's old generator or to C, which take 31 or 32 bits.
pub fn python_seed(seed: u64) -> u64 {
    seed & 0x7FFF_FFFF
}

/// What to make, and how to make it again.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) id: String,
    pub(super) suite: Suite,
    pub(super) interpreter: PathBuf,
    pub(super) environments: usize,
    pub(super) autoreset: Autoreset,
    pub(super) vectorization: Vectorization,
    pub(super) options: WorkerOptions,
}

impl Recipe {
    pub(super) fn new(id: &str, environments: usize, options: &WorkerOptions) -> Result<Self> {
        let (suite, _) = Suite::split(id).filter(|(_, name)| !name.is_empty()).ok_or_else(|| {
            Error::config(
                "environment",
                format!("'{id}' names none: write gym:ID, dmc:DOMAIN-TASK or SUITE:ID, such as gym:Hopper-v5"),
            )
        })?;
        let interpreter = match &options.interpreter {
            Some(given) => given.clone(),
            None => suite.interpreter()?,
        };
        Ok(Self {
            id: id.to_owned(),
            suite,
            interpreter,
            environments,
            autoreset: Autoreset::Disabled,
            vectorization: Vectorization::Loop,
            options: options.clone(),
        })
    }
}

/// A worker and its environments.
#[derive(Debug)]
pub(super) struct Remote {
    recipe: Recipe,
    process: Option<Process>,
    layout: Layout,
    description: Description,
}

impl Remote {
    pub(super) fn open(recipe: Recipe) -> Result<Self> {
        let (process, description, layout) = start(&recipe)?;
        Ok(Self { recipe, process: Some(process), layout, description })
    }

    pub(super) fn description(&self) -> &Description {
        &self.description
    }

    pub(super) fn lanes(&self) -> usize {
        self.recipe.environments
    }

    pub(super) fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Starts a fresh worker where the last one failed; whether it did.
    pub(super) fn revive(&mut self) -> Result<bool> {
        if self.process.is_some() {
            return Ok(false);
        }
        let (process, description, layout) = start(&self.recipe)?;
        if description.observation_space != self.description.observation_space
            || description.action_space != self.description.action_space
        {
            return Err(Error::external(self.recipe.id.clone(), "its spaces are not those it had before it failed"));
        }
        (self.process, self.description, self.layout) = (Some(process), description, layout);
        Ok(true)
    }

    fn process(&mut self) -> Result<&mut Process> {
        let Some(process) = self.process.as_mut() else {
            return Err(Error::external(self.recipe.id.clone(), "its worker failed: reset starts a fresh one"));
        };
        Ok(process)
    }

    /// Asks for resets where `mask` says so.
    pub(super) fn post_reset(&mut self, mask: &[bool], seeds: &[u64]) -> Result<()> {
        let layout = (self.layout.mask, self.layout.seeds);
        let shared = self.process()?.shared()?;
        for (lane, (on, seed)) in mask.iter().zip(seeds).enumerate() {
            shared.write(layout.0 + lane, &[u8::from(*on)]);
            shared.write(layout.1 + 8 * lane, &[*seed]);
        }
        self.guard(|process| process.post(Operation::Reset))
    }

    pub(super) fn finish_reset(&mut self) -> Result<()> {
        let patience = self.recipe.options.reset_deadline;
        self.guard(|process| process.finish(Operation::Reset, patience))
    }

    /// Writes an action; nothing is asked for yet.
    pub(super) fn set_action(&mut self, lane: usize, action: &Action) -> Result<()> {
        let Some(process) = &self.process else { return self.process().map(|_| ()) };
        self.layout.actions.write(process.shared()?, lane, action)
    }

    pub(super) fn post_step(&mut self) -> Result<()> {
        self.guard(|process| process.post(Operation::Step))
    }

    pub(super) fn finish_step(&mut self) -> Result<()> {
        let patience = self.recipe.options.step_deadline;
        self.guard(|process| process.finish(Operation::Step, patience))
    }

    /// Runs `call`; a worker that it leaves dead is taken away.
    fn guard(&mut self, call: impl FnOnce(&mut Process) -> Result<()>) -> Result<()> {
        let result = call(self.process()?);
        if result.is_err() {
            self.process = None;
        }
        result
    }

    /// What environment `lane` shows.
    pub(super) fn observation(&self, lane: usize) -> Result<Observation> {
        let Some(process) = &self.process else {
            return Err(Error::external(self.recipe.id.clone(), "its worker failed: reset starts a fresh one"));
        };
        self.defined(self.layout.observations.read(process.shared()?, lane))
    }

    /// An observation, unless a number of it is none: whoever keeps or learns from it would be spoilt.
    fn defined(&self, observation: Observation) -> Result<Observation> {
        match undefined(&observation) {
            None => Ok(observation),
            Some(place) => Err(self.mend(format!("its observation{place}"))),
        }
    }

    fn mend(&self, what: String) -> Error {
        Error::Diverged {
            who: self.recipe.id.clone().into(),
            why: format!("{what}, where a finite number is expected: mend the environment"),
        }
    }

    /// What the last step gave environment `lane`: the transition, unless the step was the dummy one that resets, and the
    /// first observation of the next episode, if one began.
    pub(super) fn outcome(&self, lane: usize) -> Result<(Option<Step>, Option<Observation>)> {
        let observation = self.observation(lane)?;
        let Some(process) = &self.process else { return Ok((None, None)) };
        let shared = process.shared()?;
        let flags: u8 = shared.get(self.layout.flags + lane);
        if flags & STARTED != 0 {
            return Ok((None, Some(observation)));
        }
        let reward: f64 = shared.get(self.layout.rewards + 8 * lane);
        if !reward.is_finite() {
            return Err(self.mend(format!("the reward of its step is {reward}")));
        }
        let step = Step { observation, reward, terminated: flags & TERMINATED != 0, truncated: flags & TRUNCATED != 0 };
        let started = (flags & RESTARTED != 0).then(|| self.defined(self.layout.starts.read(shared, lane)));
        Ok((Some(step), started.transpose()?))
    }

    /// A picture of the first environment.
    pub(super) fn render(&mut self) -> Result<Frame> {
        // The first picture also opens the graphics library.
        let patience = self.recipe.options.make_deadline;
        let process = self.process()?;
        let answer = process.ask(&json!({"do": "render"}), patience);
        if answer.is_err() && !process.is_alive() {
            self.process = None;
        }
        let (answer, rgb) = answer?;
        let size = |key: &str| answer[key].as_u64().unwrap_or(0) as usize;
        let (width, height) = (size("width"), size("height"));
        if width.checked_mul(height).and_then(|pixels| pixels.checked_mul(3)) != Some(rgb.len()) {
            return Err(Error::shape("picture", &[height, width, 3], &[rgb.len()]));
        }
        Ok(Frame { width, height, rgb })
    }
}

/// The command that brings packages, whose names follow, to where the environment is made.
fn installer(recipe: &Recipe) -> String {
    let installed = recipe.suite.installed_interpreter().is_ok_and(|installed| installed == recipe.interpreter);
    if installed {
        format!("worldwright env install {}", recipe.suite)
    } else {
        format!("{} -m pip install", recipe.interpreter.display())
    }
}

fn start(recipe: &Recipe) -> Result<(Process, Description, Layout)> {
    let options = &recipe.options;
    let mut process = Process::start(&recipe.id, &recipe.interpreter, options)?;
    let setup = json!({
        "do": "make",
        "suite": if recipe.suite == Suite::Dmc { "dmc" } else { "gym" },
        "name": recipe.suite.name(),
        "install": installer(recipe),
        "packages": further_packages(&recipe.suite).unwrap_or_default(),
        "episode_steps": options.episode_steps,
        "leave_out": options.leave_out,
        "reward_weights": options.reward_weights,
        "id": Suite::split(&recipe.id).map_or("", |(_, id)| id),
        "environments": recipe.environments,
        "autoreset": recipe.autoreset.name(),
        "vectorization": recipe.vectorization.name(),
        "path": options.path,
        "keywords": options.arguments_json(),
        "render": options.render,
        "width": options.frame_size.0,
        "height": options.frame_size.1,
    });
    let (answer, bounds) = process.ask(&setup, options.make_deadline)?;
    for space in ["observation_space", "action_space"] {
        check_size(&answer[space])
            .map_err(|why| Error::external(recipe.id.clone(), format!("its {} {why}", space.replace('_', " "))))?;
    }
    let mut description = Description::from_json(&answer, &bounds).ok_or_else(|| {
        let start: String = answer.to_string().chars().take(500).collect();
        Error::external(recipe.id.clone(), format!("its worker describes it unreadably: {start}"))
    })?;
    description.dt_secs = options.dt_secs.or(description.dt_secs);
    for space in [&description.observation_space, &description.action_space] {
        space.check_all_choices().map_err(|error| Error::external(recipe.id.clone(), error.to_string()))?;
    }
    let layout = Layout::new(&description.observation_space, &description.action_space, recipe.environments);
    let mut told = layout.to_json();
    told.insert("environments".into(), recipe.environments.into());
    process.attach(told, layout.size, options)?;
    Ok((process, description, layout))
}
