//! Derivatives that models know, against differences of their own steps; what must be equal bit for bit; who knows none.

use std::sync::Arc;

use worldwright_core::{
    Actions, Batch, Dataset, Differences, Error, Imagination, Interrupt, Key, LearnedModel, Linearizations, Pulled,
    RewardFunction, Rng, Rows, Setting, Space, Transitions, Value, by_differences, pull,
};
use worldwright_models::{ModelContext, build};
use worldwright_testkit::allocations;

use crate::systems::{settings, text};

/// Angle, speed and load, turned by one action and loaded by another.
const Z: usize = 3;
const A: usize = 2;
const D: usize = Z + A;

/// Pays for both ends of a transition and the actions, with every pair of them bent together.
struct Paid;

impl RewardFunction for Paid {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        let Actions::Continuous(actions) = transitions.actions else { panic!("a box of actions") };
        for (row, slot) in reward.iter_mut().enumerate() {
            let [o, next] = [transitions.observations, transitions.next_observations]
                .map(|columns| [columns.get(row, 0), columns.get(row, 1), columns.get(row, 2)]);
            // What lies beyond a bound has no effect.
            let [u, v] = [actions.get(row, 0), actions.get(row, 1)].map(|u| u.clamp(-1.0, 1.0));
            *slot = next[0].cos() - 0.1 * next[1] * next[1] * o[0].sin() + 0.3 * next[2] * u - 0.2 * u * u * v - v * v;
        }
        terminated.fill(false);
    }
}

fn wrapped(angle: f64) -> f64 {
    angle - std::f64::consts::TAU * (angle / std::f64::consts::TAU).round()
}

fn next(o: [f64; 3], u: [f64; 2]) -> [f64; 3] {
    let speed = o[1] + 0.4 * o[0].sin() + 0.5 * u[0] - 0.1 * o[2];
    [o[0] + 0.3 * speed, speed, 0.8 * o[2] + 0.2 * u[1] + 0.1 * o[1] * u[0]]
}

/// Transitions of the system; with `wraps` its angle stays within half a turn either way.
fn data(count: usize, wraps: bool) -> Dataset {
    let (mut rng, mut data) = (Rng::new(5), Dataset::new(Z, A));
    for _ in 0..count {
        let o = [rng.uniform_in(-3.0, 3.0), rng.uniform_in(-2.0, 2.0), rng.uniform_in(-1.0, 1.0)];
        let u = [rng.uniform_in(-1.0, 1.0), rng.uniform_in(-1.0, 1.0)];
        let mut next = next(o, u);
        if wraps {
            next[0] = wrapped(next[0]);
        }
        let reward = o[0].cos() - 0.1 * o[1] * o[1] - u[0] * u[0] + 0.2 * u[1] * o[2];
        data.push(&o, &u, reward, &next, false, false).unwrap();
    }
    data
}

