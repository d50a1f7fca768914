//! Replay, priorities and normalisers against brute force.

use proptest::prelude::*;
use worldwright_core::{
    ElementType, Experience, Numbers, Persist, Priorities, Rng, Sample, Space, Step, StepColumn, SumTree, Value, Want,
};
use worldwright_data::{EpisodeStore, EpisodeWriter, FORMATS, Header, Normaliser, Replay, WriterOptions, import};

/// Episodes of these lengths; every observation is (episode, step).
fn filled(lengths: &[usize], capacity: usize) -> Replay {
    let mut replay = Replay::new(Space::unbounded(2), Space::unbounded(1), Vec::new(), capacity).unwrap();
    for (episode, length) in lengths.iter().enumerate() {
        let seen = |t: usize| Value::Floats(vec![episode as f64, t as f64]);
        replay.start_episode(0, &seen(0)).unwrap();
        for t in 0..*length {
            let truncated = t + 1 == *length;
            let step = Step { observation: seen(t + 1), reward: t as f64, terminated: false, truncated };
            replay.step(0, &Value::Floats(vec![t as f64]), &step, &[]).unwrap();
        }
    }
    replay
}

/// The same with so many places, each of which plays the next episode when its last is over; a step at each place in turn. Episodes of no
/// step are left off at once. The store of the same rows beside it.
fn interleaved(
    lengths: &[usize],
    places: usize,
    capacity: usize,
    stop: usize,
    folder: &std::path::Path,
) -> (Replay, Vec<Option<u64>>) {
    let (o, a) = (Space::unbounded(2), Space::unbounded(1));
    let mut replay = Replay::new(o.clone(), a.clone(), Vec::new(), capacity).unwrap();
    let options = WriterOptions { batch_rows: 7, ..WriterOptions::default() };
    let mut writer = EpisodeWriter::create(folder, &Header::new("w", o, a, 0), options).unwrap();
    let mut under_way: Vec<Option<(usize, usize)>> = vec![None; places];
    let (mut begun, mut steps) = (0, 0);
    let seen = |episode: usize, t: usize| Value::Floats(vec![episode as f64, t as f64]);
    'all: loop {
        for place in 0..places {
            if under_way[place].is_none_or(|(episode, t)| t == lengths[episode]) && begun < lengths.len() {
                replay.start_episode(place, &seen(begun, 0)).unwrap();
                assert_eq!(writer.start_episode(&seen(begun, 0), None).unwrap(), begun as u64);
                under_way[place] = Some((begun, 0));
                begun += 1;
            }
        }
        let mut moved = false;
        for place in 0..places {
            let Some((episode, t)) = under_way[place].filter(|(episode, t)| *t < lengths[*episode]) else { continue };
            let truncated = t + 1 == lengths[episode];
            let step = Step { observation: seen(episode, t + 1), reward: t as f64, terminated: false, truncated };
            let action = Value::Floats(vec![t as f64]);
            replay.step(place, &action, &step, &[]).unwrap();
            writer.step_of(episode as u64, &action, &step, &[]).unwrap();
            under_way[place] = Some((episode, t + 1));
            (moved, steps) = (true, steps + 1);
            if steps == stop {
                break 'all;
            }
        }
        if !moved && begun == lengths.len() {
            break;
        }
    }
    writer.close().unwrap();
    let open = under_way
        .into_iter()
        .map(|at| at.filter(|(episode, t)| *t < lengths[*episode]).map(|(episode, _)| episode as u64));
    (replay, open.collect())
}

