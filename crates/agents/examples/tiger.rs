//! The tiger behind one of two doors: a belief of particles under a tree search, in an agent, against the exact value of the best policy.
//!
//! `cargo run --release -p worldwright-agents --example tiger [SIMULATIONS [EPISODES]]` prints the mean discounted return of 40 steps with its
//! 99 % interval, and what the best policy earns, by dynamic programming over beliefs.

#![allow(clippy::print_stdout, reason = "an example prints its table")]

use std::collections::BTreeMap;

use worldwright_agents::{AgentContext, Parts, build, resolve};
use worldwright_core::Setting::{Float, Integer, Text};
use worldwright_core::{Agent, Interrupt, Result};
use worldwright_envs::make;

const DISCOUNT: f64 = 0.95;
const STEPS: usize = 40;

fn agent(simulations: i64) -> Result<Box<dyn Agent>> {
    let made = make("tiger", &BTreeMap::new())?;
    let mut parts = Parts::default();
    parts.role("planner").name = Some("uct".to_owned());
    let settings = [
        ("simulations", Integer(simulations)),
        ("horizon", Integer(12)),
        ("chance_exponent", Float(1.0)),
        ("backup", Text("maximum".into())),
    ];
    for (key, value) in settings {
        parts.role("planner").settings.insert(key.into(), value);
    }
    parts.agent.insert("discount".into(), Float(DISCOUNT));
    let context = AgentContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: made.reward.clone(),
        simulator: made.simulator.clone(),
        known: made.model.clone(),
        players: 1,
        places: 1,
        seed: 1,
        interrupt: Interrupt::never(),
    };
    build(&resolve("mpc", "tiger", &parts)?, &context)
}

/// The expected discounted return of the best policy over so many steps, from the belief after `ahead` more growls from one side than from
/// the other: dynamic programming over these differences, all that a belief here depends on.
fn exact(steps: usize) -> f64 {
    const FURTHEST: usize = 30;
    let right =
        |ahead: usize| 0.85_f64.powi(ahead as i32) / (0.85_f64.powi(ahead as i32) + 0.15_f64.powi(ahead as i32));
    let worth = |values: &[f64], ahead: usize, best: &dyn Fn(f64, f64) -> f64| {
        let heard_again = right(ahead) * 0.85 + (1.0 - right(ahead)) * 0.15;
        let (up, down) = (values[(ahead + 1).min(FURTHEST - 1)], values[ahead.abs_diff(1)]);
        let listen = -1.0 + DISCOUNT * (heard_again * up + (1.0 - heard_again) * down);
        let open = 10.0 * right(ahead) - 100.0 * (1.0 - right(ahead)) + DISCOUNT * values[0];
        best(listen, open)
    };
    // What is best for ever, and then what that is worth over the steps that are played.
    let mut for_ever = vec![0.0; FURTHEST];
    for _ in 0..1000 {
        for_ever = (0..FURTHEST).map(|ahead| worth(&for_ever, ahead, &f64::max)).collect();
    }
    assert!((for_ever[0] - 19.3713).abs() < 1e-3, "{}", for_ever[0]);
    let opens: Vec<bool> = (0..FURTHEST)
        .map(|ahead| worth(&for_ever, ahead, &|listen, open| f64::from(u8::from(open > listen))) > 0.5)
        .collect();
    let mut played = vec![0.0; FURTHEST];
    for _ in 0..steps {
        played = (0..FURTHEST)
            .map(|ahead| worth(&played, ahead, &|listen, open| if opens[ahead] { open } else { listen }))
            .collect();
    }
    played[0]
}

fn main() -> Result<()> {
    let mut given = std::env::args().skip(1).filter_map(|number| number.parse::<u32>().ok());
    let (simulations, episodes) = (given.next().unwrap_or(2000), given.next().unwrap_or(200));
    let mut agent = agent(i64::from(simulations))?;
    let mut environment = make("tiger", &BTreeMap::new())?.environment;
    let mut returns = Vec::new();
    // Apart from the starts on which the search's settings were chosen.
    for seed in 1000..1000 + u64::from(episodes) {
        let mut observation = environment.reset(seed)?;
        agent.begin_episode(0, &observation, seed)?;
        let (mut total, mut weight) = (0.0, 1.0);
        for _ in 0..STEPS {
            let step = environment.step(&agent.act(0, &observation, false)?)?;
            total += weight * step.reward;
            weight *= DISCOUNT;
            observation = step.observation;
        }
        returns.push(total);
    }
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let error = (returns.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
    println!(
        "{simulations} simulations a decision, {episodes} episodes of {STEPS} steps: {mean:.2} ± {:.2}",
        2.576 * error
    );
    println!("the best policy earns {:.2}", exact(STEPS));
    Ok(())
}
