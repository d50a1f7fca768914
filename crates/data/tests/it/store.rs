//! The episode store: what goes in comes out, and no cut, failure or damage takes more than it must.

use std::path::Path;

use worldwright_core::{Rng, Space};
use worldwright_data::{Episode, EpisodeStore, EpisodeWriter, Header, Position, Precision, WriterOptions};

use crate::support::{episode, spaces, step, write};

fn header(observations: &Space, actions: &Space) -> Header {
    Header::new("made-up", observations.clone(), actions.clone(), 7)
        .with_versions(vec![("numpy".into(), "2.4".into()), ("mujoco".into(), "3.3".into())])
}

fn read(store: &EpisodeStore) -> Vec<Episode> {
    (0..store.episodes().len()).map(|i| store.episode(i).unwrap()).collect()
}

#[test]
fn every_space_comes_back_as_it_went_in() {
    for precision in [Precision::Exact, Precision::Element] {
        for (name, space) in spaces() {
            let folder = tempfile::tempdir().unwrap();
            let header = Header { precision, ..header(&space, &space) };
            let mut rng = Rng::new(1);
            let options = WriterOptions { batch_rows: 5, segment_bytes: 4000 };
            let mut writer = EpisodeWriter::create(folder.path(), &header, options).unwrap();
            let written: Vec<Episode> = (1..9).map(|steps| episode(&space, &space, steps, &mut rng)).collect();
            written.iter().for_each(|episode| write(&mut writer, episode));
            writer.close().unwrap();
            let store = EpisodeStore::open(folder.path()).unwrap();
            assert!(store.recovery().is_clean(), "{name}: {}", store.recovery());
            assert_eq!(store.header(), &header);
            assert_eq!(read(&store), written, "{name}");
            assert_eq!(store.steps(), 36);
        }
    }
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_run_cut_back_to_any_flush_writes_the_same_bytes_again() {
    let (observations, actions) = (Space::unbounded(2), Space::discrete(3));
    let options = WriterOptions { batch_rows: 4, segment_bytes: 3000 };
    let mut rng = Rng::new(2);
    let episodes: Vec<Episode> = (3..9).map(|steps| episode(&observations, &actions, steps, &mut rng)).collect();
    let whole = tempfile::tempdir().unwrap();
    let mut writer = EpisodeWriter::create(whole.path(), &header(&observations, &actions), options).unwrap();
    // Each entry: the position, and the calls that followed it.
    let mut marks = vec![(writer.position(), 0, 0)];
    for (e, episode) in episodes.iter().enumerate() {
        writer.start_episode(&episode.observations[0], episode.seed).unwrap();
        for t in 0..episode.steps() {
            writer.step(&episode.actions[t], &step(episode, t)).unwrap();
            if t == 2 {
                marks.push((writer.flush().unwrap(), e, t + 1));
            }
        }
    }
    writer.close().unwrap();
    let want = files(whole.path());
    assert!(want.len() > 3, "several segments: {:?}", want.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (position, from_episode, from_step) in marks.into_iter().rev() {
        let mut writer =
            EpisodeWriter::resume(whole.path(), &position, &[position.episodes.wrapping_sub(1)], options).unwrap();
        assert_eq!(writer.position(), position);
        for (e, episode) in episodes.iter().enumerate().skip(from_episode) {
            let first = if e == from_episode { from_step } else { 0 };
            if first == 0 {
                writer.start_episode(&episode.observations[0], episode.seed).unwrap();
            }
            for t in first..episode.steps() {
                writer.step(&episode.actions[t], &step(episode, t)).unwrap();
                if t == 2 {
                    writer.flush().unwrap();
                }
            }
        }
        writer.close().unwrap();
        assert!(files(whole.path()) == want, "other bytes after going back to {position:?}");
    }
}

fn small_store(folder: &Path) -> (Vec<Episode>, Vec<u64>) {
    let (observations, actions) = (Space::unbounded(1), Space::discrete(2));
    let mut rng = Rng::new(3);
    let mut writer = EpisodeWriter::create(folder, &header(&observations, &actions), WriterOptions::default()).unwrap();
    let mut ends = vec![writer.position().bytes];
    let episodes: Vec<Episode> = (1..4).map(|steps| episode(&observations, &actions, steps, &mut rng)).collect();
    for episode in &episodes {
        write(&mut writer, episode);
        ends.push(writer.flush().unwrap().bytes);
    }
    (episodes, ends)
}

#[test]
fn a_segment_cut_at_any_byte_keeps_every_batch_before_the_cut_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (episodes, ends) = small_store(folder.path());
    let segment = std::fs::read(folder.path().join("segment-000000.arrows")).unwrap();
    let index = std::fs::read(folder.path().join("index.txt")).unwrap();
    assert_eq!(segment.len() as u64, ends[3]);
    for cut in 0..=segment.len() {
        for index in [&index[..], &[]] {
            let opened = EpisodeStore::from_bytes(&[&segment[..cut]], index);
            if (cut as u64) < ends[0] {
                let error = opened.unwrap_err().to_string();
                assert!(error.contains("no episode was recorded"), "{cut}: {error}");
                continue;
            }
            let store = opened.unwrap();
            let whole = ends.iter().filter(|end| **end <= cut as u64).count() - 1;
            assert_eq!(read(&store), episodes[..whole], "cut at {cut}");
            let recovery = store.recovery();
            assert_eq!(recovery.lost_bytes, cut as u64 - ends[whole], "cut at {cut}");
            if !index.is_empty() {
                assert_eq!(recovery.lost_batches, 3 - whole as u64, "cut at {cut}");
                assert_eq!(recovery.is_clean(), cut == segment.len());
            }
        }
    }
    // The index is only a help: cut anywhere, nothing is lost.
    for cut in 0..=index.len() {
        assert_eq!(
            read(&EpisodeStore::from_bytes(&[&segment], &index[..cut]).unwrap()),
            episodes,
            "index cut at {cut}"
        );
    }
}

#[test]
fn a_cut_store_is_appended_to_and_a_damaged_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (episodes, ends) = small_store(folder.path());
    let path = folder.path().join("segment-000000.arrows");
    let segment = std::fs::read(&path).unwrap();
    std::fs::write(&path, &segment[..ends[2] as usize + 100]).unwrap();
    let (mut writer, recovery) = EpisodeWriter::append(folder.path(), WriterOptions::default()).unwrap();
    assert_eq!((recovery.lost_bytes, recovery.lost_batches, recovery.lost_rows), (100, 1, 4));
    write(&mut writer, &episodes[2]);
    writer.close().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), segment);

    for byte in [ends[1] + 5, ends[1] + 200, ends[2] - 3] {
        let mut bytes = segment.clone();
        bytes[byte as usize] ^= 0x10;
        std::fs::write(&path, &bytes).unwrap();
        let store = EpisodeStore::open(folder.path()).unwrap();
        assert_eq!(store.recovery().damaged.len(), 1);
        assert_eq!(read(&store), [episodes[0].clone(), episodes[2].clone()]);
        let error = EpisodeWriter::append(folder.path(), WriterOptions::default()).unwrap_err().to_string();
        assert!(error.contains("nothing was changed"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn one_writer_a_store() {
    let folder = tempfile::tempdir().unwrap();
    small_store(folder.path());
    let at_rest = files(folder.path());
    let (writer, _) = EpisodeWriter::append(folder.path(), WriterOptions::default()).unwrap();
    for second in [
        EpisodeWriter::append(folder.path(), WriterOptions::default()).map(|_| ()),
        EpisodeWriter::resume(folder.path(), &writer.position(), &[], WriterOptions::default()).map(|_| ()),
        EpisodeWriter::create(
            folder.path(),
            &header(&Space::unbounded(1), &Space::discrete(2)),
            WriterOptions::default(),
        )
        .map(|_| ()),
    ] {
        let error = second.unwrap_err().to_string();
        assert!(error.contains("another writer is at work"), "{error}");
    }
    assert_eq!(read(&EpisodeStore::open(folder.path()).unwrap()).len(), 3, "readers read beside a writer");
    drop(writer);
    assert!(files(folder.path()) == at_rest, "no trace of a writer remains");
    EpisodeWriter::append(folder.path(), WriterOptions::default()).unwrap();
}

#[test]
fn a_store_of_another_run_is_told_from_a_shorter_one() {
    let (observations, actions) = (Space::unbounded(1), Space::discrete(2));
    let written = |steps: &[usize]| {
        let folder = tempfile::tempdir().unwrap();
        let of = header(&observations, &actions);
        let mut writer = EpisodeWriter::create(folder.path(), &of, WriterOptions::default()).unwrap();
        let mut rng = Rng::new(4);
        for steps in steps {
            write(&mut writer, &episode(&observations, &actions, *steps, &mut rng));
        }
        let position = writer.flush().unwrap();
        writer.close().unwrap();
        (folder, position)
    };
    let (_kept, position) = written(&[4, 5, 6]);
    for (steps, words) in [
        (&[4, 6, 5, 3][..], "the 3 episodes of 15 steps to go back to, but 4 episodes of 18 steps there"),
        (&[2, 2, 11][..], "the 3 episodes of 15 steps to go back to, but others of the same number there"),
        (&[][..], "the 3 episodes of 15 steps to go back to, but fewer there"),
    ] {
        let (other, _) = written(steps);
        // The same numbers in another segment are another run's.
        let position = if steps.len() == 3 { Position { bytes: position.bytes + 8, ..position } } else { position };
        let error =
            EpisodeWriter::resume(other.path(), &position, &[], WriterOptions::default()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
