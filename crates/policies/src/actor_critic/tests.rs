//! The gradient of what is learned in imagination, against differences.

use std::collections::BTreeMap;

use worldwright_core::{Dataset, Interrupt, Persist, Rng, Setting, Settings, Space};
use worldwright_models::{LatentModel, ModelContext, build_latent};
use worldwright_nn::Parameter;

use super::*;

/// A model that has learned a little of a world of two numbers whose reward and end depend on both, so that every head has slopes.
fn learned(draws: &str) -> Box<dyn LatentModel> {
    let context = ModelContext {
        observation_space: Space::unbounded(2),
        action_space: Space::vector(&[-1.0], &[1.0]),
        reward: None,
        simulator: None,
        known: None,
        players: 1,
        discount: 0.95,
        seed: 1,
    };
    let mut overrides = BTreeMap::from([("draws".to_owned(), Setting::Text(draws.into()))]);
    for (name, number) in
        [("recurrent", 16), ("groups", 3), ("classes", 4), ("hidden", 16), ("batch", 4), ("length", 8)]
    {
        overrides.insert(name.into(), Setting::Integer(number));
    }
    let mut model = build_latent("rssm", &context, &overrides).unwrap();
    let (mut data, mut rng) = (Dataset::new(2, 1), Rng::new(2));
    let mut x = [0.0, 0.0];
    for i in 0..200 {
        let u = rng.uniform_in(-1.0, 1.0);
        let next = [0.9 * x[0] + 0.3 * x[1], 0.8 * x[1] + u];
        let ended = next[0].abs() > 1.0;
        data.push(&x, &[u], next[0] - u, &next, ended, ended || i % 20 == 19).unwrap();
        x = if ended || i % 20 == 19 { [0.0, 0.0] } else { next };
    }
    for _ in 0..60 {
        model.update(&data, &mut rng, &Interrupt::never()).unwrap();
    }
    model
}

fn policy(model: &dyn LatentModel, starts: i64) -> Taught<Imagining> {
    learning_by("auto", model, starts)
}

fn learning_by(gradient: &str, model: &dyn LatentModel, starts: i64) -> Taught<Imagining> {
    let context = PolicyContext {
        inputs: model.spec().latent_dim,
        action_space: model.spec().action_space.clone(),
        discount: 0.95,
        seed: 3,
    };
    let overrides = BTreeMap::from([
        ("hidden".to_owned(), Setting::Numbers(vec![16.0])),
        ("starts".to_owned(), Setting::Integer(starts)),
        ("gradient".to_owned(), Setting::Text(gradient.into())),
        ("entropy".to_owned(), Setting::Float(0.05)),
    ]);
    taught(&context, &Settings::resolve("actor-critic", ENTRY.parameters, &overrides).unwrap()).unwrap()
}

/// The actor's loss in double precision, steps weighed as `weights` say.
fn actor_loss(policy: &Imagining, weights: &[f32]) -> f64 {
    let (room, entropy) = (&policy.room, f64::from(policy.objectives.entropy));
    let terms = room.returns.iter().zip(&room.entropies).zip(weights);
    let total: f64 = terms
        .map(|((returned, nats), weight)| {
            -f64::from(*weight) * (f64::from(*returned) / policy.scale() + entropy * f64::from(*nats))
        })
        .sum();
    total / weights.len() as f64
}

/// Draws of the model have derivatives here, by noise that is held: one-hot ones have none that a difference could measure.
#[test]
fn the_gradient_through_fifteen_steps_of_the_real_cell_with_actor_and_critic_equals_differences() {
    ["soft", "gaussian", "mean"].into_iter().for_each(gradient_through);
}

