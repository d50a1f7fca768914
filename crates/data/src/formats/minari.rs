//! Minari: a folder `data/` with `metadata.json`, and for each episode a folder with one Arrow file and its own metadata.
//!
//! Source: Minari 0.5.4, `dataset/_storages/arrow_storage.py`. An episode of T steps is T + 1 rows of one batch: observation t and
//! the action taken at it, whose last row is padding. Images are written as they are (`jpeg_encoding: false`).

use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{Field, Schema};
use serde_json::{Value as Json, json};
use worldwright_core::{ElementType, Error, Result, Space, uninterrupted};

use super::files::{Target, exact_enough, is_litter, missing, read_bytes, values, write_bytes, write_part};
use super::hdf5_file;
use crate::sink::Sink;
use crate::space_json::{space_from_json, space_to_json};
use crate::store::{Column, Kind, arrow, decode_batch, decode_schema, frame_at, io, numbers_of};
use crate::{ColumnNames, Episode, EpisodeStore, Header, Precision};

/// What Minari calls the one file of its older layout.
const HDF5: &str = "main_data.hdf5";

pub(super) fn export(store: &EpisodeStore, out: &Target<'_>) -> Result<()> {
    let id = dataset_id(out.name)?;
    let header = store.header();
    let data = out.place.join("data");
    let mut size = 0;
    for i in 0..store.episodes().len() {
        out.go_on()?;
        let episode = store.episode(i)?;
        let bytes = episode_file(header, &episode)?;
        size += bytes.len();
        let at = data.join(i.to_string());
        write_part(&at.join("part-0.arrow"), &bytes)?;
        let mut about = json!({"id": i, "total_steps": episode.steps()});
        if let Some(seed) = episode.seed {
            about["seed"] = json!(seed);
        }
        write_part(&at.join("metadata.json"), about.to_string().as_bytes())?;
    }
    let requirements: Vec<String> = Vec::new();
    let about = json!({
        "dataset_id": id,
        "total_episodes": store.episodes().len(),
        "total_steps": store.steps(),
        "data_format": "arrow",
        "jpeg_encoding": false,
        "observation_space": space_to_json(&header.observation_space),
        "action_space": space_to_json(&header.action_space),
        "minari_version": "0.5.4",
        "dataset_size": (size as f64 / 1e5).round() / 10.0,
        "requirements": requirements,
        "description": format!("{}, recorded by Worldwright with seed {}", header.environment, header.seed),
        "worldwright": {
            "environment": header.environment,
            "seed": header.seed,
            "versions": header.versions,
            "notes": header.notes,
        },
    });
    write_part(&data.join("metadata.json"), about.to_string().as_bytes())?;
    // Minari lists only namespaces that carry this file.
    for parent in out.name.ancestors().skip(1).take(id.matches('/').count()) {
        let file = parent.join("namespace_metadata.json");
        if !file.exists() {
            write_bytes(&file, b"{}")?;
        }
    }
    Ok(())
}

/// The name Minari knows a folder by: its path below its root, the folder `datasets`.
fn dataset_id(out: &Path) -> Result<String> {
    let words: Vec<&str> = out.iter().filter_map(|word| word.to_str()).collect();
    let start = words.iter().rposition(|word| *word == "datasets").map_or(words.len().saturating_sub(1), |at| at + 1);
    let id = words[start..].join("/");
    let version = id.rsplit_once("-v").map(|(_, version)| version);
    if !version.is_some_and(|version| !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(Error::config(
            out.display().to_string(),
            "a Minari data set's folder must be named with a version, such as ~/.minari/datasets/mine/pendulum-v0",
        ));
    }
    Ok(id)
}

