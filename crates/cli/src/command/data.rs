//! `worldwright data`: recorded episodes in, out, and described.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};
use worldwright_core::{ElementType, Error, Interrupt, Space};
use worldwright_data::{self as data, ColumnNames, Inspection};
use worldwright_runs::RunFolder;
use worldwright_runs::report::{counted, short};

use super::store;
use crate::arguments::DataCommand;
use crate::output::{print, print_json, print_warning};

pub(crate) fn run(command: &DataCommand, interrupt: &Interrupt) -> Result<()> {
    match command {
        DataCommand::Import { path, format, columns, out } => {
            let names = column_names(columns)?;
            let format = match format.as_deref() {
                Some(format) => format,
                // What is of no format is told by looking into it.
                None => match data::format_of(path) {
                    Some(format) => format,
                    None => {
                        if let Some(why) = folder(path).filter(|_| !path.join("segment-000000.arrows").exists()) {
                            anyhow::bail!(why);
                        }
                        data::inspect(path)?;
                        anyhow::bail!("{} is a store of episodes already", path.display())
                    }
                },
            };
            data::import_as(path, format, &names, out, interrupt)?;
            let found = data::inspect(out)?;
            let said = found.header.notes.iter().filter(|(name, _)| matches!(name.as_str(), "left out" | "note"));
            let said: String = said.map(|(name, text)| format!("{name}: {text}\n")).collect();
            print(&format!("{} in {}\n{said}", amount(&found), out.display()))?;
            let warnings = found.header.notes.iter().filter(|(name, _)| name == "warning");
            warnings.for_each(|(_, warning)| print_warning(warning));
            Ok(())
        }
        DataCommand::Export { episodes, format, out } => {
            let store = store(episodes);
            let found = data::inspect(&store)?;
            data::export_until(&store, format, out, interrupt)?;
            print(&format!("{} in {}\n", amount(&found), out.display()))
        }
        DataCommand::Inspect { episodes, json } => {
            let found = data::inspect(&store(episodes))?;
            if *json { print_json(&as_json(&found)) } else { print(&as_text(&found)) }
        }
    }
}

/// Pairs of a known name and a column's own.
fn column_names(pairs: &[String]) -> Result<ColumnNames> {
    let apart: Vec<String> = pairs.iter().flat_map(|pairs| quoted(pairs)).collect();
    let divided = apart.iter().map(|pair| match pair.split_once('=') {
        Some((known, column)) if !known.trim().is_empty() && !column.is_empty() => {
            Ok((known.trim().to_owned(), column.to_owned()))
        }
        _ => Err(Error::config(
            format!("--columns {pair}"),
            "expected NAME=COLUMN, for example observation=state,action=torque",
        )),
    });
    Ok(ColumnNames::new(divided.collect::<worldwright_core::Result<Vec<_>>>()?)?)
}

/// Pairs that commas divide; within double quotes a comma is one of the name, and two quotes are one.
fn quoted(pairs: &str) -> Vec<String> {
    let (mut apart, mut within, mut letters) = (vec![String::new()], false, pairs.chars().peekable());
    while let Some(letter) = letters.next() {
        let last = apart.len() - 1;
        match letter {
            '"' if within && letters.peek() == Some(&'"') => {
                letters.next();
                apart[last].push('"');
            }
            '"' => within = !within,
            ',' if !within => apart.push(String::new()),
            letter => apart[last].push(letter),
        }
    }
    apart
}

/// What to do with a folder that is no data set.
fn folder(path: &Path) -> Option<String> {
    let run = RunFolder::new(path);
    if run.config().exists() && run.episodes().exists() {
        let shown = path.display();
        return Some(format!(
            "{shown} is a run, and its episodes are recorded already: look at them with `worldwright data inspect {shown}`, begin another run \
             with data={shown}"
        ));
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(path).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.is_file() && data::format_of(file).is_some());
    files.sort();
    let first = files.first()?;
    Some(format!(
        "{} is a folder of {} that can be imported one by one, each into a folder of its own: worldwright data import {} --out FOLDER; rows of \
         several episodes also fit into one file with a column 'episode'",
        path.display(),
        counted(files.len() as u64, "file"),
        first.display()
    ))
}

fn amount(found: &Inspection) -> String {
    format!("{} in {}", counted(found.steps as u64, "step"), counted(found.episodes as u64, "episode"))
}