/// What other formats are given of such a store comes back as its episodes.
#[test]
fn episodes_under_way_at_once_are_exported_one_behind_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    interleaved(&[5, 2, 7, 3, 9, 1, 4], 3, usize::MAX, 26, &place);
    let episodes = |place: &std::path::Path| {
        let store = EpisodeStore::open(place).unwrap();
        (0..store.episodes().len()).map(|i| store.episode(i).unwrap()).collect::<Vec<_>>()
    };
    let before = episodes(&place);
    assert!(before.iter().filter(|episode| !episode.truncated).count() > 1, "several are under way at the end");
    for format in ["parquet", "feather", "npz", "lerobot", "csv"] {
        let Some(entry) = FORMATS.iter().find(|entry| entry.name == format) else { panic!("{format} is a format") };
        let (out, back) = (folder.path().join(format), folder.path().join(format!("{format}-back")));
        if worldwright_data::export(&place, format, &out).is_err() {
            assert_eq!(entry.name, "csv", "only texts are not written");
            continue;
        }
        import(&out, format, &back).unwrap();
        let after = episodes(&back);
        assert_eq!(after.len(), before.len(), "{format}");
        for (one, other) in after.iter().zip(&before) {
            assert_eq!(
                (&one.observations, &one.actions, one.truncated),
                (&other.observations, &other.actions, other.truncated)
            );
        }
    }
}

/// Whatever batch is lost, an episode that is still listed has all of its rows.
#[test]
fn a_lost_batch_shortens_no_episode() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let lengths: Vec<usize> = (0..30).map(|i| 3 + i * 7 % 11).collect();
    interleaved(&lengths, 5, usize::MAX, usize::MAX, &place);
    let segment = place.join("segment-000000.arrows");
    let bytes = std::fs::read(&segment).unwrap();
    let mut broken = 0;
    for at in (2000..bytes.len()).step_by(211) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&segment, &damaged).unwrap();
        let Ok(store) = EpisodeStore::open(&place) else { continue };
        if store.recovery().damaged.is_empty() {
            continue;
        }
        broken += usize::from(store.recovery().broken_episodes > 0);
        for (i, episode) in store.episodes().iter().enumerate() {
            let whole = lengths[episode.id as usize];
            assert_eq!((episode.steps, episode.ended()), (whole, true), "byte {at}, episode {i}");
        }
    }
    assert!(broken > 10, "{broken}");
}

