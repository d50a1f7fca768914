//! What every model promises: rows apart, bytes repeated, nothing allocated, divergence shown.

use std::sync::Arc;

use proptest::prelude::*;
use worldwright_core::{
    Actions, Array, Error, Imagined, Interrupt, Key, LearnedModel, Rng, Rows, Setting, SettingDefault, Value,
};
use worldwright_models::{Build, build};
use worldwright_testkit::allocations::{self, CountingAllocator};
use worldwright_testkit::check_world_model;

use crate::systems::*;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

type Case = (&'static str, Vec<(&'static str, Setting)>);

/// Every model of transitions in each of its ways to move.
fn cases() -> Vec<Case> {
    let number = |name, number| (name, Setting::Integer(number));
    let lanes = number("particles", 3);
    let yes = Setting::Bool(true);
    let network = || vec![("hidden", Setting::Numbers(vec![8.0, 8.0])), number("epochs", 4)];
    let ensemble =
        |more: Vec<(&'static str, Setting)>| ("ensemble", [network(), vec![number("members", 3)], more].concat());
    vec![
        ("known", vec![]),
        ("linear", vec![]),
        ("linear", vec![("propagation", text("draws")), lanes.clone(), ("noise", yes.clone())]),
        ("gp", vec![]),
        ("gp", vec![("uncertainty", yes.clone())]),
        ("gp", vec![("propagation", text("particles")), lanes.clone(), ("noise", yes.clone()), ("uncertainty", yes)]),
        ("deterministic", network()),
        ensemble(vec![("propagation", text("ts-inf")), lanes.clone()]),
        ensemble(vec![("propagation", text("ts1")), lanes.clone(), number("elites", 2)]),
        ensemble(vec![("propagation", text("expectation"))]),
        ensemble(vec![("propagation", text("moment-matching")), lanes.clone()]),
        ("auto", vec![lanes.clone()]),
        // Its ensemble, whose sizes are fixed.
        ("auto", vec![lanes, number("gp_transitions", 0)]),
    ]
}

/// The words that the setting `propagation` of a model takes, as its refusal of another lists them.
fn propagations(name: &str) -> Vec<String> {
    match build(name, &context(None), &settings(&[("propagation", text("!"))])) {
        Err(Error::Unknown { nearest: None, known, .. }) => known,
        other => panic!("{name}: {:?}", other.map(|_| ())),
    }
}

#[test]
fn the_cases_hold_every_model_of_transitions_in_every_propagation_that_it_lists() {
    for entry in worldwright_models::ALL {
        if matches!(entry.build, Build::Latent(_)) || entry.name == "tabular" {
            continue;
        }
        let held: Vec<Case> = cases().into_iter().filter(|case| case.0 == entry.name).collect();
        assert!(!held.is_empty(), "{} is in no case", entry.name);
        let Some(parameter) = entry.parameters.iter().find(|parameter| parameter.name == "propagation") else {
            continue;
        };
        for word in propagations(entry.name) {
            let says = |case: &Case| match case.1.iter().find(|(name, _)| *name == "propagation") {
                Some((_, setting)) => *setting == text(&word),
                None => matches!(parameter.default, SettingDefault::Text(default) if default == word),
            };
            assert!(held.iter().any(says), "{}: no case propagates by {word}", entry.name);
        }
    }
}

fn fitted(case: &Case) -> Box<dyn LearnedModel> {
    let mut model = made(case.0, None, &case.1);
    model.fit(&linear_data(50, 0.05, 1), &mut Rng::new(2), &Interrupt::never()).unwrap();
    model
}

/// Everything that a few steps from `states` show: rewards, continuations, spreads, latents.
fn rollout(model: &dyn LearnedModel, states: &[[f64; 2]], actions: &[f64], steps: usize) -> Vec<f64> {
    let mut world = model.imagination(states.len());
    observe(&mut *world, states);
    let mut seen = Vec::new();
    for t in 0..steps {
        let out = step(&mut *world, Rows::Span(0..states.len()), actions, Key::new(t as u64));
        seen.extend(out.reward.iter().chain(&out.continuation).chain(&out.epistemic));
        for row in 0..states.len() {
            (0..model.spec().members).for_each(|member| seen.extend(decoded(&*world, row, member)));
        }
    }
    seen
}

fn many(count: usize) -> (Vec<[f64; 2]>, Vec<f64>) {
    let mut rng = Rng::new(9);
    let states = (0..count).map(|_| [rng.uniform_in(-2.0, 2.0), rng.uniform_in(-2.0, 2.0)]).collect();
    (states, (0..count).map(|_| rng.uniform_in(-1.0, 1.0)).collect())
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

/// `tabular.rs`, `rssm.rs` and `muzero.rs` have worlds of their own.
#[test]
fn every_model_keeps_to_the_contract_in_each_of_its_ways_to_move() {
    for case in cases() {
        let observations: Vec<Value> = many(4).0.iter().map(|state| Value::Floats(state.to_vec())).collect();
        check_world_model(fitted(&case).as_world_model(), &observations, 1e-5);
    }
}

#[test]
fn one_thread_and_two_give_the_same_bytes() {
    let (states, actions) = many(1500);
    for case in cases() {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bits(&rollout(&*fitted(&case), &states, &actions, 2)))
        };
        assert!(on(1) == on(2), "{case:?}");
    }
}

