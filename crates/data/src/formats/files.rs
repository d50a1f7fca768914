//! Files as formats read and write them.

use std::path::Path;

use worldwright_core::{Error, Interrupt, Result, Space, Value, uninterrupted};

use crate::store::value_at;
use crate::{Precision, exact, make_whole, write_whole};

/// Where an export goes: written at a place beside, and then renamed to its name.
pub(crate) struct Target<'a> {
    /// Looked at before each episode.
    pub(super) interrupt: &'a Interrupt,
    /// What users call it.
    pub(super) name: &'a Path,
    /// Where it is written.
    pub(super) place: &'a Path,
}

impl Target<'_> {
    /// # Errors
    /// [`Error::Interrupted`] once somebody asked.
    pub(super) fn go_on(&self) -> Result<()> {
        self.interrupt.check("the export")
    }
}

/// All elements of a space in an array.
pub(super) fn values(
    name: &str,
    space: &Space,
    array: &dyn arrow_array::Array,
    rows: std::ops::Range<usize>,
) -> Result<Vec<Value>> {
    rows.map(|row| value_at(space, array, row).map_err(|error| exact::at(&format!("column '{name}'"), error))).collect()
}

/// The precision at which a column of 32-bit boxes loses nothing.
pub(super) fn exact_enough(space: &Space, values: &[Value]) -> Precision {
    if values.iter().all(|value| space.narrowed(value) == *value) { Precision::Element } else { Precision::Exact }
}

pub(super) fn missing(path: &Path) -> Error {
    Error::external(path.display().to_string(), "there is no such file or folder; check the path")
}

pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| crate::store::io(path, "cannot be read", &e))
}

/// Writes one file that appears whole.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, bytes).map_err(|e| crate::store::io(path, "cannot be written", &e))
}

/// Writes a file of what appears whole later.
pub(super) fn write_part(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        uninterrupted(|| std::fs::create_dir_all(parent))
            .map_err(|e| crate::store::io(parent, "cannot be made", &e))?;
    }
    std::fs::write(path, bytes).map_err(|e| crate::store::io(path, "cannot be written", &e))
}

/// Lets `make` make a file or folder that appears whole or not at all.
pub(super) fn whole(out: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    make_whole(out, make, |e| crate::store::io(out, "cannot be written", e))
}

/// Files that systems and tools leave in folders: `.DS_Store`, `._name`, `Thumbs.db` ….
pub(super) fn is_litter(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with('.') || matches!(name, "Thumbs.db" | "desktop.ini" | "__MACOSX")
}

/// Bytes of a file, or of all files in a folder.
pub(super) fn size(path: &Path) -> u64 {
    let Ok(about) = std::fs::metadata(path) else { return 0 };
    if !about.is_dir() {
        return about.len();
    }
    let entries = uninterrupted(|| std::fs::read_dir(path)).into_iter().flatten().filter_map(|entry| entry.ok());
    // A link to a folder above would go round for ever.
    entries.map(|entry| if entry.path().is_symlink() { 0 } else { size(&entry.path()) }).sum()
}
