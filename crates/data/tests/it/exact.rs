//! Numbers come in as they are: what is no choice or byte is refused by name, and what was shown beyond its bounds comes back.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use worldwright_core::{ElementType, Error, Space, Step, Value};
use worldwright_data::{
    EpisodeStore, EpisodeWriter, FORMATS, Header, WriterOptions, export, fuzz_reader, import, inspect,
};

use crate::limits::{archive, header};

fn npz(space: &str, observations: (&str, &[f64]), actions: &[f64]) -> String {
    let arrays: &[(&str, &str, &[f64])] = &[
        ("rewards", "(2,)", &[0.0; 2]),
        ("terminated", "(2,)", &[0.0, 1.0]),
        ("truncated", "(2,)", &[0.0; 2]),
        ("episode_steps", "(1,)", &[2.0]),
        ("observations", observations.0, observations.1),
        ("actions", "(2,)", actions),
    ];
    match fuzz_reader("npz", &archive(arrays, Some(&header(space)))) {
        Ok(steps) => format!("{steps} steps"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn archives_of_numbers_that_their_spaces_do_not_hold() {
    let real = r#"{"type": "Box", "dtype": "float64", "shape": [1], "low": 0, "high": 9}"#;
    assert_eq!(npz(real, ("(3, 1)", &[0.5; 3]), &[0.0, 1.0]), "2 steps");
    let error = npz(real, ("(3, 1)", &[0.5; 3]), &[0.9, 1.2]);
    assert!(error.contains("actions") && error.contains("row 0") && error.contains("0.9"), "{error}");
    let bytes = r#"{"type": "Box", "dtype": "uint8", "shape": [2], "low": 0, "high": 255}"#;
    let error = npz(bytes, ("(3, 2)", &[0.0, 1.0, 300.0, -1.0, 0.0, 0.0]), &[0.0, 1.0]);
    assert!(error.contains("observations") && error.contains("row 1") && error.contains("300"), "{error}");
    let bits = r#"{"type": "MultiBinary", "n": 1}"#;
    let error = npz(bits, ("(3, 1)", &[0.0, f64::NAN, 1.0]), &[0.0, 1.0]);
    assert!(error.contains("row 1") && error.contains("NaN"), "{error}");
    let several = r#"{"type": "MultiDiscrete", "nvec": [3]}"#;
    let error = npz(several, ("(3, 1)", &[0.0, 1.0, 1.5]), &[0.0, 1.0]);
    assert!(error.contains("row 2") && error.contains("1.5"), "{error}");
}

/// A store of one episode of two steps.
fn store(folder: &Path, observations: &Space, actions: &Space, seen: &[Value], done: &[Value]) {
    let header = Header::new("made-up", observations.clone(), actions.clone(), 3);
    let mut writer = EpisodeWriter::create(folder, &header, WriterOptions::default()).unwrap();
    writer.start_episode(&seen[0], Some(1)).unwrap();
    for (t, action) in done.iter().enumerate() {
        let last = t + 1 == done.len();
        let step = Step { observation: seen[t + 1].clone(), reward: 1.0, terminated: last, truncated: false };
        writer.step(action, &step).unwrap();
    }
    writer.close().unwrap();
}

/// The same columns, but those actions.
fn with_actions(batch: &RecordBatch, name: &str, actions: &[f64]) -> RecordBatch {
    let place = batch.schema().index_of(name).unwrap();
    let mut fields: Vec<Field> = batch.schema().fields().iter().map(|field| (**field).clone()).collect();
    fields[place] = Field::new(name, DataType::Float64, true);
    let mut columns = batch.columns().to_vec();
    columns[place] = Arc::new(Float64Array::from(actions.to_vec())) as ArrayRef;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

#[test]
fn tables_of_actions_that_are_no_choices() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let seen: Vec<Value> = [0.5, 1.5, 2.5].map(|n| Value::Floats(vec![n])).to_vec();
    let done = [Value::Integer(1), Value::Integer(2)];
    store(&at("store"), &Space::unbounded(1), &Space::discrete(3), &seen, &done);

    export(&at("store"), "minari", &at("m-v0")).unwrap();
    let part = at("m-v0/data/0/part-0.arrow");
    let batch = arrow_ipc::reader::FileReader::try_new(std::fs::File::open(&part).unwrap(), None).unwrap();
    let batch = with_actions(&batch.into_iter().next().unwrap().unwrap(), "actions", &[0.9, 1.2, 0.0]);
    let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    std::fs::write(&part, writer.into_inner().unwrap()).unwrap();
    let error = import(&at("m-v0"), "minari", &at("back")).unwrap_err().to_string();
    assert!(error.contains("actions") && error.contains("row 0") && error.contains("0.9"), "{error}");

    export(&at("store"), "lerobot", &at("l")).unwrap();
    let part = at("l/data/chunk-000/file-000.parquet");
    let batch = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&part).unwrap()).unwrap();
    let batch = with_actions(&batch.build().unwrap().next().unwrap().unwrap(), "action", &[1.0, 1.2]);
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&part).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let error = import(&at("l"), "lerobot", &at("back")).unwrap_err().to_string();
    assert!(error.contains("action") && error.contains("row 1") && error.contains("1.2"), "{error}");
}

