//! Steps a second into a store and transitions a second out of a replay, with vectors of HalfCheetah's size (17 and 6 numbers).

use divan::Bencher;
use divan::counter::ItemsCount;
use worldwright_core::{Experience, Priorities, Rng, Sample, Space, Step, Value, Want};
use worldwright_data::{EpisodeStore, EpisodeWriter, Header, Replay, WriterOptions};

fn main() {
    divan::main();
}

const STEPS: usize = 1000;
const EPISODES: usize = 100;

fn spaces() -> (Space, Space) {
    (Space::unbounded(17), Space::unbounded(6))
}

fn step(rng: &mut Rng, last: bool) -> (Value, Step) {
    let mut numbers = |n: usize| Value::Floats((0..n).map(|_| rng.normal()).collect());
    let (action, observation) = (numbers(6), numbers(17));
    (action, Step { observation, reward: rng.normal(), terminated: false, truncated: last })
}

/// Episodes of 1000 steps, flushed at every batch of 1024 rows or at every step.
#[divan::bench(args = [1024, 1])]
fn append(bencher: Bencher<'_, '_>, batch_rows: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (observations, actions) = spaces();
    let header = Header::new("bench", observations, actions, 0);
    let options = WriterOptions { batch_rows, ..WriterOptions::default() };
    let mut writer = EpisodeWriter::create(folder.path(), &header, options).unwrap();
    let mut rng = Rng::new(0);
    let steps: Vec<(Value, Step)> = (0..STEPS).map(|t| step(&mut rng, t + 1 == STEPS)).collect();
    bencher.counter(ItemsCount::new(STEPS)).bench_local(|| {
        writer.start_episode(&steps[0].1.observation, None).unwrap();
        steps.iter().for_each(|(action, step)| writer.step(action, step).unwrap());
    });
}

/// A store of 100 000 steps, opened with every checksum taken.
#[divan::bench]
fn open(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let (observations, actions) = spaces();
    let mut writer =
        EpisodeWriter::create(folder.path(), &Header::new("bench", observations, actions, 0), WriterOptions::default())
            .unwrap();
    let mut rng = Rng::new(0);
    for _ in 0..EPISODES {
        writer.start_episode(&step(&mut rng, false).1.observation, None).unwrap();
        for t in 0..STEPS {
            let (action, step) = step(&mut rng, t + 1 == STEPS);
            writer.step(&action, &step).unwrap();
        }
    }
    writer.close().unwrap();
    bencher.counter(ItemsCount::new(EPISODES * STEPS)).bench(|| EpisodeStore::open(folder.path()).unwrap());
}

fn replay() -> Replay {
    let (observations, actions) = spaces();
    let mut replay = Replay::new(observations, actions, Vec::new(), EPISODES * (STEPS + 1)).unwrap();
    let mut rng = Rng::new(0);
    for _ in 0..EPISODES {
        replay.start_episode(0, &step(&mut rng, false).1.observation).unwrap();
        for t in 0..STEPS {
            let (action, step) = step(&mut rng, t + 1 == STEPS);
            replay.step(0, &action, &step, &[]).unwrap();
        }
    }
    replay
}

#[divan::bench]
fn sample_256_transitions(bencher: Bencher<'_, '_>) {
    let (replay, mut rng, mut sample) = (replay(), Rng::new(1), Sample::default());
    bencher
        .counter(ItemsCount::new(256_usize))
        .bench_local(|| replay.sample(Want::Transitions(256), &mut rng, &mut sample).unwrap());
}

#[divan::bench]
fn sample_16_sequences_of_64(bencher: Bencher<'_, '_>) {
    let (replay, mut rng, mut sample) = (replay(), Rng::new(1), Sample::default());
    bencher
        .counter(ItemsCount::new(16 * 64_usize))
        .bench_local(|| replay.sample(Want::Sequences { count: 16, length: 64 }, &mut rng, &mut sample).unwrap());
}

#[divan::bench]
fn sample_256_by_priority(bencher: Bencher<'_, '_>) {
    let (replay, mut rng, mut sample) = (replay(), Rng::new(1), Sample::default());
    let mut priorities = Priorities::new(0.6, 1e-6).unwrap();
    priorities.follow(&replay).unwrap();
    bencher
        .counter(ItemsCount::new(256_usize))
        .bench_local(|| priorities.sample(&replay, Want::Transitions(256), 0.4, &mut rng, &mut sample).unwrap());
}

/// What a model is fitted to.
#[divan::bench]
fn dataset(bencher: Bencher<'_, '_>) {
    let replay = replay();
    bencher.counter(ItemsCount::new(EPISODES * STEPS)).bench(|| replay.all().unwrap());
}