/// A model with its settings, and how near derivatives must come: of the first order, of the second, and of a pullback.
struct Case {
    model: &'static str,
    settings: Vec<(&'static str, Setting)>,
    tolerances: [f64; 3],
    /// Steps of the differences that they are held against, for both orders.
    steps: [f64; 2],
}

const DOUBLE: [f64; 3] = [1e-6, 1e-5, 1e-9];
const SINGLE: [f64; 3] = [5e-4, 1e-2, 1e-5];

/// Every model that draws nothing, in each of its ways to move.
fn cases() -> Vec<Case> {
    let double = |model, settings| Case { model, settings, tolerances: DOUBLE, steps: [1e-3, 1e-2] };
    let lanes = || ("particles", Setting::Integer(3));
    let network = |model, activation: &str, more: &[(&'static str, Setting)]| {
        let mut settings = vec![
            ("hidden", Setting::Numbers(vec![24.0, 17.0])),
            ("epochs", Setting::Integer(30)),
            ("activation", text(activation)),
        ];
        settings.extend_from_slice(more);
        Case { model, settings, tolerances: SINGLE, steps: [4e-2, 0.1] }
    };
    let elites =
        [("propagation", text("expectation")), ("members", Setting::Integer(4)), ("elites", Setting::Integer(2))];
    vec![
        double("linear", vec![]),
        double("linear", vec![("propagation", text("draws")), lanes()]),
        double("gp", vec![("evaluations", Setting::Integer(20))]),
        double("gp", vec![("kernel", text("matern-5/2")), ("uncertainty", Setting::Bool(true))]),
        double("gp", vec![("propagation", text("particles")), lanes(), ("evaluations", Setting::Integer(20))]),
        double("gp", vec![("propagation", text("particles")), lanes(), ("kernel", text("matern-5/2"))]),
        network("deterministic", "tanh", &[]),
        network("ensemble", "silu", &elites),
        network("ensemble", "mish", &elites),
    ]
}

/// How the world shows itself to the model: plain, with an angle, with one that wraps.
const KINDS: [(&str, bool, bool); 3] = [("plain", false, false), ("angle", true, false), ("wrapped angle", true, true)];

fn made(name: &str, reward: bool, given: &[(&str, Setting)], wraps: bool) -> Box<dyn LearnedModel> {
    let reward: Option<Arc<dyn RewardFunction>> = if reward { Some(Arc::new(Paid)) } else { None };
    let context = ModelContext {
        observation_space: Space::unbounded(Z),
        action_space: Space::vector(&[-1.0; A], &[1.0; A]),
        reward,
        simulator: None,
        known: None,
        players: 1,
        discount: 0.9,
        seed: 0,
    };
    let mut model = build(name, &context, &settings(given)).unwrap();
    model.fit(&data(60, wraps), &mut Rng::new(2), &Interrupt::never()).unwrap();
    model
}

fn fitted(case: &Case, reward: bool, (_, angle, wraps): (&str, bool, bool)) -> Box<dyn LearnedModel> {
    let mut given = case.settings.clone();
    if angle {
        given.push(("angles", Setting::Numbers(vec![0.0])));
    }
    made(case.model, reward, &given, wraps)
}

const SCRATCH: usize = 64;

/// An arena whose first rows lie about the world, and actions within their bounds.
fn arena(model: &dyn LearnedModel, rows: usize) -> (Box<dyn Imagination + '_>, Batch) {
    let (mut world, mut actions, mut rng) = (model.imagination(rows + SCRATCH), Batch::zeros(A, rows), Rng::new(9));
    for row in 0..rows {
        let o = vec![rng.uniform_in(-2.5, 2.5), rng.uniform_in(-1.5, 1.5), rng.uniform_in(-1.0, 1.0)];
        world.observe(row, None, &Value::Floats(o), Key::new(0)).unwrap();
        actions.columns_mut().set_row(row, &[rng.uniform_in(-0.6, 0.6), rng.uniform_in(-0.6, 0.6)]);
    }
    (world, actions)
}

fn asked(rows: usize, step: f64) -> Differences {
    Differences { scratch: rows..rows + SCRATCH, step, reward_curvature: true, latent_curvature: true }
}

fn linearized(
    world: &mut dyn Imagination,
    rows: Rows<'_>,
    actions: &Batch,
    differences: &Differences,
) -> Linearizations {
    let mut out = Linearizations::new(world.spec(), rows.len(), SCRATCH, true);
    world.linearize(rows, Actions::Continuous(actions.columns()), differences, &mut out).unwrap();
    out
}

/// Differences of steps, the error of their step size taken out by those of half the size (Richardson).
fn differenced(world: &mut dyn Imagination, rows: usize, actions: &Batch, step: f64) -> Linearizations {
    let mut of = |step: f64| {
        let mut out = Linearizations::new(world.spec(), rows, SCRATCH, true);
        let actions = Actions::Continuous(actions.columns());
        by_differences(world, &Rows::Span(0..rows), actions, &asked(rows, step), &mut out).unwrap();
        out
    };
    let (whole, mut half) = (of(step), of(0.5 * step));
    for (half, whole) in [
        (&mut half.jacobian, &whole.jacobian),
        (&mut half.reward_gradient, &whole.reward_gradient),
        (&mut half.reward_hessian, &whole.reward_hessian),
        (&mut half.latent_hessian, &whole.latent_hessian),
    ] {
        half.iter_mut().zip(whole).for_each(|(half, whole)| *half = (4.0 * *half - whole) / 3.0);
    }
    half
}

fn near(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    let scale = want.iter().fold(1.0_f64, |largest, number| largest.max(number.abs()));
    for (place, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance * scale, "{what}: {got} instead of {want} at {place}, scale {scale}");
    }
}

fn bits(out: &Linearizations) -> Vec<u64> {
    let arrays = [
        &out.next,
        &out.reward,
        &out.continuation,
        &out.jacobian,
        &out.reward_gradient,
        &out.reward_hessian,
        &out.latent_hessian,
    ];
    arrays.into_iter().flatten().map(|number| number.to_bits()).collect()
}

#[test]
fn derivatives_are_those_of_the_models_own_steps() {
    let rows = 5;
    for case in cases() {
        for kind in KINDS {
            for reward in [true, false] {
                let model = fitted(&case, reward, kind);
                assert!(model.spec().capabilities.derivatives);
                let what = format!("{} {:?}, {}, known reward {reward}", case.model, case.settings, kind.0);
                let (mut world, actions) = arena(&*model, rows);
                let got = linearized(&mut *world, Rows::Span(0..rows), &actions, &asked(rows, 1e-4));
                assert_eq!(got.model_steps, (rows * model.spec().members) as u64, "{what}");
                let first = differenced(&mut *world, rows, &actions, case.steps[0]);
                let second = differenced(&mut *world, rows, &actions, case.steps[1]);
                let [slopes, bends, _] = case.tolerances;
                assert_eq!(bits_of(&got.next), bits_of(&first.next), "{what}");
                assert_eq!(bits_of(&got.reward), bits_of(&first.reward), "{what}");
                assert_eq!(bits_of(&got.continuation), bits_of(&first.continuation), "{what}");
                near(&format!("{what}: jacobian"), &got.jacobian, &first.jacobian, slopes);
                near(&format!("{what}: reward's slope"), &got.reward_gradient, &first.reward_gradient, slopes);
                near(&format!("{what}: reward's bend"), &got.reward_hessian, &second.reward_hessian, bends);
                near(&format!("{what}: latent's bend"), &got.latent_hessian, &second.latent_hessian, bends);
            }
        }
    }
}

fn bits_of(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

#[test]
fn a_pullback_is_the_transposed_jacobian() {
    let rows = 9;
    for case in cases() {
        for reward in [true, false] {
            let model = fitted(&case, reward, KINDS[1]);
            let (mut world, actions) = arena(&*model, rows);
            let cotangents: Vec<f64> = (0..rows * Z).map(|i| (1.7 * i as f64).sin()).collect();
            let linear = linearized(&mut *world, Rows::Span(0..rows), &actions, &asked(rows, 1e-4));
            let (mut want, mut got) = (Pulled::default(), Pulled::default());
            pull(&linear, &cotangents, rows, &mut want);
            let mut stepped = Linearizations::new(world.spec(), rows, SCRATCH, false);
            let columns = Actions::Continuous(actions.columns());
            let differences = asked(rows, 1e-4);
            world.pullback(Rows::Span(0..rows), columns, &cotangents, &differences, &mut stepped, &mut got).unwrap();
            let what = format!("{} {:?}", case.model, case.settings);
            near(&what, &got.by_latent, &want.by_latent, case.tolerances[2]);
            near(&what, &got.by_action, &want.by_action, case.tolerances[2]);
            assert_eq!(bits_of(&stepped.next), bits_of(&linear.next), "{what}");
            assert_eq!(bits_of(&stepped.reward), bits_of(&linear.reward), "{what}");
        }
    }
}

#[test]
fn a_batch_is_its_rows_one_by_one_on_any_number_of_threads() {
    let rows = 70;
    for case in cases() {
        for reward in [true, false] {
            let model = fitted(&case, reward, KINDS[1]);
            let on = |threads: usize, backwards: bool| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let (mut world, actions) = arena(&*model, rows);
                    let list: Vec<u32> = (0..rows as u32).rev().collect();
                    if !backwards {
                        return linearized(&mut *world, Rows::Span(0..rows), &actions, &asked(rows, 1e-3));
                    }
                    let mut turned = Batch::zeros(A, rows);
                    for row in 0..rows {
                        let action: Vec<f64> = (0..A).map(|dim| actions.columns().get(rows - 1 - row, dim)).collect();
                        turned.columns_mut().set_row(row, &action);
                    }
                    linearized(&mut *world, Rows::List(&list), &turned, &asked(rows, 1e-3))
                })
            };
            let (whole, turned) = (on(2, false), on(2, true));
            assert!(bits(&whole) == bits(&on(1, false)), "{} {:?}", case.model, case.settings);
            let (mut world, actions) = arena(&*model, rows);
            for row in 0..rows {
                let mut one = Batch::zeros(A, 1);
                let action: Vec<f64> = (0..A).map(|dim| actions.columns().get(row, dim)).collect();
                one.columns_mut().set_row(0, &action);
                let alone = linearized(&mut *world, Rows::Span(row..row + 1), &one, &asked(rows, 1e-3));
                for (all, turned, one) in [
                    (&whole.jacobian, &turned.jacobian, &alone.jacobian),
                    (&whole.reward_gradient, &turned.reward_gradient, &alone.reward_gradient),
                    (&whole.reward_hessian, &turned.reward_hessian, &alone.reward_hessian),
                    (&whole.latent_hessian, &turned.latent_hessian, &alone.latent_hessian),
                ] {
                    let n = one.len();
                    assert_eq!(bits_of(&all[row * n..][..n]), bits_of(one), "{} row {row}", case.model);
                    assert_eq!(bits_of(&turned[(rows - 1 - row) * n..][..n]), bits_of(one), "{}", case.model);
                }
            }
        }
    }
}

