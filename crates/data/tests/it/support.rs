//! Made-up episodes over any space, from a seed.

use worldwright_core::{ElementType, Rng, Space, Step, Value};
use worldwright_data::{Episode, EpisodeWriter};

pub(crate) fn spaces() -> Vec<(&'static str, Space)> {
    let boxed = |shape: Vec<usize>, low: f64, high: f64, element| {
        let n = shape.iter().product();
        Space::Box { shape, low: vec![low; n], high: vec![high; n], element }
    };
    let mut all = vec![
        ("f64", Space::unbounded(3)),
        ("f32", boxed(vec![2, 2], -2.0, 2.0, ElementType::F32)),
        ("scalar", boxed(vec![], -1.0, 1.0, ElementType::F64)),
        ("image", boxed(vec![4, 4, 3], 0.0, 255.0, ElementType::U8)),
        ("i64", boxed(vec![2], -5.0, 5.0, ElementType::I64)),
        ("discrete", Space::choices(4, -1)),
        (
            "multi-discrete",
            Space::MultiDiscrete { shape: vec![1, 2], nvec: vec![2, 3], start: vec![-4, 5], element: ElementType::I32 },
        ),
        ("bits", Space::MultiBinary { shape: vec![3, 2] }),
        ("half", boxed(vec![3], -2.0, 2.0, ElementType::F16)),
        ("flags", boxed(vec![3], 0.0, 1.0, ElementType::Bool)),
        ("i8", boxed(vec![3], -7.0, 100.0, ElementType::I8)),
        ("u32", boxed(vec![2], 0.0, 4e9, ElementType::U32)),
        ("pair", Space::Tuple(vec![Space::discrete(3), boxed(vec![2], -1.0, 1.0, ElementType::F32)])),
    ];
    let dict = Space::Dict(all.iter().map(|(name, space)| ((*name).to_owned(), space.clone())).collect());
    all.push(("dict", Space::Dict(vec![("inner".into(), dict), ("n".into(), Space::discrete(2))])));
    all
}

/// An element of a space that its own element type can hold.
pub(crate) fn element(space: &Space, rng: &mut Rng) -> Value {
    space.narrowed(&space.sample(rng))
}

pub(crate) fn episode(observations: &Space, actions: &Space, steps: usize, rng: &mut Rng) -> Episode {
    Episode {
        // All of the 64 bits, and none at times.
        seed: Some(rng.next_u64()).filter(|seed| seed % 4 > 0),
        observations: (0..=steps).map(|_| element(observations, rng)).collect(),
        actions: (0..steps).map(|_| element(actions, rng)).collect(),
        rewards: (0..steps).map(|_| rng.normal()).collect(),
        // An episode without a step has no row that could tell of an end.
        terminated: steps > 0 && steps.is_multiple_of(2),
        truncated: !steps.is_multiple_of(2),
    }
}

pub(crate) fn write(writer: &mut EpisodeWriter, episode: &Episode) {
    writer.start_episode(&episode.observations[0], episode.seed).unwrap();
    for t in 0..episode.steps() {
        writer.step(&episode.actions[t], &step(episode, t)).unwrap();
    }
}

pub(crate) fn step(episode: &Episode, t: usize) -> Step {
    let last = t + 1 == episode.steps();
    Step {
        observation: episode.observations[t + 1].clone(),
        reward: episode.rewards[t],
        terminated: episode.terminated && last,
        truncated: episode.truncated && last,
    }
}
