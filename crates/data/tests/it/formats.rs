//! Import and export: what goes out comes back, others read it, and damaged files are errors.

use std::path::Path;
use std::process::Command;

use worldwright_core::{ElementType, Error, Rng, Space};
use worldwright_data::{
    Episode, EpisodeStore, EpisodeWriter, FORMATS, Header, WriterOptions, export, format_of, import, inspect,
};

use crate::support::{episode, spaces, write};

fn store(folder: &Path, observations: &Space, actions: &Space) -> Vec<Episode> {
    store_of(folder, observations, actions, &[2, 0, 3, 1, 4, 5, 0])
}

fn store_of(folder: &Path, observations: &Space, actions: &Space, lengths: &[usize]) -> Vec<Episode> {
    let mut rng = Rng::new(5);
    let header = Header::new("made-up", observations.clone(), actions.clone(), 3);
    let options = WriterOptions { batch_rows: 7, ..WriterOptions::default() };
    let mut writer = EpisodeWriter::create(folder, &header, options).unwrap();
    let episodes: Vec<Episode> = lengths.iter().map(|steps| episode(observations, actions, *steps, &mut rng)).collect();
    episodes.iter().for_each(|episode| write(&mut writer, episode));
    writer.close().unwrap();
    episodes
}

fn read(folder: &Path) -> Vec<Episode> {
    let store = EpisodeStore::open(folder).unwrap();
    (0..store.episodes().len()).map(|i| store.episode(i).unwrap()).collect()
}

fn small() -> Space {
    Space::Box { shape: vec![2, 2], low: vec![-2.0; 4], high: vec![2.0; 4], element: ElementType::F32 }
}

#[test]
fn every_format_brings_every_space_back() {
    for entry in FORMATS.iter().filter(|entry| entry.build.writes()) {
        for (name, space) in spaces() {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            let written = store(&at("store"), &space, &space);
            match export(&at("store"), entry.name, &at("out-v0")) {
                Err(Error::Unsupported { .. }) if entry.name == "lerobot" && !matches!(name, "f64" | "discrete") => {}
                Err(error) => panic!("{} of {name}: {error}", entry.name),
                Ok(()) => {
                    import(&at("out-v0"), entry.name, &at("back")).unwrap();
                    let back = read(&at("back"));
                    assert_eq!(back, written, "{} of {name}", entry.name);
                    assert_eq!(format_of(&at("out-v0")), Some(entry.name));
                    let out = inspect(&at("out-v0")).unwrap();
                    assert_eq!((out.format, out.bytes > 0), (entry.name, true));
                    let (was, is) = (inspect(&at("store")).unwrap(), inspect(&at("back")).unwrap());
                    assert_eq!((was.format, is.format), ("store", "store"));
                    for is in [&is, &out] {
                        assert_eq!((was.episodes, was.steps, was.returns), (is.episodes, is.steps, is.returns));
                        assert_eq!((was.terminated, was.truncated), (is.terminated, is.truncated));
                    }
                    assert_eq!(was.header.observation_space, is.header.observation_space, "{} of {name}", entry.name);
                }
            }
        }
    }
}

#[test]
fn missing_foreign_and_occupied_paths_are_clear_errors() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    store(&at("store"), &small(), &Space::discrete(2));
    std::fs::write(at("text"), "no data").unwrap();
    for entry in FORMATS {
        let missing = import(&at("nowhere"), entry.name, &at("out")).unwrap_err().to_string();
        assert!(missing.contains("check the path"), "{missing}");
        import(&at("text"), entry.name, &at("out")).unwrap_err();
        assert!(!at("out/segment-000000.arrows").exists());
        let taken = import(&at("text"), entry.name, &at("store")).unwrap_err().to_string();
        assert!(taken.contains("choose another folder"), "{taken}");
        if !entry.build.writes() {
            let unwritten = export(&at("store"), entry.name, &at("out")).unwrap_err().to_string();
            assert!(unwritten.contains("only read; write minari, parquet"), "{unwritten}");
            continue;
        }
        let exists = export(&at("store"), entry.name, &at("text")).unwrap_err().to_string();
        assert!(exists.contains("exists already"), "{exists}");
    }
    let unknown = import(&at("text"), "parqet", &at("out")).unwrap_err().to_string();
    assert!(unknown.contains("did you mean 'parquet'"), "{unknown}");
    let unnamed = export(&at("store"), "minari", &at("plain")).unwrap_err().to_string();
    assert!(unnamed.contains("named with a version"), "{unnamed}");
}

