//! Where a run leaves what it did, and how files get there whole and are read back.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use worldwright_core::{Error, Result, uninterrupted};

use crate::experiment::hex;
use crate::{Diagnostics, Summary};

/// A run folder's paths. Nothing is created until something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The run folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The resolved configuration, `config.toml`.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// Configuration hash, seed and versions, `run.toml`: what made the numbers.
    pub fn record(&self) -> PathBuf {
        self.path.join("run.toml")
    }

    /// One JSON object a line, see [`Row`](crate::Row).
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// What the run came to, see [`Summary`].
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// How well the final model predicts, see [`Diagnostics`].
    pub fn diagnostics(&self) -> PathBuf {
        self.path.join("diagnostics.json")
    }

    /// The report, one HTML file.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// A moving picture of the last evaluation episode; absent when the environment cannot be drawn.
    pub fn picture(&self) -> PathBuf {
        self.path.join("episode.gif")
    }

    /// The training episodes.
    pub fn episodes(&self) -> PathBuf {
        self.path.join("episodes")
    }

    /// The recorded episodes that the run began with; absent where it began with none.
    pub fn recorded(&self) -> PathBuf {
        self.path.join("recorded")
    }

    /// The last checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// TensorBoard event files.
    pub fn tensorboard(&self) -> PathBuf {
        self.path.join("tensorboard")
    }

    /// What the run leaves for use.
    pub fn bundle(&self) -> PathBuf {
        self.path.join("bundle")
    }

    /// Held by the process that writes here.
    pub fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Reads `summary.json`.
    ///
    /// # Errors
    /// [`Error::External`] when it is missing (the run has not finished) or damaged.
    pub fn read_summary(&self) -> Result<Summary> {
        read_json(&self.summary(), "the run has not finished: go on with --resume")
    }

    /// Reads `diagnostics.json`.
    ///
    /// # Errors
    /// As for [`read_summary`](Self::read_summary).
    pub fn read_diagnostics(&self) -> Result<Diagnostics> {
        read_json(&self.diagnostics(), "the run has not finished: go on with --resume")
    }

    /// Reads `metrics.jsonl`, a JSON object a row. A last line without its end, as a kill leaves it, is left out.
    ///
    /// # Errors
    /// [`Error::External`] when the file cannot be read or a complete line is not a JSON object.
    pub fn read_metrics(&self) -> Result<Vec<serde_json::Map<String, serde_json::Value>>> {
        let path = self.metrics();
        let text = fs::read_to_string(&path).map_err(|error| file_error(&path, "cannot be read", &error))?;
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .enumerate()
            .map(|(i, line)| {
                serde_json::from_str(line).map_err(|error| {
                    Error::external(path.display().to_string(), format!("line {} is damaged: {error}", i + 1))
                })
            })
            .collect()
    }
}

/// What stands before the checksum of a JSON file, its last entry.
const CHECKSUM: &str = ",\n  \"sha256\": \"";

fn checksum_end(before: &str) -> String {
    format!("{}\"\n}}\n", hex(&Sha256::digest(before.as_bytes())))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path, when_missing: &str) -> Result<T> {
    let damaged = |why: String| Error::external(path.display().to_string(), format!("is damaged: {why}"));
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::external(path.display().to_string(), format!("does not exist; {when_missing}"))
        }
        _ => file_error(path, "cannot be read", &error),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is no text".to_owned()))?;
    // Earlier versions wrote none.
    if let Some((before, end)) = text.rsplit_once(CHECKSUM)
        && end != checksum_end(before)
    {
        return Err(damaged("its text is not the one that its checksum was taken of".to_owned()));
    }
    serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))
}

/// Writes an object as a JSON file, whole, with a checksum as its last entry.
pub(crate) fn write_json<T: serde::Serialize>(path: &Path, value: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::external(path.display().to_string(), format!("cannot be put into JSON: {error}")))?;
    let before = text.strip_suffix("\n}").unwrap_or(&text);
    write_whole(path, format!("{before}{CHECKSUM}{}", checksum_end(before)).as_bytes())
}

/// Writes a file so that a reader sees the old one or the new one, never a part, even across a power cut.
///
/// # Errors
/// [`Error::External`] that names the file and what to do.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    worldwright_data::write_whole(path, bytes).map_err(|error| file_error(path, "cannot be written", &error))
}

/// Moves what this run did not write, or what is damaged, out of the way; where it is then.
pub(crate) fn set_aside(path: &Path) -> Result<PathBuf> {
    let name = |n: usize| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".aside-{n}"));
        PathBuf::from(name)
    };
    let aside = (1..).map(name).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| name(1));
    uninterrupted(|| fs::rename(path, &aside)).map_err(|error| file_error(path, "cannot be moved aside", &error))?;
    Ok(aside)
}

/// A failed file operation, with what to do about it.
pub(crate) fn file_error(path: &Path, what: &str, error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; what was saved before is kept as it is: free some space, then go on with --resume (from the last checkpoint, or from the start where there is none)"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder that you may write to with --run-dir"
        }
        ErrorKind::FileTooLarge => {
            "; a limit on the size of files is set: raise it (`ulimit -f unlimited`), then go on with --resume"
        }
        ErrorKind::NotFound => "; check the path",
        _ => "",
    };
    Error::external(path.display().to_string(), format!("{what}: {error}{advice}"))
}
