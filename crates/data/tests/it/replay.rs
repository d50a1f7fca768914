//! Replay, priorities and normalisers against brute force.

use proptest::prelude::*;
use worldwright_core::{ElementType, Experience, Numbers, Persist, Rng, Sample, Space, Step, StepColumn, Value, Want};
use worldwright_data::{EpisodeStore, EpisodeWriter, Header, Normaliser, Priorities, Replay, SumTree, WriterOptions};

/// Episodes of these lengths; every observation is (episode, step).
fn filled(lengths: &[usize], capacity: usize) -> Replay {
    let mut replay = Replay::new(Space::unbounded(2), Space::unbounded(1), Vec::new(), capacity).unwrap();
    for (episode, length) in lengths.iter().enumerate() {
        let seen = |t: usize| Value::Floats(vec![episode as f64, t as f64]);
        replay.start_episode(&seen(0)).unwrap();
        for t in 0..*length {
            let truncated = t + 1 == *length;
            let step = Step { observation: seen(t + 1), reward: t as f64, terminated: false, truncated };
            replay.step(&Value::Floats(vec![t as f64]), &step, &[]).unwrap();
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
        if replay.sample(Want::Sequences { count: 20, length }, &mut Rng::new(seed), &mut sample).is_err() {
            let rows: usize = lengths.iter().map(|n| n + 1).sum();
            prop_assert!(rows > capacity || lengths.iter().all(|n| *n < length));
            return Ok(());
        }
        let seen = |b: usize, l: usize| [0, 1].map(|dim| sample.observations.get(2 * (b * (length + 1) + l) + dim));
        for b in 0..20 {
            for l in 0..length {
                let (row, now, next) = (b * length + l, seen(b, l), seen(b, l + 1));
                prop_assert_eq!(now[0], next[0]);
                prop_assert_eq!(now[1] + 1.0, next[1]);
                prop_assert_eq!(sample.actions.get(row), now[1]);
                prop_assert_eq!(sample.rewards[row], now[1]);
                prop_assert_eq!(sample.truncated[row], next[1] as usize == lengths[now[0] as usize]);
            }
        }
    }

    /// Whatever is forgotten on the way, all that is held comes as transitions, and what was taken before is passed over.
    #[test]
    fn a_data_set_is_brought_up_to_date(
        lengths in prop::collection::vec(0..9_usize, 1..12), more in prop::collection::vec(0..9_usize, 1..12),
        capacity in 4..200_usize,
    ) {
        let all = [&lengths[..], &more].concat();
        let (part, whole) = (filled(&lengths, capacity), filled(&all, capacity));
        let mut dataset = part.all().unwrap();
        let before = dataset.len();
        let next = whole.append_to(&mut dataset, part.rows().end).unwrap();
        prop_assert_eq!(next, whole.rows().end);
        prop_assert_eq!(whole.taken(), all.iter().sum::<usize>() as u64);
        let new = more.iter().sum::<usize>().min(whole.transitions().count());
        prop_assert_eq!(dataset.len(), before + new);
        for i in before..dataset.len() {
            let (now, next) = (dataset.observation(i), dataset.next_observation(i));
            prop_assert_eq!(&[now[0], now[1] + 1.0], next);
            prop_assert_eq!(dataset.episode_ends()[i], next[1] as usize == all[now[0] as usize]);
        }
    }

    /// However rows come and go, the priority of each that is held is what it was given, and no other is drawn.
    #[test]
    fn priorities_follow_what_is_forgotten(
        lengths in prop::collection::vec(1..9_usize, 2..12), capacity in 12..40_usize, cut in 1..11_usize,
    ) {
        let cut = cut.min(lengths.len() - 1);
        let mut priorities = Priorities::new(capacity, 1.0, 1e-9).unwrap();
        priorities.follow(&filled(&lengths[..cut], capacity)).unwrap();
        let replay = filled(&lengths, capacity);
        priorities.follow(&replay).unwrap();
        let held: Vec<u64> = replay.transitions().collect();
        let given: Vec<f64> = (0..held.len()).map(|i| 1.0 + i as f64).collect();
        priorities.update(&replay, &held, &given).unwrap();
        let mut sample = Sample::default();
        let draws = 10_000;
        priorities.sample(&replay, draws, 0.0, &mut Rng::new(1), &mut sample).unwrap();
        prop_assert!(sample.transitions.iter().all(|row| held.contains(row)));
        let total: f64 = given.iter().sum();
        for (row, priority) in held.iter().zip(&given) {
            let count = sample.transitions.iter().filter(|drawn| *drawn == row).count() as f64;
            // Draws are stratified: two of them may fall on either side.
            prop_assert!((count - draws as f64 * priority / total).abs() <= 2.0, "{}: {}", row, count);
        }
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
    replay.sample(Want::Transitions(90_000), &mut Rng::new(1), &mut sample).unwrap();
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

/// Pictures stay bytes from the store to the sample, and what an agent keeps beside its steps comes back with them.
#[test]
fn bytes_stay_bytes_and_columns_come_back() {
    let pictures =
        Space::Box { low: vec![0.0; 12], high: vec![255.0; 12], shape: vec![2, 2, 3], element: ElementType::U8 };
    let columns =
        vec![StepColumn { name: "search policy".into(), width: 2 }, StepColumn { name: "root value".into(), width: 1 }];
    let folder = tempfile::tempdir().unwrap();
    let header = Header::new("camera", pictures.clone(), Space::discrete(3), 0).with_columns(columns.clone());
    let mut writer = EpisodeWriter::create(folder.path(), &header, WriterOptions::default()).unwrap();
    let mut replay = Replay::new(pictures, Space::discrete(3), columns.clone(), usize::MAX).unwrap();
    let picture = |t: u8| Value::Bytes((0..12).map(|i| 20 * t + i).collect());
    writer.start_episode(&picture(0), None).unwrap();
    replay.start_episode(&picture(0)).unwrap();
    for t in 1..8_u8 {
        let step = Step { observation: picture(t), reward: f64::from(t), terminated: t == 7, truncated: false };
        let kept = [0.25 * f64::from(t), 1.0 - 0.25 * f64::from(t), -f64::from(t)];
        let action = Value::Integer(i64::from(t % 3));
        writer.step_with(&action, &step, &kept).unwrap();
        assert!(writer.step_with(&action, &step, &kept[..2]).is_err(), "a column of another width");
        replay.step(&action, &step, &kept).unwrap();
    }
    writer.close().unwrap();
    let store = EpisodeStore::open(folder.path()).unwrap();
    assert_eq!(store.header(), &header);
    let back = Replay::from_store(&store).unwrap();
    assert_eq!(back.all().unwrap(), replay.all().unwrap());
    let mut sample = Sample::default();
    back.sample(Want::Sequences { count: 4, length: 3 }, &mut Rng::new(2), &mut sample).unwrap();
    assert!(matches!(&sample.observations, Numbers::Bytes(bytes) if bytes.len() == 4 * 4 * 12), "{sample:?}");
    for b in 0..4 {
        for l in 0..3 {
            let (t, at) = (sample.rewards[3 * b + l], 3 * (3 * b + l));
            assert_eq!(sample.columns[at..at + 3], [0.25 * t, 1.0 - 0.25 * t, -t]);
            assert_eq!(sample.observations.get((4 * b + l + 1) * 12 + 5), 20.0 * t + 5.0);
            assert_eq!(sample.actions.get(at + t as usize % 3), 1.0);
        }
    }
}
