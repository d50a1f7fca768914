//! The world of recorded episodes: what they show and take, and nothing that could be acted in.

use worldwright_core::{Action, Environment, Error, Observation, Result, Space, Step, distinct_channels};
use worldwright_data::{EpisodeStore, recorded_names};
use worldwright_envs::Made;

use crate::RunFolder;

/// The name by which an experiment says that there is no environment.
pub const RECORDED: &str = "recorded";

struct Recorded {
    observation_space: Space,
    action_space: Space,
}

/// The world of the episodes in a folder, which is that of a store or of a run.
///
/// # Errors
/// [`Error::Config`] where it holds no recorded episodes.
pub fn recorded_world(folder: &str) -> Result<Made> {
    open_recorded(folder).map(|store| world_of(&store))
}

/// The store of recorded episodes that `data` names: its folder, or that of a run that holds it.
pub(crate) fn open_recorded(folder: &str) -> Result<EpisodeStore> {
    // A run's folder keeps its episodes one level down.
    let within = RunFolder::new(folder).episodes();
    let path = if within.exists() { within } else { folder.into() };
    EpisodeStore::open(&path).map_err(|error| {
        let why = format!("{folder} holds no recorded episodes ({error}); `worldwright collect` records some");
        Error::config("data", why)
    })
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
