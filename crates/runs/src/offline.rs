//! The world of recorded episodes: what they show and take, and nothing that could be acted in.

use std::path::{Path, PathBuf};

use worldwright_core::{Action, Environment, Error, Interrupt, Observation, Result, Space, Step, distinct_channels};
use worldwright_data::{ColumnNames, EpisodeStore, Header, format_of, import_as, recorded_names};
use worldwright_envs::Made;

use crate::RunFolder;

/// The name by which an experiment says that there is no environment.
pub const RECORDED: &str = "recorded";

struct Recorded {
    observation_space: Space,
    action_space: Space,
}

/// The world of the recorded episodes that `data` names: a folder of them or of a run, or a file of another format.
///
/// # Errors
/// [`Error::Config`] where it holds no recorded episodes.
pub fn recorded_world(data: &str) -> Result<Made> {
    open_recorded(data).map(|(store, _)| world_of(&store))
}

/// The header of episodes that are recorded in an environment.
pub(crate) fn header(environment: &dyn Environment, seed: u64) -> Header {
    let (observed, done) = (environment.observation_space().clone(), environment.action_space().clone());
    Header::new(environment.id(), observed, done, seed)
        .with_versions(environment.versions())
        .with_dt_secs(environment.dt_secs())
}

/// How many steps of `environment` one of what was recorded in it is, where that is said: what an action does in a step of another length is another thing.
pub(crate) fn steps_each(header: &Header, environment: &dyn Environment) -> Option<f64> {
    let recorded = header.dt_secs().filter(|_| header.environment == environment.id())?;
    let steps = recorded / environment.dt_secs();
    // Seconds are written as decimals.
    let whole = steps.round();
    Some(if whole >= 1.0 && (steps - whole).abs() < 1e-6 * whole { whole } else { steps })
}

/// Where the episodes that `data` names lie: a run's folder keeps its own one level down.
fn place_of(data: &str) -> PathBuf {
    let within = RunFolder::new(data).episodes();
    if within.exists() { within } else { data.into() }
}

/// The header of the store that `data` names; files of other formats have none.
pub(crate) fn header_of(data: &str) -> Option<Header> {
    let path = place_of(data);
    let store = format_of(&path).is_none().then(|| EpisodeStore::open(&path).ok())??;
    Some(store.header().clone())
}

/// The store of recorded episodes that `data` names: its folder, or that of a run that holds it; what is of another format is imported for as long as it is
/// needed. Also what a user should know of how that was read.
pub(crate) fn open_recorded(data: &str) -> Result<(EpisodeStore, Vec<String>)> {
    let path = place_of(data);
    let opened = match format_of(&path) {
        None => EpisodeStore::open(&path).map(|store| (store, Vec::new())),
        Some(format) => imported(&path, format),
    };
    opened.map_err(|error| match error {
        // A column that is missing or misspelt names itself, and the file.
        Error::Config { key, why } => Error::Config { key: format!("data: {key}"), why },
        error => {
            let why = format!("{data} holds no recorded episodes ({error}); `worldwright collect` records some");
            Error::config("data", why)
        }
    })
}

/// The episodes of a file or folder of another format, and how they were read.
fn imported(path: &Path, format: &str) -> Result<(EpisodeStore, Vec<String>)> {
    let failed = |error: std::io::Error| Error::external("a folder for what is imported", error.to_string());
    let place = tempfile::Builder::new().prefix("worldwright-").tempdir().map_err(failed)?;
    let out = place.path().join("episodes");
    import_as(path, format, &ColumnNames::default(), &out, &Interrupt::never())?;
    // In memory, since the folder goes.
    let store = EpisodeStore::read_whole(&out)?;
    let said = store.header().notes.iter().filter(|(name, _)| ["left out", "note", "warning"].contains(&name.as_str()));
    let said = said.map(|(name, text)| format!("{name}: {text}")).collect();
    Ok((store, said))
}

/// The world of the episodes in a store.
fn world_of(store: &EpisodeStore) -> Made {
    let header = store.header();
    world(recorded_names(header), (header.observation_space.clone(), header.action_space.clone()))
}

/// The world of episodes of these spaces, and with these names of their numbers where they have any.
pub fn world(
    [observation, action]: [Option<Vec<String>>; 2],
    (observation_space, action_space): (Space, Space),
) -> Made {
    let observation = observation.unwrap_or_else(|| observation_space.channel_names("observation"));
    let action = action.unwrap_or_else(|| action_space.channel_names("action"));
    let (observation_channels, action_channels) = distinct_channels(observation, action);
    Made {
        environment: Box::new(Recorded { observation_space, action_space }),
        reward: None,
        simulator: None,
        model: None,
        observation_channels,
        action_channels,
        episode_steps: None,
        episode_steps_assumed: false,
        optimum: None,
    }
}

fn nothing_to_act_in() -> Error {
    Error::unsupported(
        "a world of recorded episodes alone",
        "acting: name the environment that they are of (for eval, --environment ENV)",
    )
}

impl Environment for Recorded {
    fn id(&self) -> &str {
        RECORDED
    }

    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn reset(&mut self, _seed: u64) -> Result<Observation> {
        Err(nothing_to_act_in())
    }

    fn step(&mut self, _action: &Action) -> Result<Step> {
        Err(nothing_to_act_in())
    }

    fn dt_secs(&self) -> f64 {
        0.0
    }
}
