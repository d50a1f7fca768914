//! Seconds of experience until PILCO has swung its cart-pole up, seed by seed, as a table.
//!
//!     cargo run --release -p worldwright-agents --example pilco_cartpole -- FIRST..LAST EPISODES [SETTING=WHOLE NUMBER …]
//!
//! An episode is 4 s. After each, the policy as it is then acts from ten starts of its own, from which nothing is learned; it has swung the pole up where
//! the tip stays within about 11 cm of upright over the middle (a reward of 0.9) in the mean over the last second of all of them. There a seed ends, or after
//! EPISODES.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table is printed, and how far it is")]

use std::collections::BTreeMap;
use std::time::Instant;

use worldwright_agents::{AgentContext, Parts, build, resolve};
use worldwright_core::{Agent, Error, Interrupt, Result, Setting};
use worldwright_data::Replay;
use worldwright_envs::{Made, make};

const ENVIRONMENT: &str = "pilco-cartpole";
const STEPS: usize = 40;
const STARTS: std::ops::Range<u64> = 1000..1010;
/// Steps of the last second, and what they pay in the mean where the pole is up.
const LAST: usize = 10;
const UP: f64 = 0.9;

fn world() -> Result<Made> {
    make(ENVIRONMENT, &BTreeMap::new())
}

/// What each step of an episode without learning paid.
fn rewards(agent: &mut dyn Agent, made: &mut Made, seed: u64) -> Result<Vec<f64>> {
    let mut seen = made.environment.reset(seed)?;
    agent.begin_episode(0, &seen, seed)?;
    let mut rewards = Vec::new();
    for _ in 0..STEPS {
        let step = made.environment.step(&agent.act(0, &seen, false)?)?;
        rewards.push(step.reward);
        seen = step.observation;
    }
    Ok(rewards)
}

/// Means over the starts: of a step of the last second, and of the return.
fn judge(agent: &mut dyn Agent, made: &mut Made) -> Result<[f64; 2]> {
    let mut means = [0.0; 2];
    for seed in STARTS {
        let rewards = rewards(agent, made, seed)?;
        let count = (STARTS.end - STARTS.start) as f64;
        means[0] += rewards[STEPS - LAST..].iter().sum::<f64>() / (LAST as f64 * count);
        means[1] += rewards.iter().sum::<f64>() / count;
    }
    Ok(means)
}

fn learn(seed: u64, episodes: usize, parts: &Parts) -> Result<()> {
    let (mut made, mut tried, begun) = (world()?, world()?, Instant::now());
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
    let mut agent = build(&resolve("pilco", ENVIRONMENT, parts)?, &context)?;
    let spaces = (context.observation_space.clone(), context.action_space.clone());
    let mut memory = Replay::new(spaces.0, spaces.1, Vec::new(), usize::MAX)?;
    let (mut upright, mut returns, mut up) = (Vec::new(), Vec::new(), None);
    let mut foreseen = f64::NAN;
    for episode in 0..episodes {
        let episode_seed = 100 * (seed + 1) + episode as u64;
        let mut seen = made.environment.reset(episode_seed)?;
        memory.start_episode(0, &seen)?;
        agent.begin_episode(0, &seen, episode_seed)?;
        for _ in 0..STEPS {
            let action = agent.act(0, &seen, true)?;
            let step = made.environment.step(&action)?;
            memory.step(0, &action, &step, agent.kept())?;
            let told = agent.learn(&memory)?;
            foreseen = told.iter().find(|(name, _)| *name == "foreseen_return").map_or(foreseen, |(_, value)| *value);
            seen = step.observation;
        }
        memory.end_episode(0);
        let [share, total] = judge(agent.as_mut(), &mut tried)?;
        upright.push(format!("{share:.2}"));
        returns.push(format!("{foreseen:.1} {total:.1}"));
        eprintln!("seed {seed}, {} s: {share:.2}, foreseen and real return {}", (episode + 1) * 4, returns[episode]);
        if share >= UP {
            up = Some((episode + 1) * STEPS);
            break;
        }
    }
    let up = up.map_or("not".to_owned(), |steps| format!("{:.0}", steps as f64 * made.environment.dt_secs()));
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    println!("| {seed} | {up} | {} | {} | {minutes:.1} |", upright.join(", "), returns.join(", "));
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || Error::config("arguments", "are FIRST..LAST EPISODES [SETTING=WHOLE NUMBER …]");
    let (seeds, rest) = arguments.split_first().ok_or_else(usage)?;
    let (episodes, rest) = rest.split_first().ok_or_else(usage)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| usage());
    let (first, last) = seeds.split_once("..").ok_or_else(usage)?;
    let mut parts = Parts::default();
    for setting in rest {
        let (key, value) = setting.split_once('=').ok_or_else(usage)?;
        let value = Setting::Integer(number(value)? as i64);
        match key.split_once('.') {
            Some((section, key)) => parts.role(section).settings.insert(key.into(), value),
            None => parts.agent.insert(key.into(), value),
        };
    }
    println!(
        "| seed | swung up after, s of experience | reward of the last second, after each 4 s | return foreseen and real, after each 4 s | minutes |"
    );
    println!("|---|---|---|---|---|");
    for seed in number(first)?..number(last)? {
        learn(seed, number(episodes)? as usize, &parts)?;
    }
    Ok(())
}