fn as_text(found: &Inspection) -> String {
    let header = &found.header;
    let under_way = match found.under_way {
        0 => String::new(),
        n => format!(", {n} under way when recording stopped"),
    };
    let endings = format!("{} by the task itself, {} by a time limit{under_way}", found.terminated, found.truncated);
    let mut rows = vec![
        ("environment", header.environment.clone()),
        ("observation", described(&header.observation_space)),
        ("action", described(&header.action_space)),
        ("seed", header.seed.to_string()),
        ("amount", format!("{}, {}", amount(found), size(found.bytes))),
        ("endings", endings),
    ];
    if let Some((mean, least, most)) = found.returns {
        rows.push(("return", format!("{} on average, from {} to {}", short(mean), short(least), short(most))));
    }
    if !header.versions.is_empty() {
        let versions = header.versions.iter().map(|(name, version)| format!("{name} {version}"));
        rows.push(("made by", versions.collect::<Vec<_>>().join(", ")));
    }
    rows.extend(header.notes.iter().map(|(name, text)| (name.as_str(), text.clone())));
    rows.push(("files", found.recovery.to_string()));
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect()
}

fn as_json(found: &Inspection) -> Value {
    let header = &found.header;
    let pairs = |pairs: &[(String, String)]| pairs.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
    let (versions, notes): (Value, Value) = (pairs(&header.versions), pairs(&header.notes));
    json!({
        "environment": header.environment,
        "observation_space": space_json(&header.observation_space),
        "action_space": space_json(&header.action_space),
        "seed": header.seed,
        "versions": versions,
        "notes": notes,
        "episodes": found.episodes,
        "steps": found.steps,
        "terminated": found.terminated,
        "truncated": found.truncated,
        "under_way": found.under_way,
        "return_mean": found.returns.map(|(mean, _, _)| mean),
        "return_min": found.returns.map(|(_, least, _)| least),
        "return_max": found.returns.map(|(_, _, most)| most),
        "bytes": found.bytes,
        "whole": found.recovery.is_clean(),
        "files": found.recovery.to_string(),
    })
}

/// A space in Gymnasium's words; a bound that is not there is null.
fn space_json(space: &Space) -> Value {
    match space {
        Space::Box { shape, low, high, element } => {
            json!({"type": "Box", "dtype": element.name(), "shape": shape, "low": low, "high": high})
        }
        Space::Discrete { n, start, element } => {
            json!({"type": "Discrete", "dtype": element.name(), "n": n, "start": start})
        }
        Space::MultiDiscrete { shape, nvec, start, element } => {
            json!({"type": "MultiDiscrete", "dtype": element.name(), "shape": shape, "nvec": nvec, "start": start})
        }
        Space::MultiBinary { shape } => json!({"type": "MultiBinary", "shape": shape}),
        Space::Tuple(parts) => {
            let parts: Vec<Value> = parts.iter().map(space_json).collect();
            json!({"type": "Tuple", "subspaces": parts})
        }
        Space::Dict(parts) => {
            let parts: Value = parts.iter().map(|(name, part)| (name.clone(), space_json(part))).collect();
            json!({"type": "Dict", "subspaces": parts})
        }
    }
}

/// A space in words.
fn described(space: &Space) -> String {
    match space {
        Space::Box { shape, low, high, element } => {
            let kind = match element {
                ElementType::F32 => "32-bit number",
                ElementType::F64 => "64-bit number",
                ElementType::F16 => "16-bit number",
                ElementType::U8 => "byte",
                ElementType::Bool => "bit",
                _ => "whole number",
            };
            let plural = if space.numbers() == 1 { "" } else { "s" };
            let shape = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
            let kind = format!("{} {kind}{plural}", if shape.is_empty() { "1" } else { &shape });
            let least = low.iter().copied().fold(f64::INFINITY, f64::min);
            let most = high.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            match (least.is_finite(), most.is_finite()) {
                (true, true) => format!("{kind} from {} to {}", short(least), short(most)),
                (true, false) => format!("{kind} from {} on", short(least)),
                (false, true) => format!("{kind} up to {}", short(most)),
                (false, false) => kind,
            }
        }
        Space::Discrete { n, .. } => format!("one of {n} choices"),
        Space::MultiDiscrete { nvec, .. } => {
            format!("a choice each of {}", nvec.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
        }
        Space::MultiBinary { .. } => counted(space.numbers() as u64, "bit"),
        Space::Dict(_) | Space::Tuple(_) => {
            let parts = space.parts().into_iter().map(|(name, part)| match part {
                Space::Dict(_) | Space::Tuple(_) => format!("{name}: ({})", described(part)),
                _ => format!("{name}: {}", described(part)),
            });
            parts.collect::<Vec<_>>().join("; ")
        }
    }
}

fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes < 1e3 => format!("{bytes} bytes"),
        bytes if bytes < 1e6 => format!("{} kB", short(bytes / 1e3)),
        bytes if bytes < 1e9 => format!("{} MB", short(bytes / 1e6)),
        bytes => format!("{} GB", short(bytes / 1e9)),
    }
}
