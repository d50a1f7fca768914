//! Which format a file or folder is of, by its first bytes and its name.

use std::io::Read;
use std::path::Path;

use worldwright_core::{Error, compressed, utf8};

/// Which of the [`FORMATS`](crate::FORMATS) a file or folder is of, by what stands in it; `None` for an episode store and for all else.
pub fn format_of(path: &Path) -> Option<&'static str> {
    if path.is_dir() {
        return if path.join("segment-000000.arrows").exists() {
            None
        } else if path.join("meta/info.json").exists() {
            Some("lerobot")
        } else if path.join("data/metadata.json").exists() || path.join("metadata.json").exists() {
            Some("minari")
        } else {
            None
        };
    }
    let mut head = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).ok()?;
    let text = std::str::from_utf8(&head).map_or_else(|error| error.valid_up_to() + 4 > head.len(), |_| true);
    match head.get(..4) {
        Some(b"PAR1") => Some("parquet"),
        Some(b"PK\x03\x04") => Some("npz"),
        Some(b"ARRO" | b"FEA1" | b"\xFF\xFF\xFF\xFF") => Some("feather"),
        Some(b"\x89HDF") => Some("hdf5"),
        _ if !text => None,
        _ => text_format(&ending(path)),
    }
}

/// Bytes at the beginning of a file by which its format is told.
pub(super) const HEAD: u64 = 4096;

/// The format of texts whose names end so.
pub(super) fn text_format(end: &str) -> Option<&'static str> {
    match end {
        "csv" | "tsv" => Some("csv"),
        "jsonl" | "ndjson" | "json" => Some("jsonl"),
        _ => None,
    }
}

/// The last part of a file's name, in small letters.
pub(super) fn ending(path: &Path) -> String {
    path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase()
}

/// What is read, for messages about what is not.
fn readable() -> String {
    "Parquet, Feather (Arrow IPC), CSV, JSON lines, HDF5 (D4RL, robomimic, Minari) and NumPy archives (npz) as files; episode stores, \
     Minari and LeRobot data sets as folders"
        .into()
}

/// An error for a file or folder that is there but is of no format.
pub(crate) fn foreign(path: &Path) -> Error {
    let shown = path.display().to_string();
    let mut head = Vec::new();
    // A folder opens, but is not read.
    if let Err(error) = std::fs::File::open(path).map(|file| file.take(HEAD).read_to_end(&mut head)) {
        return crate::store::io(path, "cannot be read", &error);
    }
    if let Some(why) = compressed(&head, &shown) {
        return Error::external(shown, format!("{why}; read are {}", readable()));
    }
    if let Some(format) = format_of(path) {
        let why = format!(
            "is no store of episodes, but can be imported as one: worldwright data import {shown} --format {format} --out FOLDER"
        );
        return Error::external(shown, why);
    }
    let end = ending(path);
    // What is named as a text but is none in UTF-8 is text in another encoding.
    if text_format(&end).is_some()
        && let Err(Error::External { why, .. }) = utf8("text", &head)
    {
        return Error::external(shown, why);
    }
    let pickled = matches!(end.as_str(), "pkl" | "pickle" | "joblib" | "pt" | "pth");
    let why = if pickled {
        "is a Python pickle, which could run any program and is never read: write it as Parquet or CSV (frame.to_parquet(…))"
    } else {
        "is of no format that is known"
    };
    Error::external(shown, format!("{why}; read are {}", readable()))
}