fn episode_file(header: &Header, episode: &Episode) -> Result<Vec<u8>> {
    let rows = episode.observations.len();
    // Single precision only where nothing is lost by it.
    let mut observations =
        Column::new(&header.observation_space, exact_enough(&header.observation_space, &episode.observations))?;
    let mut actions = Column::new(&header.action_space, exact_enough(&header.action_space, &episode.actions))?;
    for observation in &episode.observations {
        observations.push(Some(observation))?;
    }
    for action in &episode.actions {
        actions.push(Some(action))?;
    }
    actions.push(None)?;
    let flags = |ended: bool| -> ArrayRef {
        Arc::new(BooleanArray::from_iter((0..rows).map(|row| Some(ended && row + 2 == rows))))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("observations", observations.to_array(None)?),
        ("actions", actions.to_array(None)?),
        ("rewards", Arc::new(Float64Array::from_iter_values(episode.rewards.iter().copied().chain([0.0])))),
        ("terminations", flags(episode.terminated)),
        ("truncations", flags(episode.truncated)),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, array)| array).collect());
    let mut writer = FileWriter::try_new(Vec::new(), &schema).map_err(arrow)?;
    writer.write(&batch.map_err(arrow)?).map_err(arrow)?;
    writer.into_inner().map_err(arrow)
}

