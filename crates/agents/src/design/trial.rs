//! Ways to try a plan: an episode with an agent, in the environment or in what stands for it.

use worldwright_core::{Agent, Environment, Key, Result, Transition};

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
    /// What reasons and tables call it: "trials in the environment", say.
    fn name(&self) -> &str;

    /// Lets `agent` act without exploration for one episode of at most `most` steps, and tells it what came of each step
    /// ([`Agent::observe`]) if that is real experience, worth fitting a model to. It must not have it learn. Episodes of the same
    /// number begin alike, so that candidates are compared from the same starts.
    ///
    /// # Errors
    /// What agent and environment give.
    fn play(&mut self, agent: &mut dyn Agent, episode: u64, most: usize) -> Result<Played>;
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
        "trials in the environment"
    }

    fn play(&mut self, agent: &mut dyn Agent, episode: u64, most: usize) -> Result<Played> {
        let seed = self.key.fold(episode).to_seed();
        let mut observation = self.environment.reset(seed)?;
        agent.begin_episode(&observation, seed)?;
        let mut played = Played::default();
        while played.steps < most {
            let action = agent.act(&observation, false)?;
            let step = self.environment.step(&action)?;
            played.steps += 1;
            played.episode_return += step.reward;
            let (done, next) = (step.done(), step.observation.clone());
            agent.observe(&Transition {
                observation,
                action,
                reward: step.reward,
                next_observation: step.observation,
                terminated: step.terminated,
                truncated: step.truncated || (!step.terminated && played.steps == most),
            })?;
            if done {
                break;
            }
            observation = next;
        }
        Ok(played)
    }
}