#[test]
fn a_restored_model_moves_with_the_same_bytes() {
    let (states, actions) = many(5);
    for case in cases() {
        let model = fitted(&case);
        let mut other = made(case.0, None, &case.1);
        other.restore(&model.save()).unwrap();
        let [a, b] = [&model, &other].map(|model| bits(&rollout(&**model, &states, &actions, 3)));
        assert_eq!(a, b, "{case:?}");
    }
}

#[test]
fn a_damaged_shape_is_refused() {
    for case in cases() {
        let saved = fitted(&case).save();
        let shapes: Vec<String> =
            saved.iter().map(|(name, _)| name.to_owned()).filter(|name| name.ends_with("shape")).collect();
        // What is known has learned nothing.
        assert_eq!(shapes.is_empty(), case.0 == "known", "{case:?}");
        for name in &shapes {
            let count = match saved.iter().find(|(n, _)| n == name) {
                Some((_, Array::U64(numbers))) => numbers.len(),
                other => panic!("{case:?}: {other:?}"),
            };
            for number in [0, 1 << 40, u64::MAX] {
                let mut damaged = saved.clone();
                damaged.put(name.clone(), Array::U64(vec![number; count]));
                assert!(made(case.0, None, &case.1).restore(&damaged).is_err(), "{case:?}: {name} of {number}");
            }
        }
    }
}

#[test]
fn steps_allocate_nothing() {
    for case in cases() {
        let model = fitted(&case);
        let mut world = model.imagination(40);
        let (states, actions) = many(40);
        observe(&mut *world, &states);
        let (actions, rows) = (column(&actions), Rows::Span(0..40));
        let mut out = Imagined::new(world.spec(), 40);
        let list = (0..40).rev().collect::<Vec<u32>>();
        let (observation, mut flat) = (Value::Floats(vec![0.1, 0.2]), [0.0; 2]);
        let mut turn = |t: u64| {
            let actions = Actions::Continuous(actions.columns());
            world.observe(0, None, &observation, Key::new(t)).unwrap();
            world.copy(0, Rows::Span(1..5));
            world.step(rows.clone(), actions, rows.clone(), Key::new(t), &mut out).unwrap();
            world.step(Rows::List(&list), actions, Rows::List(&list), Key::new(t), &mut out).unwrap();
            world.decode(3, 0, &mut flat).unwrap();
        };
        // Products keep buffers of each thread, made at first use.
        turn(0);
        let ((), allocated) = allocations::count(|| (1..4).for_each(&mut turn));
        assert_eq!(allocated, 0, "{case:?}");
    }
}