pub(super) fn import(path: &Path, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    names.none_for("a Minari data set")?;
    let data = if path.join("data").is_dir() { path.join("data") } else { path.to_owned() };
    let file = data.join("metadata.json");
    if !file.exists() {
        return Err(missing(&file));
    }
    let who = file.display().to_string();
    let about: Json = serde_json::from_slice(&read_bytes(&file)?)
        .map_err(|e| Error::external(who.clone(), format!("is not JSON: {e}")))?;
    let text = |key: &str| about.get(key).and_then(Json::as_str);
    let old = match text("data_format") {
        Some("arrow") => false,
        // Before 0.5 there was no other.
        Some("hdf5") | None => true,
        Some(other) => {
            return Err(Error::unsupported(
                format!("the Minari import of {}", path.display()),
                format!("data stored as {other}; store them as arrow or hdf5"),
            ));
        }
    };
    if old && text("observation_space").is_none() {
        return hdf5_file::import(&data.join(HDF5), names, sink);
    }
    let space = |key: &str| -> Result<Space> {
        space_from_json(text(key).ok_or_else(|| {
            Error::external(who.clone(), format!("has no '{key}': create the data set with explicit spaces"))
        })?)
    };
    let id = text("dataset_id").unwrap_or("minari").to_owned();
    let kept = about.get("worldwright");
    let environment = kept.and_then(|kept| kept.get("environment")?.as_str()).map_or_else(
        || {
            let spec: Option<Json> = text("env_spec").and_then(|spec| serde_json::from_str(spec).ok());
            spec.and_then(|spec| Some(spec.get("id")?.as_str()?.to_owned())).unwrap_or_else(|| id.clone())
        },
        str::to_owned,
    );
    let seed = kept.and_then(|kept| kept.get("seed")?.as_u64()).unwrap_or(0);
    let mut header = Header::new(environment, space("observation_space")?, space("action_space")?, seed);
    if text("minari_version").is_some() && about.get("jpeg_encoding").and_then(Json::as_bool).unwrap_or(true) {
        for space in [&header.observation_space, &header.action_space] {
            if has_image(space) {
                return Err(Error::unsupported(
                    "the Minari import",
                    "JPEG images; store them with jpeg_encoding=False",
                ));
            }
        }
    }
    header.versions = kept
        .and_then(|kept| serde_json::from_value(kept.get("versions")?.clone()).ok())
        .unwrap_or_else(|| vec![("minari".into(), text("minari_version").unwrap_or("unknown").into())]);
    header.notes = kept
        .and_then(|kept| serde_json::from_value(kept.get("notes")?.clone()).ok())
        .unwrap_or_else(|| vec![("imported from Minari".into(), id)]);
    header.precision = Precision::Exact;
    if old {
        return hdf5_file::import_minari(&data.join(HDF5), header, sink);
    }
    let episodes = about.get("total_episodes").and_then(Json::as_u64).unwrap_or(0);
    sink.begin(&header)?;
    for i in 0..episodes {
        let folder = data.join(i.to_string());
        let mut files: Vec<_> = uninterrupted(|| std::fs::read_dir(&folder))
            .map_err(|e| io(&folder, "episode is missing", &e))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| !is_litter(path) && path.extension().is_some_and(|end| end == "arrow"))
            .collect();
        files.sort();
        let [file] = files.as_slice() else {
            return Err(Error::external(
                folder.display().to_string(),
                format!("holds {} Arrow files where Minari writes one an episode", files.len()),
            ));
        };
        let mut episode = read_episode(&read_bytes(file)?, &header)
            .map_err(|error| Error::external(file.display().to_string(), error.to_string()))?;
        episode.seed = read_bytes(&folder.join("metadata.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Json>(&bytes).ok()?.get("seed")?.as_u64());
        sink.episode(episode)?;
    }
    Ok(())
}

fn has_image(space: &Space) -> bool {
    match space {
        Space::Box { shape, element: ElementType::U8, .. } => {
            matches!(shape.len(), 2 | 3) && shape[0] >= 32 && shape[1] >= 32
        }
        _ => space.parts().into_iter().any(|(_, part)| has_image(part)),
    }
}

/// An Arrow file is the magic, padding, and then the messages of a stream: read as such, its footer is not needed.
pub(super) fn read_episode(bytes: &[u8], header: &Header) -> Result<Episode> {
    let bad = |why: &str| Error::external("Minari episode", why.to_owned());
    if !bytes.starts_with(b"ARROW1\0\0") {
        return Err(bad("is no Arrow file, or a damaged one"));
    }
    // Buffers are aligned to the file's start, so the magic stays in.
    let buffer = Buffer::from(bytes.to_vec());
    let whole = |offset: usize, kind: Kind| match frame_at(&buffer, offset) {
        Ok(frame) if frame.kind == kind => Ok(frame),
        _ => Err(bad("is cut or damaged")),
    };
    // Writers pad the magic to their own alignment: 8 bytes in C++, 64 in Rust.
    let start = (8..=64).step_by(8).find(|at| bytes.get(*at..at + 4) == Some(&[0xFF; 4])).unwrap_or(8);
    let first = whole(start, Kind::Schema)?;
    let schema = Arc::new(decode_schema(&buffer, first)?);
    let second = whole(start + first.len, Kind::Batch)?;
    let batch = decode_batch(&buffer, second, &schema)?;
    if frame_at(&buffer, start + first.len + second.len).is_ok() {
        return Err(bad("holds several batches where Minari writes one"));
    }
    let column = |name: &str| {
        batch
            .column_by_name(name)
            .filter(|array| array.len() == batch.num_rows())
            .ok_or_else(|| Error::external("Minari episode", format!("has no column '{name}'")))
    };
    let rows = batch.num_rows();
    let steps = rows.checked_sub(1).ok_or_else(|| bad("is empty"))?;
    let mut rewards = Vec::new();
    numbers_of(column("rewards")?, 0..steps, &mut rewards)?;
    let flag = |name: &str| -> Result<bool> {
        let mut flags = Vec::new();
        numbers_of(column(name)?, 0..steps, &mut flags)?;
        match flags.split_last() {
            Some((_, before)) if before.contains(&1.0) => Err(bad("goes on after its end")),
            Some((last, _)) => Ok(*last == 1.0),
            None => Ok(false),
        }
    };
    Ok(Episode {
        seed: None,
        observations: values("observations", &header.observation_space, column("observations")?, 0..rows)?,
        actions: values("actions", &header.action_space, column("actions")?, 0..steps)?,
        rewards,
        terminated: flag("terminations")?,
        truncated: flag("truncations")?,
    })
}