#[test]
fn a_diverged_row_is_marked_and_stays_alone() {
    for case in cases() {
        let model = fitted(&case, true, KINDS[1]);
        let (mut world, actions) = arena(&*model, 3);
        let healthy = linearized(&mut *world, Rows::Span(0..3), &actions, &asked(3, 1e-4));
        world.write_latent(1, &[f64::NAN, 0.0, 0.0]).unwrap();
        let spoilt = linearized(&mut *world, Rows::Span(0..3), &actions, &asked(3, 1e-4));
        assert!(spoilt.reward[1].is_nan() && spoilt.next[Z..2 * Z].iter().all(|number| number.is_nan()));
        assert_eq!((healthy.diverged, spoilt.diverged), (0, 1), "{}", case.model);
        assert!(spoilt.jacobian[D * Z..2 * D * Z].iter().all(|slope| *slope == 0.0));
        for row in [0, 2] {
            let span = row * D * Z..(row + 1) * D * Z;
            assert_eq!(bits_of(&healthy.jacobian[span.clone()]), bits_of(&spoilt.jacobian[span]), "{}", case.model);
        }
    }
}

#[test]
fn derivatives_allocate_nothing_after_their_first_use() {
    // On one thread of a pool, where every block is worked on here and is counted.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        for case in cases() {
            for reward in [true, false] {
                let model = fitted(&case, reward, KINDS[0]);
                let (mut world, actions) = arena(&*model, 30);
                let mut out = Linearizations::new(world.spec(), 30, SCRATCH, true);
                let (mut pulled, cotangents) = (Pulled::default(), vec![1.0; 30 * Z]);
                let (actions, rows) = (Actions::Continuous(actions.columns()), Rows::Span(0..30));
                let differences = asked(30, 1e-4);
                let mut turn = || {
                    world.linearize(rows.clone(), actions, &differences, &mut out).unwrap();
                    let (cotangents, rows) = (&cotangents, rows.clone());
                    world.pullback(rows, actions, cotangents, &differences, &mut out, &mut pulled).unwrap();
                };
                turn();
                let ((), allocated) = allocations::count(|| (0..3).for_each(|_| turn()));
                assert_eq!(allocated, 0, "{} {:?}", case.model, case.settings);
            }
        }
    });
}