#[test]
fn a_diverged_row_is_marked_and_stays_alone() {
    for case in cases() {
        // A reward that looks at nothing must not hide it either.
        let mut model = made(case.0, Some(Arc::new(Alive)), &case.1);
        model.fit(&linear_data(50, 0.05, 1), &mut Rng::new(2), &Interrupt::never()).unwrap();
        let healthy = rollout(&*model, &[[0.1, 0.1], [0.1, 0.1]], &[0.3, 0.3], 1);
        let spoilt = rollout(&*model, &[[0.1, 0.1], [f64::NAN, 0.1]], &[0.3, 0.3], 1);
        let lanes = model.spec().members;
        for lane in 0..lanes {
            let (well, ill) = (2 * lane, 2 * lane + 1);
            assert_eq!(healthy[well].to_bits(), spoilt[well].to_bits(), "{case:?}");
            assert!(spoilt[ill].is_nan() && spoilt[2 * lanes + ill].is_nan(), "{case:?}");
        }
        // The latent of the healthy row, in every lane.
        let latents = 6 * lanes..8 * lanes;
        assert_eq!(bits(&healthy[latents.clone()]), bits(&spoilt[latents]), "{case:?}");
    }
}

#[test]
fn a_model_that_has_not_learned_says_so() {
    for case in cases().into_iter().filter(|case| case.0 != "known") {
        let model = made(case.0, None, &case.1);
        let mut world = model.imagination(1);
        let error = world.observe(0, None, &Value::Floats(vec![0.0, 0.0]), Key::new(0)).unwrap_err().to_string();
        assert!(error.contains("has not been fitted"), "{error}");
    }
}

#[test]
fn rows_actions_and_observations_that_do_not_fit_are_refused() {
    for case in cases() {
        let model = fitted(&case);
        let mut world = model.imagination(2);
        observe(&mut *world, &[[0.0; 2]; 2]);
        let mut out = Imagined::new(world.spec(), 2);
        let actions = column(&[0.0, 0.0]);
        let actions = Actions::Continuous(actions.columns());
        let mut refused = |from, actions, to| world.step(from, actions, to, Key::new(0), &mut out).is_err();
        assert!(refused(Rows::Span(1..3), actions, Rows::Span(0..2)), "{case:?}");
        assert!(refused(Rows::Span(0..1), actions, Rows::Span(0..1)), "{case:?}");
        assert!(refused(Rows::Span(0..2), Actions::Discrete(&[0, 0]), Rows::Span(0..2)), "{case:?}");
        assert!(world.observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).is_err(), "{case:?}");
        assert!(world.decode(0, 99, &mut [0.0; 2]).is_err() && world.decode(2, 0, &mut [0.0; 2]).is_err(), "{case:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_batch_is_its_rows_one_by_one(which in 0..cases().len(), seed in 0_u64..100, count in 2..30_usize) {
        let case = &cases()[which];
        let model = fitted(case);
        let (states, actions) = many(count);
        let (mut together, mut apart) = (model.imagination(count), model.imagination(count));
        observe(&mut *together, &states);
        observe(&mut *apart, &states);
        let whole = step(&mut *together, Rows::Span(0..count), &actions, Key::new(seed));
        for row in 0..count {
            let alone = step(&mut *apart, Rows::List(&[row as u32]), &actions[row..=row], Key::new(seed));
            for member in 0..model.spec().members {
                let at = whole.at(member, row);
                // Products of other shapes may round otherwise.
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
                prop_assert!(near(alone.reward[member], whole.reward[at]));
                prop_assert!(near(alone.continuation[member], whole.continuation[at]));
                prop_assert!(near(alone.epistemic[member], whole.epistemic[at]));
                let (a, b) = (decoded(&*apart, row, member), decoded(&*together, row, member));
                prop_assert!(near(a[0], b[0]) && near(a[1], b[1]));
            }
        }
    }
}
