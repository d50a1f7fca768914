//! The writer of `metrics.jsonl`: one JSON object a line, in the order in which things happened.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Map, Value};
use worldwright_core::{Error, Result};

use crate::folder::file_error;
use crate::{Event, Observer, Row, RunFolder};

/// Appends every row to `metrics.jsonl`. A row is with the operating system when the event returns, so that it survives the death
/// of the process; it survives the machine's from the next checkpoint on.
#[derive(Debug, Default)]
pub(crate) struct MetricsFile {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
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
        let file = open_at(&self.path, position)?;
        self.file = Some(file);
        self.bytes = position;
        Ok(())
    }
}

/// Opens a file for appending, cut at `position` bytes.
///
/// # Errors
/// When it cannot be opened, or is shorter than `position`: then something else has changed it.
pub fn open_at(path: &std::path::Path, position: u64) -> Result<File> {
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
        return Err(Error::external(
            path.display().to_string(),
            format!(
                "is {length} bytes long, but the last checkpoint had written {position}: something has cut it; restore it or \
                 start anew in another --run-dir"
            ),
        ));
    }
    Ok(file)
}

fn line(row: &Row) -> String {
    let number = |value: &f64| serde_json::Number::from_f64(*value).map_or(Value::Null, Value::Number);
    let mut object = Map::new();
    object.insert("kind".into(), row.kind.as_str().into());
    object.insert("episode".into(), row.episode.into());
    object.insert("step".into(), row.step.into());
    object.extend(row.values.iter().map(|(name, value)| (name.to_string(), number(value))));
    let clock: Map<String, Value> = row.clock.iter().map(|(name, value)| (name.to_string(), number(value))).collect();
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
    fn a_row_is_one_line_and_undefined_numbers_are_null() {
        let row = Row {
            kind: RowKind::Episode,
            episode: 3,
            step: 40,
            values: vec![("return".into(), f64::NAN), ("length".into(), 10.0)],
            clock: vec![("wall_secs".into(), 1.5)],
        };
        let text = line(&row);
        assert!(text.ends_with('\n') && text.matches('\n').count() == 1);
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["return"], Value::Null);
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
