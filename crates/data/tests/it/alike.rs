//! Two names that a format would make one are an error that names both; neither overwrites the other.

use std::io::Write as _;
use std::path::Path;

use worldwright_core::{Error, Rng, Space, Value};
use worldwright_data::{EpisodeStore, EpisodeWriter, FORMATS, Header, WriterOptions, export, import};

use crate::support::{episode, write};

fn named(parts: Vec<(&str, Space)>) -> Space {
    Space::Dict(parts.into_iter().map(|(name, space)| (name.to_owned(), space)).collect())
}

/// Spaces of which two places read alike once the names of parts are joined.
fn alike() -> Vec<(Space, [&'static str; 2])> {
    let one = || Space::unbounded(1);
    vec![
        (
            named(vec![("b/c", one()), ("b", named(vec![("c", one())]))]),
            ["observations → 'b/c'", "observations → 'b' → 'c'"],
        ),
        (
            named(vec![("b", Space::Tuple(vec![one(), one()])), ("b/1", one())]),
            ["observations → 'b' → '1'", "observations → 'b/1'"],
        ),
        (
            named(vec![("b/c", named(vec![("d", one())])), ("b", named(vec![("c/d", one())]))]),
            ["observations → 'b/c' → 'd'", "observations → 'b' → 'c/d'"],
        ),
    ]
}

fn store(folder: &Path, space: &Space) -> Vec<worldwright_data::Episode> {
    let header = Header::new("made-up", space.clone(), Space::discrete(2), 3);
    let mut writer = EpisodeWriter::create(folder, &header, WriterOptions::default()).unwrap();
    let mut rng = Rng::new(5);
    let episodes: Vec<_> = (1..4).map(|steps| episode(space, &Space::discrete(2), steps, &mut rng)).collect();
    episodes.iter().for_each(|episode| write(&mut writer, episode));
    writer.close().unwrap();
    episodes
}

#[test]
fn parts_that_read_alike_come_back_or_are_refused_by_both_names() {
    for (space, names) in alike() {
        for entry in FORMATS.iter().filter(|entry| entry.build.writes()) {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            let written = store(&at("store"), &space);
            match export(&at("store"), entry.name, &at("out-v0")) {
                Ok(()) => {
                    assert_ne!(entry.name, "npz", "an archive has one name for both");
                    import(&at("out-v0"), entry.name, &at("back")).unwrap();
                    let back = EpisodeStore::open(at("back")).unwrap();
                    let back: Vec<_> = (0..back.episodes().len()).map(|i| back.episode(i).unwrap()).collect();
                    assert_eq!(back, written, "{}: {names:?}", entry.name);
                }
                Err(Error::Unsupported { .. }) if entry.name == "lerobot" => {}
                Err(error) => {
                    let said = error.to_string();
                    assert!(
                        entry.name == "npz" && names.iter().all(|name| said.contains(name)),
                        "{}: {said}",
                        entry.name
                    );
                    assert!(!at("out-v0").exists());
                }
            }
        }
    }
}

#[test]
fn names_that_only_look_alike_are_no_fault() {
    let one = || Space::unbounded(1);
    for space in [
        named(vec![("b/c", one()), ("b", named(vec![("d", one())]))]),
        named(vec![("b", one()), ("b/c", one())]),
        named(vec![("rewards", one()), ("../rewards", one()), ("", one())]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let written = store(&at("store"), &space);
        export(&at("store"), "npz", &at("out")).unwrap();
        import(&at("out"), "npz", &at("back")).unwrap();
        let back = EpisodeStore::open(at("back")).unwrap();
        assert_eq!(
            (0..back.episodes().len()).map(|i| back.episode(i).unwrap()).collect::<Vec<_>>(),
            written,
            "{space:?}"
        );
    }
}

#[test]
fn objects_and_slashes_that_read_alike_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        let path = folder.path().join("log.jsonl");
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        let out = folder.path().join("store");
        let done = import(&path, "jsonl", &out).map(|()| EpisodeStore::open(&out).unwrap().episode(0).unwrap());
        _ = std::fs::remove_dir_all(&out);
        done.map_err(|error| error.to_string())
    };
    let rest = r#""action": 0, "reward": 1, "done": false"#;
    let both = format!(r#"{{"observation": {{"b/c": 1.5, "b": {{"c": 2.5}}}}, {rest}}}"#);
    let (slash, within) = (
        format!(r#"{{"observation": {{"b/c": 1.5}}, {rest}}}"#),
        format!(r#"{{"observation": {{"b": {{"c": 2.5}}}}, {rest}}}"#),
    );
    for text in [format!("{both}\n{both}"), format!("{slash}\n{within}")] {
        let said = read(&text).unwrap_err();
        let names = ["'observation' → 'b/c'", "'observation' → 'b' → 'c'"];
        assert!(names.iter().all(|name| said.contains(name)), "{said}");
    }
    for (text, number) in [(&slash, 1.5), (&within, 2.5)] {
        let Value::Dict(parts) = &read(&format!("{text}\n{text}")).unwrap().observations[0] else {
            panic!("named parts")
        };
        assert_eq!(parts[..], [("b/c".to_owned(), Value::Floats(vec![number]))]);
    }
}
