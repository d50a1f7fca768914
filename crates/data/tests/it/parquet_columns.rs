//! Parquet files of other programs: the three layouts of rows, and errors that say what to change.

use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Float32Type;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use worldwright_core::{ElementType, Result, Space, Value};
use worldwright_data::{Episode, EpisodeStore, import, inspect};

type Columns = Vec<(&'static str, ArrayRef)>;

fn doubles(numbers: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(numbers.to_vec()))
}

fn whole(numbers: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(numbers.to_vec()))
}

fn flags(flags: &[u8]) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(flags.iter().map(|flag| Some(*flag == 1))))
}

fn lists(rows: &[[f32; 2]]) -> ArrayRef {
    let rows = rows.iter().map(|row| Some(row.map(Some)));
    Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(rows))
}

fn choices(numbers: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(numbers.to_vec()))
}

fn write(path: &Path, columns: &Columns) {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, array)| (*name, array.clone(), true)));
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    // Two row groups, so that an episode runs across their border.
    writer.write(&batch.slice(0, 2)).unwrap();
    writer.flush().unwrap();
    writer.write(&batch.slice(2, batch.num_rows() - 2)).unwrap();
    writer.close().unwrap();
}

fn read(columns: &Columns) -> Result<(EpisodeStore, Vec<Episode>)> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at("theirs.parquet"), columns);
    import(&at("theirs.parquet"), "parquet", &at("store"))?;
    let store = EpisodeStore::open(at("store"))?;
    let looked = inspect(&at("theirs.parquet"))?;
    assert_eq!((looked.format, looked.episodes, looked.steps), ("parquet", store.episodes().len(), store.steps()));
    assert_eq!(&looked.header, store.header());
    let episodes = (0..store.episodes().len()).map(|i| store.episode(i)).collect::<Result<_>>()?;
    Ok((store, episodes))
}

/// Two episodes: two steps to a terminal state, and one step that was cut; the last row of each has no action.
fn closed() -> Columns {
    vec![
        ("episode", whole(&[7, 7, 7, 9, 9])),
        ("step", whole(&[0, 1, 2, 0, 1])),
        ("observation", lists(&[[0.0, 0.5], [1.0, 1.5], [2.0, 2.5], [10.0, 0.0], [11.0, 0.0]])),
        ("action", choices(&[Some(2), Some(0), None, Some(1), None])),
        ("reward", doubles(&[0.25, -1.0, 0.0, 3.0, 0.0])),
        ("terminated", flags(&[0, 1, 0, 0, 0])),
        ("truncated", flags(&[0, 0, 0, 1, 0])),
    ]
}

fn expected() -> Vec<Episode> {
    let floats = |a: f64, b: f64| Value::Floats(vec![a, b]);
    vec![
        Episode {
            seed: None,
            observations: vec![floats(0.0, 0.5), floats(1.0, 1.5), floats(2.0, 2.5)],
            actions: vec![Value::Integer(2), Value::Integer(0)],
            rewards: vec![0.25, -1.0],
            terminated: true,
            truncated: false,
        },
        Episode {
            seed: None,
            observations: vec![floats(10.0, 0.0), floats(11.0, 0.0)],
            actions: vec![Value::Integer(1)],
            rewards: vec![3.0],
            terminated: false,
            truncated: true,
        },
    ]
}

#[test]
fn rows_of_what_is_seen_and_then_done_with_a_last_observation() {
    let (store, episodes) = read(&closed()).unwrap();
    assert_eq!(episodes, expected());
    let header = store.header();
    assert_eq!(header.environment, "theirs");
    let Space::Box { shape, element: ElementType::F32, .. } = &header.observation_space else { panic!("{header:?}") };
    assert_eq!(shape, &[2]);
    assert_eq!(header.action_space, Space::discrete(3));

    // Without the column of truncations, what does not terminate was cut.
    let without = closed().into_iter().filter(|(name, _)| *name != "truncated" && *name != "step").collect();
    assert_eq!(read(&without).unwrap().1, expected());
}

