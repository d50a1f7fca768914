//! The writer of `metrics.jsonl`: one JSON object a line, in the order in which things happened.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use worldwright_core::{Error, Result};

use crate::experiment::hex;
use crate::folder::file_error;
use crate::{Event, Observer, Row, RunFolder, json_number};

/// Appends every row to `metrics.jsonl`. A row is with the operating system when the event returns, so that it survives the death
/// of the process; it survives the machine's from the next checkpoint on.
#[derive(Debug, Default)]
pub(crate) struct MetricsFile {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
    hasher: Sha256,
}

impl MetricsFile {
    /// SHA-256 of all that was written.
    pub(crate) fn sha256(&self) -> String {
        hex(&self.hasher.clone().finalize())
    }
}

/// What is in the first `bytes` bytes of a file, hashed.
///
/// # Errors
/// When the file cannot be read or is shorter.
fn hash_of(path: &Path, bytes: u64) -> Result<Sha256> {
    let mut hasher = Sha256::new();
    if bytes > 0 {
        let file = File::open(path).map_err(|error| file_error(path, "cannot be read", &error))?;
        let read = std::io::copy(&mut file.take(bytes), &mut Writer(&mut hasher));
        let read = read.map_err(|error| file_error(path, "cannot be read", &error))?;
        if read < bytes {
            return Err(too_short(path, read, bytes));
        }
    }
    Ok(hasher)
}

struct Writer<'h>(&'h mut Sha256);

impl std::io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Refuses a metrics file whose first `bytes` bytes are not those that were written. A later line is what a cut left.
///
/// # Errors
/// [`Error::External`] when they differ, or when the file cannot be read or is shorter.
pub(crate) fn check(path: &Path, bytes: u64, sha256: &str) -> Result<()> {
    if hex(&hash_of(path, bytes)?.finalize()) == sha256 {
        return Ok(());
    }
    Err(Error::external(
        path.display().to_string(),
        "is damaged: its lines are not those that this run wrote; restore the file, or start anew in another --run-dir",
    ))
}

fn too_short(path: &Path, length: u64, position: u64) -> Error {
    Error::external(
        path.display().to_string(),
        format!(
            "is {length} bytes long, but the last checkpoint had written {position}: something has cut it; restore it or \
             start anew in another --run-dir"
        ),
    )
}

impl Observer for MetricsFile {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn event(&mut self, event: &Event<'_>) -> Result<()> {
        let (Event::Row(row), Some(file)) = (event, &mut self.file) else { return Ok(()) };
        let line = line(row);
        file.write_all(line.as_bytes()).map_err(|error| file_error(&self.path, "cannot be written", &error))?;
        self.bytes += line.len() as u64;
        self.hasher.update(line.as_bytes());
        Ok(())
    }

    fn position(&mut self) -> Result<u64> {
        if let Some(file) = &self.file {
            file.sync_data().map_err(|error| file_error(&self.path, "cannot be made durable", &error))?;
        }
        Ok(self.bytes)
    }

    fn rewind(&mut self, folder: &RunFolder, position: u64) -> Result<()> {
        self.path = folder.metrics();
        self.hasher = hash_of(&self.path, position)?;
        self.file = Some(open_at(&self.path, position)?);
        self.bytes = position;
        Ok(())
    }
}

/// Opens a file for appending, cut at `position` bytes.
///
/// # Errors
/// When it cannot be opened, or is shorter than `position`: then something else has changed it.
pub fn open_at(path: &Path, position: u64) -> Result<File> {
    let attempt = || -> std::io::Result<(File, u64)> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let length = file.metadata()?.len();
        if length > position {
            file.set_len(position)?;
        }
        Ok((file, length))
    };
    let (file, length) = attempt().map_err(|error| file_error(path, "cannot be opened", &error))?;
    if length < position {
        return Err(too_short(path, length, position));
    }
    Ok(file)
}

fn line(row: &Row) -> String {
    let mut object = Map::new();
    object.insert("kind".into(), row.kind.as_str().into());
    object.insert("episode".into(), row.episode.into());
    object.insert("step".into(), row.step.into());
    object.extend(row.values.iter().map(|(name, value)| (name.to_string(), json_number::value(*value))));
    let clock: Map<String, Value> =
        row.clock.iter().map(|(name, value)| (name.to_string(), json_number::value(*value))).collect();
    object.insert("clock".into(), Value::Object(clock));
    let mut line = Value::Object(object).to_string();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RowKind;

    #[test]
    fn a_row_is_one_line_and_undefined_numbers_have_words() {
        let row = Row {
            kind: RowKind::Episode,
            episode: 3,
            step: 40,
            values: vec![("return".into(), f64::NAN), ("loss".into(), f64::NEG_INFINITY), ("length".into(), 10.0)],
            clock: vec![("wall_secs".into(), 1.5)],
        };
        let text = line(&row);
        assert!(text.ends_with('\n') && text.matches('\n').count() == 1);
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&back["return"], &back["loss"]), (&Value::from("NaN"), &Value::from("-Infinity")));
        assert_eq!(back["step"], 40);
        assert_eq!(back["clock"]["wall_secs"], 1.5);
    }

    #[test]
    fn a_file_is_cut_back_and_a_shorter_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "one\ntwo\n").unwrap();
        open_at(&path, 4).unwrap().write_all(b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\nthree\n");
        assert!(open_at(&path, 100).unwrap_err().to_string().contains("has cut it"));
    }
}
