//! Ways to try a plan: an episode with an agent, in the environment or in what stands for it.

use worldwright_agents::{Interaction, RandomAgent, Start, Taken};
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
        let start = Start { environment_seed: seed, agent_seed: seed };
        play(self.environment, agent, start, most, seen)
    }
}

/// An episode of at most `most` steps, cut there, whose transitions are added to `seen`.
fn play(
    environment: &mut dyn Environment,
    agent: &mut dyn Agent,
    start: Start,
    most: usize,
    seen: &mut Dataset,
) -> Result<Played> {
    let (observed, told) = (environment.observation_space().clone(), environment.action_space().clone());
    let (mut before, mut taken) = (vec![0.0; observed.flat_dim()], vec![0.0; told.flat_dim()]);
    let mut after = before.clone();
    let mut played = Played::default();
    let mut interaction = Interaction::new([environment], most);
    interaction.begin(0, agent, start)?;
    let mut round = Vec::new();
    while interaction.is_open(0) && most > 0 {
        interaction.round(agent, false, 1, &mut round)?;
        for Taken { observation, action, step, .. } in &round {
            played.steps += 1;
            played.episode_return += step.reward;
            observed.flatten(observation, &mut before)?;
            told.flatten(action, &mut taken)?;
            observed.flatten(&step.observation, &mut after)?;
            seen.push(&before, &taken, step.reward, &after, step.terminated, step.truncated)?;
        }
    }
    Ok(played)
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
    let mut agent = RandomAgent::new(environment.action_space().clone(), 1);
    let mut data = Dataset::new(environment.observation_space().flat_dim(), environment.action_space().flat_dim());
    let mut returns = Vec::new();
    while data.len() < steps {
        let key = Key::new(seed).fold(stream::RANDOM).fold(returns.len() as u64);
        let start = Start { environment_seed: key.to_seed(), agent_seed: key.fold(1).to_seed() };
        let most = episode_steps.max(1).min(steps - data.len());
        let played = play(&mut *environment, &mut agent, start, most, &mut data)?;
        returns.push(played.episode_return);
    }
    Ok((data, returns))
}
