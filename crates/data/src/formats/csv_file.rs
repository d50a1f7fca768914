//! CSV: a header of names, then a row a step, read as any table.
//!
//! Cells are whole numbers, numbers, flags, texts, or lists of numbers as JSON or NumPy write them (`[0.1, 0.2]`, `[0.1 0.2]`); what is
//! empty, NaN or NA is missing. Commas, semicolons, tabs or upright strokes divide them, whichever the header has most of.

use std::path::Path;

use worldwright_core::{Error, Result, utf8};

use super::files::read_bytes;
use crate::sink::Sink;
use crate::table::cells::{Cells, Data, TEXT, is_missing};
use crate::table::{self, About, Table};
use crate::{ColumnNames, exact, limits};

pub(super) fn import(path: &Path, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("csv");
    read(&read_bytes(path)?, name, names, sink)
}

pub(super) fn read(bytes: &[u8], name: &str, known: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let bytes = utf8("CSV file", bytes)?.as_bytes();
    // A text for every mark after one.
    let texts = bytes.iter().filter(|byte| b",;\t|\n".contains(byte)).count() as u128;
    limits::fits("this CSV file", texts * 2 * TEXT as u128 + bytes.len() as u128 * 3)?;
    let head = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |mark: u8| head.iter().filter(|byte| **byte == mark).count();
    let delimiter =
        [b',', b';', b'\t', b'|'].into_iter().max_by_key(|mark| (count(*mark), *mark == b',')).unwrap_or(b',');
    let failed = |error: csv::Error| {
        let why = match error.kind() {
            csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
                // Positions count the header; rows do not.
                let place = pos.as_ref().map_or_else(String::new, |pos| {
                    format!("row {} (line {}) ", pos.record().saturating_sub(1), pos.line())
                });
                format!(
                    "{place}has {len} cells, and the header has {expected_len}: every row needs as many; a cell that holds the mark between \
                     cells stands in quotes"
                )
            }
            _ => error.to_string(),
        };
        Error::external("CSV file", why)
    };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes);
    let names: Vec<String> = reader.headers().map_err(failed)?.iter().map(str::to_owned).collect();
    let mut texts: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    for (row, record) in reader.records().enumerate() {
        if row.is_multiple_of(LOOKED) {
            sink.go_on()?;
        }
        let record = record.map_err(failed)?;
        texts.iter_mut().zip(record.iter()).for_each(|(column, text)| column.push(text.trim().to_owned()));
    }
    let columns = names.into_iter().zip(texts).map(|(name, texts)| {
        sink.go_on()?;
        let cells = column(&name, texts)?;
        Ok((name, cells))
    });
    table::read(Table { columns: columns.collect::<Result<_>>()? }, About::new(name, "CSV", known), sink)
}

/// Rows between two looks at whether somebody asked to stop.
const LOOKED: usize = 4096;

/// The cells that texts stand for.
pub(super) fn column(name: &str, texts: Vec<String>) -> Result<Cells> {
    let rows = texts.len();
    let empty: Vec<bool> = texts.iter().map(|text| is_missing(text)).collect();
    let full = || texts.iter().zip(&empty).filter(|(_, empty)| !**empty).map(|(text, _)| text.as_str());
    let word = |text: &str| matches!(text.to_ascii_lowercase().as_str(), "true" | "false");
    let data = if full().next().is_none() {
        Data::F64(vec![f64::NAN; rows])
    } else if full().all(|text| text.parse::<i64>().is_ok()) {
        Data::I64(texts.iter().map(|text| text.parse().unwrap_or(0)).collect())
    } else if full().all(|text| text.parse::<f64>().is_ok()) {
        // Among fractions, or beyond 64 bits, whole numbers are read as fractions are.
        let rounded = |text: &str| text.parse::<i128>().is_ok_and(|number| !exact::held(number));
        if let Some(row) = (0..rows).find(|row| !empty[*row] && rounded(&texts[*row])) {
            return Err(exact::lost(name, row, &texts[row]));
        }
        Data::F64(texts.iter().map(|text| text.parse().unwrap_or(f64::NAN)).collect())
    } else if full().all(word) {
        Data::Bool(texts.iter().map(|text| text.eq_ignore_ascii_case("true")).collect())
    } else if full().all(|text| text.starts_with('[') && text.ends_with(']')) {
        return lists(name, &texts, &empty);
    } else {
        Data::Text(texts)
    };
    Cells::with_empty(rows, Vec::new(), data, empty)
}

fn lists(name: &str, texts: &[String], empty: &[bool]) -> Result<Cells> {
    let numbers: usize = texts.iter().map(|text| text.split([' ', ',']).count()).sum();
    limits::rows(&format!("column '{name}'"), numbers, 2, size_of::<serde_json::Value>())?;
    let mut rows = Vec::with_capacity(texts.len());
    for (row, (text, empty)) in texts.iter().zip(empty).enumerate() {
        let json = if *empty {
            serde_json::Value::Null
        } else {
            list(&mut text.trim(), 0).ok_or_else(|| {
                Error::config(name, format!("row {row} holds '{}', which is no list of numbers", shortened(text)))
            })?
        };
        rows.push(json);
    }
    super::json_lines::column(name, &rows)
}

/// The list that a text begins with, which is taken from it. NumPy writes its arrays without commas and numbers as `1.`.
fn list(text: &mut &str, depth: usize) -> Option<serde_json::Value> {
    *text = text.strip_prefix('[').filter(|_| depth < 8)?;
    let mut items = Vec::new();
    loop {
        *text = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if let Some(rest) = text.strip_prefix(']') {
            *text = rest;
            return Some(items.into());
        }
        if text.starts_with('[') {
            items.push(list(text, depth + 1)?);
            continue;
        }
        let end = text.find(|c: char| c.is_whitespace() || c == ',' || c == ']')?;
        let (word, rest) = text.split_at(end);
        *text = rest;
        items.push(match (word.parse::<i64>(), word.parse::<f64>()) {
            (Ok(whole), _) => whole.into(),
            (_, Ok(number)) if number.is_nan() => "NaN".into(),
            (_, Ok(number)) if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.into(),
            (_, Ok(number)) => number.into(),
            _ => return None,
        });
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() > 40 {
        format!("{}…", text.chars().take(40).collect::<String>())
    } else {
        text.to_owned()
    }
}
