//! Pendulum-v1 on its known model: returns of the sampling planners against what dynamic programming gives (−296.2 from hanging, −137.0 on
//! average over Gymnasium's resets): `cargo run --release -p worldwright-planners --example sampling_pendulum [targets|starts|horizons]`.
//!
//! `targets`: mean return from hanging over seeds with milliseconds a decision, then as `starts`: the mean over 200 starts, planned with
//! and without a grid's value at the end of the horizon. `horizons`: return from hanging against horizon, each planner with the same settings throughout.

#![allow(clippy::print_stdout)]

mod valued;

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::time::Instant;

use worldwright_core::Setting::{Float, Integer, Numbers};
use worldwright_core::{Action, Actions, Budget, Columns, Imagined, Key, Observation, Rng, Rows, Setting, WorldModel};
use worldwright_models::Known;
use worldwright_planners::{PlannerContext, make};

use valued::Valued;

/// Episodes that the mean is taken over.
const RESETS: u64 = 200;

fn model() -> Known {
    let made = worldwright_envs::make("pendulum", &BTreeMap::new()).expect("the pendulum is native");
    Known::new(made.simulator.expect("its dynamics are known"), None, 1.0)
}

/// Return of 200 steps planned in `model`, and the median of a decision's milliseconds over the episode.
fn episode(
    model: &dyn WorldModel,
    (name, pairs): (&str, &[(&str, Setting)]),
    seed: u64,
    (theta, speed): (f64, f64),
) -> (f64, f64) {
    let overrides: BTreeMap<String, Setting> = pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let mut planner = make(name, &PlannerContext::for_model(model.spec(), seed), &overrides).expect("right settings");
    let (mut world, mut real) = (model.imagination(planner.rows()), model.imagination(1));
    real.observe(0, None, &Observation::Floats(vec![theta.cos(), theta.sin(), speed]), Key::new(0)).expect("a state");
    let mut out = Imagined::new(model.spec(), 1);
    let (mut total, mut seen, mut action) = (0.0, vec![0.0; 3], Action::Floats(vec![0.0]));
    let mut times = Vec::new();
    for _ in 0..200 {
        real.decode(0, 0, &mut seen).expect("an observation");
        world.observe(0, None, &Observation::Floats(seen.clone()), Key::new(0)).expect("a state");
        let start = Instant::now();
        planner.improve(&mut *world, 0, &Budget::default()).expect("a decision");
        planner.act(0, &mut action);
        planner.shift(1);
        times.push(1e3 * start.elapsed().as_secs_f64());
        let numbers = action.floats().expect("a torque");
        let actions = Actions::Continuous(Columns::new(numbers, 1, 1).expect("one number"));
        out.begin(1);
        real.step(Rows::Span(0..1), actions, Rows::Span(0..1), Key::new(0), &mut out).expect("a step");
        total += out.reward[0];
    }
    times.sort_by(f64::total_cmp);
    (total, times[100])
}

fn hanging(name: &str, pairs: &[(&str, Setting)], seeds: u64) -> (f64, f64, f64) {
    let model = model();
    let each: Vec<(f64, f64)> = (0..seeds).map(|seed| episode(&model, (name, pairs), seed, (PI, 0.0))).collect();
    let mean = each.iter().map(|e| e.0).sum::<f64>() / seeds as f64;
    let worst = each.iter().map(|e| e.0).fold(f64::INFINITY, f64::min);
    (mean, worst, each.iter().map(|e| e.1).fold(f64::INFINITY, f64::min))
}

/// Settings found by trying: noise that lasts, wide enough to saturate the torque, and a horizon that just holds the swing-up.
fn quick() -> (&'static str, Vec<(&'static str, Setting)>) {
    let pairs = [("horizon", 55), ("population", 256), ("iterations", 6)].map(|(key, count)| (key, Integer(count)));
    ("icem", [pairs.to_vec(), vec![("action_std", Numbers(vec![2.0])), ("noise_beta", Float(2.0))]].concat())
}

fn careful() -> (&'static str, Vec<(&'static str, Setting)>) {
    let pairs = [("horizon", 55), ("population", 400), ("iterations", 16), ("elites", 20)];
    let noise = vec![("action_std", Numbers(vec![3.0])), ("noise_beta", Float(1.5)), ("shrink", Float(1.0))];
    ("icem", [pairs.map(|(key, count)| (key, Integer(count))).to_vec(), noise].concat())
}

/// Between the two, for many episodes.
fn steady() -> (&'static str, Vec<(&'static str, Setting)>) {
    let (name, mut pairs) = careful();
    pairs.retain(|(key, _)| !["population", "iterations"].contains(key));
    pairs.extend([("population", Integer(250)), ("iterations", Integer(8))]);
    (name, pairs)
}

fn frugal() -> (&'static str, Vec<(&'static str, Setting)>) {
    let pairs = [("horizon", 55), ("population", 800), ("iterations", 12), ("knots", 0)];
    let noise = vec![("action_std", Numbers(vec![1.0])), ("noise_beta", Float(2.0))];
    ("predictive-sampling", [pairs.map(|(key, count)| (key, Integer(count))).to_vec(), noise].concat())
}

