//! Seconds a decision and milliseconds a training epoch at the budget of PETS' cart-pole, as mbrl-lib runs it: population
//! 350, 5 iterations of CEM, horizon 15, 20 particles (TS-infinity), 5 members of 4 hidden layers of 200, known reward,
//! 1,000 transitions, batches of 256. See `docs/benchmarks/pets.md`.
//!
//!     RAYON_NUM_THREADS=2 cargo run --release -p worldwright-agents --example pets_budget

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use worldwright_core::{
    Actions, Budget, Dataset, Interrupt, Key, Observation, Result, RewardFunction, Rng, Setting, Space, Transitions,
};
use worldwright_models as models;
use worldwright_planners as planners;

/// cos x₀ − 0.01 a².
struct Known;

impl RewardFunction for Known {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        terminated.fill(false);
        let Actions::Continuous(actions) = transitions.actions else { return };
        let (x, a) = (transitions.observations.column(0), actions.column(0));
        for (row, slot) in reward.iter_mut().enumerate() {
            *slot = x[row].cos() - 0.01 * a[row] * a[row];
        }
    }
}

fn settings(given: &[(&str, Setting)]) -> BTreeMap<String, Setting> {
    given.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() -> Result<()> {
    let context = models::ModelContext {
        observation_space: Space::vector(&[-10.0; 4], &[10.0; 4]),
        action_space: Space::vector(&[-1.0], &[1.0]),
        reward: Some(Arc::new(Known)),
        simulator: None,
        known: None,
        players: 1,
        discount: 1.0,
        seed: 0,
    };
    let epochs = 20;
    let network = settings(&[
        ("members", Setting::Integer(5)),
        ("hidden", Setting::Numbers(vec![200.0; 4])),
        ("particles", Setting::Integer(20)),
        ("epochs", Setting::Integer(epochs)),
        ("patience", Setting::Integer(1_000)),
        ("holdout", Setting::Float(0.0)),
        ("batch", Setting::Integer(256)),
        ("learning_rate", Setting::Float(1e-3)),
    ]);
    let mut model = models::build("ensemble", &context, &network)?;
    let mut rng = Rng::new(0);
    let mut dataset = Dataset::new(4, 1);
    for _ in 0..1000 {
        let mut draw = || std::array::from_fn::<f64, 4, _>(|_| rng.normal());
        let (observation, next) = (draw(), draw());
        dataset.push(&observation, &[rng.normal()], 0.0, &next, false, true)?;
    }
    let fits = (0..3).map(|_| {
        let start = Instant::now();
        model.fit(&dataset, &mut rng, &Interrupt::never())?;
        Ok(start.elapsed().as_secs_f64() / epochs as f64)
    });
    let epoch = median(fits.collect::<Result<_>>()?);

    let cem = settings(&[
        ("population", Setting::Integer(350)),
        ("iterations", Setting::Integer(5)),
        ("elites", Setting::Integer(35)),
        ("horizon", Setting::Integer(15)),
        ("tolerance", Setting::Float(0.0)),
    ]);
    let mut planner = planners::make("cem", &planners::PlannerContext::for_model(model.spec(), 0), &cem)?;
    let mut world = model.imagination(planner.rows());
    let decisions = (0..6).map(|decision| {
        let start = Instant::now();
        world.observe(0, None, &Observation::Floats(vec![0.0; 4]), Key::new(decision))?;
        let report = planner.improve(world.as_mut(), 0, &Budget::default())?;
        planner.shift(1);
        Ok((start.elapsed().as_secs_f64(), report.model_steps))
    });
    let decisions: Vec<(f64, u64)> = decisions.collect::<Result<_>>()?;
    let (seconds, steps) = (median(decisions.iter().skip(1).map(|d| d.0).collect()), decisions[0].1);
    println!(
        "worldwright: {seconds:.3} s a decision ({steps} model steps), {:.1} ms an epoch of 1000 transitions",
        epoch * 1e3
    );
    Ok(())
}
