//! What second-order planning earns in the environment pendulum: over 200 resets, and from hanging against its horizon.
//!
//! `cargo run --release -p worldwright-planners --example control_resets [horizons | PLANNER HORIZON ITERATIONS STARTS REFINED]`
//!
//! Dynamic programming gives −137.0 on average over Gymnasium's resets and −296.2 from hanging. The resets are a lattice over the box that
//! Gymnasium draws from: a mean of 200 independent starts scatters by 5 around its expectation, a lattice of them hardly does.
#![allow(clippy::print_stdout, reason = "a command-line program")]

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::time::Instant;

use worldwright_core::{Action, Actions, Budget, Columns, Imagined, Key, Observation, Rows, Setting, WorldModel};
use worldwright_models::Known;
use worldwright_planners::{PlannerContext, make};

const RESETS: usize = 200;
const STEPS: usize = 200;

/// Return of an episode, with the median and the longest decision in milliseconds.
fn episode(name: &str, settings: &[(&str, i64)], theta: f64, speed: f64) -> (f64, f64, f64) {
    let made = worldwright_envs::make("pendulum", &BTreeMap::new()).expect("the pendulum is native");
    let model = Known::new(made.simulator.expect("its dynamics are known"), None, 1.0);
    let overrides = settings.iter().map(|(key, number)| ((*key).to_owned(), Setting::Integer(*number))).collect();
    let mut planner = make(name, &PlannerContext::for_model(model.spec(), 0), &overrides).expect("right settings");
    let (mut world, mut real) = (model.imagination(planner.rows()), model.imagination(1));
    real.observe(0, None, &Observation::Floats(vec![theta.cos(), theta.sin(), speed]), Key::new(0)).expect("a state");
    let mut out = Imagined::new(model.spec(), 1);
    let (mut total, mut seen, mut action, mut times) = (0.0, vec![0.0; 3], Action::Floats(vec![0.0]), Vec::new());
    for _ in 0..STEPS {
        real.decode(0, 0, &mut seen).expect("an observation");
        world.observe(0, None, &Observation::Floats(seen.clone()), Key::new(0)).expect("a state");
        let begun = Instant::now();
        planner.improve(&mut *world, 0, &Budget::default()).expect("a decision");
        planner.act(0, &mut action);
        planner.shift(1);
        times.push(1e3 * begun.elapsed().as_secs_f64());
        let actions = Actions::Continuous(Columns::new(action.floats().expect("a torque"), 1, 1).expect("one number"));
        out.begin(1);
        real.step(Rows::Span(0..1), actions, Rows::Span(0..1), Key::new(0), &mut out).expect("a step");
        total += out.reward[0];
    }
    times.sort_by(f64::total_cmp);
    (total, times[STEPS / 2], times[STEPS - 1])
}

fn line(name: &str, settings: &[(&str, i64)], starts: &[(f64, f64)]) {
    let each: Vec<_> = starts.iter().map(|(theta, speed)| episode(name, settings, *theta, *speed)).collect();
    let mean = each.iter().map(|e| e.0).sum::<f64>() / each.len() as f64;
    let median = each.iter().map(|e| e.1).fold(f64::INFINITY, f64::min);
    let longest = each.iter().map(|e| e.2).fold(f64::INFINITY, f64::min);
    println!("| `{name}` {settings:?} | {mean:.1} | {median:.2} | {longest:.2} |");
}

fn main() {
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let lattice: Vec<(f64, f64)> = (0..RESETS)
        .map(|i| {
            let (a, b) = ((i as f64 + 0.5) / RESETS as f64, ((i as f64 + 0.5) * golden).fract());
            (PI * (2.0 * a - 1.0), 2.0 * b - 1.0)
        })
        .collect();
    let words: Vec<String> = std::env::args().skip(1).collect();
    println!(
        "| planner | return | median ms a decision (least of the episodes) | longest, likewise |\n|---|---|---|---|"
    );
    match words.first().map(String::as_str) {
        Some("horizons") => {
            for name in ["gradient", "ilqr", "ddp", "collocation"] {
                for horizon in [20, 40, 60, 80, 100, 120, 160] {
                    line(name, &[("horizon", horizon)], &[(PI, 0.0)]);
                }
            }
        }
        Some(name) => {
            let numbers: Vec<i64> = words[1..].iter().filter_map(|word| word.parse().ok()).collect();
            let settings: Vec<(&str, i64)> =
                ["horizon", "iterations", "starts", "refined"].into_iter().zip(numbers).collect();
            line(name, &settings, &lattice);
        }
        None => {
            for (horizon, iterations, starts, refined) in [(30, 20, 8, 2), (60, 20, 16, 2), (80, 20, 32, 4)] {
                let settings = [horizon, iterations, starts, refined];
                let settings: Vec<(&str, i64)> =
                    ["horizon", "iterations", "starts", "refined"].into_iter().zip(settings).collect();
                ["ilqr", "ddp"].into_iter().for_each(|name| line(name, &settings, &lattice));
            }
        }
    }
}
