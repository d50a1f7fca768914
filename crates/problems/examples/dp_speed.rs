//! Speed of dynamic programming: `cargo run --release -p worldwright-planners --example dp_speed`.
//!
//! One line a workload: minimum and median over the rounds, nanoseconds an outcome (or table entry) and backups a second, and the answer beside it.
//! Then the cost against points and dimensions with the fitted exponent.

#![allow(clippy::print_stdout, reason = "an example prints its table")]

use std::f64::consts::PI;
use std::hint::black_box;
use std::time::Instant;

use worldwright_core::{Result, Rng, Space, WorldModel};
use worldwright_finite::{
    Mdp, MdpBuilder, Solution, Stop, Sweep, modified_policy_iteration, policy_iteration, prioritised_sweeping,
    value_iteration,
};
use worldwright_planners::grid::{Axis, GridConfig, GridValue, Interpolation};
use worldwright_testkit::{DynamicsModel, LaneAction, Pendulum, Told, plain_spec};

fn main() -> Result<()> {
    finite()?;
    pendulum_sweeps()?;
    dimensions()
}

/// Minimum and median seconds of `rounds` runs.
fn timed(rounds: usize, mut work: impl FnMut()) -> (f64, f64) {
    let mut seconds: Vec<f64> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    (seconds[0], seconds[rounds / 2])
}

/// Slope of the least-squares line through (ln x, ln y).
fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| points.iter().map(|point| pick(point).ln()).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points.iter().map(|point| (point.0.ln() - x) * (point.1.ln() - y)).sum();
    covariance / points.iter().map(|point| (point.0.ln() - x).powi(2)).sum::<f64>()
}

/// `states` states of 4 actions with 4 outcomes each, near the state in number or anywhere.
fn random(states: usize, near: bool) -> Result<Mdp> {
    let mut rng = Rng::new(states as u64);
    let mut builder = MdpBuilder::new(0.95);
    for state in 0..states {
        builder.state();
        for _ in 0..4 {
            builder.action();
            for _ in 0..4 {
                let next =
                    if near { (state + rng.below(100) as usize) % states } else { rng.below(states as u64) as usize };
                builder.outcome(0.25, rng.normal(), Some(next));
            }
        }
    }
    builder.build()
}

fn finite() -> Result<()> {
    println!("Finite processes, 4 actions of 4 outcomes, discount 0.95");
    for near in [true, false] {
        let mut growth = Vec::new();
        for states in [1_000, 10_000, 100_000, 1_000_000] {
            let mdp = random(states, near)?;
            let sweeps = (10_000_000 / states).clamp(2, 100);
            for threads in [1, 2] {
                let stop = Stop { tolerance: 0.0, most: sweeps, threads };
                let (least, median) = timed(7, || {
                    black_box(value_iteration(black_box(&mdp), Sweep::Synchronous, &stop)).ok();
                });
                let outcomes = (mdp.outcomes() * sweeps) as f64;
                if threads == 1 {
                    growth.push((states as f64, least / sweeps as f64));
                }
                println!(
                    "  {states:>8} states, {} outcomes, {threads} thread(s): a sweep {:9.1} us (median {:9.1}), {:5.2} ns an outcome, {:6.1} M state-actions/s",
                    if near { "near" } else { "far " },
                    1e6 * least / sweeps as f64,
                    1e6 * median / sweeps as f64,
                    1e9 * least / outcomes,
                    outcomes / 4.0 / least / 1e6
                );
            }
        }
        println!("  exponent of a sweep in the number of states: {:.2}", exponent(&growth));
    }
    println!("To a proven distance of 1e-6, 10,000 states anywhere:");
    type Solver = fn(&Mdp, &Stop) -> Result<Solution>;
    let solvers: [(&str, Solver); 5] = [
        ("value iteration", |mdp, stop| value_iteration(mdp, Sweep::Synchronous, stop)),
        ("Gauss-Seidel", |mdp, stop| value_iteration(mdp, Sweep::GaussSeidel, stop)),
        ("policy iteration", policy_iteration),
        ("modified policy iteration (10)", |mdp, stop| modified_policy_iteration(mdp, 10, stop)),
        ("prioritised sweeping", prioritised_sweeping),
    ];
    let mdp = random(10_000, false)?;
    for (name, solve) in solvers {
        let stop = Stop { tolerance: 1e-6, ..Stop::default() };
        let solution = solve(&mdp, &stop)?;
        let (least, median) = timed(5, || {
            black_box(solve(&mdp, &stop)).ok();
        });
        println!(
            "  {name:<30} {:8.2} ms (median {:8.2})  {:>9} backups  V(0) = {:.7}  proven to {:.1e}",
            1e3 * least,
            1e3 * median,
            solution.backups,
            solution.values[0],
            solution.certificate.map_or(f64::INFINITY, |proven| proven.error())
        );
    }
    Ok(())
}

