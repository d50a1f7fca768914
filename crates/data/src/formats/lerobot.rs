//! LeRobot v3.0: tables under `data/`, what they mean under `meta/`.
//!
//! Source: LeRobotDataset v3.0. A LeRobot frame is an observation and the action taken at it, so its tables have no row for the
//! last observation; ours carry it in an extra feature `next.observation.state`. Where that is missing, on import, the last
//! action of an episode has no outcome and is dropped. Observations and actions must be flat boxes or single choices.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use serde_json::{Map, Value as Json, json};
use worldwright_core::{ElementType, Error, Result, Space, uninterrupted};

use super::lerobot_tables::{Feature, episode_table, statistics, table};
use super::sink::Sink;
use super::tables::from_parquet;
use super::{missing, read_bytes, values, write_bytes};
use crate::store::numbers_of;
use crate::{Episode, EpisodeStore, Header, Precision};

const DATA: &str = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet";
const FIRST: &str = "chunk-000/file-000.parquet";
const HEADER: &str = "meta/worldwright.json";

pub(super) fn export(store: &EpisodeStore, out: &Path) -> Result<()> {
    let header = store.header();
    let note = |key: &str| header.notes.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    let fps = note("fps").and_then(|fps| fps.parse::<f64>().ok()).filter(|fps| *fps > 0.0).unwrap_or(30.0);
    let mut features = vec![
        Feature::new("observation.state", &header.observation_space)?,
        Feature::new("action", &header.action_space)?,
        Feature::new("next.observation.state", &header.observation_space)?,
        Feature::scalar("next.reward", "float64"),
        Feature::scalar("next.done", "bool"),
        Feature::scalar("next.terminated", "bool"),
        Feature::scalar("next.truncated", "bool"),
        Feature::scalar("timestamp", "float32"),
        Feature::scalar("frame_index", "int64"),
        Feature::scalar("episode_index", "int64"),
        Feature::scalar("index", "int64"),
        Feature::scalar("task_index", "int64"),
    ];
    let mut bounds = vec![0_i64];
    // An episode without a step has no frame, and so no place in these tables.
    let kept = (0..store.episodes().len()).filter(|i| store.episodes()[*i].steps > 0);
    for (number, i) in kept.enumerate() {
        let episode = store.episode(i)?;
        let first = bounds[number];
        for t in 0..episode.steps() {
            let last = t + 1 == episode.steps();
            features[0].push(&episode.observations[t]);
            features[1].push(&episode.actions[t]);
            features[2].push(&episode.observations[t + 1]);
            let flag = |ended: bool| f64::from(u8::from(ended && last));
            let scalars = [
                episode.rewards[t],
                flag(true),
                flag(episode.terminated),
                flag(episode.truncated),
                t as f64 / fps,
                t as f64,
                number as f64,
                first as f64 + t as f64,
                0.0,
            ];
            features[3..].iter_mut().zip(scalars).for_each(|(feature, n)| feature.numbers.push(n));
        }
        bounds.push(first + episode.steps() as i64);
    }
    let episodes = bounds.len() - 1;
    let frames = bounds[episodes];
    let columns = features.iter().map(|feature| Ok((feature.name, feature.array()?))).collect::<Result<Vec<_>>>()?;
    write_bytes(&out.join("data").join(FIRST), &table(columns, &[])?)?;
    let task = note("task").unwrap_or_else(|| header.environment.clone());
    write_bytes(&out.join("meta/episodes").join(FIRST), &episode_table(&bounds, &task, &features)?)?;
    let pandas = json!({
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [
            {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64", "metadata": null},
            {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object", "metadata": null},
        ],
        "pandas_version": "2.2.0",
    });
    let tasks: Vec<(&str, ArrayRef)> =
        vec![("task_index", Arc::new(Int64Array::from(vec![0]))), ("task", Arc::new(StringArray::from(vec![task])))];
    write_bytes(&out.join("meta/tasks.parquet"), &table(tasks, &[("pandas", pandas.to_string())])?)?;
    let mut about = Map::new();
    for feature in &features {
        about.insert(feature.name.into(), json!({"dtype": feature.dtype, "shape": [feature.dim], "names": null}));
    }
    let info = json!({
        "codebase_version": "v3.0",
        "robot_type": note("robot_type").unwrap_or_else(|| header.environment.clone()),
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": 1,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 500,
        "fps": if fps.fract() == 0.0 { json!(fps as u64) } else { json!(fps) },
        "splits": {"train": format!("0:{episodes}")},
        "data_path": DATA,
        "video_path": null,
        "features": about,
    });
    // Beside LeRobot's own files: its readers know every key of theirs.
    write_bytes(&out.join(HEADER), header.to_json().as_bytes())?;
    write_bytes(&out.join("meta/stats.json"), statistics(&features, frames as usize)?.to_string().as_bytes())?;
    write_bytes(&out.join("meta/info.json"), info.to_string().as_bytes())
}

pub(super) fn import(path: &Path, sink: &mut dyn Sink) -> Result<()> {
    let file = path.join("meta/info.json");
    if !file.exists() {
        return Err(missing(&file));
    }
    let bad = |why: String| Error::external(path.display().to_string(), why);
    let info: Json =
        serde_json::from_slice(&read_bytes(&file)?).map_err(|e| bad(format!("info.json is not JSON: {e}")))?;
    match info.get("codebase_version").and_then(Json::as_str) {
        Some("v3.0") => {}
        other => {
            let version = other.unwrap_or("unknown");
            return Err(bad(format!(
                "is of LeRobot version {version}; convert it with lerobot.datasets.v30.convert_dataset_v21_to_v30"
            )));
        }
    }
    let kept = path.join(HEADER);
    let header = if kept.exists() {
        let text = read_bytes(&kept)?;
        Header::from_json(std::str::from_utf8(&text).map_err(|_| bad(format!("{HEADER} is not text")))?)?
    } else {
        let robot = info.get("robot_type").and_then(Json::as_str).unwrap_or("lerobot");
        let space = |name: &str| feature_space(&info, name).map_err(|error| bad(error.to_string()));
        let mut header = Header::new(robot, space("observation.state")?, space("action")?, 0);
        header.precision = Precision::Element;
        header.versions = vec![("lerobot".into(), "v3.0".into())];
        if let Some(fps) = info.get("fps") {
            header.notes.push(("fps".into(), fps.to_string()));
        }
        header
    };
    let mut files = Vec::new();
    for chunk in listing(&path.join("data"))? {
        files.extend(listing(&chunk)?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "parquet")));
    }
    sink.begin(&header)?;
    let mut current: Option<(i64, Episode)> = None;
    for file in files {
        let (_, batches) = from_parquet(read_bytes(&file)?).map_err(|e| bad(format!("{}: {e}", file.display())))?;
        for batch in batches {
            let column = |name: &str| batch.column_by_name(name).ok_or_else(|| bad(format!("has no column '{name}'")));
            let rows = batch.num_rows();
            let numbers = |name: &str| -> Result<Vec<f64>> {
                let mut numbers = Vec::new();
                match batch.column_by_name(name) {
                    Some(array) => numbers_of(array, 0..rows, &mut numbers)?,
                    None => numbers.resize(rows, 0.0),
                }
                Ok(numbers)
            };
            let observations = values(&header.observation_space, column("observation.state")?, 0..rows)?;
            let actions = values(&header.action_space, column("action")?, 0..rows)?;
            let next = match batch.column_by_name("next.observation.state") {
                Some(array) => Some(values(&header.observation_space, array, 0..rows)?),
                None => None,
            };
            column("episode_index")?;
            let (ids, rewards) = (numbers("episode_index")?, numbers("next.reward")?);
            let (done, terminated, truncated) =
                (numbers("next.done")?, numbers("next.terminated")?, numbers("next.truncated")?);
            let tells = batch.column_by_name("next.terminated").is_some();
            for row in 0..rows {
                let id = ids[row] as i64;
                if current.as_ref().is_none_or(|(open, _)| *open != id) {
                    if let Some((_, episode)) = current.take() {
                        finish(sink, episode)?;
                    }
                    let seen = vec![observations[row].clone()];
                    current = Some((id, Episode { observations: seen, ..Episode::default() }));
                }
                let Some((_, episode)) = current.as_mut() else { continue };
                if episode.observations.len() == episode.actions.len() {
                    episode.observations.push(observations[row].clone());
                }
                episode.actions.push(actions[row].clone());
                episode.rewards.push(rewards[row]);
                if let Some(next) = &next {
                    episode.observations.push(next[row].clone());
                }
                // LeRobot's "done" does not tell success from a time limit; without more it is taken as the task's end.
                episode.terminated = if tells { terminated[row] != 0.0 } else { done[row] != 0.0 };
                episode.truncated = truncated[row] != 0.0;
            }
        }
    }
    if let Some((_, episode)) = current {
        finish(sink, episode)?;
    }
    Ok(())
}

