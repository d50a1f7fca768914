//! Damaged files: readers give an error or something whole, whatever the bytes.
//!
//! Each case takes a good file and changes it by one of a few operators that damage in the wild resembles: bits flipped,
//! bytes set, numbers made extreme, ranges cleared, repeated or moved, the end cut. The cases are fixed by their number, so a failure
//! comes back; `cargo xtask fuzz episodes` tries more of them.

use std::time::{Duration, Instant};

use worldwright_core::{Result, Rng, Space};
use worldwright_data::{
    EpisodeStore, EpisodeWriter, Header, WriterOptions, export, fuzz_reader, space_from_json, space_to_json,
};
use worldwright_testkit::cases;

use crate::support::{episode, spaces, write};

fn mutate(original: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=rng.below(4) {
        let Some(last) = bytes.len().checked_sub(1) else { break };
        let mut at = || rng.below(bytes.len() as u64) as usize;
        let (a, b) = (at(), at());
        // Lengths and offsets stand in words near each other, so ranges are short.
        let (start, end) = (a, (a + b % 16 + 1).min(last + 1));
        match rng.below(7) {
            0 => bytes[a] ^= 1 << rng.below(8),
            1 => bytes[a] = rng.below(256) as u8,
            2 => {
                let extreme = [0_u32, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF][rng.below(5) as usize].to_le_bytes();
                let n = extreme.len().min(bytes.len() - a);
                bytes[a..a + n].copy_from_slice(&extreme[..n]);
            }
            3 => bytes[start..end].fill(0),
            4 => {
                let copied = bytes[start..end].to_vec();
                bytes.splice(b..b, copied);
            }
            5 => drop(bytes.drain(start..end)),
            _ => bytes.truncate(a),
        }
    }
    bytes
}

/// Reads many damaged versions of a good file; a panic, an abort or a reader that hangs fails the test.
fn fuzz(name: &str, original: &[u8], reader: impl Fn(&[u8]) -> Result<usize>) {
    assert!(reader(original).unwrap_or_else(|error| panic!("{name}: {error}")) > 0, "{name} reads what is good");
    let mut refused = 0;
    for case in 0..cases(400) as usize {
        let mut rng = Rng::new(case as u64);
        let bytes = mutate(original, &mut rng);
        let begun = Instant::now();
        refused += usize::from(reader(&bytes).is_err());
        assert!(begun.elapsed() < Duration::from_secs(10), "{name}: case {case} takes too long");
    }
    assert!(peak_mib() < 4096, "{name}: {} MiB of memory for files of a few kilobytes", peak_mib());
    assert!(refused > 0, "{name}: no damage was noticed, so the cases reach nothing");
}

/// The most memory that this process has held, where the system tells.
pub(crate) fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).unwrap_or(0) / 1024
}

struct Files {
    segment: Vec<u8>,
    index: Vec<u8>,
    exported: Vec<u8>,
}

fn files(space: &Space, format: &str, name: &str) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let options = WriterOptions { batch_rows: 4, ..WriterOptions::default() };
    let header = Header::new("fuzz", space.clone(), space.clone(), 3);
    let mut writer = EpisodeWriter::create(at("store"), &header, options).unwrap();
    let mut rng = Rng::new(11);
    (1..5).for_each(|steps| write(&mut writer, &episode(space, space, steps, &mut rng)));
    writer.close().unwrap();
    export(&at("store"), format, &at("out-v0")).unwrap();
    let read = |path: &str| std::fs::read(at(path)).unwrap();
    Files { segment: read("store/segment-000000.arrows"), index: read("store/index.txt"), exported: read(name) }
}

fn open(segment: &[u8], index: &[u8]) -> Result<usize> {
    let store = EpisodeStore::from_bytes(&[segment], index)?;
    // Whatever is said to be there can be read.
    (0..store.episodes().len()).try_for_each(|i| store.episode(i).map(|_| ()))?;
    Ok(store.steps())
}

#[test]
fn store_segments() {
    let dict = spaces().pop().unwrap().1;
    let dict = files(&dict, "npz", "out-v0");
    fuzz("segment of dictionaries", &dict.segment, |bytes| open(bytes, &dict.index));
    fuzz("segment of dictionaries without index", &dict.segment, |bytes| open(bytes, &[]));
    let files = files(&Space::unbounded(1), "npz", "out-v0");
    fuzz("segment", &files.segment, |bytes| open(bytes, &files.index));
    fuzz("segment without index", &files.segment, |bytes| open(bytes, &[]));
}

