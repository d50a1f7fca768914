use std::collections::BTreeMap;
use std::sync::Arc;

use worldwright_core::{Dataset, Interrupt, Key, Rng, Rows, Setting, Space, Value};
use worldwright_models::{ModelContext, build};

use crate::systems::*;

#[test]
fn it_recovers_a_linear_system_exactly() {
    let mut model = made("linear", Some(Arc::new(Alive)), &[]);
    let report = model.fit(&linear_data(60, 0.0, 1), &mut Rng::new(0), &Interrupt::never()).unwrap();
    assert!(report.holdout_mse.unwrap() < 1e-14, "{report:?}");
    let mut world = model.imagination(2);
    // Far outside of the data, since nothing bends.
    observe(&mut *world, &[[50.0, -20.0], [0.1, 0.2]]);
    step(&mut *world, Rows::Span(0..2), &[0.7, -0.3], Key::new(0));
    for (row, (x, u)) in [([50.0, -20.0], 0.7), ([0.1, 0.2], -0.3)].into_iter().enumerate() {
        let want = LinearSystem::next(&x, u);
        for (got, want) in decoded(&*world, row, 0).into_iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{got} not {want}");
        }
    }
}

#[test]
fn its_draws_spread_as_the_posterior_does() {
    let draws = 400;
    let pairs = [("propagation", text("draws")), ("particles", Setting::Integer(draws))];
    let mut model = made("linear", Some(Arc::new(Alive)), &pairs);
    let data = linear_data(40, 0.3, 2);
    model.fit(&data, &mut Rng::new(5), &Interrupt::never()).unwrap();
    assert!(model.spec().deterministic && model.spec().members == draws as usize);
    let std = |numbers: &[f64]| {
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64).sqrt()
    };
    let mut world = model.imagination(1);
    for x in [[0.5, 0.5], [8.0, -8.0]] {
        observe(&mut *world, &[x]);
        let out = step(&mut *world, Rows::Span(0..1), &[0.0], Key::new(0));
        let lanes: Vec<[f64; 2]> = (0..draws as usize).map(|lane| decoded(&*world, 0, lane)).collect();
        // The spread is told in units of the targets' standard deviations over the data.
        let drawn = (0..2).map(|dim| {
            let change = |i: usize| data.next_observation(i)[dim] - data.observation(i)[dim];
            let changes: Vec<f64> = (0..data.len()).map(change).collect();
            std(&lanes.iter().map(|lane| lane[dim]).collect::<Vec<_>>()) / std(&changes)
        });
        let drawn = drawn.sum::<f64>() / 2.0;
        // Four standard errors of a standard deviation over 400 draws.
        assert!((out.epistemic[0] / drawn - 1.0).abs() < 0.15, "at {x:?}: {} not {drawn}", out.epistemic[0]);
    }
}

#[test]
fn dependent_inputs_are_no_obstacle() {
    let (mut rng, mut data) = (Rng::new(3), Dataset::new(2, 1));
    for _ in 0..50 {
        let x = rng.uniform_in(-1.0, 1.0);
        data.push(&[x, 2.0 * x], &[0.0], 0.0, &[1.1 * x, 2.2 * x], false, false).unwrap();
    }
    let mut model = made("linear", Some(Arc::new(Alive)), &[]);
    let report = model.fit(&data, &mut Rng::new(0), &Interrupt::never()).unwrap();
    assert!(report.holdout_mse.unwrap() < 1e-12, "{report:?}");
}

#[test]
fn too_little_or_foreign_data_is_refused() {
    let mut model = made("linear", None, &[]);
    assert!(
        model
            .fit(&Dataset::new(2, 1), &mut Rng::new(0), &Interrupt::never())
            .unwrap_err()
            .to_string()
            .contains("at least 2")
    );
    assert!(
        model
            .fit(&Dataset::new(3, 1), &mut Rng::new(0), &Interrupt::never())
            .unwrap_err()
            .to_string()
            .contains("[2, 1], got [3, 1]")
    );
}

/// What is paid for being near to something has no slope that leads there: only the curvature does.
#[test]
fn a_learned_reward_is_quadratic_whatever_its_units() {
    for (low, high, target) in
        [(0.0, 1000.0, 300.0), (99.0, 101.0, 100.5), (1e6, 1e6 + 1.0, 1e6 + 0.3), (0.0, 1.0, 0.3)]
    {
        let context = ModelContext {
            observation_space: Space::unbounded(1),
            action_space: Space::vector(&[low], &[high]),
            reward: None,
            simulator: None,
            known: None,
            players: 1,
            discount: 1.0,
            seed: 0,
        };
        let mut model = build("linear", &context, &BTreeMap::new()).unwrap();
        let (mut rng, mut data) = (Rng::new(4), Dataset::new(1, 1));
        let paid = |x: f64, u: f64| 2.0 - ((u - target) / (high - low)).powi(2) - 0.1 * x * (u - target) / (high - low);
        for _ in 0..80 {
            let (x, u) = (rng.normal(), rng.uniform_in(low, high));
            data.push(&[x], &[u], paid(x, u), &[0.9 * x], false, false).unwrap();
        }
        model.fit(&data, &mut Rng::new(0), &Interrupt::never()).unwrap();
        let saved = model.save();
        let mut again = build("linear", &context, &BTreeMap::new()).unwrap();
        again.restore(&saved).unwrap();
        let mut world = again.imagination(1);
        for share in [0.0, 0.2, 0.7, 1.0] {
            let (x, u) = (0.5, low + share * (high - low));
            world.observe(0, None, &Value::Floats(vec![x]), Key::new(0)).unwrap();
            let out = step(&mut *world, Rows::Span(0..1), &[u], Key::new(0));
            assert!((out.reward[0] - paid(x, u)).abs() < 1e-6, "[{low}, {high}] at {u}: {}", out.reward[0]);
        }
    }
}
