//! Derivatives along trajectories against differences of what the same trajectories pay, their noise held, in a world whose motion is known in closed form.

use std::collections::BTreeMap;

use worldwright_core::{Dataset, LearnedModel, Setting, Settings, find};
use worldwright_envs::{Made, make};
use worldwright_models::ModelContext;
use worldwright_policies::PolicyContext;

use super::*;

const DISCOUNT: f64 = 0.95;
/// The double integrator of the environment `linear`, and its costs.
const A: [[f64; 2]; 2] = [[1.0, 0.1], [0.0, 1.0]];
const B: [f64; 2] = [0.005, 0.1];
const R: f64 = 0.1;

fn model(made: &Made, data: &Dataset) -> Box<dyn LearnedModel> {
    let context = ModelContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: made.reward.clone(),
        simulator: None,
        known: None,
        players: 1,
        discount: DISCOUNT,
        seed: 0,
    };
    let entry = find(worldwright_models::ALL, "model", "linear").unwrap();
    let settings = Settings::resolve("linear", entry.parameters, &BTreeMap::new()).unwrap();
    let mut model = entry.build.learned(&context, &settings).unwrap();
    model.fit(data, &mut Rng::new(1), &Interrupt::never()).unwrap();
    model
}

/// A linear actor that does something, with a critic that knows a little.
fn policy(made: &Made, data: &Dataset) -> Box<dyn ReparametrisedPolicy> {
    let entry = find(worldwright_policies::ALL, "policy", "gaussian").unwrap();
    let action_space = made.environment.action_space().clone();
    let context = PolicyContext { inputs: 2, action_space, discount: DISCOUNT, seed: 3 };
    let chosen = BTreeMap::from([
        ("hidden".to_owned(), Setting::Numbers(Vec::new())),
        ("learning_rate".to_owned(), Setting::Float(0.05)),
        ("batch".to_owned(), Setting::Integer(32)),
    ]);
    let settings = Settings::resolve("gaussian", entry.parameters, &chosen).unwrap();
    let mut policy = entry.build.reparametrised("gaussian", &context, &settings).unwrap();
    let rng = &mut Rng::new(2);
    policy.follow(data, rng).unwrap();
    let mut seen = Batch::zeros(2, 2);
    seen.columns_mut().set_row(0, &[1.0, 0.5]);
    seen.columns_mut().set_row(1, &[-1.0, 1.0]);
    for _ in 0..4 {
        policy.climb(seen.columns(), &[-1.0, -0.2]).unwrap();
        policy.regress(data, rng).unwrap();
    }
    policy
}

/// What the actor does beside its noise.
fn done(policy: &mut dyn ReparametrisedPolicy, x: [f64; 2]) -> f64 {
    let (mut seen, mut out) = (Batch::zeros(2, 1), Batch::zeros(1, 1));
    seen.columns_mut().set_row(0, &x);
    policy.act(seen.columns(), Mode::Exploit, &mut Rng::new(0), &mut out).unwrap();
    out.columns().get(0, 0)
}

fn critic(policy: &mut dyn ReparametrisedPolicy, x: [f64; 2], u: f64) -> f64 {
    let (mut seen, mut action) = (Batch::zeros(2, 1), Batch::zeros(1, 1));
    seen.columns_mut().set_row(0, &x);
    action.columns_mut().set_row(0, &[u]);
    policy.judge(seen.columns(), action.columns(), &mut [0.0; 2], &mut [0.0]).unwrap()
}

