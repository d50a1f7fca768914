//! JSON lines: an object a step, or a list of such objects, read as any table.
//!
//! Objects within become named parts (`observation/place`), lists of numbers arrays. A name that a row lacks is empty there. The bare
//! words NaN and Infinity that Python writes are read.

use std::collections::HashMap;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use worldwright_core::{Error, Result, utf8};

use super::files::read_bytes;
use crate::sink::Sink;
use crate::space_json::quote_infinities;
use crate::table::cells::{Cells, Data};
use crate::table::{self, About, Table};
use crate::{ColumnNames, Quantity, exact, limits};

pub(super) fn import(path: &Path, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("json");
    read(&read_bytes(path)?, name, names, sink)
}

pub(super) fn read(bytes: &[u8], name: &str, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let text = utf8("JSON file", bytes)?;
    // A value for every mark before one, and as much again while its list grows.
    let values = bytes.iter().filter(|byte| b",:[{\n".contains(byte)).count() as u128;
    limits::fits("this JSON file", values * 2 * size_of::<Json>() as u128 + bytes.len() as u128 * 3)?;
    let parsed = |text: &str, place: &str| -> Result<Json> {
        let plain = serde_json::from_str::<Strict>(text).or_else(|_| serde_json::from_str(&quote_infinities(text)));
        // A line is parsed alone, in which every place is one of line 1.
        let said = |error: &serde_json::Error| {
            let text = error.to_string();
            let words = text.split_once(" at line ").map_or(text.as_str(), |(words, _)| words).to_owned();
            let line = if place == "the file" { format!("line {}, ", error.line()) } else { String::new() };
            format!("{place} is not JSON ({line}column {}): {words}", error.column())
        };
        plain.map(|Strict(json)| json).map_err(|error| bad(said(&error)))
    };
    let rows: Vec<Json> = if text.trim_start().starts_with('[') {
        match parsed(text, "the file")? {
            Json::Array(rows) => rows,
            _ => Vec::new(),
        }
    } else {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let parsed = |(at, line): (usize, &str)| {
            if at.is_multiple_of(4096) {
                sink.go_on()?;
            }
            parsed(line, &format!("line {}", at + 1))
        };
        lines.map(parsed).collect::<Result<_>>()?
    };
    let mut found = Found { rows: rows.len(), columns: Vec::new(), places: HashMap::new(), spellings: Vec::new() };
    for (at, row) in rows.into_iter().enumerate() {
        if at.is_multiple_of(4096) {
            sink.go_on()?;
        }
        let Json::Object(fields) = row else { return Err(bad(format!("row {at} is no object of named values"))) };
        for (name, value) in fields {
            let spelling = format!("'{name}'");
            found.add(name, spelling, value, at, 0)?;
        }
    }
    let rows = found.columns.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let columns = found.columns.into_iter().map(|(name, mut values)| {
        sink.go_on()?;
        values.resize(rows, Json::Null);
        let numeric = [Quantity::Observation, Quantity::Action, Quantity::NextObservation, Quantity::Reward];
        let is_text = |value: &Json| value.is_string() && number(value).is_none();
        if values.iter().any(Json::is_number)
            && numeric.into_iter().any(|quantity| names.holds(&name, quantity))
            && let Some(row) = values.iter().position(is_text)
        {
            let why = format!(
                "row {row} holds the text {}, and other rows hold numbers: write it without quotes",
                values[row]
            );
            return Err(Error::config(name, why));
        }
        let cells = column(&name, &values)?;
        Ok((name, cells))
    });
    table::read(Table { columns: columns.collect::<Result<_>>()? }, About::new(name, "JSON", names), sink)
}

