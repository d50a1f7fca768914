//! Ways to try a plan: an episode with an agent, in the environment or in what stands for it.

use worldwright_core::{Agent, Dataset, Environment, Key, Result};

use super::stream;

/// What an episode came to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Played {
    /// Sum of its rewards.
    pub episode_return: f64,
    /// Steps taken.
    pub steps: usize,
}

/// Somewhere to try what a candidate would do.
pub trait Trial {
    /// What reasons and tables call it: "the environment", say.
    fn name(&self) -> &str;

    /// Lets `agent` act without exploration for one episode of at most `most` steps, and adds what came of each step to `seen` if that is
    /// real experience, worth fitting a model to. Episodes of the same number begin alike, so that candidates are compared from the
    /// same starts.
    ///
    /// # Errors
    /// What agent and environment give.
    fn play(&mut self, agent: &mut dyn Agent, episode: u64, most: usize, seen: &mut Dataset) -> Result<Played>;
}

/// Trials in the environment itself.
pub struct EnvironmentTrial<'e> {
    environment: &'e mut dyn Environment,
    key: Key,
}

impl<'e> EnvironmentTrial<'e> {
    /// Trials in `environment`, whose starts come from `seed`.
    pub fn new(environment: &'e mut dyn Environment, seed: u64) -> Self {
        Self { environment, key: Key::new(seed).fold(stream::TRIALS) }
    }
}

impl Trial for EnvironmentTrial<'_> {
    fn name(&self) -> &str {
        "the environment"
    }

    fn play(&mut self, agent: &mut dyn Agent, episode: u64, most: usize, seen: &mut Dataset) -> Result<Played> {
        let seed = self.key.fold(episode).to_seed();
        let mut observation = self.environment.reset(seed)?;
        agent.begin_episode(&observation, seed)?;
        let (observed, told) = (self.environment.observation_space().clone(), self.environment.action_space().clone());
        let (mut before, mut taken) = (vec![0.0; observed.flat_dim()], vec![0.0; told.flat_dim()]);
        let mut after = before.clone();
        let mut played = Played::default();
        while played.steps < most {
            let action = agent.act(&observation, false)?;
            let step = self.environment.step(&action)?;
            played.steps += 1;
            played.episode_return += step.reward;
            let cut = step.truncated || (!step.terminated && played.steps == most);
            observed.flatten(&observation, &mut before)?;
            told.flatten(&action, &mut taken)?;
            observed.flatten(&step.observation, &mut after)?;
            seen.push(&before, &taken, step.reward, &after, step.terminated, cut)?;
            if step.done() {
                break;
            }
            observation = step.observation;
        }
        Ok(played)
    }
}

/// Data to begin with: episodes of uniformly random actions, each cut after `episode_steps`, `steps` transitions in all, and the
/// returns of the episodes. The last episode is cut where the steps end.
///
/// # Errors
/// What the environment gives.
pub fn random_transitions(
    environment: &mut dyn Environment,
    steps: usize,
    episode_steps: usize,
    seed: u64,
) -> Result<(Dataset, Vec<f64>)> {
    let (observations, actions) = (environment.observation_space().clone(), environment.action_space().clone());
    let (o, a) = (observations.flat_dim(), actions.flat_dim());
    let mut data = Dataset::new(o, a);
    let (mut before, mut told, mut after) = (vec![0.0; o], vec![0.0; a], vec![0.0; o]);
    let mut returns = Vec::new();
    while data.len() < steps {
        let key = Key::new(seed).fold(stream::RANDOM).fold(returns.len() as u64);
        let mut rng = key.fold(1).rng();
        observations.flatten(&environment.reset(key.to_seed())?, &mut before)?;
        let mut episode_return = 0.0;
        for length in 1.. {
            let action = actions.sample(&mut rng);
            let step = environment.step(&action)?;
            episode_return += step.reward;
            actions.flatten(&action, &mut told)?;
            observations.flatten(&step.observation, &mut after)?;
            let done = step.done() || length >= episode_steps || data.len() + 1 >= steps;
            data.push(&before, &told, step.reward, &after, step.terminated, done)?;
            if done {
                break;
            }
            std::mem::swap(&mut before, &mut after);
        }
        returns.push(episode_return);
    }
    Ok((data, returns))
}
