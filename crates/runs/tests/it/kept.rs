//! Nothing is deleted that this run did not write, and what was damaged since is said.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use worldwright_core::Result;
use worldwright_runs::{Event, Lists, Observer, RunFolder};

use crate::tiny::{GO_ON, experiment, finish, finished, run, stopped_at, trace};

/// Every file below a folder with its bytes; the lock's own number apart.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with("lock") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// A resume is refused with these words, and nothing is changed.
fn refused(folder: &Path, words: &[&str]) {
    let before = files(folder);
    let error = run(&Lists, &experiment(&[]), folder, true, &GO_ON, Vec::new()).unwrap_err().to_string();
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
    assert_eq!(files(folder), before);
}

fn notes(folder: &Path) -> Vec<String> {
    struct Notes(Vec<String>);
    impl Observer for Notes {
        fn name(&self) -> &'static str {
            "notes"
        }
        fn event(&mut self, event: &Event<'_>) -> Result<()> {
            if let Event::Note(text) = event {
                self.0.push((*text).to_owned());
            }
            Ok(())
        }
    }
    let mut notes = Notes(Vec::new());
    finished(run(&Lists, &experiment(&[]), folder, true, &GO_ON, vec![&mut notes]).unwrap());
    notes.0
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

#[test]
fn a_folder_with_other_things_is_no_run_to_go_on_with() {
    let place = tempfile::tempdir().unwrap();
    let other = place.path().join("other");
    finish(&experiment(&["steps=100"]), &other, false);
    for kept in ["episodes", "bundle"] {
        let folder = place.path().join(format!("holds-{kept}"));
        copy(&other.join(kept), &folder.join(kept));
        refused(&folder, &["holds no run to go on with", kept, "--run-dir"]);
    }
    let folder = place.path().join("papers");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("metrics.jsonl"), b"mine").unwrap();
    refused(&folder, &["holds no run to go on with", "metrics.jsonl"]);
}

#[test]
fn what_a_start_that_was_killed_left_is_in_nobodys_way() {
    let place = tempfile::tempdir().unwrap();
    let (whole, cut) = (place.path().join("whole"), place.path().join("cut"));
    finish(&experiment(&[]), &whole, false);
    fs::create_dir(&cut).unwrap();
    fs::write(cut.join("lock"), b"1\n").unwrap();
    fs::copy(whole.join("run.toml"), cut.join("run.toml")).unwrap();
    finish(&experiment(&[]), &cut, true);
    assert_eq!(trace(&cut), trace(&whole));
    // Killed between the configuration and the first checkpoint.
    let cut = place.path().join("later");
    stopped_at(100, &cut);
    fs::remove_dir_all(cut.join("checkpoints")).unwrap();
    fs::write(cut.join("metrics.jsonl"), b"").unwrap();
    let segment = cut.join("episodes/segment-000000.arrows");
    fs::write(cut.join("episodes/index.txt"), b"worldwright epis").unwrap();
    let head = fs::read(&segment).unwrap();
    fs::write(&segment, &head[..100]).unwrap();
    finish(&experiment(&[]), &cut, true);
    assert_eq!(trace(&cut), trace(&whole));
}

#[test]
fn a_run_whose_checkpoints_are_gone_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let cut = place.path().join("cut");
    stopped_at(700, &cut);
    fs::remove_dir_all(cut.join("checkpoints")).unwrap();
    refused(&cut, &["it has no checkpoint", "episodes, metrics.jsonl", "nothing was changed"]);
    let whole = place.path().join("whole");
    finish(&experiment(&[]), &whole, false);
    fs::remove_dir_all(whole.join("checkpoints")).unwrap();
    // With everything else it is finished, and says so again.
    finish(&experiment(&[]), &whole, true);
    fs::remove_file(whole.join("bundle/weights.safetensors")).unwrap();
    refused(&whole, &["it has no checkpoint", "summary.json", "bundle"]);
}

#[test]
fn what_others_put_there_is_moved_aside_or_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let [other, cut, whole] = ["other", "cut", "whole"].map(|name| place.path().join(name));
    finish(&experiment(&["steps=100"]), &other, false);
    finish(&experiment(&[]), &whole, false);
    stopped_at(700, &cut);
    copy(&other.join("bundle"), &cut.join("bundle"));
    fs::write(cut.join("checkpoints/notes.txt"), b"mine").unwrap();
    fs::create_dir_all(cut.join("checkpoints/000-backup")).unwrap();
    let foreign: Vec<_> = files(&cut.join("bundle")).into_values().collect();
    // The bundle is whole and of another run: it is found when this one is written.
    let said = notes(&cut);
    assert!(said.iter().any(|note| note.contains("bundle.aside-1")), "{said:?}");
    assert_eq!(files(&cut.join("bundle.aside-1")).into_values().collect::<Vec<_>>(), foreign);
    assert_eq!(fs::read(cut.join("checkpoints/notes.txt")).unwrap(), b"mine");
    assert!(cut.join("checkpoints/000-backup").exists());
    assert_eq!(trace(&cut), trace(&whole));
}

/// One bit of the first place where `text` stands.
fn flip(path: &Path, text: &str, bit: u8) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect("it stands there");
    bytes[at + text.len() - 1] ^= 1 << bit;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_flipped_bit_is_said() {
    let place = tempfile::tempdir().unwrap();
    let cut = place.path().join("cut");
    stopped_at(700, &cut);
    for (name, text, words) in [
        ("metrics.jsonl", "\"return\":-1", "metrics.jsonl: is damaged"),
        ("config.toml", "population = 8", "config.toml: is damaged or was edited"),
    ] {
        let path = cut.join(name);
        let whole = fs::read(&path).unwrap();
        flip(&path, text, 0);
        refused(&cut, &[words]);
        fs::write(&path, whole).unwrap();
    }
    let whole = place.path().join("whole");
    finish(&experiment(&[]), &whole, false);
    finish(&experiment(&[]), &cut, true);
    let expected = trace(&whole);
    assert_eq!(trace(&cut), expected);

    // Of a finished run: what can be made again is, and the damaged one is kept.
    for (name, text) in [("summary.json", "\"return_mean\": -1"), ("diagnostics.json", "\"rmse\": 0"), ("bundle", "")] {
        let path = whole.join(name);
        if name == "bundle" {
            flip(&path.join("card.toml"), "algorithm = \"p", 1)
        } else {
            flip(&path, text, 0)
        }
        assert!(RunFolder::new(&whole).read_summary().is_err() || name != "summary.json");
        let said = notes(&whole);
        let kept = format!("{name}.aside-1");
        assert!(said.iter().any(|note| note.contains("damaged") && note.contains(&kept)), "{said:?}");
        assert!(whole.join(kept).exists());
        assert_eq!(trace(&whole), expected);
    }
    flip(&whole.join("metrics.jsonl"), "\"return\":-1", 0);
    refused(&whole, &["metrics.jsonl: is damaged"]);
}
