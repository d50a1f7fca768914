//! LeRobot v3.0: tables under `data/`, what they mean under `meta/`.
//!
//! Source: LeRobotDataset v3.0. A LeRobot frame is an observation and the action taken at it, so its tables have no row for the
//! last observation; ours carry it in an extra feature `next.observation.state`. Where that is missing, on import, the last
//! action of an episode has no outcome and is dropped. Observations and actions must be flat boxes or single choices.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use serde_json::{Map, Value as Json, json};
use worldwright_core::{Error, Result};

use super::files::{Target, write_part};
use super::lerobot_tables::{Feature, episode_table, numbers_of_value, statistics, table};
use crate::EpisodeStore;

const DATA: &str = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet";
const FIRST: &str = "chunk-000/file-000.parquet";
pub(super) const HEADER: &str = "meta/worldwright.json";

pub(super) fn export(store: &EpisodeStore, out: &Target<'_>) -> Result<()> {
    let (target, out): (_, &Path) = (out, out.place);
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
    // An episode without a step has no frame, and so no place in these tables; nor have seeds. Our own file keeps both.
    let (mut seeds, mut unframed) = (Vec::new(), Vec::new());
    for i in 0..store.episodes().len() {
        target.go_on()?;
        let episode = store.episode(i)?;
        seeds.push(episode.seed);
        if episode.steps() == 0 {
            let numbers: Vec<f64> = episode.observations.iter().flat_map(numbers_of_value).collect();
            unframed.push(json!({"episode": i, "observation": numbers}));
            continue;
        }
        let number = bounds.len() - 1;
        let first = bounds[number];
        for t in 0..episode.steps() {
            let last = t + 1 == episode.steps();
            features[0].push(&episode.observations[t]);
            features[1].push(&episode.actions[t]);
            features[2].push(&episode.observations[t + 1]);
            let flag = |ended: bool| f64::from(u8::from(ended && last));
            let scalars = [
                episode.rewards[t],
                // One that was under way when recording stopped has not ended.
                flag(episode.terminated || episode.truncated),
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
    write_part(&out.join("data").join(FIRST), &table(columns, &[])?)?;
    let task = note("task").unwrap_or_else(|| header.environment.clone());
    write_part(&out.join("meta/episodes").join(FIRST), &episode_table(&bounds, &task, &features)?)?;
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
    write_part(&out.join("meta/tasks.parquet"), &table(tasks, &[("pandas", pandas.to_string())])?)?;
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
    let mut own: Json = serde_json::from_str(&header.to_json())
        .map_err(|error| Error::external(HEADER, format!("cannot be written: {error}")))?;
    own["seeds"] = json!(seeds);
    own["unframed"] = json!(unframed);
    write_part(&out.join(HEADER), own.to_string().as_bytes())?;
    write_part(&out.join("meta/stats.json"), statistics(&features, frames as usize)?.to_string().as_bytes())?;
    write_part(&out.join("meta/info.json"), info.to_string().as_bytes())
}