#[test]
fn at_a_bound_the_slope_of_a_reward_is_the_inner_one() {
    let model = made("linear", true, &[], false);
    let (mut world, mut actions) = arena(&*model, 1);
    actions.columns_mut().set_row(0, &[0.5, 1.0]);
    let out = linearized(&mut *world, Rows::Span(0..1), &actions, &asked(1, 1e-3));
    // Through the next latent, and −0.2 u² − 2 v by the action itself.
    let mut after = [0.0; Z];
    after.copy_from_slice(&out.next);
    let mut before = [0.0; Z];
    world.read_latent(0, &mut before).unwrap();
    let by_next = [-after[0].sin(), -0.2 * after[1] * before[0].sin(), 0.3 * 0.5];
    let through: f64 = (0..Z).map(|k| by_next[k] * out.jacobian[(Z + 1) * Z + k]).sum();
    let want = through - 0.2 * 0.25 - 2.0;
    assert!((out.reward_gradient[Z + 1] - want).abs() < 1e-6, "{} instead of {want}", out.reward_gradient[Z + 1]);
    assert!(out.reward_hessian[(Z + 1) * D + Z + 1] < -1.9, "{:?}", out.reward_hessian);
}

#[test]
fn models_that_draw_know_none_and_say_so() {
    let small = [("hidden", Setting::Numbers(vec![8.0])), ("epochs", Setting::Integer(2))];
    let with = |more: (&'static str, Setting)| [small[0].clone(), small[1].clone(), more].to_vec();
    let (draws, noise) = (("propagation", text("draws")), ("noise", Setting::Bool(true)));
    let particles = ("propagation", text("particles"));
    for (name, given) in [
        ("ensemble", with(("propagation", text("ts-inf")))),
        ("ensemble", with(("propagation", text("ts1")))),
        ("ensemble", with(("propagation", text("moment-matching")))),
        ("linear", vec![draws, noise.clone()]),
        ("gp", vec![particles, noise]),
        ("auto", vec![]),
    ] {
        let model = made(name, true, &given, false);
        assert!(!model.spec().capabilities.derivatives);
        let (mut world, actions) = arena(&*model, 1);
        let mut out = Linearizations::new(world.spec(), 1, SCRATCH, true);
        let actions = Actions::Continuous(actions.columns());
        let refused = world.linearize(Rows::Span(0..1), actions, &asked(1, 1e-3), &mut out);
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{name} {given:?}: {refused:?}");
    }
}
