//! One decision of each sampling planner on the known pendulum: `cargo bench -p worldwright-planners`.
//!
//! `items` are model steps, the plant's own cost (a sine each) among them.

use divan::Bencher;
use divan::counter::ItemsCount;
use worldwright_core::Setting::{Integer, Text};
use worldwright_core::{Budget, Key, Observation, WorldModel};
use worldwright_planners::{PlannerContext, make};
use worldwright_testkit::{DynamicsModel, Pendulum};

fn main() {
    divan::main();
}

/// Candidates, horizon, iterations.
const SIZES: [(i64, i64, i64); 4] = [(100, 100, 1), (350, 15, 5), (1000, 30, 1), (10_000, 30, 1)];

fn decide(bencher: Bencher<'_, '_>, name: &str, (population, horizon, iterations): (i64, i64, i64), answer: bool) {
    let model = DynamicsModel(Pendulum::new());
    let mut overrides: std::collections::BTreeMap<_, _> = [
        ("population".to_owned(), Integer(population)),
        ("horizon".to_owned(), Integer(horizon)),
        ("iterations".to_owned(), Integer(iterations)),
    ]
    .into();
    if answer {
        overrides.insert("answer".to_owned(), Text("mean".to_owned()));
    }
    let mut planner = make(name, &PlannerContext::for_model(model.spec(), 0), &overrides).expect("settings are right");
    let mut world = model.imagination(planner.rows());
    world.observe(0, None, &Observation::Floats(vec![3.0, 0.0]), Key::new(0)).expect("a state");
    let steps = (population * horizon * iterations) as u64;
    bencher.counter(ItemsCount::new(steps)).bench_local(|| {
        planner.shift(1);
        planner.improve(&mut *world, 0, &Budget::default()).expect("a decision")
    });
}

#[divan::bench(args = SIZES)]
fn mppi(bencher: Bencher<'_, '_>, size: (i64, i64, i64)) {
    decide(bencher, "mppi", size, true);
}

#[divan::bench(args = SIZES)]
fn cem(bencher: Bencher<'_, '_>, size: (i64, i64, i64)) {
    decide(bencher, "cem", size, true);
}

#[divan::bench(args = SIZES)]
fn icem(bencher: Bencher<'_, '_>, size: (i64, i64, i64)) {
    decide(bencher, "icem", size, true);
}

#[divan::bench(args = SIZES)]
fn random_shooting(bencher: Bencher<'_, '_>, size: (i64, i64, i64)) {
    decide(bencher, "random-shooting", size, false);
}
