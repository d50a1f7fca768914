//! Every model that learns in updates keeps to what learners promise.

use worldwright_core::{Dataset, Learner, Rng, Setting, Space};
use worldwright_models::{ALL, Build, LatentModel, ModelContext, build_latent};
use worldwright_testkit::check_learner;

use crate::systems::{context, settings, text};

/// Episodes of up to nine steps on a line, by choices that go left, stay or go right; those that leave it end.
fn walks() -> Dataset {
    let (mut data, mut rng) = (Dataset::new(1, 3), Rng::new(1));
    for _ in 0..8 {
        let mut x = rng.normal();
        for t in 0..9 {
            let choice = rng.below(3);
            let before = x;
            x += choice as f64 - 1.0 + 0.1 * rng.normal();
            let action = [0, 1, 2].map(|other| f64::from(u8::from(other == choice)));
            let ended = x.abs() > 3.0;
            data.push(&[before], &action, -x * x, &[x], ended, ended || t == 8).unwrap();
            if ended {
                break;
            }
        }
    }
    data
}

/// A small one of the model called `name`, with those of `more` that it has.
fn small(name: &str, more: &[(&'static str, Setting)]) -> Box<dyn LatentModel> {
    let sizes = [("latent", 16), ("hidden", 16), ("batch", 4), ("unroll", 3), ("recurrent", 12), ("length", 6)];
    let mut pairs: Vec<(&str, Setting)> = sizes.map(|(key, number)| (key, Setting::Integer(number))).to_vec();
    pairs.extend(more.iter().cloned());
    let parameters = worldwright_core::find(ALL, "model", name).unwrap().parameters;
    pairs.retain(|(key, _)| parameters.iter().any(|parameter| parameter.name == *key));
    let context = ModelContext {
        observation_space: Space::unbounded(1),
        action_space: Space::discrete(3),
        simulator: None,
        ..context(None)
    };
    build_latent(name, &context, &settings(&pairs)).unwrap()
}

#[test]
fn every_latent_model_is_a_sound_learner() {
    let data = walks();
    let mut checked = 0;
    for entry in ALL.iter().filter(|entry| matches!(entry.build, Build::Latent(_))) {
        for draws in ["one-hot", "soft"] {
            let build = || -> Box<dyn Learner> { small(entry.name, &[("draws", text(draws))]) };
            check_learner(entry.name, &build, &data);
        }
        checked += 1;
    }
    assert!(checked >= 2, "{checked} latent models");
}
