//! Replay, priorities and normalisers against brute force.

use proptest::prelude::*;
use worldwright_core::{Persist, Rng, Space, Step, Value};
use worldwright_data::{Normaliser, Priorities, Replay, Sample, SumTree};

/// Episodes of these lengths; every observation is (episode, step).
fn filled(lengths: &[usize], capacity: usize) -> Replay {
    let mut replay = Replay::new(Space::unbounded(2), Space::unbounded(1), capacity).unwrap();
    for (episode, length) in lengths.iter().enumerate() {
        let seen = |t: usize| Value::Floats(vec![episode as f64, t as f64]);
        replay.start_episode(&seen(0)).unwrap();
        for t in 0..*length {
            let truncated = t + 1 == *length;
            let step = Step { observation: seen(t + 1), reward: t as f64, terminated: false, truncated };
            replay.step(&Value::Floats(vec![t as f64]), &step).unwrap();
        }
    }
    replay
}

proptest! {
    #[test]
    fn sequences_never_cross_an_episode(
        lengths in prop::collection::vec(0..9_usize, 1..12), capacity in 4..60_usize, length in 1..5_usize, seed in 0..99_u64,
    ) {
        let replay = filled(&lengths, capacity);
        let mut sample = Sample::default();
        if replay.sample_sequences(20, length, &mut Rng::new(seed), &mut sample).is_err() {
            let rows: usize = lengths.iter().map(|n| n + 1).sum();
            prop_assert!(rows > capacity || lengths.iter().all(|n| *n < length));
            return Ok(());
        }
        for b in 0..20 {
            for l in 0..length {
                let row = b * length + l;
                let (now, next) = (&sample.observations[2 * row..2 * row + 2], &sample.next_observations[2 * row..2 * row + 2]);
                prop_assert_eq!(now[0], next[0]);
                prop_assert_eq!(now[1] + 1.0, next[1]);
                prop_assert_eq!(sample.actions[row], now[1]);
                prop_assert_eq!(sample.rewards[row], now[1]);
                prop_assert_eq!(sample.truncated[row], next[1] as usize == lengths[now[0] as usize]);
                if l > 0 {
                    prop_assert_eq!(now, &sample.next_observations[2 * row - 2..2 * row]);
                }
            }
        }
        let mut other = Replay::new(Space::unbounded(2), Space::unbounded(1), capacity).unwrap();
        other.restore(&replay.save()).unwrap();
        prop_assert_eq!(other.dataset().unwrap(), replay.dataset().unwrap());
    }

    #[test]
    fn the_sum_tree_finds_what_a_running_sum_finds(numbers in prop::collection::vec(0..4_u8, 1..40), at in 0.0..1.0_f64) {
        let mut tree = SumTree::new(numbers.len());
        for (i, number) in numbers.iter().enumerate() {
            tree.set(i, 9.0).unwrap();
            tree.set(i, f64::from(*number)).unwrap();
        }
        let total: f64 = numbers.iter().map(|n| f64::from(*n)).sum();
        prop_assert_eq!(tree.total(), total);
        prop_assert_eq!(tree.least(), numbers.iter().filter(|n| **n > 0).min().map_or(f64::INFINITY, |n| f64::from(*n)));
        if total > 0.0 {
            let mass = at * total;
            let mut sum = 0.0;
            let want = numbers.iter().position(|n| { sum += f64::from(*n); mass < sum }).unwrap();
            prop_assert_eq!(tree.find(mass), want);
        }
    }

    #[test]
    fn running_moments_agree_with_two_passes(
        rows in prop::collection::vec((-1e3..1e3_f64, -1.0..1.0_f64), 1..60), cut in 0..60_usize,
    ) {
        let cut = cut.min(rows.len());
        let seen = |rows: &[(f64, f64)]| {
            let mut moments = Normaliser::new(2);
            rows.iter().for_each(|(a, b)| moments.observe(&[a + 1e5, *b]).unwrap());
            moments
        };
        let mut merged = seen(&rows[..cut]);
        merged.merge(&seen(&rows[cut..])).unwrap();
        let whole = seen(&rows);
        let n = rows.len() as f64;
        for (dim, column) in [rows.iter().map(|r| r.0 + 1e5).collect::<Vec<_>>(), rows.iter().map(|r| r.1).collect()].iter().enumerate() {
            let mean = column.iter().sum::<f64>() / n;
            let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            for moments in [&merged, &whole] {
                prop_assert!((moments.mean()[dim] - mean).abs() <= 1e-12 * mean.abs().max(1.0));
                prop_assert!((moments.variance(dim) - variance).abs() <= 1e-9 * variance.max(1.0));
            }
        }
        let mut restored = Normaliser::new(2);
        restored.restore(&whole.save()).unwrap();
        prop_assert_eq!(restored, whole);
    }
}

#[test]
fn uniform_samples_are_uniform() {
    // 3 + 1 + 6 transitions, of which the ring forgets the first.
    let replay = filled(&[3, 1, 6], 12);
    let held: Vec<u64> = replay.transitions().collect();
    assert_eq!(held.len(), 9);
    let mut sample = Sample::default();
    replay.sample(90_000, &mut Rng::new(1), &mut sample).unwrap();
    for row in held {
        let count = sample.transitions.iter().filter(|drawn| **drawn == row).count();
        // Five standard deviations of a binomial count around 10,000.
        assert!(count.abs_diff(10_000) < 472, "{row}: {count}");
    }
}

#[test]
fn prioritised_samples_follow_the_priorities() {
    let replay = filled(&[3, 2], 16);
    let mut priorities = Priorities::new(16, 0.5, 1e-9).unwrap();
    priorities.follow(&replay).unwrap();
    let held: Vec<u64> = replay.transitions().collect();
    let given = [1.0, 4.0, 9.0, 16.0, 0.0];
    priorities.update(&replay, &held, &given).unwrap();
    let mut sample = Sample::default();
    priorities.sample(&replay, 100_000, 1.0, &mut Rng::new(2), &mut sample).unwrap();
    for (row, priority) in held.iter().zip(given) {
        let count = sample.transitions.iter().filter(|drawn| *drawn == row).count();
        // P is in proportion to the square root: 1, 2, 3, 4, 0 of 10.
        assert!((count as f64 - priority.sqrt() * 10_000.0).abs() < 30.0, "{row}: {count}");
    }
    let at = |row: u64| sample.weights[sample.transitions.iter().position(|drawn| *drawn == row).unwrap()];
    assert!((at(held[0]) / at(held[3]) - 4.0).abs() < 1e-6);
    let mut restored = Priorities::new(16, 0.5, 1e-9).unwrap();
    restored.restore(&priorities.save()).unwrap();
    assert_eq!(restored, priorities);
}