#[test]
fn rewards_of_lerobot_are_known_by_all_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let seen: Vec<Value> = [0.5, 1.5, 2.5].map(|n| Value::Floats(vec![n])).to_vec();
    store(&at("store"), &Space::unbounded(1), &Space::discrete(1), &seen, &[Value::Integer(0), Value::Integer(0)]);
    export(&at("store"), "lerobot", &at("l")).unwrap();
    let part = at("l/data/chunk-000/file-000.parquet");
    let batch = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&part).unwrap()).unwrap();
    let batch = batch.build().unwrap().next().unwrap().unwrap();
    for name in ["rewards", "Next-Reward", "rew"] {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns()).map(|(field, array)| {
            let called = if field.name() == "next.reward" { name } else { field.name() };
            (called.to_owned(), array.clone())
        });
        let renamed = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer = ArrowWriter::try_new(std::fs::File::create(&part).unwrap(), renamed.schema(), None).unwrap();
        writer.write(&renamed).unwrap();
        writer.close().unwrap();
        import(&at("l"), "lerobot", &at(name)).unwrap();
        assert_eq!(EpisodeStore::open(at(name)).unwrap().episode(0).unwrap().rewards, [1.0, 1.0], "{name}");
    }
}

#[test]
fn large_choices_come_back_exactly() {
    let start = (1_i64 << 53) - 5;
    let space = Space::choices(3, start);
    let several = Space::MultiDiscrete { shape: vec![1], nvec: vec![2], start: vec![start], element: ElementType::I64 };
    let seen: Vec<Value> = (0..3).map(|n| Value::Integer(start + n)).collect();
    let done = [Value::Integers(vec![start + 1]), Value::Integers(vec![start])];
    for entry in FORMATS.iter().filter(|entry| entry.build.writes() && entry.name != "lerobot") {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        store(&at("store"), &space, &several, &seen, &done);
        export(&at("store"), entry.name, &at("out-v0")).unwrap();
        import(&at("out-v0"), entry.name, &at("back")).unwrap();
        let back = EpisodeStore::open(at("back")).unwrap().episode(0).unwrap();
        assert_eq!((&back.observations[..], &back.actions[..]), (&seen[..], &done[..]), "{}", entry.name);
    }
}

#[test]
fn what_was_shown_beyond_its_bounds_goes_out_and_comes_back_with_a_note() {
    let space = Space::vector(&[-1.0], &[1.0]);
    let seen: Vec<Value> = [0.5, 1.5, -2.5].map(|n| Value::Floats(vec![n])).to_vec();
    let done = [Value::Floats(vec![0.0]), Value::Floats(vec![1.0])];
    for entry in FORMATS.iter().filter(|entry| entry.build.writes()) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        store(&at("store"), &space, &space, &seen, &done);
        export(&at("store"), entry.name, &at("out-v0")).unwrap();
        let mut from = "out-v0";
        // What comes back can go out again, and is noted once.
        for (back, out) in [("back", "once-more-v0"), ("again", "twice-more-v0")] {
            import(&at(from), entry.name, &at(back)).unwrap();
            let store = EpisodeStore::open(at(back)).unwrap();
            assert_eq!(store.episode(0).unwrap().observations, seen, "{}", entry.name);
            let notes = &store.header().notes;
            let said = notes.iter().filter(|(key, _)| key == "outside the space").collect::<Vec<_>>();
            let [(_, said)] = said[..] else { panic!("{}: {notes:?}", entry.name) };
            assert!(said.starts_with("2 numbers") && said.contains("observation of step 1 of episode 0"), "{said}");
            assert_eq!(&inspect(&at(from)).unwrap().header, store.header());
            assert_eq!(std::fs::read_dir(at(back)).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count(), 0);
            export(&at(back), entry.name, &at(out)).unwrap();
            from = out;
        }
    }
}

#[test]
fn choices_out_of_range_and_numbers_that_are_none_stay_refused() {
    let real = r#"{"type": "Box", "dtype": "float64", "shape": [1], "low": 0, "high": 1}"#;
    assert_eq!(npz(real, ("(3, 1)", &[5.0; 3]), &[0.0, 1.0]), "2 steps");
    let error = npz(real, ("(3, 1)", &[0.5; 3]), &[0.0, 2.0]);
    assert!(error.contains("2 is none of the 2 choices"), "{error}");
    let error = npz(real, ("(3, 1)", &[0.5, f64::INFINITY, 0.5]), &[0.0, 1.0]);
    assert!(error.contains("inf"), "{error}");
    let whole = r#"{"type": "Box", "dtype": "int8", "shape": [1], "low": 0, "high": 9}"#;
    assert_eq!(npz(whole, ("(3, 1)", &[100.0; 3]), &[0.0, 1.0]), "2 steps");
    for (number, shown) in [(0.5, "0.5"), (300.0, "300")] {
        let error = npz(whole, ("(3, 1)", &[number; 3]), &[0.0, 1.0]);
        assert!(error.contains(shown), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let seen = [0.5, f64::NAN].map(|n| Value::Floats(vec![n]));
    store(&at("store"), &Space::unbounded(1), &Space::discrete(1), &seen, &[Value::Integer(0)]);
    let error = export(&at("store"), "npz", &at("out")).unwrap_err();
    assert!(matches!(error, Error::NotInSpace { .. }), "{error}");
}
