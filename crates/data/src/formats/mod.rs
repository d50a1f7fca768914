//! Import and export: other programs' data sets in and out of the episode store.

mod arrow_claims;
mod csv_file;
mod feather;
mod files;
mod fuzzing;
mod hdf5_arrays;
mod hdf5_file;
mod inspect;
mod json_lines;
mod lerobot;
mod lerobot_import;
mod lerobot_tables;
mod minari;
mod npy;
mod npz;
mod npz_names;
mod packed;
mod parquet_file;
mod recognised;
mod sink;
mod tables;

use std::path::Path;

use files::{Target, missing, size, whole};
use sink::{Checked, Outside, Store};
use worldwright_core::{Entry, Error, Interrupt, Result, find, uninterrupted};

use crate::sink::Sink;
use crate::{ColumnNames, EpisodeStore};

pub use fuzzing::{fuzz_reader, interrupted_reader};
pub use inspect::{Inspection, inspect};
pub(crate) use recognised::foreign;
pub use recognised::format_of;

/// How a format is read and written.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Reads a data set into a sink.
    import: fn(&Path, &ColumnNames, &mut dyn Sink) -> Result<()>,
    /// Writes a store's episodes to a path that does not exist yet; none where the format is only read.
    export: Option<fn(&EpisodeStore, &Target<'_>) -> Result<()>>,
}

impl Format {
    /// Whether the format can be written.
    pub fn writes(&self) -> bool {
        self.export.is_some()
    }
}

/// All formats.
pub const FORMATS: &[Entry<Format>] = &[
    Entry {
        name: "minari",
        summary: "a Minari data set folder (Arrow files; read: the older HDF5 file too)",
        source: "Minari 0.5.4",
        parameters: &[],
        build: Format { import: minari::import, export: Some(minari::export) },
    },
    Entry {
        name: "parquet",
        summary: "one Parquet file, a row a step",
        source: "Apache Parquet",
        parameters: &[],
        build: Format { import: parquet_file::import, export: Some(parquet_file::export) },
    },
    Entry {
        name: "feather",
        summary: "one Feather or Arrow IPC file, a row a step",
        source: "Apache Arrow, Feather version 2",
        parameters: &[],
        build: Format { import: feather::import, export: Some(feather::export) },
    },
    Entry {
        name: "npz",
        summary: "one NumPy archive; read: those of D4RL, imitation and Stable-Baselines too",
        source: "NumPy's npy format, version 1.0",
        parameters: &[],
        build: Format { import: npz::import, export: Some(npz::export) },
    },
    Entry {
        name: "lerobot",
        summary: "a LeRobot v3.0 data set folder (tables, no videos; read: v2.1 too)",
        source: "LeRobotDataset v3.0",
        parameters: &[],
        build: Format { import: lerobot_import::import, export: Some(lerobot::export) },
    },
    Entry {
        name: "csv",
        summary: "one CSV file, a row a step (only read)",
        source: "RFC 4180",
        parameters: &[],
        build: Format { import: csv_file::import, export: None },
    },
    Entry {
        name: "jsonl",
        summary: "JSON lines, or a list of objects, one a step (only read)",
        source: "RFC 8259",
        parameters: &[],
        build: Format { import: json_lines::import, export: None },
    },
    Entry {
        name: "hdf5",
        summary: "one HDF5 file of D4RL, robomimic or Minari before 0.5 (only read)",
        source: "D4RL 1.1, robomimic 0.3, Minari 0.4",
        parameters: &[],
        build: Format { import: hdf5_file::import, export: None },
    },
];

/// Imports a data set into a new episode store in the folder `out`.
///
/// A table of another program (Parquet, Feather, CSV, JSON lines, NumPy, HDF5) is read by the names of its columns, of which
/// [`COLUMNS`](crate::COLUMNS) knows those of other programs too:
///
/// | column | holds |
/// |---|---|
/// | `observation` | numbers or arrays of numbers; or several columns `observation_…` (or with a dot), in the order of their numbers or as they stand |
/// | `action` | likewise; a single column of whole numbers are choices |
/// | `reward` | numbers |
/// | `terminated`, `truncated`, `done` | flags; each may be left out. Without one of cuts, an episode that does not terminate counts as truncated; `done` alone counts as terminated |
/// | `episode` | a name or a whole number; the rows of an episode stand together. Where it is left out, flags, steps or next observations tell where episodes end |
/// | `step` | may be left out; a counter rises by one from row to row of an episode, a time somehow |
/// | `next_observation` | may be left out; its parts are paired with the observation's by name |
///
/// A row holds an observation, the action taken at it and what came of that. Without `next_observation` the last row of an
/// episode of T steps is row T + 1, whose action is empty; where it is missing the last action has no outcome and is dropped, and
/// the episode counts as truncated: a store cannot say that an observation is absent. How many rewards other than zero and how many
/// ends of the task are lost with such actions stands in the header's notes as a warning. When instead the first row's action is empty, a row holds an action and the observation
/// after it, as in the files that [`export`] writes. What is left out, what had to be guessed, and how many numbers lie
/// beyond the bounds of their boxes stands in the header's notes.
///
/// # Errors
/// [`Error::Unknown`] for a format that is not in [`FORMATS`], [`Error::External`] for files that are missing, foreign or damaged,
/// [`Error::Config`] for columns that are misspelt or missing and when `out` holds a store already, [`Error::NotInSpace`] for numbers that
/// are not finite, no choices of their space or no numbers of its type, [`Error::Unsupported`] for what a store or this machine cannot hold. After an error `out` holds
/// no store.
pub fn import(path: &Path, format: &str, out: &Path) -> Result<()> {
    import_as(path, format, &ColumnNames::default(), out, &Interrupt::never())
}

