//! LeRobot v3.0: tables under `data/`, what they mean under `meta/`.
//!
//! Source: LeRobotDataset v3.0. A LeRobot frame is an observation and the action taken at it, so its tables have no row for the
//! last observation; ours carry it in an extra feature `next.observation.state`. Where that is missing, on import, the last
//! action of an episode has no outcome and is dropped. Observations and actions must be flat boxes or single choices.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{Field, Schema};
use serde_json::{Map, Value as Json, json};
use worldwright_core::{ElementType, Error, Result, Space, Value};

use super::tables::{from_parquet, to_parquet};
use super::{begin, missing, read_bytes, values, write_bytes, write_episode};
use crate::store::{arrow, numbers_of};
use crate::{Episode, EpisodeStore, Header, Normaliser, Precision};

const DATA: &str = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet";
const FIRST: &str = "chunk-000/file-000.parquet";
const HEADER: &str = "meta/worldwright.json";

/// One feature: its name and a row-major column of numbers.
struct Feature {
    name: &'static str,
    dim: usize,
    dtype: &'static str,
    numbers: Vec<f64>,
}

impl Feature {
    fn new(name: &'static str, space: &Space) -> Result<Self> {
        let (dim, dtype) = match space {
            Space::Box { shape, element, low, .. } if shape.len() <= 1 => (
                low.len(),
                match element {
                    ElementType::F64 => "float64",
                    ElementType::F32 => "float32",
                    ElementType::U8 | ElementType::I64 => "int64",
                },
            ),
            Space::Discrete { .. } => (1, "int64"),
            _ => {
                return Err(Error::unsupported(
                    "the LeRobot export",
                    format!("{name} of other spaces than vectors and single choices; export to Minari or npz instead"),
                ));
            }
        };
        Ok(Self { name, dim, dtype, numbers: Vec::new() })
    }

    fn scalar(name: &'static str, dtype: &'static str) -> Self {
        Self { name, dim: 1, dtype, numbers: Vec::new() }
    }

    fn push(&mut self, value: &Value) {
        match value {
            Value::Floats(numbers) => self.numbers.extend(numbers),
            Value::Bytes(bytes) => self.numbers.extend(bytes.iter().map(|b| f64::from(*b))),
            Value::Integer(choice) => self.numbers.push(*choice as f64),
            Value::Integers(_) | Value::Dict(_) => {}
        }
    }

    fn array(&self) -> Result<ArrayRef> {
        let values: ArrayRef = match self.dtype {
            "float32" => Arc::new(Float32Array::from_iter_values(self.numbers.iter().map(|n| *n as f32))),
            "float64" => Arc::new(arrow_array::Float64Array::from_iter_values(self.numbers.iter().copied())),
            "bool" => Arc::new(BooleanArray::from_iter(self.numbers.iter().map(|n| Some(*n != 0.0)))),
            _ => Arc::new(Int64Array::from_iter_values(self.numbers.iter().map(|n| *n as i64))),
        };
        // LeRobot's features of shape (1,) are plain columns, longer ones lists of a fixed size.
        if self.dim == 1 {
            return Ok(values);
        }
        let field = Arc::new(Field::new("item", values.data_type().clone(), true));
        Ok(Arc::new(FixedSizeListArray::try_new(field, self.dim as i32, values, None).map_err(arrow)?))
    }
}

fn table(columns: Vec<(&str, ArrayRef)>, metadata: &[(&str, String)]) -> Result<Vec<u8>> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    // pyarrow looks into the Arrow schema alone when the file carries one; others read the metadata of Parquet.
    let known = metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    let schema = Arc::new(Schema::new_with_metadata(fields, known.collect::<HashMap<_, _>>()));
    let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, array)| array).collect());
    to_parquet(schema, std::iter::once(&batch.map_err(arrow)?), metadata)
}

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
    write_bytes(&out.join("meta/episodes").join(FIRST), &episode_table(&bounds, &task)?)?;
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
    let (mut about, mut stats) = (Map::new(), Map::new());
    for feature in &features {
        about.insert(feature.name.into(), json!({"dtype": feature.dtype, "shape": [feature.dim], "names": null}));
        if frames > 0 {
            stats.insert(feature.name.into(), statistics(feature)?);
        }
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
    write_bytes(&out.join("meta/stats.json"), Json::Object(stats).to_string().as_bytes())?;
    write_bytes(&out.join("meta/info.json"), info.to_string().as_bytes())
}

fn episode_table(bounds: &[i64], task: &str) -> Result<Vec<u8>> {
    let episodes = bounds.len() - 1;
    let numbers =
        |of: &dyn Fn(usize) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values((0..episodes).map(of))) };
    let mut tasks = ListBuilder::new(StringBuilder::new());
    for _ in 0..episodes {
        tasks.values().append_value(task);
        tasks.append(true);
    }
    table(
        vec![
            ("episode_index", numbers(&|i| i as i64)),
            ("tasks", Arc::new(tasks.finish())),
            ("length", numbers(&|i| bounds[i + 1] - bounds[i])),
            ("data/chunk_index", numbers(&|_| 0)),
            ("data/file_index", numbers(&|_| 0)),
            ("dataset_from_index", numbers(&|i| bounds[i])),
            ("dataset_to_index", numbers(&|i| bounds[i + 1])),
            ("meta/episodes/chunk_index", numbers(&|_| 0)),
            ("meta/episodes/file_index", numbers(&|_| 0)),
        ],
        &[],
    )
}

fn statistics(feature: &Feature) -> Result<Json> {
    let mut moments = Normaliser::new(feature.dim);
    let (mut least, mut most) = (vec![f64::INFINITY; feature.dim], vec![f64::NEG_INFINITY; feature.dim]);
    for row in feature.numbers.chunks_exact(feature.dim) {
        moments.observe(row)?;
        for (dim, n) in row.iter().enumerate() {
            (least[dim], most[dim]) = (least[dim].min(*n), most[dim].max(*n));
        }
    }
    let std: Vec<f64> = (0..feature.dim).map(|dim| moments.std(dim)).collect();
    Ok(json!({"min": least, "max": most, "mean": moments.mean(), "std": std, "count": [moments.count()]}))
}

pub(super) fn import(path: &Path, out: &Path) -> Result<()> {
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
    let mut writer = begin(out, &header)?;
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
                        finish(&mut writer, episode)?;
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
        finish(&mut writer, episode)?;
    }
    writer.close().map(|_| ())
}

fn finish(writer: &mut crate::EpisodeWriter, mut episode: Episode) -> Result<()> {
    if episode.observations.len() == episode.actions.len() {
        // The outcome of the last action was not recorded; the episode was cut before it.
        episode.actions.pop();
        episode.rewards.pop();
        (episode.truncated, episode.terminated) = (!episode.actions.is_empty(), false);
    }
    write_episode(writer, &episode)
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
    let entries = std::fs::read_dir(folder).map_err(|e| crate::store::io(folder, "cannot be read", &e))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}
