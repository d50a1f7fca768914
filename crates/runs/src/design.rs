//! Designing a model for an environment, from steps of random actions and trials in it, or for recorded episodes alone.

use std::path::Path;

use worldwright_agents::AgentContext;
use worldwright_agents::design::{
    Design, DesignOptions, EnvironmentTrial, Progress, Trial, design, random_transitions,
};
use worldwright_core::{Dataset, Result, Space};
use worldwright_data::EpisodeStore;

use crate::{Experiment, Lists, Workshop};

/// Steps after which an episode is cut whose environment sets no limit: a search plays many of them.
const LONGEST: usize = 1000;

/// Designs a model for the environment and the reward of an experiment: `steps` steps of random actions are the data, and plans are tried in
/// it. With `learned`, its simulator is left unused, as if its dynamics were not known.
///
/// # Errors
/// As for [`design`]; what the environment gives.
pub fn design_for_environment(
    experiment: &Experiment,
    steps: usize,
    learned: bool,
    options: &DesignOptions,
    observer: &mut dyn FnMut(Progress<'_>) -> Result<()>,
) -> Result<Design> {
    let mut made = Lists.environment(experiment)?;
    let context = AgentContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: Lists::reward(experiment, &made)?,
        simulator: made.simulator.clone().filter(|_| !learned),
        seed: experiment.seed,
    };
    let episode_steps = made.episode_steps.unwrap_or(LONGEST);
    let (data, _) = random_transitions(made.environment.as_mut(), steps, episode_steps, experiment.seed)?;
    let options = DesignOptions { episode_steps, ..options.clone() };
    let mut trial = EnvironmentTrial::new(made.environment.as_mut(), experiment.seed);
    design(&context, &data, &options, Some(&mut trial as &mut dyn Trial), observer)
}

/// Designs a model for the recorded episodes in a folder. Reward and ends are learned, and plans are judged by models of the held-out part.
///
/// # Errors
/// As for [`design`]; [`Error::External`](worldwright_core::Error::External) for a folder without episodes.
pub fn design_for_episodes(
    folder: &Path,
    seed: u64,
    options: &DesignOptions,
    observer: &mut dyn FnMut(Progress<'_>) -> Result<()>,
) -> Result<Design> {
    let store = EpisodeStore::open(folder)?;
    let header = store.header();
    let (observations, actions) = (header.observation_space.clone(), header.action_space.clone());
    let mut data = Dataset::new(observations.flat_dim(), actions.flat_dim());
    let flat = |space: &Space, value: &_| {
        let mut flat = vec![0.0; space.flat_dim()];
        space.flatten(value, &mut flat).map(|()| flat)
    };
    for i in 0..store.episodes().len() {
        for t in store.episode(i)?.transitions() {
            let (before, after) = (flat(&observations, &t.observation)?, flat(&observations, &t.next_observation)?);
            data.push(&before, &flat(&actions, &t.action)?, t.reward, &after, t.terminated, t.truncated)?;
        }
        data.end_episode();
    }
    let context =
        AgentContext { observation_space: observations, action_space: actions, reward: None, simulator: None, seed };
    design(&context, &data, options, None, observer)
}
