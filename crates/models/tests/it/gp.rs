use std::sync::Arc;

use worldwright_core::{Dataset, Interrupt, Key, Rng, Rows, Setting};

use crate::systems::*;

/// A pendulum's step: neither linear nor polynomial.
fn pendulum(x: &[f64], u: f64) -> [f64; 2] {
    let velocity = x[1] + 0.1 * (7.0 * x[0].sin() + 3.0 * u);
    [x[0] + 0.1 * velocity, velocity]
}

fn data(count: usize, seed: u64) -> Dataset {
    let (mut rng, mut data) = (Rng::new(seed), Dataset::new(2, 1));
    for _ in 0..count {
        let (x, u) = ([rng.uniform_in(-3.0, 3.0), rng.uniform_in(-4.0, 4.0)], rng.uniform_in(-1.0, 1.0));
        data.push(&x, &[u], 0.0, &pendulum(&x, u), false, false).unwrap();
    }
    data
}

/// Mean squared error of the next velocity over held-out transitions.
fn error(name: &str, pairs: &[(&str, Setting)], train: &Dataset) -> (f64, String) {
    let mut model = made(name, Some(Arc::new(Alive)), pairs);
    let report = model.fit(train, &mut Rng::new(1), &Interrupt::never()).unwrap();
    let test = data(200, 99);
    let mut world = model.imagination(200);
    let observations: Vec<[f64; 2]> = (0..200).map(|i| [test.observation(i)[0], test.observation(i)[1]]).collect();
    observe(&mut *world, &observations);
    let actions: Vec<f64> = (0..200).map(|i| test.action(i)[0]).collect();
    step(&mut *world, Rows::Span(0..200), &actions, Key::new(0));
    let squared = (0..200).map(|row| (decoded(&*world, row, 0)[1] - test.next_observation(row)[1]).powi(2));
    (squared.sum::<f64>() / 200.0, report.note)
}

#[test]
fn a_hundred_transitions_of_a_pendulum_beat_the_linear_model_a_thousandfold() {
    let train = data(100, 3);
    let (linear, _) = error("linear", &[], &train);
    for kernel in ["squared-exponential", "matern-5/2"] {
        let (gp, note) = error("gp", &[("kernel", text(kernel))], &train);
        assert!(gp < 1e-3 * linear, "{kernel}: {gp} against {linear}; {note}");
    }
}

#[test]
fn a_subset_is_kept_and_the_report_says_so() {
    let train = data(400, 4);
    let limits = [("max_points", Setting::Integer(80)), ("likelihood_points", Setting::Integer(80))];
    let (subset, note) = error("gp", &limits, &train);
    // Fewer than 80 where so few already say everything.
    assert!(
        note.contains("of 400 transitions, those of greatest variance") && note.contains("hyper-parameters from 80"),
        "{note}"
    );
    let (linear, _) = error("linear", &[], &train);
    assert!(subset < 1e-2 * linear, "{subset} against {linear}");
}

#[test]
fn it_is_uncertain_away_from_the_data_and_only_there() {
    let mut model = made("gp", Some(Arc::new(Alive)), &[("uncertainty", Setting::Bool(true))]);
    model.fit(&data(80, 5), &mut Rng::new(0), &Interrupt::never()).unwrap();
    let mut world = model.imagination(2);
    observe(&mut *world, &[[0.5, 0.5], [40.0, -40.0]]);
    let out = step(&mut *world, Rows::Span(0..2), &[0.0, 0.0], Key::new(0));
    assert!(out.epistemic[0] < 0.1 && out.epistemic[1] > 3.0 * out.epistemic[0], "{:?}", out.epistemic);
}

#[test]
fn a_later_fit_goes_on_from_the_earlier_one() {
    let mut model = made("gp", Some(Arc::new(Alive)), &[]);
    let first = model.fit(&data(60, 6), &mut Rng::new(0), &Interrupt::never()).unwrap();
    let second = model.fit(&data(120, 6), &mut Rng::new(0), &Interrupt::never()).unwrap();
    let [first, second] = [first, second].map(|report| report.holdout_mse.unwrap());
    assert!(second < first, "{first} then {second}");
}

#[test]
fn a_target_that_never_varies_is_predicted_as_it_is() {
    let (mut train, mut rng) = (Dataset::new(2, 1), Rng::new(8));
    for _ in 0..30 {
        let x = [rng.normal(), 4.0];
        train.push(&x, &[rng.uniform()], 0.0, &[0.5 * x[0], 4.0], false, false).unwrap();
    }
    let mut model = made("gp", Some(Arc::new(Alive)), &[]);
    model.fit(&train, &mut Rng::new(0), &Interrupt::never()).unwrap();
    let mut world = model.imagination(1);
    observe(&mut *world, &[[0.3, 4.0]]);
    step(&mut *world, Rows::Span(0..1), &[0.4], Key::new(0));
    let next = decoded(&*world, 0, 0);
    assert!((next[0] - 0.15).abs() < 0.02 && (next[1] - 4.0).abs() < 1e-9, "{next:?}");
}
