//! The domains, and the data that everyone is given.

use std::collections::BTreeMap;

use worldwright_agents::AgentContext;
use worldwright_core::{Dataset, Interrupt, Key, Result, Setting};
use worldwright_design::random_transitions;
use worldwright_envs::{Made, make};

/// Name, steps that an action is held for.
pub(crate) const DOMAINS: [(&str, i64); 10] = [
    ("pendulum", 1),
    ("cartpole", 1),
    ("mountain-car", 5),
    ("mountain-car-continuous", 5),
    ("dmc-pendulum-swingup", 5),
    ("dmc-cartpole-swingup", 5),
    ("pets-cartpole", 1),
    ("pilco-cartpole", 1),
    ("linear", 1),
    ("point-mass", 1),
];
/// Decisions of an episode at the most, so that the table is made in minutes.
pub(crate) const LONGEST: usize = 100;
/// Steps of random actions that are the data.
pub(crate) const STEPS: usize = 1000;
/// The seed that the record is of.
pub(crate) const RECORDED: u64 = 1;
/// The seeds that the search is judged on.
pub(crate) const SEEDS: [u64; 3] = [2, 3, 4];
/// Stream of the evaluation's seed, apart from those of the search.
const RANDOM: u64 = 103;
/// Episodes that tell what random actions earn.
const RANDOM_EPISODES: usize = 20;

/// A domain with its data.
pub(crate) struct Ground {
    pub(crate) name: &'static str,
    repeat: i64,
    pub(crate) seed: u64,
    pub(crate) data: Dataset,
    pub(crate) context: AgentContext,
    pub(crate) episode_steps: usize,
    /// Mean return of random actions.
    pub(crate) random: f64,
}

impl Ground {
    pub(crate) fn new(name: &'static str, repeat: i64, seed: u64) -> Result<Self> {
        let mut made = environment(name, repeat)?;
        // The simulator is kept from everyone: with it, the choice would be made.
        let context = AgentContext {
            observation_space: made.environment.observation_space().clone(),
            action_space: made.environment.action_space().clone(),
            reward: made.reward.clone(),
            simulator: None,
            known: None,
            players: 1,
            places: 1,
            seed,
            interrupt: Interrupt::never(),
        };
        let episode_steps = made.episode_steps.unwrap_or(LONGEST);
        let (data, _) = random_transitions(made.environment.as_mut(), STEPS, episode_steps, seed)?;
        let others = Key::new(seed).fold(RANDOM).to_seed();
        let steps = RANDOM_EPISODES * episode_steps;
        let (_, returns) = random_transitions(made.environment.as_mut(), steps, episode_steps, others)?;
        let random = returns.iter().sum::<f64>() / returns.len() as f64;
        Ok(Self { name, repeat, seed, data, context, episode_steps, random })
    }

    /// Another instance of its environment.
    pub(crate) fn environment(&self) -> Result<Made> {
        environment(self.name, self.repeat)
    }
}

fn environment(name: &str, repeat: i64) -> Result<Made> {
    let mut settings = BTreeMap::from([("action_repeat".to_owned(), Setting::Integer(repeat))]);
    let made = make(name, &settings)?;
    if made.episode_steps.is_some_and(|steps| steps <= LONGEST) {
        return Ok(made);
    }
    settings.insert("episode_steps".to_owned(), Setting::Integer(LONGEST as i64 * repeat));
    make(name, &settings)
}