proptest! {
    /// Episodes that are under way at once come apart again: sequences, sets, and what is read back from the store row for row.
    #[test]
    fn episodes_under_way_at_once_stay_apart(
        lengths in prop::collection::vec(1..9_usize, 1..14), places in 1..5_usize, capacity in 8..90_usize, length in 1..5_usize,
        stop in 1..60_usize, seed in 0..99_u64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (replay, open) = interleaved(&lengths, places, usize::MAX, stop, folder.path());
        let store = EpisodeStore::open(folder.path()).unwrap();
        for (i, episode) in store.episodes().iter().enumerate() {
            let numbers: Vec<f64> = store.episode(i).unwrap().observations.iter().map(|seen| match seen {
                Value::Floats(numbers) => numbers[1],
                _ => f64::NAN,
            }).collect();
            prop_assert_eq!(numbers, (0..=episode.steps).map(|t| t as f64).collect::<Vec<_>>());
        }
        let mut back = Replay::new(Space::unbounded(2), Space::unbounded(1), Vec::new(), usize::MAX).unwrap();
        back.extend_from_store(&store, &open).unwrap();
        prop_assert_eq!(&back.all().unwrap(), &replay.all().unwrap());
        prop_assert_eq!(back.rows(), replay.rows());
        prop_assert_eq!(back.is_open(), replay.is_open());

        // In a set, transitions that stand behind each other follow each other unless an episode is said to end.
        let set = replay.all().unwrap();
        prop_assert_eq!(set.len(), stop.min(lengths.iter().sum()));
        for i in 1..set.len() {
            let goes_on = set.observation(i) == set.next_observation(i - 1);
            prop_assert_eq!(goes_on, !set.episode_ends()[i - 1], "{}", i);
        }
        // Every sequence that there is, and no other, also where the oldest rows are forgotten.
        let (held, _) = interleaved(&lengths, places, capacity, stop, tempfile::tempdir().unwrap().path());
        let rows = held.rows();
        let all: usize = rows.clone().filter(|row| held.ends_sequence(*row, length)).count();
        if rows.start == 0 {
            let taken = |i: usize| (0..).take_while(|t| (0..set.len()).any(|row| set.observation(row) == [i as f64, f64::from(*t)])).count();
            let expected: usize = (0..lengths.len()).map(|i| (taken(i) + 1).saturating_sub(length)).sum();
            prop_assert_eq!(all, expected);
        }
        // What lies ahead is found at once where walking finds it.
        for row in rows.clone().filter(|row| held.ends_sequence(*row, 1)) {
            let walked: Vec<u64> = std::iter::successors(Some(row), |row| held.after(*row)).collect();
            prop_assert_eq!(held.behind(row) + 1, walked.len() as u64);
            for steps in 0..walked.len() + 2 {
                prop_assert_eq!(held.ahead(row, steps as u64), walked.get(steps).copied());
            }
        }
        let mut sample = Sample::default();
        if all == 0 {
            return Ok(());
        }
        held.sample(Want::Sequences { count: 20, length }, &mut Rng::new(seed), &mut sample).unwrap();
        for b in 0..20 {
            let seen = |l: usize| [0, 1].map(|dim| sample.observations.get(2 * (b * (length + 1) + l) + dim));
            for l in 0..length {
                prop_assert_eq!([seen(l)[0], seen(l)[1] + 1.0], seen(l + 1));
                prop_assert_eq!(sample.actions.get(b * length + l), seen(l)[1]);
            }
            let first = sample.transitions[b];
            prop_assert_eq!(length > 1, held.after(first).is_some_and(|next| held.before(next) == Some(first)) && length > 1);
        }
        let mut priorities = Priorities::new(1.0, 1e-9).unwrap();
        priorities.follow(&held).unwrap();
        priorities.sample(&held, Want::Transitions(200), 0.0, &mut Rng::new(1), &mut sample).unwrap();
        prop_assert!(sample.transitions.iter().all(|row| held.ends_sequence(*row, 1)));
    }

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
        let mut priorities = Priorities::new(1.0, 1e-9).unwrap();
        priorities.follow(&filled(&lengths[..cut], capacity)).unwrap();
        let replay = filled(&lengths, capacity);
        priorities.follow(&replay).unwrap();
        let held: Vec<u64> = replay.transitions().collect();
        let given: Vec<f64> = (0..held.len()).map(|i| 1.0 + i as f64).collect();
        priorities.update(&replay, &held, &given).unwrap();
        let mut sample = Sample::default();
        let draws = 10_000;
        priorities.sample(&replay, Want::Transitions(draws), 0.0, &mut Rng::new(1), &mut sample).unwrap();
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
    let mut priorities = Priorities::new(0.5, 1e-9).unwrap();
    priorities.follow(&replay).unwrap();
    let held: Vec<u64> = replay.transitions().collect();
    let given = [1.0, 4.0, 9.0, 16.0, 0.0];
    priorities.update(&replay, &held, &given).unwrap();
    let mut sample = Sample::default();
    priorities.sample(&replay, Want::Transitions(100_000), 1.0, &mut Rng::new(2), &mut sample).unwrap();
    for (row, priority) in held.iter().zip(given) {
        let count = sample.transitions.iter().filter(|drawn| *drawn == row).count();
        // P is in proportion to the square root: 1, 2, 3, 4, 0 of 10.
        assert!((count as f64 - priority.sqrt() * 10_000.0).abs() < 30.0, "{row}: {count}");
    }
    let at = |row: u64| sample.weights[sample.transitions.iter().position(|drawn| *drawn == row).unwrap()];
    assert!((at(held[0]) / at(held[3]) - 4.0).abs() < 1e-6);
    let mut restored = Priorities::new(0.5, 1e-9).unwrap();
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
    replay.start_episode(0, &picture(0)).unwrap();
    for t in 1..8_u8 {
        let step = Step { observation: picture(t), reward: f64::from(t), terminated: t == 7, truncated: false };
        let kept = [0.25 * f64::from(t), 1.0 - 0.25 * f64::from(t), -f64::from(t)];
        let action = Value::Integer(i64::from(t % 3));
        writer.step_of(0, &action, &step, &kept).unwrap();
        assert!(writer.step_of(0, &action, &step, &kept[..2]).is_err(), "a column of another width");
        replay.step(0, &action, &step, &kept).unwrap();
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
