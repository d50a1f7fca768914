//! The episode store: what goes in comes out, and no cut, failure or damage takes more than it must.

use std::path::Path;

use worldwright_core::{Rng, Space};
use worldwright_data::{Episode, EpisodeStore, EpisodeWriter, Header, Precision, WriterOptions};

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
        let mut writer = EpisodeWriter::resume(whole.path(), &position, options).unwrap();
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
