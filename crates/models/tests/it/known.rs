use std::sync::Arc;

use worldwright_core::{Key, Rows};

use crate::systems::*;

#[test]
fn it_moves_and_pays_as_the_simulator_does() {
    let model = made("known", None, &[]);
    let mut world = model.imagination(3);
    observe(&mut *world, &[[1.0, 2.0], [2.95, 1.0], [0.0, 0.0]]);
    let out = step(&mut *world, Rows::Span(0..3), &[0.5, 1.0, 0.0], Key::new(1));
    assert_eq!(decoded(&*world, 0, 0), LinearSystem::next(&[1.0, 2.0], 0.5));
    assert_eq!(out.reward, [-5.25, -(2.95_f64 * 2.95 + 1.0) - 1.0, 0.0]);
    // The second row leaves the limit behind.
    assert_eq!(out.continuation, [0.9, 0.0, 0.9]);
    assert_eq!(out.epistemic, [0.0; 3]);
}

#[test]
fn a_reward_function_takes_the_place_of_the_simulators_reward() {
    let model = made("known", Some(Arc::new(Alive)), &[]);
    let mut world = model.imagination(1);
    observe(&mut *world, &[[2.95, 1.0]]);
    let out = step(&mut *world, Rows::Span(0..1), &[1.0], Key::new(1));
    assert_eq!((out.reward[0], out.continuation[0]), (1.0, 0.9));
}

#[test]
fn without_a_simulator_it_says_what_to_do() {
    let mut context = context(None);
    context.simulator = None;
    let error = worldwright_models::build("known", &context, &settings(&[])).err().unwrap().to_string();
    assert!(error.contains("choose a model that learns"), "{error}");
}
