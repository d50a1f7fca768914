//! Import and export: other programs' data sets in and out of the episode store.

mod inspect;
mod lerobot;
mod lerobot_tables;
mod minari;
mod npy;
mod npz;
mod parquet_columns;
mod parquet_file;
mod sink;
mod tables;

use std::path::Path;

use sink::{Sink, Store};
use worldwright_core::{Entry, Error, Result, Space, Value, find, uninterrupted};

use crate::EpisodeStore;
use crate::store::value_at;

pub use inspect::{Inspection, format_of, inspect};
pub use minari::fuzz_minari_episode;
pub use npz::fuzz_npz;
pub use parquet_file::fuzz_parquet;

/// How a format is read and written.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Reads a data set into a sink.
    import: fn(&Path, &mut dyn Sink) -> Result<()>,
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
        summary: "one Parquet file, a row a step; files of other programs by the names of their columns",
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
/// A Parquet file of another program is read by the names of its columns:
///
/// | column | holds |
/// |---|---|
/// | `episode` | a whole number; the rows of an episode stand together |
/// | `step` | may be left out; rises by one from row to row of an episode |
/// | `observation` | numbers or lists of numbers; or several columns of numbers `observation_…` (or with a dot), in order |
/// | `action` | likewise; a single column of whole numbers (pandas' `Int64` where some are empty) are choices |
/// | `reward`, `terminated` | numbers; true or false |
/// | `truncated` | may be left out: an episode that does not terminate then counts as truncated |
/// | `next_observation` | may be left out; like `observation` |
///
/// A row holds an observation, the action taken at it and what came of that. Without `next_observation` the last row of an
/// episode of T steps is row T + 1, whose action is empty; where it is missing the last action has no outcome and is dropped, and
/// the episode counts as truncated. When instead the first row's action is empty, a row holds an action and the observation
/// after it, as in the files that [`export`] writes.
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
    let mut store = Store::new(out);
    let read = (entry.build.import)(path, &mut store);
    let closed = store.close();
    read.and(closed).inspect_err(|_| {
        // Half an import would look like a whole data set.
        for name in ["segment-000000.arrows", "index.txt"] {
            let _ = uninterrupted(|| std::fs::remove_file(out.join(name)));
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

/// All elements of a space in an array.
fn values(space: &Space, array: &dyn arrow_array::Array, rows: std::ops::Range<usize>) -> Result<Vec<Value>> {
    rows.map(|row| value_at(space, array, row)).collect()
}

/// The space of a single column of whole numbers; `None` when they are too far apart to be choices.
fn choices(least: i64, most: i64) -> Option<Space> {
    let start = least.min(0);
    let n = most.checked_sub(start).filter(|n| (0..1 << 20).contains(n))?;
    Some(Space::choices(n as usize + 1, start))
}

fn missing(path: &Path) -> Error {
    Error::external(path.display().to_string(), "there is no such file or folder; check the path")
}

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| crate::store::io(path, "cannot be read", &e))
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        uninterrupted(|| std::fs::create_dir_all(parent))
            .map_err(|e| crate::store::io(parent, "cannot be made", &e))?;
    }
    std::fs::write(path, bytes).map_err(|e| crate::store::io(path, "cannot be written", &e))
}