#[test]
fn store_indices_are_only_a_help() {
    let files = files(&Space::unbounded(1), "npz", "out-v0");
    let whole = open(&files.segment, &files.index).unwrap();
    for case in 0..cases(400) as usize {
        let bytes = mutate(&files.index, &mut Rng::new(case as u64));
        let steps = open(&files.segment, &bytes).unwrap_or_else(|error| panic!("case {case}: {error}"));
        assert!(steps <= whole, "case {case}");
    }
}

/// A reader of one format.
fn reader(format: &'static str) -> impl Fn(&[u8]) -> Result<usize> {
    move |bytes| fuzz_reader(format, bytes)
}

#[test]
fn parquet_files() {
    let ours = files(&Space::unbounded(1), "parquet", "out-v0").exported;
    fuzz("parquet", &ours, reader("parquet"));
    let dict = spaces().pop().unwrap().1;
    fuzz("parquet of a dictionary", &files(&dict, "parquet", "out-v0").exported, reader("parquet"));
    fuzz("parquet of another program", &foreign(), reader("parquet"));
    let frames = files(&Space::unbounded(2), "lerobot", "out-v0/data/chunk-000/file-000.parquet").exported;
    fuzz("frames of lerobot", &frames, reader("lerobot"));
}

#[test]
fn feather_files() {
    let ours = files(&Space::unbounded(1), "feather", "out-v0").exported;
    fuzz("feather", &ours, reader("feather"));
    let dict = spaces().pop().unwrap().1;
    fuzz("feather of a dictionary", &files(&dict, "feather", "out-v0").exported, reader("feather"));
    for packed in [None, Some(arrow_ipc::CompressionType::LZ4_FRAME)] {
        let batch = columns();
        let options = arrow_ipc::writer::IpcWriteOptions::default().try_with_compression(packed).unwrap();
        let mut writer =
            arrow_ipc::writer::FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        fuzz("feather of another program", &writer.into_inner().unwrap(), reader("feather"));
    }
}

#[test]
fn texts_and_hdf5_files() {
    let csv = "episode,obs_x,obs_y,action,reward,done,next_obs_y,next_obs_x\n0,0,0.5,1,1,False,0.25,1\n0,1,0.25,0,2,True,1,2\n";
    fuzz("csv", csv.as_bytes(), reader("csv"));
    let row = |t: f64, done: bool| {
        format!(
            r#"{{"episode": "a", "obs": [{t}, 0.5], "act": 1, "rew": -1.5, "done": {done}, "next_obs": [{}, 0.5]}}"#,
            t + 1.0
        )
    };
    fuzz("json lines", format!("{}\n{}\n", row(0.0, false), row(1.0, true)).as_bytes(), reader("jsonl"));
    for layout in ["d4rl", "robomimic", "minari"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{layout}.hdf5"));
        fuzz(layout, &std::fs::read(path).unwrap(), reader("hdf5"));
    }
}

/// A table of the documented columns without a header of ours.
fn columns() -> arrow_array::RecordBatch {
    use std::sync::Arc;

    use arrow_array::types::{Float64Type, Int32Type};
    use arrow_array::{ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch};
    let rows = (0..30).map(|row| Some([Some(f64::from(row)), Some(0.5)]));
    let names = (0..30).map(|row| ["a", "b", "c", "d", "e", "f"][row / 5]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("episode", Arc::new(names.collect::<DictionaryArray<Int32Type>>())),
        ("observation", Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows))),
        ("action", Arc::new(Int64Array::from_iter((0..30).map(|row| (row % 5 < 4).then_some(row % 3))))),
        ("reward", Arc::new(Float64Array::from_iter_values((0..30).map(f64::from)))),
        ("terminated", Arc::new(BooleanArray::from_iter((0..30).map(|row| Some(row % 5 == 3))))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn foreign() -> Vec<u8> {
    let batch = columns();
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn numpy_archives() {
    fuzz("npz", &files(&Space::unbounded(1), "npz", "out-v0").exported, reader("npz"));
    let theirs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/imitation.npz");
    fuzz("npz of imitation", &std::fs::read(theirs).unwrap(), reader("npz"));
    let dict = spaces().pop().unwrap().1;
    fuzz("npz of a dictionary", &files(&dict, "npz", "out-v0").exported, reader("npz"));
}

#[test]
fn minari_episodes() {
    let good = files(&Space::unbounded(1), "minari", "out-v0/data/1/part-0.arrow").exported;
    fuzz("minari", &good, reader("minari"));
}

#[test]
fn descriptions_of_spaces() {
    for (name, space) in spaces() {
        let reader = |bytes: &[u8]| {
            let space = space_from_json(&String::from_utf8_lossy(bytes))?;
            Ok(space.flat_dim().max(1))
        };
        fuzz(name, space_to_json(&space).as_bytes(), reader);
    }
}
