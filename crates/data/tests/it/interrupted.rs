//! Imports and exports end when somebody asks, and leave nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use worldwright_core::{Error, Interrupt, Rng, Space};
use worldwright_data::{
    ColumnNames, EpisodeWriter, FORMATS, Header, WriterOptions, export, export_until, import, import_as,
    interrupted_reader,
};

use crate::support::{episode, write};

fn store(folder: &Path) {
    let space = Space::unbounded(2);
    let mut writer =
        EpisodeWriter::create(folder, &Header::new("x", space.clone(), space.clone(), 0), WriterOptions::default())
            .unwrap();
    let mut rng = Rng::new(1);
    for steps in [3, 4] {
        write(&mut writer, &episode(&space, &space, steps, &mut rng));
    }
    writer.close().unwrap();
}

#[test]
fn every_format_heeds_an_interrupt_and_leaves_nothing() {
    let asked = Interrupt::new();
    asked.request();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    store(&at("store"));
    std::fs::write(at("in-csv-v0"), "observation,action,reward,done\n0,0.5,0,0\n1,0.5,0,1\n").unwrap();
    let line = r#"{"observation": 0.5, "action": 0.5, "reward": 1, "done": true}"#;
    std::fs::write(at("in-jsonl-v0"), line).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for entry in FORMATS {
        let given = match entry.name {
            "hdf5" => golden.join("d4rl.hdf5"),
            name => at(&format!("in-{name}-v0")),
        };
        if entry.build.writes() {
            let done = export_until(&at("store"), entry.name, &given, &asked);
            assert!(matches!(done, Err(Error::Interrupted { .. })) && !given.exists(), "{}: {done:?}", entry.name);
            export(&at("store"), entry.name, &given).unwrap();
        }
        let out = at(&format!("back-{}", entry.name));
        let done = import_as(&given, entry.name, &ColumnNames::default(), &out, &asked);
        assert!(matches!(done, Err(Error::Interrupted { .. })) && !out.exists(), "{}: {done:?}", entry.name);
        import(&given, entry.name, &out).unwrap();
    }
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let parts: Vec<String> = left.filter(|name| name.starts_with('.')).collect();
    assert!(parts.is_empty(), "{parts:?}");
}

/// Files as other programs write them.
fn of_others(folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let numbers = |of: &[f64]| -> ArrayRef { Arc::new(Float64Array::from(of.to_vec())) };
    let columns = [
        ("observation", numbers(&[0.5, 1.5])),
        ("action", numbers(&[0.25, 0.5])),
        ("reward", numbers(&[1.0, 2.0])),
        ("done", numbers(&[0.0, 1.0])),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut parquet = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    parquet.write(&batch).unwrap();
    let mut feather = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    feather.write(&batch).unwrap();
    let csv = b"observation,action,reward,done\n0,0.5,0,0\n1,0.5,0,1\n".to_vec();
    let line = br#"{"observation": 0.5, "action": 0.5, "reward": 1, "done": true}"#.to_vec();
    let list = [b"[", line.as_slice(), b"]"].concat();
    let files = [
        ("parquet", parquet.into_inner().unwrap()),
        ("feather", feather.into_inner().unwrap()),
        ("csv", csv),
        ("jsonl", line),
        ("jsonl", list),
    ];
    files
        .into_iter()
        .enumerate()
        .map(|(i, (format, bytes))| {
            let path = folder.join(format!("{i}.{format}"));
            std::fs::write(&path, bytes).unwrap();
            (format, path)
        })
        .collect()
}

#[test]
fn every_reader_looks_while_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let golden = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    store(&at("store"));
    // The looks that each reader takes by itself, with the four that every table takes and without the one at every episode.
    let mut counts = Vec::new();
    let mut count = |what: String, format: &str, path: &Path| {
        let looks = interrupted_reader(format, path, usize::MAX).unwrap();
        for look in 0..looks {
            let done = interrupted_reader(format, path, look);
            assert!(matches!(done, Err(Error::Interrupted { .. })), "{what}, look {look}: {done:?}");
        }
        counts.push((what, looks));
    };
    for entry in FORMATS.iter().filter(|entry| entry.build.writes()) {
        let path = at(&format!("own-{}-v0", entry.name));
        export(&at("store"), entry.name, &path).unwrap();
        count(format!("own {}", entry.name), entry.name, &path);
    }
    for (i, (format, path)) in of_others(folder.path()).into_iter().enumerate() {
        count(format!("{i} {format}"), format, &path);
    }
    for (format, name) in [
        ("npz", "d4rl.npz"),
        ("npz", "imitation.npz"),
        ("hdf5", "d4rl.hdf5"),
        ("hdf5", "robomimic.hdf5"),
        ("hdf5", "minari.hdf5"),
    ] {
        count(name.to_owned(), format, &golden(name));
    }
    let table = 4;
    let expected = [
        // An episode a file: the look that every import takes at every episode is enough.
        ("own minari", 0),
        // A batch each.
        ("own parquet", 1),
        ("own feather", 1),
        // Each of the arrays, and between observations and actions.
        ("own npz", 9 + 1),
        ("own lerobot", 1 + table),
        ("0 parquet", 1 + table),
        ("1 feather", 1 + table),
        // The first row, and each column.
        ("2 csv", 1 + 4 + table),
        // The first line, the first row, and each column; a list has no lines.
        ("3 jsonl", 1 + 1 + 4 + table),
        ("4 jsonl", 1 + 4 + table),
        ("d4rl.npz", 7 + table),
        ("imitation.npz", 6 + table),
        // The root and its arrays.
        ("d4rl.hdf5", 1 + 6 + table),
        // Three demonstrations of three groups and eight arrays.
        ("robomimic.hdf5", 3 * (3 + 8) + table),
        // Three episodes of a group and five arrays.
        ("minari.hdf5", 3 * (1 + 5)),
    ];
    assert_eq!(counts, expected.map(|(what, looks)| (what.to_owned(), looks)));
}
