//! Speeds of the searches over beliefs and over real-valued actions, one thread, the minimum and the median of several rounds; the
//! quality of the answer stands beside each, and growth on one and two threads at the end.
//!
//! `cargo run --release -p worldwright-planners --example belief_speed -- [ROUNDS [speed | growth]]`
#![allow(clippy::print_stdout, reason = "a program whose output is a table")]

use std::collections::BTreeMap;
use std::time::Instant;

use worldwright_core::{Budget, Key, Observation, Planner, Result, Setting, WorldModel};
use worldwright_envs::rock_sample::RockSample;
use worldwright_envs::tiger::Tiger;
use worldwright_planners::{PlannerContext, make};
use worldwright_pomdp::{
    Despot, DespotConfig, Exact, ExactConfig, PointBased, PointBasedConfig, Pomcp, PomcpConfig, Table,
};
use worldwright_testkit::{DynamicsModel, Pendulum};

mod growth;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds = arguments.first().and_then(|word| word.parse().ok()).unwrap_or(15);
    let wanted = |part: &str| arguments.get(1).is_none_or(|argument| argument == part);
    if wanted("speed") {
        speeds(rounds)?;
    }
    if wanted("growth") {
        growth::growths(rounds);
    }
    Ok(())
}

/// Each work in a line.
fn speeds(rounds: u64) -> Result<()> {
    let problem = RockSample::seven_eight();
    println!("| work | minimum | median | at the minimum | answer |\n|---|---|---|---|---|");
    for simulations in [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000] {
        let config = PomcpConfig { simulations, ..PomcpConfig::default() };
        let mut search = Pomcp::new(&problem, config, 1)?;
        let mut value = 0.0;
        let (least, median) = time(rounds, |round| {
            search.restart(round);
            let begun = Instant::now();
            value = search.search().value;
            Ok(begun.elapsed().as_secs_f64())
        })?;
        let rate = simulations as f64 / least / 1e6;
        line(
            &format!("POMCP RockSample(7,8), {simulations} simulations"),
            least,
            median,
            &format!("{rate:.2} M simulations/s"),
            value,
        );
    }
    for scenarios in [100, 500] {
        let config = DespotConfig { scenarios, trials: 50, ..DespotConfig::default() };
        let mut search = Despot::new(&problem, config, 1)?;
        let mut report = search.search();
        let (least, median) = time(rounds.min(5), |round| {
            search.restart(round);
            let begun = Instant::now();
            report = search.search();
            Ok(begun.elapsed().as_secs_f64())
        })?;
        let rate = report.nodes as f64 / least / 1e3;
        line(
            &format!("DESPOT RockSample(7,8), {scenarios} scenarios, 50 trials"),
            least,
            median,
            &format!("{rate:.0} k nodes/s"),
            report.lower,
        );
    }
    let table = Table::of(&Tiger { discount: 0.95 })?;
    let mut value = 0.0;
    let (least, median) = time(rounds, |_| {
        let begun = Instant::now();
        value = Exact::solve(&table, &ExactConfig::default())?.value(&[0.5, 0.5]);
        Ok(begun.elapsed().as_secs_f64())
    })?;
    line("tiger exactly, to 1e-8", least, median, "", value);
    let (least, median) = time(rounds, |_| {
        let begun = Instant::now();
        let mut search = PointBased::new(&table)?;
        value = search.improve(&PointBasedConfig { gap: 1e-3, ..PointBasedConfig::default() })?.lower;
        Ok(begun.elapsed().as_secs_f64())
    })?;
    line("tiger point-based, to 1e-3", least, median, "", value);
    for name in ["progressive-widening", "sampled-mcts"] {
        for simulations in [125, 250, 500, 1_000, 2_000] {
            let (least, median, value) = tree(name, simulations, rounds)?;
            line(&format!("{name}, pendulum, horizon 25, {simulations} simulations"), least, median, "", value);
        }
    }
    Ok(())
}

/// A planner that looks 25 steps ahead.
fn tree_planner(name: &str, model: &dyn WorldModel, simulations: i64) -> Result<Box<dyn Planner>> {
    let overrides = BTreeMap::from([
        ("simulations".to_owned(), Setting::Integer(simulations)),
        ("horizon".to_owned(), Setting::Integer(25)),
    ]);
    make(name, &PlannerContext::for_model(model.spec(), 1), &overrides)
}

/// The pendulum at rest, one radian from upright.
fn leaning() -> Observation {
    Observation::Floats(vec![1.0, 0.0])
}

fn tree(name: &str, simulations: i64, rounds: u64) -> Result<(f64, f64, f64)> {
    let model = DynamicsModel(Pendulum::new());
    let mut planner = tree_planner(name, &model, simulations)?;
    let mut world = model.imagination(planner.rows());
    let mut value = 0.0;
    let (least, median) = time(rounds, |round| {
        planner.reset(round);
        world.observe(0, None, &leaning(), Key::new(0))?;
        let begun = Instant::now();
        value = planner.improve(&mut *world, 0, &Budget::default())?.value;
        Ok(begun.elapsed().as_secs_f64())
    })?;
    Ok((least, median, value))
}

/// Least and median time of the rounds.
fn time(rounds: u64, mut round: impl FnMut(u64) -> Result<f64>) -> Result<(f64, f64)> {
    let mut times = (0..rounds).map(&mut round).collect::<Result<Vec<f64>>>()?;
    times.sort_by(f64::total_cmp);
    Ok((times[0], times[times.len() / 2]))
}

fn line(work: &str, least: f64, median: f64, rate: &str, answer: f64) {
    println!("| {work} | {:.3} ms | {:.3} ms | {rate} | {answer:.4} |", 1e3 * least, 1e3 * median);
}

/// The slope of log time over log size, by least squares.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0.ln() / n, sum.1 + point.1.ln() / n));
    let (covariance, variance) = points.iter().fold((0.0, 0.0), |sum, point| {
        let (dx, dy) = (point.0.ln() - x, point.1.ln() - y);
        (sum.0 + dx * dy, sum.1 + dx * dx)
    });
    covariance / variance
}
