//! Dynamic programming: optimal values of the pendulum against the fineness of the grid, with the time to build and to solve.
//!
//! `cargo run --release -p worldwright-planners --example dp_speed`

#![allow(clippy::print_stdout, reason = "a command-line program")]

use std::f64::consts::{PI, TAU};
use std::time::Instant;

use worldwright_core::{Observation, Result};
use worldwright_planners::dp::{Axis, Grid, GridModel, Stop, finite_horizon, policy_iteration, value_iteration};
use worldwright_testkit::{DynamicsModel, Pendulum};

/// States with known values: hanging, hanging with a push, and nearer to upright (200 steps, no discount).
const KNOWN: [([f64; 2], f64); 6] = [
    ([PI, 0.0], -296.2),
    ([PI, 1.0], -281.3),
    ([0.5 * PI, 0.0], -116.2),
    ([1.0, 0.0], -120.2),
    ([0.5, 0.5], -123.6),
    ([-2.5, 0.5], -225.2),
];

fn main() -> Result<()> {
    let model = DynamicsModel(Pendulum::new());
    let mut times = Vec::new();
    for points in [61, 121, 241, 481] {
        let grid = Grid::new(&[
            Axis { low: -PI, high: PI, points: points - 1, periodic: true },
            Axis { low: -8.0, high: 8.0, points, periodic: false },
        ])?;
        let actions: Vec<Vec<f64>> = (-6..=6).map(|i| vec![f64::from(i) / 3.0]).collect();
        let start = Instant::now();
        let mdp = grid.process(&GridModel {
            model: &model,
            observation: &|at| Observation::Floats(at.to_vec()),
            coordinates: &|flat, at| {
                at.copy_from_slice(flat);
                at[0] = (at[0] + PI).rem_euclid(TAU) - PI;
            },
            actions: &actions,
        })?;
        let build = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let values = finite_horizon(&mdp, 1.0, 200)?.values.pop().unwrap_or_default();
        let sweep = start.elapsed().as_secs_f64() / 200.0;
        let stop = Stop { tolerance: 1e-3, sweeps: 5000 };
        let timed = |solve: &dyn Fn() -> Result<usize>| -> Result<(usize, f64)> {
            let start = Instant::now();
            Ok((solve()?, start.elapsed().as_secs_f64()))
        };
        let plain = timed(&|| Ok(value_iteration(&mdp, 0.99, stop)?.sweeps))?;
        let modified = timed(&|| Ok(policy_iteration(&mdp, 0.99, 20, stop)?.sweeps))?;
        println!(
            "grid {points:4}: {:8} points x {} actions, built in {build:6.2} s, {:6.1} M backups/s; discount 0.99: value iteration {} \
             sweeps {:.2} s, modified policy iteration {} sweeps {:.2} s",
            mdp.states(),
            actions.len(),
            mdp.choices() as f64 / sweep / 1e6,
            plain.0,
            plain.1,
            modified.0,
            modified.1,
        );
        for (state, known) in KNOWN {
            println!("    from {state:6.3?}: {:8.2}, known {known:8.1}", grid.interpolate(&values, &state));
        }
        times.push((mdp.states() as f64, sweep));
    }
    if let [first, .., last] = times[..] {
        println!("a sweep grows with the points to the power {:.2}", (last.1 / first.1).ln() / (last.0 / first.0).ln());
    }
    Ok(())
}