#[test]
fn derivatives_are_those_of_what_the_same_noise_would_pay() {
    let mut made = make("linear", &BTreeMap::new()).unwrap();
    let data = worldwright_testkit::random_transitions(made.environment.as_mut(), 200, 1);
    let model = model(&made, &data);
    let mut policy = policy(&made, &data);
    let gain = [[1e-2, 0.0], [0.0, 1e-2]].map(|x| 100.0 * (done(policy.as_mut(), x) - done(policy.as_mut(), [0.0; 2])));
    assert!(gain[0].abs() > 0.1 && gain[1].abs() > 0.1, "the actor does nothing: {gain:?}");
    let offset = done(policy.as_mut(), [0.0; 2]);
    for (horizon, closes, imagined) in
        [(6, false, false), (6, false, true), (0, true, false), (1, true, true), (3, true, false), (3, true, true)]
    {
        let case = format!("horizon {horizon}, critic {closes}, imagined {imagined}");
        let count = 5;
        let chosen = BTreeMap::from([
            ("horizon".to_owned(), Setting::Integer(horizon)),
            ("trajectories".to_owned(), Setting::Integer(count)),
            ("critic".to_owned(), Setting::Bool(closes)),
            ("imagined".to_owned(), Setting::Bool(imagined)),
        ]);
        let entry = find(crate::ALL, "algorithm", "svg").unwrap();
        let settings = Settings::resolve("svg", entry.parameters, &chosen).unwrap();
        let mut it = Trajectories::new(&settings, model.spec(), DISCOUNT).unwrap();
        let mut arena = model.imagination(it.rows());
        let rng = &mut Rng::new(4);
        it.derive(arena.as_mut(), policy.as_mut(), &data, rng, &Interrupt::never()).unwrap();
        let (count, horizon) = (count as usize, horizon as usize);
        let (seen, actions) = (it.seen.columns(), it.actions.columns());
        // What was drawn beside the actor, at each step of each trajectory.
        let last = horizon + usize::from(closes);
        let noise = |row: usize, step: usize| {
            let at = step * count + row;
            actions.get(at, 0) - offset - gain[0] * seen.get(at, 0) - gain[1] * seen.get(at, 1)
        };
        let mut paid = |gain: [f64; 2]| {
            let mut total = 0.0;
            for row in 0..count {
                let (mut x, mut weight) = ([seen.get(row, 0), seen.get(row, 1)], 1.0);
                for step in 0..last {
                    let u = offset + gain[0] * x[0] + gain[1] * x[1] + noise(row, step);
                    if step == horizon {
                        total += weight * critic(policy.as_mut(), x, u);
                        break;
                    }
                    total -= weight * (x[0] * x[0] + x[1] * x[1] + R * u * u);
                    x = [0, 1].map(|i| A[i][0] * x[0] + A[i][1] * x[1] + B[i] * u);
                    weight *= DISCOUNT;
                }
            }
            total
        };
        let mut told = [0.0; 2];
        for at in 0..last * count {
            (0..2).for_each(|dim| told[dim] += it.by_action[at] * seen.get(at, dim));
        }
        for dim in 0..2 {
            // What a network says of values is rounded to seven digits, so that small differences of it would be noise.
            let step = if closes { 2e-2 } else { 1e-3 };
            let moved = |by: f64| std::array::from_fn(|other| gain[other] + if other == dim { by } else { 0.0 });
            let want = (paid(moved(step)) - paid(moved(-step))) / (2.0 * step);
            let near = (told[dim] - want).abs() < 0.02 * want.abs() + 5e-3;
            assert!(near, "{case}: gain {dim}: {} not {want}", told[dim]);
            assert!(want.abs() > 1e-2, "{case}: nothing depends on gain {dim}");
        }
    }
}

#[test]
fn random_models_are_refused_with_a_way_out() {
    let mut made = make("linear", &BTreeMap::new()).unwrap();
    let data = worldwright_testkit::random_transitions(made.environment.as_mut(), 60, 1);
    let mut spec = model(&made, &data).spec().clone();
    spec.deterministic = false;
    let entry = find(crate::ALL, "algorithm", "svg").unwrap();
    let settings = Settings::resolve("svg", entry.parameters, &BTreeMap::new()).unwrap();
    let error = Trajectories::new(&settings, &spec, DISCOUNT).err().unwrap().to_string();
    assert!(error.contains("deterministic"), "{error}");
}