fn gradient_through(draws: &str) {
    let model = learned(draws);
    let mut policy = policy(&*model, 6);
    let rng = &mut Rng::new(4);
    // A little learning, so that the actor has an opinion and the slow critic slopes.
    policy.teacher.target_rate = 0.5;
    for _ in 0..30 {
        policy.imagine(model.cell(), model.store(), model.starts(), rng, &Interrupt::never()).unwrap();
    }
    let Taught { acting, teacher: policy } = &mut policy;
    policy.prepare(acting, (model.cell(), model.store()), model.starts(), rng).unwrap();
    let origin = acting.actor().clone();
    let parameters: Vec<Parameter> = origin.parameters().map(|(_, parameter)| parameter).collect();
    let numbers = |parameter: &Parameter| origin.shape(*parameter).unwrap().iter().product::<usize>();
    let steps = policy.objectives.horizon;
    assert_eq!(steps, 15);
    let mut weights = vec![0.0; 6 * steps];
    for seed in 0..3 {
        let mut direction = Rng::new(50 + seed);
        let ways: Vec<Vec<f32>> = parameters
            .iter()
            .map(|parameter| {
                let mut way = vec![0.0; numbers(parameter)];
                direction.fill_normal(&mut way);
                way
            })
            .collect();
        *acting.actor_mut() = origin.clone();
        policy.pass(acting.actor(), model.store(), true).unwrap();
        let (runner, imagined) = policy.imagined.as_ref().unwrap();
        runner.read(imagined.weights, &mut weights).unwrap();
        let own = runner.objective(imagined.actor_loss, 0);
        assert!((own - actor_loss(policy, &weights)).abs() < 1e-5 * (1.0 + own.abs()));
        let gradient: Vec<f32> = parameters.iter().flat_map(|parameter| runner.gradient(*parameter).unwrap()).collect();
        let slope: f64 = gradient.iter().zip(ways.iter().flatten()).map(|(g, w)| f64::from(g * w)).sum();
        // What a slope along a random way is like.
        let norm = gradient.iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
        let mut at = |by: f32| {
            for (parameter, way) in parameters.iter().zip(&ways) {
                let moved: Vec<f32> =
                    origin.get(*parameter).unwrap().iter().zip(way).map(|(a, b)| a + by * b).collect();
                acting.actor_mut().set(*parameter, &moved).unwrap();
            }
            policy.pass(acting.actor(), model.store(), false).unwrap();
            // Weights are constants to the gradient.
            actor_loss(policy, &weights)
        };
        let h = 5e-3;
        let measured = (at(h) - at(-h)) / (2.0 * f64::from(h));
        assert!(norm > 1e-3, "{norm}");
        assert!((measured - slope).abs() < 5e-3 * norm, "measured {measured}, computed {slope}");
    }
}

/// Both ways have the same gradient in the mean over what may be drawn, where a belief has no part that is drawn but the action.
#[test]
fn the_model_and_the_likelihood_say_the_same_in_the_mean() {
    let model = learned("mean");
    let rng = &mut Rng::new(6);
    let mut taught = policy(&*model, 64);
    for _ in 0..30 {
        taught.imagine(model.cell(), model.store(), model.starts(), rng, &Interrupt::never()).unwrap();
    }
    let numbers = taught.save();
    let [through, likely] = ["model", "likelihood"].map(|gradient| {
        let mut one = learning_by(gradient, &*model, 3000);
        one.restore(&numbers).unwrap();
        // Entropy has one gradient for both, which would hide what differs; and of more steps the model's way sums what each earns to all before it.
        (one.teacher.objectives.entropy, one.teacher.objectives.horizon) = (0.0, 1);
        let Taught { acting, teacher } = &mut one;
        let mut sum: Vec<f64> = Vec::new();
        for _ in 0..20 {
            teacher.prepare(acting, (model.cell(), model.store()), model.starts(), rng).unwrap();
            teacher.pass(acting.actor(), model.store(), true).unwrap();
            let (runner, _) = teacher.imagined.as_ref().unwrap();
            let slopes = acting.actor().parameters().flat_map(|(_, parameter)| runner.gradient(parameter).unwrap());
            let slopes: Vec<f64> = slopes.map(f64::from).collect();
            sum.resize(slopes.len(), 0.0);
            sum.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
        }
        sum
    });
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let lengths = [dot(&through, &through).sqrt(), dot(&likely, &likely).sqrt()];
    let cosine = dot(&through, &likely) / (lengths[0] * lengths[1]);
    assert!(cosine > 0.95, "cosine {cosine}");
    assert!((lengths[1] / lengths[0] - 1.0).abs() < 0.15, "lengths {lengths:?}");
}

#[test]
fn what_an_actor_learns_leaves_model_and_slow_critic_alone() {
    let model = learned("one-hot");
    let mut policy = policy(&*model, 6);
    let rng = &mut Rng::new(5);
    policy.imagine(model.cell(), model.store(), model.starts(), rng, &Interrupt::never()).unwrap();
    let (runner, _) = policy.teacher.imagined.as_ref().unwrap();
    let (_, frozen) = model.store().parameters().next().unwrap();
    assert!(runner.gradient(frozen).is_err());
    // Terminal beliefs weigh nothing: with such starts alone nothing is learned but through the optimiser's moments, which are zero at first.
    let mut fresh = self::policy(&*model, 6);
    let before = fresh.save();
    let mut starts = model.starts().clone();
    starts.continues.fill(0.0);
    fresh.imagine(model.cell(), model.store(), &starts, rng, &Interrupt::never()).unwrap();
    for part in ["actor", "critic", "target"] {
        assert_eq!(fresh.save().part(part), before.part(part), "{part}");
    }
    let none = Starts::default();
    let refused = fresh.imagine(model.cell(), model.store(), &none, rng, &Interrupt::never());
    assert!(refused.is_err_and(|error| error.to_string().contains("no belief")));
}
