//! Few bytes, large claims: files of some kilobytes that would fill any memory once laid out are errors, long before it is filled.

use std::io::Write;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringViewBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    UInt8Array, builder::Float64Builder,
};
use worldwright_core::{Rng, cost};
use worldwright_data::fuzz_reader;
use worldwright_testkit::cases;

use crate::fuzz::peak_mib;

/// What one thing may take here, in bytes. The other tests of this binary need less.
const LIMIT: u64 = 256 << 20;

/// Rows and numbers that take more than the limit once every row has as many, and up to twenty times that.
fn sizes(rng: &mut Rng) -> (usize, usize) {
    let rows = 1 << (12 + rng.below(6));
    let width = (LIMIT as usize / 8 / rows).max(1) * (2 + rng.below(20) as usize);
    (rows, width)
}

/// Reads made-up files of a kind; each must be refused for its size, and cheaply.
fn claims(name: &str, format: &str, make: impl Fn(&mut Rng) -> Vec<u8>) {
    cost::set_memory_limit(LIMIT);
    for case in 0..cases(6) as u64 {
        let bytes = make(&mut Rng::new(case));
        let error = fuzz_reader(format, &bytes).map(|steps| format!("{steps} steps")).unwrap_err().to_string();
        assert!(error.contains("memory"), "{name}, case {case}, {} bytes: {error}", bytes.len());
    }
    assert!(peak_mib() < 4096, "{name}: {} MiB of memory", peak_mib());
}

#[test]
fn rows_of_json_with_names_of_their_own() {
    claims("fresh names", "jsonl", |rng| {
        let rows = 3000 + rng.below(3000);
        (0..rows).map(|row| format!("{{\"k{row}\":1}}\n")).collect::<String>().into_bytes()
    });
    claims("one wide row", "jsonl", |rng| {
        let (rows, width) = sizes(rng);
        let mut text = format!("{{\"observation\": [{}0], \"action\": 1, \"reward\": 1}}\n", "0,".repeat(width));
        text.push_str(&"{\"action\":1}\n".repeat(rows));
        text.into_bytes()
    });
}

#[test]
fn texts_with_one_wide_row() {
    claims("one list", "csv", |rng| {
        let (rows, width) = sizes(rng);
        let rest = ",1,1\n".repeat(rows);
        format!("observation,action,reward\n[{}0],1,1\n{rest}", "0 ".repeat(width)).into_bytes()
    });
}

fn file(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let rows = columns[0].1.len();
    let own: Vec<(&str, ArrayRef)> = vec![
        ("action", Arc::new(Int64Array::from(vec![1; rows]))),
        ("reward", Arc::new(Float64Array::from(vec![1.0; rows]))),
        ("terminated", Arc::new(BooleanArray::from(vec![false; rows]))),
    ];
    let all = columns.into_iter().chain(own).map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(all).unwrap()
}

fn feather(batch: &RecordBatch) -> Vec<u8> {
    let packed = Some(arrow_ipc::CompressionType::LZ4_FRAME);
    let options = arrow_ipc::writer::IpcWriteOptions::default().try_with_compression(packed).unwrap();
    let mut writer = arrow_ipc::writer::FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

/// A column of lists of which one is long and the others are none.
fn one_list(rng: &mut Rng) -> RecordBatch {
    let (rows, width) = sizes(rng);
    let mut lists = ListBuilder::new(Float64Builder::new());
    lists.values().append_slice(&vec![0.0; width]);
    lists.append(true);
    (0..rows).for_each(|_| lists.append(false));
    file(vec![("observation", Arc::new(lists.finish()))])
}

/// A long text and many references to it.
fn one_text(rng: &mut Rng, viewed: bool) -> RecordBatch {
    let (rows, width) = sizes(rng);
    let text = "x".repeat(width * 8);
    let names: ArrayRef = if viewed {
        let mut views = StringViewBuilder::new().with_deduplicate_strings();
        (0..rows).for_each(|_| views.append_value(&text));
        Arc::new(views.finish())
    } else {
        let keys = Int32Array::from(vec![0; rows]);
        Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(StringArray::from(vec![text.as_str()]))))
    };
    file(vec![("episode", names), ("observation", Arc::new(Float64Array::from(vec![0.5; rows])))])
}

#[test]
fn columns_of_arrow_with_one_long_cell() {
    claims("one list", "feather", |rng| feather(&one_list(rng)));
    claims("one text in a dictionary", "feather", |rng| feather(&one_text(rng, false)));
    claims("one text in views", "feather", |rng| feather(&one_text(rng, true)));
    claims("rows of a byte", "feather", |rng| {
        let rows = LIMIT as usize / 64 + rng.below(1000) as usize;
        feather(
            &RecordBatch::try_from_iter([("observation", Arc::new(UInt8Array::from(vec![0; rows])) as ArrayRef)])
                .unwrap(),
        )
    });
}

#[test]
fn columns_of_parquet_with_one_long_cell() {
    claims("one list", "parquet", |rng| parquet(&one_list(rng)));
    claims("one list", "lerobot", |rng| parquet(&one_list(rng)));
    claims("one text in a dictionary", "parquet", |rng| parquet(&one_text(rng, false)));
}

/// Arrays of zeros, packed: name, type, shape and bytes.
fn zeros(arrays: &[(&str, &str, &[usize], usize)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, descr, shape, bytes) in arrays {
        let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
        let head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
        zip.write_all(&(head.len() as u16).to_le_bytes()).unwrap();
        zip.write_all(head.as_bytes()).unwrap();
        zip.write_all(&vec![0; *bytes]).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn archives_of_many_short_rows() {
    claims("rows of a byte", "npz", |rng| {
        let rows = LIMIT as usize / 60 + rng.below(1000) as usize;
        zeros(&[
            ("observations", "|u1", &[rows, 1], rows),
            ("actions", "|u1", &[rows, 1], rows),
            ("rewards", "|u1", &[rows], rows),
        ])
    });
    claims("texts of a byte", "npz", |rng| {
        let rows = LIMIT as usize / 30 + rng.below(1000) as usize;
        zeros(&[("episode", "|S1", &[rows], rows)])
    });
    claims("episodes without a step of wide actions", "npz", |rng| {
        let (rows, width) = sizes(rng);
        zeros(&[
            ("lengths", "|u1", &[rows], rows),
            ("observations", "|u1", &[rows, 1], rows),
            ("actions", "<f8", &[0, width.min(1 << 16)], 0),
            ("rewards", "<f8", &[0], 0),
        ])
    });
}

#[test]
fn texts_of_hdf5_that_are_one() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/one_text.hdf5");
    let bytes = std::fs::read(path).unwrap();
    claims("references to one text", "hdf5", |_| bytes.clone());
}
