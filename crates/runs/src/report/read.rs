//! From a run folder to a page: everything is read back from the files that the run left.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use worldwright_core::{Error, Result};

use super::Page;
use crate::{Row, RowKind, RunFolder, json_number};

impl Page {
    /// Reads what there is of a run. Summary, diagnostics and film are missing while it is not finished.
    ///
    /// # Errors
    /// [`Error::External`] when `folder` holds no run, or a file of it is damaged.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        let path = folder.config();
        let config = fs::read_to_string(&path).map_err(|error| {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "it has no config.toml; check the path".to_owned(),
                _ => format!("{} cannot be read ({error})", path.display()),
            };
            Error::external(folder.path().display().to_string(), format!("is no run folder: {why}"))
        })?;
        let settings = table(&path, &config)?;
        let name = |section: &str| text_at(&settings, section, "name");
        let there = |path: &Path| path.exists();
        Ok(Self {
            environment: name("environment"),
            algorithm: name("agent"),
            run: folder.path().display().to_string(),
            summary: there(&folder.summary()).then(|| folder.read_summary()).transpose()?,
            diagnostics: there(&folder.diagnostics()).then(|| folder.read_diagnostics()).transpose()?,
            rows: if there(&folder.metrics()) {
                folder.read_metrics()?.iter().filter_map(row).collect()
            } else {
                Vec::new()
            },
            versions: versions(folder)?,
            config,
            film: fs::read(folder.picture()).ok(),
        })
    }
}

fn table(path: &Path, text: &str) -> Result<toml::Table> {
    text.parse().map_err(|error: toml::de::Error| {
        Error::external(path.display().to_string(), format!("is damaged: {}", error.message()))
    })
}

fn text_at(table: &toml::Table, section: &str, key: &str) -> String {
    table.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_str).unwrap_or_default().to_owned()
}

fn versions(folder: &RunFolder) -> Result<Vec<(String, String)>> {
    let path = folder.record();
    let Ok(text) = fs::read_to_string(&path) else { return Ok(Vec::new()) };
    let record = table(&path, &text)?;
    let versions = record.get("versions").and_then(toml::Value::as_table);
    let named = versions
        .into_iter()
        .flatten()
        .map(|(name, version)| (name.clone(), version.as_str().map_or_else(|| version.to_string(), str::to_owned)));
    Ok(named.collect())
}

/// A line of `metrics.jsonl`; none for a kind that this version does not know.
fn row(line: &Map<String, Value>) -> Option<Row> {
    let kinds = [RowKind::Episode, RowKind::Learn, RowKind::Evaluation];
    let kind = line.get("kind")?.as_str()?;
    let whole = |key: &str| line.get(key).and_then(Value::as_u64);
    let numbers = |map: &Map<String, Value>| -> Vec<(Cow<'static, str>, f64)> {
        let named = map.iter().filter(|(key, _)| !["kind", "episode", "step", "clock"].contains(&key.as_str()));
        named.filter_map(|(key, value)| Some((Cow::Owned(key.clone()), json_number::read(value)?))).collect()
    };
    Some(Row {
        kind: kinds.into_iter().find(|known| known.as_str() == kind)?,
        episode: whole("episode")?,
        step: whole("step")?,
        values: numbers(line),
        clock: line.get("clock").and_then(Value::as_object).map(numbers).unwrap_or_default(),
    })
}