/// A value of JSON in which no object names anything twice: of two values one would be lost without a word.
struct Strict(Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Strict;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value of JSON")
            }
            fn visit_unit<E>(self) -> std::result::Result<Strict, E> {
                Ok(Strict(Json::Null))
            }
            fn visit_bool<E>(self, flag: bool) -> std::result::Result<Strict, E> {
                Ok(Strict(flag.into()))
            }
            fn visit_i64<E>(self, number: i64) -> std::result::Result<Strict, E> {
                Ok(Strict(number.into()))
            }
            fn visit_u64<E>(self, number: u64) -> std::result::Result<Strict, E> {
                Ok(Strict(number.into()))
            }
            fn visit_f64<E>(self, number: f64) -> std::result::Result<Strict, E> {
                Ok(Strict(number.into()))
            }
            fn visit_str<E>(self, text: &str) -> std::result::Result<Strict, E> {
                Ok(Strict(text.into()))
            }
            fn visit_string<E>(self, text: String) -> std::result::Result<Strict, E> {
                Ok(Strict(text.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Strict, A::Error> {
                let mut list = Vec::new();
                while let Some(Strict(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Strict(list.into()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<Strict, A::Error> {
                let mut object = serde_json::Map::new();
                while let Some((name, Strict(value))) = fields.next_entry::<String, Strict>()? {
                    if object.contains_key(&name) {
                        return Err(A::Error::custom(format!("'{name}' is named twice: keep one of them")));
                    }
                    object.insert(name, value);
                }
                Ok(Strict(object.into()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Columns as they are met.
struct Found {
    /// Rows of the file, which every column will have.
    rows: usize,
    columns: Vec<(String, Vec<Json>)>,
    places: HashMap<String, usize>,
    /// The names of each column from the outermost object on: objects within each other and a slash in a name read alike.
    spellings: Vec<String>,
}

impl Found {
    fn add(&mut self, name: String, spelling: String, value: Json, row: usize, depth: usize) -> Result<()> {
        if let Json::Object(fields) = value {
            if depth > 8 {
                return Err(bad(format!("'{name}' is nested too deep")));
            }
            return fields.into_iter().try_for_each(|(part, value)| {
                self.add(format!("{name}/{part}"), format!("{spelling} → '{part}'"), value, row, depth + 1)
            });
        }
        let place = match self.places.get(&name) {
            Some(place) if self.spellings[*place] == spelling => *place,
            Some(place) => {
                return Err(bad(format!(
                    "row {row} names {spelling}, and a row {} that reads alike as '{name}': rename one of them",
                    self.spellings[*place]
                )));
            }
            None => {
                // A name that one row has is a place in every row.
                limits::rows("a JSON file", self.rows, self.columns.len() + 1, size_of::<Json>() + 8)?;
                self.places.insert(name.clone(), self.columns.len());
                self.columns.push((name, Vec::new()));
                self.spellings.push(spelling);
                self.columns.len() - 1
            }
        };
        let values = &mut self.columns[place].1;
        values.resize(row, Json::Null);
        values.push(value);
        Ok(())
    }
}

/// The cells that JSON values stand for.
pub(super) fn column(name: &str, values: &[Json]) -> Result<Cells> {
    let rows = values.len();
    let empty: Vec<bool> = values.iter().map(Json::is_null).collect();
    let full = || values.iter().filter(|value| !value.is_null());
    if full().any(|value| value.is_string() && number(value).is_none()) {
        let texts = values.iter().map(|value| match value {
            Json::String(text) => text.clone(),
            Json::Null => String::new(),
            other => other.to_string(),
        });
        return Cells::with_empty(rows, Vec::new(), Data::Text(texts.collect()), empty);
    }
    if full().next().is_some() && full().all(Json::is_boolean) {
        let flags = values.iter().map(|value| value.as_bool().unwrap_or(false)).collect();
        return Cells::with_empty(rows, Vec::new(), Data::Bool(flags), empty);
    }
    let shape = full().next().map_or_else(Vec::new, shape_of);
    let (mut numbers, mut whole) = (Vec::new(), true);
    let width: usize = shape.iter().product();
    limits::rows(&format!("column '{name}'"), rows, width, 16)?;
    for (row, value) in values.iter().enumerate() {
        if value.is_null() {
            numbers.extend(std::iter::repeat_n(0.0, width));
        } else if let Some(lost) = rounded(value) {
            return Err(exact::lost(name, row, &lost));
        } else if !gather(value, &shape, &mut numbers, &mut whole) {
            return Err(Error::config(
                name,
                format!(
                    "row {row} is no array of numbers of shape {shape:?} as the rows before: every row needs the same"
                ),
            ));
        }
    }
    let data = if whole { Data::I64(numbers.iter().map(|n| *n as i64).collect()) } else { Data::F64(numbers) };
    Cells::with_empty(rows, shape, data, empty)
}

fn shape_of(value: &Json) -> Vec<usize> {
    match value {
        Json::Array(items) => {
            std::iter::once(items.len()).chain(items.first().map_or_else(Vec::new, shape_of)).collect()
        }
        _ => Vec::new(),
    }
}

fn gather(value: &Json, shape: &[usize], out: &mut Vec<f64>, whole: &mut bool) -> bool {
    match (value, shape) {
        (Json::Array(items), [n, rest @ ..]) if items.len() == *n => {
            items.iter().all(|item| gather(item, rest, out, whole))
        }
        (value, []) => match number(value) {
            Some(n) => {
                *whole &= value.is_i64() || value.is_boolean();
                out.push(n);
                true
            }
            None => false,
        },
        _ => false,
    }
}

/// A whole number within that an f64 would round.
fn rounded(value: &Json) -> Option<String> {
    match value {
        Json::Array(items) => items.iter().find_map(rounded),
        Json::Number(number) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))?;
            (!exact::held(whole)).then(|| whole.to_string())
        }
        _ => None,
    }
}

fn number(value: &Json) -> Option<f64> {
    match value {
        Json::Number(n) => n.as_f64(),
        Json::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn bad(why: String) -> Error {
    Error::external("JSON file", why)
}
