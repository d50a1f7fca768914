//! RockSample(7,8), the long runs: bounds by point-based value iteration, and what POMCP and DESPOT earn.
//!
//! `cargo run --release -p worldwright-planners --example rock_sample -- bounds SECONDS`
//! `cargo run --release -p worldwright-planners --example rock_sample -- pomcp EPISODES SIMULATIONS…`
//! `cargo run --release -p worldwright-planners --example rock_sample -- despot EPISODES SCENARIOS TRIALS`
#![allow(clippy::print_stdout, reason = "a program whose output is a table")]

use std::time::{Duration, Instant};

use worldwright_core::Key;
use worldwright_core::pomdp::Pomdp;
use worldwright_envs::rock_sample::RockSample;
use worldwright_pomdp::{Despot, DespotConfig, PointBased, PointBasedConfig, Pomcp, PomcpConfig, Table};

fn main() -> worldwright_core::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().skip(1).filter_map(|word| word.parse().ok()).collect();
    match (arguments.first().map(String::as_str), &numbers[..]) {
        (Some("bounds"), [seconds]) => bounds(*seconds as u64),
        (Some("pomcp"), [episodes, simulations @ ..]) => {
            simulations.iter().try_for_each(|simulations| pomcp(*episodes as u64, *simulations))
        }
        (Some("despot"), [episodes, scenarios, trials]) => despot(*episodes as u64, *scenarios, *trials),
        _ => {
            println!("bounds SECONDS | pomcp EPISODES SIMULATIONS… | despot EPISODES SCENARIOS TRIALS");
            Ok(())
        }
    }
}

fn bounds(seconds: u64) -> worldwright_core::Result<()> {
    let begun = Instant::now();
    let table = Table::of(&RockSample::seven_eight())?;
    let mut search = PointBased::new(&table)?;
    println!("| seconds | lower | upper | trials | backups | beliefs | alphas | points |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut until = 0.0;
    loop {
        let at = begun.elapsed().as_secs_f64();
        let report = search.report();
        println!(
            "| {at:.1} | {:.4} | {:.4} | {} | {} | {} | {} | {} |",
            report.lower, report.upper, report.trials, report.backups, report.beliefs, report.alphas, report.points
        );
        if at >= seconds as f64 {
            return Ok(());
        }
        until = if until == 0.0 { 1.0 } else { 2.0 * until };
        let time = Duration::from_secs_f64((f64::min(until, seconds as f64) - at).max(0.0));
        let config = PointBasedConfig {
            time: Some(time),
            backups: usize::MAX,
            beliefs: 1_000_000,
            ..PointBasedConfig::default()
        };
        search.improve(&config)?;
    }
}

/// Steps after which an episode is cut: less than 0.6 % of the value is left.
const STEPS: usize = 100;

/// Mean discounted return, its standard error, and the search time a decision.
fn play<P: Pomdp>(
    problem: &P,
    episodes: u64,
    mut decide: impl FnMut(u64, Option<(u32, u32)>) -> worldwright_core::Result<u32>,
) -> worldwright_core::Result<(f64, f64, Duration)> {
    let (mut sum, mut squares, mut decisions, mut spent) = (0.0, 0.0, 0, Duration::ZERO);
    for episode in 0..episodes {
        let mut rng = Key::new(episode).fold(1).rng();
        let mut state = problem.initial(&mut rng);
        let (mut total, mut factor, mut last) = (0.0, 1.0, None);
        for _ in 0..STEPS {
            let begun = Instant::now();
            let action = decide(episode, last)?;
            spent += begun.elapsed();
            decisions += 1;
            let step = problem.step(&mut state, action, &mut rng);
            total += factor * step.reward;
            factor *= problem.discount();
            if step.terminated {
                break;
            }
            last = Some((action, step.observation));
        }
        sum += total;
        squares += total * total;
    }
    let n = episodes as f64;
    let mean = sum / n;
    let error = ((squares / n - mean * mean).max(0.0) / n).sqrt();
    Ok((mean, error, spent / decisions))
}

fn pomcp(episodes: u64, simulations: usize) -> worldwright_core::Result<()> {
    let problem = RockSample::seven_eight();
    let mut search = Pomcp::new(&problem, PomcpConfig { simulations, ..PomcpConfig::default() }, 0)?;
    let (mean, error, each) = play(&problem, episodes, |episode, last| {
        match last {
            None => search.restart(episode),
            Some((action, observation)) => search.advance(action, observation)?,
        }
        Ok(search.search().action)
    })?;
    println!("pomcp, {simulations} simulations: {mean:.3} ± {error:.3} over {episodes} episodes, {each:?} a decision");
    Ok(())
}

fn despot(episodes: u64, scenarios: usize, trials: usize) -> worldwright_core::Result<()> {
    let problem = RockSample::seven_eight();
    let mut search = Despot::new(&problem, DespotConfig { scenarios, trials, ..DespotConfig::default() }, 0)?;
    let (mean, error, each) = play(&problem, episodes, |episode, last| {
        match last {
            None => search.restart(episode),
            Some((action, observation)) => search.advance(action, observation)?,
        }
        Ok(search.search().action)
    })?;
    println!(
        "despot, {scenarios} scenarios, {trials} trials: {mean:.3} ± {error:.3} over {episodes} episodes, {each:?} a decision"
    );
    Ok(())
}
