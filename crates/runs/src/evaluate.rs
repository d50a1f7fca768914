//! Evaluation: whole episodes without exploration or learning, in an environment of their own.
//!
//! Episode `i` of seed `s` starts from a stream of its own, apart from all training streams of every seed, so that evaluations of
//! different agents with the same seed meet the same starts.

use worldwright_core::{Agent, Environment, Error, Key, Result, Transition, cost};

use crate::FilmRoll;

/// Streams of the run's seed. Training and evaluation never share one.
pub(crate) mod stream {
    pub(crate) const TRAINING_ENVIRONMENT: u64 = 1;
    pub(crate) const TRAINING_AGENT: u64 = 2;
    pub(crate) const EVALUATION_ENVIRONMENT: u64 = 3;
    pub(crate) const EVALUATION_AGENT: u64 = 4;
    pub(crate) const DIAGNOSIS: u64 = 5;
}

/// The seed of episode `episode` in a stream.
pub(crate) fn episode_seed(seed: u64, stream: u64, episode: u64) -> u64 {
    Key::new(seed).fold(stream).fold(episode).to_seed()
}

/// What to evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationOptions {
    /// Episodes.
    pub episodes: usize,
    /// What all randomness comes from.
    pub seed: u64,
    /// Whether to draw the last episode.
    pub picture: bool,
    /// Steps after which an episode is cut even if its environment goes on.
    pub step_limit: usize,
}

/// An episode of an evaluation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EvaluatedEpisode {
    /// Its transitions in order.
    pub transitions: Vec<Transition>,
    /// Sum of its rewards.
    pub episode_return: f64,
}

/// What an evaluation gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// Each episode.
    pub episodes: Vec<EvaluatedEpisode>,
    /// Pictures of the last episode, its first state included; empty when it was not or cannot be drawn.
    pub film: FilmRoll,
    /// Decisions that the agent took by what it knows; random actions for want of experience are none.
    pub decisions: u64,
    /// Seconds that they took.
    pub act_secs: f64,
}

impl Evaluation {
    /// The episodes' returns.
    pub fn returns(&self) -> Vec<f64> {
        self.episodes.iter().map(|episode| episode.episode_return).collect()
    }

    /// Mean return.
    pub fn return_mean(&self) -> f64 {
        mean_and_std(&self.returns()).0
    }

    /// Standard deviation of the return between episodes (divided by n − 1; 0 for one episode).
    pub fn return_std(&self) -> f64 {
        mean_and_std(&self.returns()).1
    }

    /// Decisions a second of acting; none where nothing was decided.
    pub fn decisions_per_sec(&self) -> Option<f64> {
        rate(self.decisions, self.act_secs)
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.episodes.iter().map(|episode| episode.transitions.len()).sum()
    }
}

/// Lets `agent` act for whole episodes. `after` hears of each, with its place; when it says false, the evaluation
/// ends with what it has.
///
/// # Errors
/// What the agent or the environment gives.
pub fn evaluate(
    agent: &mut dyn Agent,
    environment: &mut dyn Environment,
    options: &EvaluationOptions,
    after: &mut dyn FnMut(usize, &EvaluatedEpisode) -> Result<bool>,
) -> Result<Evaluation> {
    if options.episodes == 0 {
        return Err(Error::config("evaluation.episodes", "must be at least 1"));
    }
    transitions_cost("evaluation.episodes", options.episodes, options.step_limit, environment)?;
    let mut evaluation = Evaluation::default();
    for index in 0..options.episodes {
        let seed = |stream| episode_seed(options.seed, stream, index as u64);
        let draw = options.picture && index + 1 == options.episodes;
        let mut observation = environment.reset(seed(stream::EVALUATION_ENVIRONMENT))?;
        agent.begin_episode(&observation, seed(stream::EVALUATION_AGENT))?;
        let mut episode = EvaluatedEpisode::default();
        if draw {
            evaluation.film.take(false, || environment.render());
        }
        for step_index in 0.. {
            let began = std::time::Instant::now();
            let action = agent.act(&observation, false)?;
            if agent.is_ready() {
                evaluation.decisions += 1;
                evaluation.act_secs += began.elapsed().as_secs_f64();
            }
            let step = environment.step(&action)?;
            let truncated = step.truncated || (!step.terminated && step_index + 1 >= options.step_limit);
            if draw {
                evaluation.film.take(step.terminated || truncated, || environment.render());
            }
            episode.episode_return += step.reward;
            episode.transitions.push(Transition {
                observation: std::mem::replace(&mut observation, step.observation.clone()),
                action,
                reward: step.reward,
                next_observation: step.observation,
                terminated: step.terminated,
                truncated,
            });
            if step.terminated || truncated {
                break;
            }
        }
        evaluation.episodes.push(episode);
        if !after(index, &evaluation.episodes[index])? {
            break;
        }
    }
    Ok(evaluation)
}

/// Refuses to hold the transitions of so many episodes, or steps, in memory.
pub(crate) fn transitions_cost(
    key: &str,
    count: usize,
    steps_each: usize,
    environment: &dyn Environment,
) -> Result<()> {
    let numbers = 2 * environment.observation_space().flat_dim() + environment.action_space().flat_dim() + 8;
    cost::memory(&[(key, count)], 8.0 * numbers as f64 * steps_each as f64 * count as f64)
}

/// Decisions a second; none where nothing was decided.
pub(crate) fn rate(decisions: u64, act_secs: f64) -> Option<f64> {
    (decisions > 0 && act_secs > 0.0).then(|| decisions as f64 / act_secs)
}

/// Mean and standard deviation (divided by n − 1; 0 for fewer than two).
pub fn mean_and_std(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, if numbers.len() < 2 { 0.0 } else { (squares / (n - 1.0)).sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_std_of_a_known_sample() {
        let (mean, std) = mean_and_std(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(mean, 5.0);
        assert!((std - (32.0f64 / 7.0).sqrt()).abs() < 1e-15);
        assert_eq!(mean_and_std(&[3.0]), (3.0, 0.0));
    }

    #[test]
    fn streams_and_episodes_never_share_a_seed() {
        let mut seeds = std::collections::BTreeSet::new();
        for seed in 0..10 {
            for stream in 1..=4 {
                for episode in 0..100 {
                    assert!(seeds.insert(episode_seed(seed, stream, episode)));
                }
            }
        }
    }
}