fn finish(sink: &mut dyn Sink, mut episode: Episode) -> Result<()> {
    if episode.observations.len() == episode.actions.len() {
        // The outcome of the last action was not recorded; the episode was cut before it.
        episode.actions.pop();
        episode.rewards.pop();
        (episode.truncated, episode.terminated) = (!episode.actions.is_empty(), false);
    }
    sink.episode(episode)
}

fn feature_space(info: &Json, name: &str) -> Result<Space> {
    let feature = info.get("features").and_then(|features| features.get(name)).ok_or_else(|| {
        Error::unsupported("the LeRobot import", format!("data without a feature '{name}' (videos are not read)"))
    })?;
    let shape = feature.get("shape").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let shape: Vec<usize> = shape.iter().filter_map(|n| n.as_u64().map(|n| n as usize)).collect();
    let n = shape.iter().try_fold(1_usize, |n, m| n.checked_mul(*m)).filter(|n| *n > 0 && *n < 1 << 24);
    let n =
        n.ok_or_else(|| Error::unsupported("the LeRobot import", format!("a feature '{name}' of shape {shape:?}")))?;
    let element = match feature.get("dtype").and_then(Json::as_str) {
        Some("float32") => ElementType::F32,
        Some("float64") => ElementType::F64,
        Some("int64" | "int32") => ElementType::I64,
        other => {
            return Err(Error::unsupported("the LeRobot import", format!("a feature '{name}' of type {other:?}")));
        }
    };
    Ok(Space::Box { shape, low: vec![f64::NEG_INFINITY; n], high: vec![f64::INFINITY; n], element })
}

fn listing(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries =
        uninterrupted(|| std::fs::read_dir(folder)).map_err(|e| crate::store::io(folder, "cannot be read", &e))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}
