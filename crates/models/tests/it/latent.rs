//! What every model with a latent of its own promises of its learning, and a chain that they learn.

use worldwright_core::{Dataset, Experience, Interrupt, Rng, Setting, Space};
use worldwright_models::{LatentModel, ModelContext, build_latent};

use crate::systems::{context, settings};

/// Places of the chain.
pub(crate) const PLACES: usize = 5;

pub(crate) fn chain(players: usize) -> ModelContext {
    ModelContext {
        observation_space: Space::unbounded(1),
        action_space: Space::discrete(2),
        simulator: None,
        players,
        ..context(None)
    }
}

/// Every one of them, in small.
fn each() -> impl Iterator<Item = (&'static str, Vec<(&'static str, Setting)>)> {
    let sizes =
        |pairs: &[(&'static str, i64)]| pairs.iter().map(|(name, size)| (*name, Setting::Integer(*size))).collect();
    [
        ("rssm", sizes(&[("recurrent", 24), ("groups", 3), ("classes", 4), ("hidden", 24), ("batch", 5)])),
        ("muzero", sizes(&[("latent", 16), ("hidden", 24), ("batch", 8), ("unroll", 3)])),
        ("tdmpc2", sizes(&[("latent", 16), ("hidden", 24), ("batch", 8), ("critics", 3)])),
    ]
    .into_iter()
}

fn made(name: &str, context: &ModelContext, pairs: &[(&str, Setting)]) -> Box<dyn LatentModel> {
    build_latent(name, context, &settings(pairs)).unwrap()
}

/// A walk on a chain from the left: choice 1 goes right, 0 left. Going right from the last place pays 1 and ends it. Right is chosen three times in four.
pub(crate) fn walks(steps: usize, seed: u64) -> Dataset {
    let (mut data, mut rng) = (Dataset::new(1, 2), Rng::new(seed));
    let mut place = 0;
    for i in 0..steps {
        let right = rng.below(4) > 0;
        let next = if right { place + 1 } else { usize::saturating_sub(place, 1) };
        let (before, after) = ([place as f64], [next as f64]);
        let action = [f64::from(u8::from(!right)), f64::from(u8::from(right))];
        let ended = next == PLACES;
        data.push(&before, &action, f64::from(u8::from(ended)), &after, ended, ended || i + 1 == steps).unwrap();
        place = if ended { 0 } else { next };
    }
    data
}

/// Learns `updates` times and gives all that was learned, losses and starts included.
fn learn(model: &mut dyn LatentModel, data: &dyn Experience, rng: &mut Rng, updates: usize) -> Vec<u64> {
    let mut learned = Vec::new();
    for _ in 0..updates {
        let metrics = model.update(data, rng, &Interrupt::never()).unwrap();
        learned.extend(metrics.iter().map(|(_, number)| number.to_bits()));
    }
    let starts = model.starts();
    learned.extend(starts.parts.iter().flatten().chain(&starts.continues).map(|number| u64::from(number.to_bits())));
    learned
}

#[test]
fn a_restored_model_learns_on_with_the_same_bytes() {
    for (name, small) in each() {
        let data = walks(100, 6);
        let (mut model, mut rng) = (made(name, &chain(1), &small), Rng::new(7));
        learn(&mut *model, &data, &mut rng, 3);
        let mut other = made(name, &ModelContext { seed: 99, ..chain(1) }, &small);
        learn(&mut *other, &data, &mut Rng::new(8), 1);
        other.restore(&model.save()).unwrap();
        assert!(other.starts().is_empty(), "{name}");
        let mut copied = rng.clone();
        assert_eq!(learn(&mut *model, &data, &mut rng, 3), learn(&mut *other, &data, &mut copied, 3), "{name}");
        assert_eq!(model.save(), other.save(), "{name}");
    }
}

#[test]
fn learning_gives_the_same_bytes_on_one_and_two_threads() {
    let data = walks(200, 9);
    for (name, _) in each() {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut model = made(name, &chain(1), &[]);
                (learn(&mut *model, &data, &mut Rng::new(10), 3), model.save())
            })
        };
        assert!(on(1) == on(2), "{name}");
    }
}

#[test]
fn an_interrupted_fit_leaves_the_model_as_it_was() {
    let (data, interrupt) = (walks(100, 11), Interrupt::new());
    interrupt.request();
    for (name, small) in each() {
        let mut model = made(name, &chain(1), &small);
        learn(&mut *model, &data, &mut Rng::new(12), 1);
        let before = model.save();
        assert!(model.fit(&data, &mut Rng::new(13), &interrupt).is_err(), "{name}");
        assert_eq!(model.save(), before, "{name}");
    }
}
