//! Speed of the sampling planners on the known pendulum: `cargo run --release -p worldwright-planners --example sampling_speed`.
//!
//! One line a workload: median and minimum milliseconds a decision over rounds on one thread, the minimum on two, model steps a second,
//! and the return of 200 steps from hanging with those very settings. Then growth on one thread and on two: cost against candidates,
//! horizon, iterations, knots, state dimension and problems in a batch, with the exponent fitted to the minima. Arguments name
//! planners to time alone, without the growth.

#![allow(clippy::print_stdout)]

mod growth;
mod linear;

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::time::{Duration, Instant};

use worldwright_core::Setting::{Float, Integer, Numbers};
use worldwright_core::{Action, Budget, Environment, Imagination, Key, Observation, Planner, Setting, WorldModel};
use worldwright_models::Known;
use worldwright_planners::{PlannerContext, make};

type Overrides = BTreeMap<String, Setting>;

fn settings(pairs: &[(&str, Setting)]) -> Overrides {
    pairs.iter().map(|(name, setting)| ((*name).to_owned(), setting.clone())).collect()
}

fn pendulum() -> (Box<dyn Environment>, Known) {
    let made = worldwright_envs::make("pendulum", &BTreeMap::new()).expect("the pendulum is native");
    (made.environment, Known::new(made.simulator.expect("its dynamics are known"), None, 1.0))
}

fn hanging() -> Observation {
    Observation::Floats(vec![PI.cos(), PI.sin(), 0.0])
}

fn build(name: &str, model: &Known, overrides: &Overrides) -> Box<dyn Planner> {
    make(name, &PlannerContext::for_model(model.spec(), 0), overrides).expect("the settings are right")
}

/// Return of 200 steps from hanging, the model being the world.
fn control(planner: &mut dyn Planner, model: &Known) -> f64 {
    let (mut world, mut real) = (model.imagination(planner.rows()), model.imagination(1));
    real.observe(0, None, &hanging(), Key::new(0)).expect("a state");
    let mut out = worldwright_core::Imagined::new(model.spec(), 1);
    let (mut total, mut seen, mut action) = (0.0, vec![0.0; 3], Action::Floats(vec![0.0]));
    for _ in 0..200 {
        real.decode(0, 0, &mut seen).expect("an observation");
        world.observe(0, None, &Observation::Floats(seen.clone()), Key::new(0)).expect("a state");
        planner.improve(&mut *world, 0, &Budget::default()).expect("a decision");
        planner.act(0, &mut action);
        planner.shift(1);
        step(&mut *real, &action, &mut out);
        total += out.reward[0];
    }
    total
}

fn step(real: &mut dyn Imagination, action: &Action, out: &mut worldwright_core::Imagined) {
    use worldwright_core::{Actions, Columns, Rows};
    let numbers = action.floats().expect("a torque");
    let actions = Actions::Continuous(Columns::new(numbers, 1, 1).expect("one number"));
    out.begin(1);
    real.step(Rows::Span(0..1), actions, Rows::Span(0..1), Key::new(0), out).expect("a step");
}

/// Median and minimum seconds of `work` over rounds that take about `total` together.
fn time(total: Duration, mut work: impl FnMut()) -> (f64, f64) {
    let begun = Instant::now();
    let mut seconds = Vec::new();
    while begun.elapsed() < total || seconds.len() < 20 {
        let start = Instant::now();
        work();
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    (seconds[seconds.len() / 2], seconds[0])
}

/// Milliseconds a decision, median and minimum, and its model steps.
fn decide(name: &str, model: &Known, start: &Observation, overrides: &Overrides) -> (f64, f64, u64) {
    let mut planner = build(name, model, overrides);
    let mut world = model.imagination(planner.rows());
    world.observe(0, None, start, Key::new(0)).expect("a state");
    let mut steps = 0;
    let (median, least) = time(Duration::from_millis(700), || {
        planner.shift(1);
        steps = planner.improve(&mut *world, 0, &Budget::default()).expect("a decision").model_steps;
    });
    (1e3 * median, 1e3 * least, steps)
}

/// Does `work` in a pool of so many threads.
fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(work)
}

fn sized(population: i64, horizon: i64, iterations: i64) -> Vec<(&'static str, Setting)> {
    let (population, horizon, iterations) = (Integer(population), Integer(horizon), Integer(iterations));
    vec![("population", population), ("horizon", horizon), ("iterations", iterations)]
}

fn main() {
    let (_, model) = pendulum();
    println!("planner              K      T  n   median ms    min ms  2 threads   M steps/s  return from hanging");
    for (name, k, t, iterations) in [
        ("mppi", 1000, 30, 1),
        ("mppi", 10_000, 30, 1),
        ("mppi", 100, 100, 1),
        ("icem", 256, 55, 6),
        ("icem", 400, 55, 16),
        ("cem", 350, 25, 5),
        ("predictive-sampling", 128, 60, 4),
        ("cma-es", 64, 60, 8),
        ("random-shooting", 1000, 30, 1),
    ] {
        if std::env::args().len() > 1 && !std::env::args().any(|argument| argument == name) {
            continue;
        }
        let mut pairs = sized(k, t, iterations);
        if name == "mppi" {
            // As the peer is set: noise of standard deviation 1, temperature 1 in units of reward.
            pairs.extend([
                ("action_std", Numbers(vec![1.0])),
                ("normalise", Setting::Bool(false)),
                ("temperature", Float(1.0)),
            ]);
        }
        if iterations == 16 {
            pairs.extend([("action_std", Numbers(vec![3.0])), ("noise_beta", Float(1.5)), ("shrink", Float(1.0))]);
            pairs.push(("elites", Integer(20)));
        } else if name == "icem" {
            pairs.push(("action_std", Numbers(vec![2.0])));
        }
        let overrides = settings(&pairs);
        let (median, least, steps) = on_threads(1, || decide(name, &model, &hanging(), &overrides));
        let (_, shared, _) = on_threads(2, || decide(name, &model, &hanging(), &overrides));
        let got = control(&mut *build(name, &model, &overrides), &model);
        println!(
            "{name:20}{k:6}{t:5}{iterations:4}{median:12.4}{least:10.4}{shared:11.4}{:12.1}{got:12.1}",
            steps as f64 / least / 1e3
        );
    }
    if std::env::args().len() == 1 {
        growth::growths(&model);
    }
}