/// Seconds of a sweep (minimum, median), entries, and seconds to explore.
fn sweep(model: &dyn WorldModel, config: &GridConfig, rounds: usize) -> Result<(f64, f64, usize, f64, GridValue)> {
    let mut value = GridValue::new(config, &model.spec().action_space, 1)?;
    let mut world = model.imagination(value.rows());
    let begun = Instant::now();
    value.explore(&mut *world)?;
    let asked = begun.elapsed().as_secs_f64();
    let (least, median) = timed(rounds, || {
        value.sweep();
    });
    Ok((least, median, value.entries(), asked, value))
}

fn pendulum_sweeps() -> Result<()> {
    println!("\nPendulum-v1 on a grid, values in f64, places in f32");
    let model = DynamicsModel(Pendulum::new());
    for interpolation in [Interpolation::Multilinear, Interpolation::Simplex] {
        for threads in [1, 2] {
            let mut growth = Vec::new();
            for (angles, speeds) in [(46, 51), (91, 101), (181, 201), (361, 401), (721, 801)] {
                let mut config = GridConfig::new(vec![Axis::periodic(-PI, PI, angles), Axis::new(-8.0, 8.0, speeds)]);
                config.action_points = vec![13];
                config.interpolation = interpolation;
                config.threads = threads;
                let (least, median, entries, asked, mut value) = sweep(&model, &config, 40)?;
                (40..200).for_each(|_| {
                    value.sweep();
                });
                growth.push(((angles * speeds) as f64, least));
                println!(
                    "  {angles:>4} x {speeds:<4} x 13 {interpolation:?}, {threads} thread(s): a sweep {:9.1} us (median {:9.1}), {:5.2} ns a state-action; asking {:6.1} ns each; V(pi/2, 0) = {:.2} for -116.2",
                    1e6 * least,
                    1e6 * median,
                    1e9 * least / entries as f64,
                    1e9 * asked / entries as f64,
                    value.at(&[PI / 2.0, 0.0])
                );
            }
            println!("  exponent of a sweep in the number of points: {:.2}", exponent(&growth));
        }
    }
    Ok(())
}

fn dimensions() -> Result<()> {
    println!("\nAbout 50,000 points in 1 to 4 dimensions, 2d + 1 actions, one thread");
    for interpolation in [Interpolation::Multilinear, Interpolation::Simplex] {
        for (dims, points) in [(1, 50_000), (2, 224), (3, 37), (4, 15)] {
            // A step either way along one axis, or none.
            let spec = plain_spec("lattice", dims, Space::discrete(2 * dims + 1));
            let model = Told::model(spec, |_, state, action, out| {
                out.reward = -state.iter().map(|x| x * x).sum::<f64>();
                if let LaneAction::Choice(choice @ 1..) = action {
                    state[(choice as usize - 1) / 2] += if choice % 2 == 1 { 0.13 } else { -0.13 };
                }
            });
            let mut config = GridConfig::new(vec![Axis::new(-1.0, 1.0, points); dims]);
            config.interpolation = interpolation;
            config.discount = 0.9;
            let (least, median, entries, _, _) = sweep(&model, &config, 60)?;
            println!(
                "  {dims} dimension(s) {interpolation:?}: a sweep {:9.1} us (median {:9.1}), {:5.2} ns a state-action",
                1e6 * least,
                1e6 * median,
                1e9 * least / entries as f64
            );
        }
    }
    Ok(())
}
