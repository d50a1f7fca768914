//! Whatever is written is read back equal: any space, any values in it, any notes, in every format that is written.

use proptest::prelude::*;
use worldwright_core::{Error, Rng, Space};
use worldwright_data::{EpisodeStore, EpisodeWriter, FORMATS, Header, Precision, WriterOptions, export, import};
use worldwright_testkit::{cases, strategies};

use crate::support::{episode, write};

/// Whether a format refuses a space, as LeRobot does all but vectors and choices.
fn refuses(format: &str, space: &Space) -> bool {
    let vector =
        matches!(space, Space::Box { shape, .. } if shape.len() <= 1) || matches!(space, Space::Discrete { .. });
    format == "lerobot" && !vector
}

fn there_and_back(
    observations: &Space,
    actions: &Space,
    lengths: &[usize],
    words: &str,
    seed: u64,
) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut rng = Rng::new(seed);
    let mut header = Header::new(words, observations.clone(), actions.clone(), seed);
    header.versions = vec![("suite".into(), words.to_owned())];
    header.notes = vec![(words.to_owned(), "NaN, Infinity, \"quoted\"\n".to_owned())];
    header.precision = Precision::Exact;
    let options = WriterOptions { batch_rows: 3, ..WriterOptions::default() };
    let mut writer = EpisodeWriter::create(at("store"), &header, options).unwrap();
    let episodes: Vec<_> = lengths.iter().map(|steps| episode(observations, actions, *steps, &mut rng)).collect();
    episodes.iter().for_each(|episode| write(&mut writer, episode));
    writer.close().unwrap();
    for entry in FORMATS.iter().filter(|entry| entry.build.writes()) {
        let (out, back) = (at(&format!("{}-v0", entry.name)), at(&format!("{}-back", entry.name)));
        match export(&at("store"), entry.name, &out) {
            Err(Error::Unsupported { .. }) if refuses(entry.name, observations) || refuses(entry.name, actions) => {
                continue;
            }
            Err(error) => return Err(TestCaseError::fail(format!("{}: {error}", entry.name))),
            Ok(()) => {}
        }
        import(&out, entry.name, &back).map_err(|error| TestCaseError::fail(format!("{}: {error}", entry.name)))?;
        let store = EpisodeStore::open(&back).unwrap();
        let read: Vec<_> = (0..store.episodes().len()).map(|i| store.episode(i).unwrap()).collect();
        prop_assert_eq!(&read, &episodes, "{}", entry.name);
        let found = store.header();
        prop_assert_eq!(&found.observation_space, observations, "{}", entry.name);
        prop_assert_eq!(&found.action_space, actions, "{}", entry.name);
        prop_assert_eq!((&found.environment, found.seed), (&header.environment, header.seed), "{}", entry.name);
        prop_assert_eq!((&found.versions, &found.notes), (&header.versions, &header.notes), "{}", entry.name);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(24), ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(
        observations in strategies::space(),
        actions in strategies::space(),
        lengths in proptest::collection::vec(0..4_usize, 0..5),
        words in "\\PC{0,8}",
        seed in any::<u64>(),
    ) {
        there_and_back(&observations, &actions, &lengths, &words, seed)?;
    }
}

/// LeRobot takes vectors and choices alone, and has no place for episodes without a step.
#[test]
fn episodes_without_a_step_are_kept() {
    for lengths in [&[][..], &[0], &[0, 0], &[0, 2, 0, 0, 1, 0]] {
        there_and_back(&Space::unbounded(2), &Space::choices(3, -1), lengths, "word", 5).unwrap();
    }
}
