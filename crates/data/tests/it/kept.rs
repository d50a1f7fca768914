//! Nothing of others is taken away, and what could not be finished is not there.

use std::fs;
use std::path::{Path, PathBuf};

use worldwright_core::{Rng, Space};
use worldwright_data::{EpisodeWriter, FORMATS, Header, WriterOptions, export, import, is_part};

use crate::support::{episode, write};

fn header() -> Header {
    Header::new("made-up", Space::unbounded(2), Space::discrete(3), 0)
}

/// What a killed attempt of an older version left.
fn left(path: &Path) -> PathBuf {
    path.with_file_name(format!(".{}.worldwright-part", path.file_name().unwrap().to_str().unwrap()))
}

/// How many things that are being made stand in a folder.
fn parts(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().filter(|entry| is_part(&entry.as_ref().unwrap().path())).count()
}

#[test]
fn a_foreign_index_is_left_where_it_is() {
    let place = tempfile::tempdir().unwrap();
    let index = place.path().join("index.txt");
    fs::write(&index, b"chapters of my thesis\n").unwrap();
    let error = EpisodeWriter::create(place.path(), &header(), WriterOptions::default()).unwrap_err().to_string();
    assert!(error.contains("index.txt") && error.contains("choose another folder"), "{error}");
    assert_eq!(fs::read(&index).unwrap(), b"chapters of my thesis\n");
    // One that a failed creation left is ours.
    fs::write(&index, b"worldwright episode ").unwrap();
    EpisodeWriter::create(place.path(), &header(), WriterOptions::default()).unwrap();
}

#[test]
fn an_import_that_fails_leaves_nothing_and_takes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let [broken, out] = ["broken.npz", "out"].map(|name| place.path().join(name));
    fs::write(&broken, b"no archive").unwrap();
    assert!(import(&broken, "npz", &out).is_err());
    assert!(!out.exists() && parts(place.path()) == 0);
    fs::create_dir(&out).unwrap();
    fs::write(out.join("index.txt"), b"mine").unwrap();
    assert!(import(&broken, "npz", &out).unwrap_err().to_string().contains("not empty"));
    assert_eq!(fs::read(out.join("index.txt")).unwrap(), b"mine");
}

#[test]
fn what_a_killed_export_or_import_left_is_in_nobodys_way() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let mut writer = EpisodeWriter::create(at("store"), &header(), WriterOptions::default()).unwrap();
    write(&mut writer, &episode(&Space::unbounded(2), &Space::discrete(3), 5, &mut Rng::new(1)));
    writer.close().unwrap();
    for entry in FORMATS {
        let (out, back) = (at(&format!("{}-v0", entry.name)), at(&format!("{}-back", entry.name)));
        fs::create_dir_all(left(&back).join("data/0")).unwrap();
        if ["npz", "parquet"].contains(&entry.name) {
            fs::write(left(&out), b"half").unwrap();
        } else {
            fs::create_dir_all(left(&out).join("data/0")).unwrap();
        }
        fs::create_dir(&back).unwrap();
        if export(&at("store"), entry.name, &out).is_err() {
            // Formats that are read only.
            fs::remove_dir_all(left(&out)).unwrap();
            fs::remove_dir_all(left(&back)).unwrap();
            continue;
        }
        import(&out, entry.name, &back).unwrap();
        assert_eq!(parts(place.path()), 0, "{}", entry.name);
    }
}

#[test]
fn only_a_store_without_a_batch_is_unbegun() {
    let place = tempfile::tempdir().unwrap();
    let unbegun = || EpisodeWriter::is_unbegun(place.path(), &header()).unwrap();
    assert!(unbegun(), "an empty folder");
    let mut writer = EpisodeWriter::create(place.path(), &header(), WriterOptions::default()).unwrap();
    assert!(unbegun());
    let other = Header { seed: 1, ..header() };
    assert!(!EpisodeWriter::is_unbegun(place.path(), &other).unwrap(), "another run's");
    fs::write(place.path().join("notes.txt"), b"mine").unwrap();
    assert!(!unbegun());
    fs::remove_file(place.path().join("notes.txt")).unwrap();
    write(&mut writer, &episode(&Space::unbounded(2), &Space::discrete(3), 5, &mut Rng::new(1)));
    writer.close().unwrap();
    assert!(!unbegun());
}
