//! Import and export: other programs' data sets in and out of the episode store.

mod lerobot;
mod minari;
mod npy;
mod npz;
mod parquet_file;
mod tables;

use std::path::Path;

use worldwright_core::{Entry, Error, Result, Space, Step, Value, find};

use crate::store::value_at;
use crate::{Episode, EpisodeStore, EpisodeWriter, Header, Recovery, WriterOptions};

pub use minari::fuzz_minari_episode;
pub use npz::fuzz_npz;
pub use parquet_file::fuzz_parquet;

/// How a format is read and written.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Reads a data set into a new store in the folder given second.
    import: fn(&Path, &Path) -> Result<()>,
    /// Writes a store's episodes to a path that does not exist yet.
    export: fn(&EpisodeStore, &Path) -> Result<()>,
}

/// All formats.
pub const FORMATS: &[Entry<Format>] = &[
    Entry {
        name: "minari",
        summary: "a Minari data set folder with Arrow files",
        source: "Minari 0.5.4",
        parameters: &[],
        build: Format { import: minari::import, export: minari::export },
    },
    Entry {
        name: "parquet",
        summary: "one Parquet file, a row a step, for pandas and others",
        source: "Apache Parquet",
        parameters: &[],
        build: Format { import: parquet_file::import, export: parquet_file::export },
    },
    Entry {
        name: "npz",
        summary: "one NumPy archive of concatenated arrays",
        source: "NumPy's npy format, version 1.0",
        parameters: &[],
        build: Format { import: npz::import, export: npz::export },
    },
    Entry {
        name: "lerobot",
        summary: "a LeRobot v3.0 data set folder (tables, no videos)",
        source: "LeRobotDataset v3.0",
        parameters: &[],
        build: Format { import: lerobot::import, export: lerobot::export },
    },
];

/// Imports a data set into a new episode store in the folder `out`.
///
/// # Errors
/// [`Error::Unknown`] for a format that is not in [`FORMATS`], [`Error::External`] for files that are missing, foreign or damaged,
/// [`Error::Config`] when `out` holds a store already, [`Error::Unsupported`] for what a store cannot hold. After an error
/// `out` holds no store.
pub fn import(path: &Path, format: &str, out: &Path) -> Result<()> {
    let entry = find(FORMATS, "data format", format)?;
    if !path.exists() {
        return Err(missing(path));
    }
    if out.join("segment-000000.arrows").exists() {
        return Err(Error::config(out.display().to_string(), "holds an episode store already: choose another folder"));
    }
    (entry.build.import)(path, out).inspect_err(|_| {
        // Half an import would look like a whole data set.
        for name in ["segment-000000.arrows", "index.txt"] {
            let _ = std::fs::remove_file(out.join(name));
        }
    })
}

/// Exports the store in the folder `path` to `out`, which must not exist.
///
/// # Errors
/// [`Error::Unknown`] for a format that is not in [`FORMATS`], [`Error::Config`] when `out` exists, [`Error::External`] when there
/// is no store or `out` cannot be written, [`Error::Unsupported`] for spaces that the format cannot hold.
pub fn export(path: &Path, format: &str, out: &Path) -> Result<()> {
    let entry = find(FORMATS, "data format", format)?;
    if out.exists() {
        return Err(Error::config(out.display().to_string(), "exists already: choose another path"));
    }
    (entry.build.export)(&EpisodeStore::open(path)?, out)
}

/// What is in a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Environment, spaces, versions, seed.
    pub header: Header,
    /// Whole episodes.
    pub episodes: usize,
    /// Steps in them.
    pub steps: usize,
    /// Episodes that the task itself ended.
    pub terminated: usize,
    /// Episodes that were cut.
    pub truncated: usize,
    /// Mean, least and largest undiscounted return of the episodes; `None` without episodes.
    pub returns: Option<(f64, f64, f64)>,
    /// Bytes of all batches.
    pub bytes: u64,
    /// What is wrong with the files.
    pub recovery: Recovery,
}

/// Looks into the store in a folder.
///
/// # Errors
/// [`Error::External`] when there is no store there; damage is no error, see [`Inspection::recovery`].
pub fn inspect(path: &Path) -> Result<Inspection> {
    if !path.exists() {
        return Err(missing(path));
    }
    let store = EpisodeStore::open(path)?;
    let returns: Vec<f64> = store.episodes().iter().map(|episode| episode.total_reward).collect();
    let summary = (!returns.is_empty()).then(|| {
        (
            returns.iter().sum::<f64>() / returns.len() as f64,
            returns.iter().copied().fold(f64::INFINITY, f64::min),
            returns.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        )
    });
    Ok(Inspection {
        header: store.header().clone(),
        episodes: store.episodes().len(),
        steps: store.steps(),
        terminated: store.episodes().iter().filter(|episode| episode.terminated).count(),
        truncated: store.episodes().iter().filter(|episode| episode.truncated).count(),
        returns: summary,
        bytes: store.bytes(),
        recovery: store.recovery().clone(),
    })
}

/// A writer into a fresh store for an import.
fn begin(out: &Path, header: &Header) -> Result<EpisodeWriter> {
    EpisodeWriter::create(out, header, WriterOptions { segment_bytes: u64::MAX, ..WriterOptions::default() })
}

/// Writes a whole episode.
fn write_episode(writer: &mut EpisodeWriter, episode: &Episode) -> Result<()> {
    let first =
        episode.observations.first().ok_or_else(|| Error::external("imported episode", "has no observation"))?;
    if episode.observations.len() != episode.steps() + 1 || episode.rewards.len() != episode.steps() {
        return Err(Error::shape(
            "imported episode (observations, actions, rewards)",
            &[episode.steps() + 1, episode.steps(), episode.steps()],
            &[episode.observations.len(), episode.actions.len(), episode.rewards.len()],
        ));
    }
    writer.start_episode(first, episode.seed)?;
    for t in 0..episode.steps() {
        let last = t + 1 == episode.steps();
        let step = Step {
            observation: episode.observations[t + 1].clone(),
            reward: episode.rewards[t],
            terminated: episode.terminated && last,
            truncated: episode.truncated && last,
        };
        writer.step(&episode.actions[t], &step)?;
    }
    Ok(())
}

/// All elements of a space in an array.
fn values(space: &Space, array: &dyn arrow_array::Array, rows: std::ops::Range<usize>) -> Result<Vec<Value>> {
    rows.map(|row| value_at(space, array, row)).collect()
}

/// A value rounded to what its space's own element type can hold.
fn narrowed(space: &Space, value: &Value) -> Value {
    match (space, value) {
        (Space::Box { element: worldwright_core::ElementType::F32, .. }, Value::Floats(numbers)) => {
            Value::Floats(numbers.iter().map(|number| f64::from(*number as f32)).collect())
        }
        (Space::Dict(parts), Value::Dict(values)) => Value::Dict(
            parts.iter().zip(values).map(|((_, part), (name, value))| (name.clone(), narrowed(part, value))).collect(),
        ),
        _ => value.clone(),
    }
}

fn missing(path: &Path) -> Error {
    Error::external(path.display().to_string(), "there is no such file or folder; check the path")
}

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| crate::store::io(path, "cannot be read", &e))
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| crate::store::io(parent, "cannot be made", &e))?;
    }
    std::fs::write(path, bytes).map_err(|e| crate::store::io(path, "cannot be written", &e))
}