/// As [`import`], of a table in which some columns go by names of their own, and for as long as nobody asks to stop.
///
/// # Errors
/// As for [`import`]; and [`Error::Config`] for a column that is not there, and for formats that say themselves what columns hold;
/// [`Error::Interrupted`] once `interrupt` is requested. `out` holds no store then.
pub fn import_as(path: &Path, format: &str, names: &ColumnNames, out: &Path, interrupt: &Interrupt) -> Result<()> {
    let entry = find(FORMATS, "data format", format)?;
    if !path.exists() {
        return Err(missing(path));
    }
    if out.join("segment-000000.arrows").exists() {
        return Err(Error::config(out.display().to_string(), "holds an episode store already: choose another folder"));
    }
    make_room(out)?;
    // Half an import would look like a whole data set.
    whole(out, |part| {
        let mut store = Store::new(part);
        let read = run_import(&entry.build, path, names, &mut store, interrupt);
        let closed = store.close();
        read.and(closed)
    })
}

/// Takes an empty folder away, so that a new one can take its place; a `writer.lock` alone is what an attempt left.
fn make_room(out: &Path) -> Result<()> {
    if !out.exists() {
        return Ok(());
    }
    if !out.is_dir() {
        return Err(Error::config(out.display().to_string(), "is a file: choose a folder for the episodes"));
    }
    let lock = out.join("writer.lock");
    let holds = uninterrupted(|| std::fs::read_dir(out)).map_err(|e| crate::store::io(out, "cannot be read", &e))?;
    if holds.filter_map(|entry| Some(entry.ok()?.path())).any(|path| path != lock) {
        return Err(Error::config(out.display().to_string(), "exists and is not empty: choose a new folder"));
    }
    let cleared = if lock.exists() { uninterrupted(|| std::fs::remove_file(&lock)) } else { Ok(()) };
    cleared
        .and_then(|()| uninterrupted(|| std::fs::remove_dir(out)))
        .map_err(|e| crate::store::io(out, "cannot be replaced", &e))
}

/// Imports with every check, and the path in every error.
fn run_import(
    format: &Format,
    path: &Path,
    names: &ColumnNames,
    sink: &mut dyn Sink,
    interrupt: &Interrupt,
) -> Result<()> {
    let shown = path.display().to_string();
    let mut checked = Checked::new(sink, size(path), interrupt);
    let read = (format.import)(path, names, &mut checked).map(|()| checked.finish());
    read.map_err(|error| match error {
        Error::External { who, why } if who.contains(&shown) => Error::External { who, why },
        Error::External { who, why } => Error::external(shown, format!("{who} {why}")),
        Error::NotInSpace { what, reason } => Error::NotInSpace { what: format!("{shown}: {what}").into(), reason },
        Error::Config { key, why } if !key.contains(&shown) => Error::Config { key: format!("{shown}: {key}"), why },
        Error::Shape { what, expected, got } => Error::Shape { what: format!("{shown}: {what}").into(), expected, got },
        Error::Unsupported { who, what } if !who.contains(&shown) => {
            Error::Unsupported { who: format!("{shown}: {who}").into(), what }
        }
        other => other,
    })
}

/// Exports the store in the folder `path` to `out`, which must not exist.
///
/// # Errors
/// [`Error::Unknown`] for a format that is not in [`FORMATS`], [`Error::Config`] when `out` exists, [`Error::External`] when there
/// is no store or `out` cannot be written, [`Error::Unsupported`] for formats that are only read and for spaces that the format cannot
/// hold, [`Error::NotInSpace`] for what [`import`] would refuse. After an error there is no `out`.
pub fn export(path: &Path, format: &str, out: &Path) -> Result<()> {
    export_until(path, format, out, &Interrupt::never())
}

/// As [`export`], for as long as nobody asks to stop.
///
/// # Errors
/// As for [`export`]; [`Error::Interrupted`] once `interrupt` is requested. There is no `out` then.
pub fn export_until(path: &Path, format: &str, out: &Path, interrupt: &Interrupt) -> Result<()> {
    let entry = find(FORMATS, "data format", format)?;
    if out.exists() {
        return Err(Error::config(out.display().to_string(), "exists already: choose another path"));
    }
    let Some(write) = entry.build.export else {
        let written: Vec<&str> = FORMATS.iter().filter(|entry| entry.build.writes()).map(|entry| entry.name).collect();
        return Err(Error::unsupported(
            "the export",
            format!("{format}, which is only read; write {}", written.join(", ")),
        ));
    };
    let store = EpisodeStore::open(path)?;
    // What no import would take is not written. Numbers beyond their bounds are taken, and counted there.
    for i in 0..store.episodes().len() {
        interrupt.check("the export")?;
        sink::check(store.header(), i, &store.episode(i)?, &mut Outside::default())?;
    }
    whole(out, |part| write(&store, &Target { interrupt, name: out, place: part }))
}
