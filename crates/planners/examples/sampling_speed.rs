//! Speed of the sampling planners on the known pendulum: `cargo run --release -p worldwright-planners --example sampling_speed`.
//!
//! One line a workload: median and minimum milliseconds a decision over rounds, model steps a second, and the return of 200 steps from
//! hanging with those very settings. Then growth: cost against candidates, horizon, iterations and problems in a batch, with
//! the exponent fitted to the minima. Threads by RAYON_NUM_THREADS; arguments name planners to time alone, without the growth.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::time::{Duration, Instant};

use worldwright_core::Setting::{Float, Integer, Numbers, Text};
use worldwright_core::{Action, Budget, Environment, Imagination, Key, Observation, Planner, Setting, WorldModel};
use worldwright_models::Known;
use worldwright_planners::{BatchPlanner, PlannerContext, make};

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
fn decide(name: &str, model: &Known, overrides: &Overrides) -> (f64, f64, u64) {
    let mut planner = build(name, model, overrides);
    let mut world = model.imagination(planner.rows());
    world.observe(0, None, &hanging(), Key::new(0)).expect("a state");
    let mut steps = 0;
    let (median, least) = time(Duration::from_millis(700), || {
        planner.shift(1);
        steps = planner.improve(&mut *world, 0, &Budget::default()).expect("a decision").model_steps;
    });
    (1e3 * median, 1e3 * least, steps)
}

/// The slope of log y against log x by least squares.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let (mx, my) = (logs.iter().map(|p| p.0).sum::<f64>() / n, logs.iter().map(|p| p.1).sum::<f64>() / n);
    logs.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>() / logs.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>()
}

fn sized(population: i64, horizon: i64, iterations: i64) -> Vec<(&'static str, Setting)> {
    let (population, horizon, iterations) = (Integer(population), Integer(horizon), Integer(iterations));
    vec![("population", population), ("horizon", horizon), ("iterations", iterations)]
}

fn main() {
    let (_, model) = pendulum();
    println!("threads {}", std::env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "all".into()));
    println!("planner              K      T  n   median ms    min ms   M steps/s  return from hanging");
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
        let (median, least, steps) = decide(name, &model, &overrides);
        let got = control(&mut *build(name, &model, &overrides), &model);
        println!(
            "{name:20}{k:6}{t:5}{iterations:4}{median:12.4}{least:10.4}{:12.1}{got:12.1}",
            steps as f64 / least / 1e3
        );
    }
    if std::env::args().len() > 1 {
        return;
    }
    println!("growth of the minimum, mppi unless said otherwise");
    let grow = |what: &str, name: &str, points: Vec<(f64, Overrides)>| {
        let measured: Vec<(f64, f64)> = points.iter().map(|(x, o)| (*x, decide(name, &model, o).1)).collect();
        let each: Vec<String> = measured.iter().map(|(x, ms)| format!("{x} {ms:.4} ms")).collect();
        println!("{what}: {}; exponent {:.2}", each.join(", "), exponent(&measured));
    };
    let with = |pairs: Vec<(&'static str, Setting)>| settings(&pairs);
    grow("candidates", "mppi", [250, 1000, 4000, 16_000].map(|k| (k as f64, with(sized(k, 30, 1)))).to_vec());
    grow("horizon", "mppi", [15, 30, 60, 120].map(|t| (t as f64, with(sized(1000, t, 1)))).to_vec());
    grow("iterations", "mppi", [1, 2, 4, 8].map(|i| (i as f64, with(sized(1000, 30, i)))).to_vec());
    let coloured = |t| (t as f64, with([sized(1000, t, 1), vec![("noise_beta", Float(2.0))]].concat()));
    grow("horizon, coloured noise", "mppi", [15, 30, 60, 120].map(coloured).to_vec());
    let knots = |t| {
        let pairs = [sized(1000, t, 1), vec![("knots", Integer(8)), ("spline", Text("cubic".into()))]];
        (t as f64, with(pairs.concat()))
    };
    grow("horizon, 8 cubic knots", "mppi", [15, 30, 60, 120].map(knots).to_vec());
    let dimensions = |k| (k as f64, with([sized(64, 60, 8), vec![("knots", Integer(k))]].concat()));
    grow("knots of cma-es", "cma-es", [4, 8, 16, 32, 60].map(dimensions).to_vec());
    batches(&model);
}

/// Problems in a batch, against as many planners one after another.
fn batches(model: &Known) {
    let overrides = settings(&sized(64, 30, 2));
    let context = PlannerContext::for_model(model.spec(), 0);
    let mut points = Vec::new();
    for b in [1_usize, 4, 16, 64] {
        let seeds: Vec<u64> = (0..b as u64).collect();
        let mut planner = BatchPlanner::new("icem", &context, &overrides, &seeds).expect("the settings are right");
        let mut world = model.imagination(planner.rows());
        for row in 0..b {
            world.observe(row, None, &hanging(), Key::new(0)).expect("a state");
        }
        let (_, least) = time(Duration::from_millis(500), || {
            planner.improve(&mut *world, &Budget::default()).expect("decisions");
        });
        points.push((b as f64, 1e3 * least));
    }
    let each: Vec<String> = points.iter().map(|(b, ms)| format!("{b} {ms:.4} ms")).collect();
    println!("problems in a batch (icem 64 × 30 × 2): {}; exponent {:.2}", each.join(", "), exponent(&points));
}