fn targets() {
    println!("from hanging, 10 seeds; the optimum is -296.2");
    for (what, (name, pairs)) in
        [("quick", quick()), ("steady", steady()), ("careful", careful()), ("predictive", frugal())]
    {
        let (mean, worst, ms) = hanging(name, &pairs, 10);
        println!("{what:12}{name:20} mean {mean:.1}, worst {worst:.1}, {ms:.2} ms a decision (least of the medians)");
    }
}

/// With the value of what follows the horizon a short one is enough.
fn valued(horizon: i64, population: i64) -> (&'static str, Vec<(&'static str, Setting)>) {
    let pairs = [("horizon", horizon), ("population", population), ("iterations", 4)];
    let noise = vec![("action_std", Numbers(vec![2.0])), ("noise_beta", Float(2.0))];
    ("icem", [pairs.map(|(key, count)| (key, Integer(count))).to_vec(), noise].concat())
}

/// The mean over starts of the resets' box.
fn starts() {
    // A mean of 200 independent starts scatters by 5 around its expectation; a lattice of them hardly does.
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let lattice: Vec<(f64, f64)> = (0..RESETS)
        .map(|i| {
            let (a, b) = ((i as f64 + 0.5) / RESETS as f64, ((i as f64 + 0.5) * golden).fract());
            (PI * (2.0 * a - 1.0), 2.0 * b - 1.0)
        })
        .collect();
    let random: Vec<(f64, f64)> = (0..RESETS)
        .map(|seed| {
            let mut rng = Rng::new(seed);
            (rng.uniform_in(-PI, PI), rng.uniform_in(-1.0, 1.0))
        })
        .collect();
    println!("mean of {RESETS} starts: on a lattice over the resets' box, where the optimum is -137.0, and drawn as");
    println!("Gymnasium draws them (standard error 5); milliseconds a decision, least of the medians");
    let known = model();
    let begun = Instant::now();
    let with_value = Valued::new(model(), 361, 401, 31).expect("a grid over the pendulum's states");
    println!("the grid's value, 361 x 401 x 31, took {:.2} s", begun.elapsed().as_secs_f64());
    let worlds: [(&str, &dyn WorldModel); 2] = [("", &known), ("and the grid's value", &with_value)];
    for ((value, model), (name, pairs)) in [
        (worlds[1], valued(5, 32)),
        (worlds[1], valued(10, 64)),
        (worlds[1], valued(10, 256)),
        (worlds[1], valued(15, 256)),
        (worlds[0], quick()),
        (worlds[0], careful()),
    ] {
        let mean = |starts: &[(f64, f64)]| {
            let each: Vec<(f64, f64)> =
                (0..RESETS).zip(starts).map(|(seed, start)| episode(model, (name, &pairs), seed, *start)).collect();
            let total: f64 = each.iter().map(|e| e.0).sum();
            (total / RESETS as f64, each.iter().map(|e| e.1).fold(f64::INFINITY, f64::min))
        };
        let size = |key| pairs.iter().find(|(name, _)| *name == key).map_or(String::new(), |(_, n)| n.to_string());
        let ((even, ms), (drawn, _)) = (mean(&lattice), mean(&random));
        println!(
            "{name} {} x {} x {} {value}: {even:.1} and {drawn:.1}, {ms:.3} ms",
            size("population"),
            size("horizon"),
            size("iterations")
        );
    }
}

/// Return from hanging against horizon, 256 candidates and 6 iterations for all.
fn horizons() {
    const HORIZONS: [i64; 8] = [15, 25, 35, 45, 55, 65, 80, 100];
    println!("| planner | {} |", HORIZONS.map(|h| h.to_string()).join(" | "));
    println!("|---|{}", "---|".repeat(HORIZONS.len()));
    for (label, name, extra) in [
        ("random-shooting", "random-shooting", vec![]),
        ("predictive-sampling", "predictive-sampling", vec![("knots", Integer(0)), ("noise_beta", Float(2.0))]),
        ("predictive-sampling, 12 cubic knots", "predictive-sampling", vec![("knots", Integer(12))]),
        ("cem", "cem", vec![("noise_beta", Float(2.0))]),
        ("icem", "icem", vec![]),
        ("mppi", "mppi", vec![("noise_beta", Float(2.0)), ("adapt_std", Setting::Bool(true))]),
        ("mppi per step", "mppi", vec![("noise_beta", Float(2.0)), ("per_step", Setting::Bool(true))]),
        ("cma-es, 8 knots", "cma-es", vec![("action_std", Numbers(vec![1.0]))]),
        ("cma-es, a knot every 4 steps", "cma-es", vec![("action_std", Numbers(vec![1.0])), ("knots", Integer(-4))]),
    ] {
        let each = HORIZONS.map(|horizon| {
            let mut pairs =
                vec![("horizon", Integer(horizon)), ("population", Integer(256)), ("iterations", Integer(6))];
            pairs.push(("action_std", Numbers(vec![2.0])));
            for (key, setting) in &extra {
                pairs.retain(|(other, _)| other != key);
                let every = matches!(setting, Integer(-4));
                pairs.push((key, if every { Integer(horizon / 4) } else { setting.clone() }));
            }
            format!("{:.0}", hanging(name, &pairs, 4).0)
        });
        println!("| {label} | {} |", each.join(" | "));
    }
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("horizons") => horizons(),
        Some("starts") => starts(),
        _ => {
            targets();
            starts();
        }
    }
}