#[test]
fn rows_of_whole_transitions_in_columns_of_numbers() {
    let columns = vec![
        ("reward", doubles(&[0.25, -1.0, 3.0])),
        ("episode", whole(&[0, 0, 1])),
        ("observation_x", doubles(&[0.0, 1.0, 10.0])),
        ("observation_y", doubles(&[0.5, 1.5, 0.0])),
        ("next_observation_x", doubles(&[1.0, 2.0, 11.0])),
        ("next_observation_y", doubles(&[1.5, 2.5, 0.0])),
        ("action", whole(&[2, 0, 1])),
        ("terminated", flags(&[0, 1, 0])),
    ];
    let (store, episodes) = read(&columns).unwrap();
    assert_eq!(episodes, expected());
    assert_eq!(store.header().observation_space, Space::unbounded(2));

    let mut jump = columns;
    jump[5].1 = doubles(&[1.25, 2.5, 0.0]);
    let error = read(&jump).unwrap_err().to_string();
    assert!(error.contains("0: the next observation of row 0 is not the observation of row 1"), "{error}");
}

#[test]
fn a_last_action_without_an_outcome_is_dropped() {
    let mut columns = closed();
    columns[3].1 = whole(&[2, 0, 1, 1, 2]);
    columns[5].1 = flags(&[0, 0, 1, 0, 1]);
    columns[6].1 = flags(&[0; 5]);
    let mut cut = expected();
    (cut[0].terminated, cut[0].truncated) = (false, true);
    assert_eq!(read(&columns).unwrap().1, cut);
}

#[test]
fn rows_of_what_was_done_and_then_seen() {
    let columns = vec![
        ("episode", whole(&[0, 0, 0, 1, 1])),
        ("observation", lists(&[[0.0, 0.5], [1.0, 1.5], [2.0, 2.5], [10.0, 0.0], [11.0, 0.0]])),
        ("action", choices(&[None, Some(2), Some(0), None, Some(1)])),
        ("reward", doubles(&[0.0, 0.25, -1.0, 0.0, 3.0])),
        ("terminated", flags(&[0, 0, 1, 0, 0])),
        ("truncated", flags(&[0, 0, 0, 0, 1])),
    ];
    assert_eq!(read(&columns).unwrap().1, expected());
}

#[test]
fn what_cannot_be_read_is_named() {
    let changed = |at: usize, array: ArrayRef| {
        let mut columns = closed();
        columns[at].1 = array;
        read(&columns).map(|_| ()).unwrap_err().to_string()
    };
    let missing = closed().into_iter().filter(|(name, _)| !["action", "terminated"].contains(name)).collect();
    let error = read(&missing).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("action: there is no such column (there are episode, step, observation"), "{error}");
    let error = changed(0, whole(&[7, 9, 7, 9, 9]));
    assert!(error.contains("rows of episode 7 do not stand together"), "{error}");
    let error = changed(1, whole(&[0, 2, 1, 0, 1]));
    assert!(error.contains("episode 7 goes from step 0 to step 2 at row 1"), "{error}");
    let error = changed(5, flags(&[1, 0, 0, 0, 0]));
    assert!(error.contains("7: goes on after its end at row 0"), "{error}");
    let error = changed(3, choices(&[Some(2), None, Some(0), Some(1), None]));
    assert!(error.contains("7: row 1 lacks an action"), "{error}");
    let error = changed(0, doubles(&[7.0, 7.5, 7.5, 9.0, 9.0]));
    assert!(error.contains("episode: row 1 holds 7.5"), "{error}");
    let words: ArrayRef = Arc::new(StringArray::from(vec!["a"; 5]));
    let error = changed(2, words);
    assert!(error.contains("observation: row 0 holds the text 'a', expected numbers"), "{error}");
}
