//! The event file against TensorBoard's own writer, and against a reader that shares no code with ours.

use std::fs;
use std::path::Path;

use worldwright_runs::tensorboard::{EventWriter, FILE_NAME, TensorBoard};
use worldwright_runs::{Event, Observer, Row, RowKind, RunFolder};

/// Printed by `tests/golden/tensorboard_events.py`.
const GOLDEN: &str = "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe93f00000000000000\
516576610900006040fc54d94110ac022a310a150a0e657069736f64652f72657475726e150050afc40a180a116c6561726e2f686f6c646f7574\
5f6d7365150000003e6621910c";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn contents(folder: &Path) -> Vec<u8> {
    fs::read(folder.join(FILE_NAME)).unwrap()
}

#[test]
fn the_bytes_are_those_that_tensorboard_writes() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(folder.path(), 1_700_000_000.25).unwrap();
    let scalars = [("episode/return", -1402.5), ("learn/holdout_mse", 0.125)];
    writer.scalars(300, 1_700_000_001.5, &scalars).unwrap();
    writer.flush().unwrap();
    assert_eq!(hex(&contents(folder.path())), GOLDEN);
    assert_eq!(writer.position(), GOLDEN.len() as u64 / 2);
}

#[test]
fn a_resumed_file_is_the_one_that_was_never_cut() {
    let (straight, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let write = |writer: &mut EventWriter, steps: std::ops::Range<u64>| {
        for step in steps {
            writer.scalars(step, 10.0 + step as f64, &[("episode/return", step as f64)]).unwrap();
        }
        writer.flush().unwrap();
    };
    let mut writer = EventWriter::create(straight.path(), 10.0).unwrap();
    write(&mut writer, 0..40);

    let mut writer = EventWriter::create(cut.path(), 10.0).unwrap();
    write(&mut writer, 0..17);
    let position = writer.position();
    write(&mut writer, 17..29);
    drop(writer);
    let mut writer = EventWriter::resume(cut.path(), position).unwrap();
    write(&mut writer, 17..40);
    assert_eq!(contents(straight.path()), contents(cut.path()));

    let error = EventWriter::resume(cut.path(), 1 << 20).unwrap_err().to_string();
    assert!(error.contains("checkpoint was made at 1048576"), "{error}");
}

#[test]
fn every_row_becomes_scalars_at_its_step() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(place.path().join("run"));
    let mut board = TensorBoard::new();
    board.rewind(&folder, 0).unwrap();
    let row = |step| Row {
        kind: RowKind::Episode,
        episode: 0,
        step,
        values: vec![("return".into(), -3.5), ("length".into(), 200.0)],
        clock: vec![("wall_secs".into(), 1.25)],
    };
    board.event(&Event::Row(&row(200))).unwrap();
    let position = board.position().unwrap();
    board.event(&Event::Row(&row(400))).unwrap();
    let read = read_scalars(&contents(&folder.tensorboard()));
    let expected: Vec<(u64, String, f32)> = [200, 400]
        .into_iter()
        .flat_map(|step| {
            [("episode/return", -3.5), ("episode/length", 200.0), ("clock/wall_secs", 1.25)]
                .map(|(tag, value)| (step, tag.to_owned(), value))
        })
        .collect();
    assert_eq!(read, expected);

    board.rewind(&folder, position).unwrap();
    assert_eq!(read_scalars(&contents(&folder.tensorboard())), expected[..3]);
}

/// `(step, tag, value)` of every scalar, after checking every length and checksum.
fn read_scalars(mut file: &[u8]) -> Vec<(u64, String, f32)> {
    let mut scalars = Vec::new();
    while !file.is_empty() {
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        assert_eq!(file[8..12], mask(checksum(&file[..8])).to_le_bytes());
        let payload = &file[12..12 + length];
        assert_eq!(file[12 + length..16 + length], mask(checksum(payload)).to_le_bytes());
        file = &file[16 + length..];
        let event = fields(payload);
        let step = event.iter().find(|field| field.0 == 2).map_or(0, |field| field.1);
        for (_, _, summary) in event.iter().filter(|field| field.0 == 5) {
            for (_, _, value) in fields(summary) {
                let value = fields(value);
                let tag = String::from_utf8(value[0].2.to_vec()).unwrap();
                scalars.push((step, tag, f32::from_bits(value[1].1 as u32)));
            }
        }
    }
    scalars
}

/// Number, integer content and byte content of each field of a protocol buffer message.
fn fields(mut message: &[u8]) -> Vec<(u64, u64, &[u8])> {
    let mut out = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let (integer, length) = match key & 7 {
            0 => (varint(&mut message), 0),
            1 => (u64::from_le_bytes(message[..8].try_into().unwrap()), 8),
            2 => (0, varint(&mut message) as usize),
            5 => (u64::from(u32::from_le_bytes(message[..4].try_into().unwrap())), 4),
            other => panic!("wire type {other}"),
        };
        out.push((key >> 3, integer, &message[..length]));
        message = &message[length..];
    }
    out
}

fn varint(message: &mut &[u8]) -> u64 {
    let end = message.iter().position(|byte| byte & 0x80 == 0).unwrap();
    let number = message[..=end].iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f));
    *message = &message[end + 1..];
    number
}

fn mask(checksum: u32) -> u32 {
    checksum.rotate_left(17).wrapping_add(0xa282_ead8)
}

/// CRC-32C as polynomial division, most significant bit first on reversed bytes.
fn checksum(bytes: &[u8]) -> u32 {
    let mut remainder = u32::MAX;
    for byte in bytes {
        remainder ^= u32::from(byte.reverse_bits()) << 24;
        for _ in 0..8 {
            remainder = if remainder >> 31 == 1 { remainder << 1 ^ 0x1edc_6f41 } else { remainder << 1 };
        }
    }
    !remainder.reverse_bits()
}