#[expect(clippy::print_stderr, reason = "a check that was left out must not look like one that passed")]
fn python(verb: &str, folder: &Path) -> bool {
    let Ok(interpreter) = std::env::var("WORLDWRIGHT_PYTHON_DATA") else {
        eprintln!("WORLDWRIGHT_PYTHON_DATA is not set: the check against Minari, pandas and NumPy is left out");
        return false;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/check.py");
    let output = Command::new(interpreter).arg(script).arg(verb).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    true
}

#[test]
fn minari_pandas_and_numpy_read_what_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let action = Space::Box { shape: vec![2], low: vec![-1.0; 2], high: vec![1.0; 2], element: ElementType::F64 };
    // Minari itself stumbles over episodes without a step.
    let lengths = [2, 3, 1, 4, 5];
    store_of(&at("store"), &small(), &action, &lengths);
    export(&at("store"), "minari", &at("datasets/mine/made-up-v0")).unwrap();
    export(&at("store"), "parquet", &at("rows.parquet")).unwrap();
    export(&at("store"), "npz", &at("all.npz")).unwrap();
    store_of(&at("flat"), &Space::unbounded(4), &action, &lengths);
    export(&at("flat"), "lerobot", &at("lerobot")).unwrap();
    // The same seed draws other numbers for another space: the flat store's rewards are compared with themselves.
    let (flat, boxed) = (read(&at("flat")), read(&at("store")));
    if flat.iter().zip(&boxed).any(|(a, b)| a.rewards != b.rewards) {
        std::fs::remove_dir_all(at("lerobot")).unwrap();
        let header = Header::new("made-up", Space::unbounded(4), action, 3);
        let mut writer = EpisodeWriter::create(at("flattened"), &header, WriterOptions::default()).unwrap();
        boxed.iter().for_each(|episode| write(&mut writer, episode));
        writer.close().unwrap();
        export(&at("flattened"), "lerobot", &at("lerobot")).unwrap();
    }
    python("read", folder.path());
}

#[test]
fn what_minari_pandas_and_numpy_made_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    if !python("make", folder.path()) {
        return;
    }
    import(&at("datasets/theirs/made-v0"), "minari", &at("store")).unwrap();
    import(&at("theirs.npz"), "npz", &at("plain")).unwrap();
    import(&at("theirs.parquet"), "parquet", &at("table")).unwrap();
    let (theirs, plain, table) = (read(&at("store")), read(&at("plain")), read(&at("table")));
    assert_eq!(theirs.iter().map(Episode::steps).collect::<Vec<_>>(), [2, 5, 3]);
    for (i, (theirs, plain)) in theirs.iter().zip(&plain).enumerate() {
        assert_eq!(theirs.rewards, plain.rewards);
        assert_eq!(theirs.actions, plain.actions);
        assert_eq!((theirs.terminated, theirs.truncated), (i == 0, i != 0));
        assert_eq!((&table[i].actions, &table[i].rewards), (&plain.actions, &plain.rewards));
        assert_eq!(table[i].observations, plain.observations);
        assert_eq!((table[i].terminated, table[i].truncated), (i == 0, i != 0));
        for (dict, a) in theirs.observations.iter().zip(&plain.observations) {
            let worldwright_core::Value::Dict(parts) = dict else { panic!("{dict:?}") };
            assert_eq!(&parts[0].1, a);
        }
    }
}
