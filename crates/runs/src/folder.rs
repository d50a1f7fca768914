//! Where a run leaves what it did, and how files get there whole: written beside their place, made durable, then renamed.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use worldwright_core::{Error, Result, uninterrupted};

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

fn read_json<T: serde::de::DeserializeOwned>(path: &Path, when_missing: &str) -> Result<T> {
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::external(path.display().to_string(), format!("does not exist; {when_missing}"))
        }
        _ => file_error(path, "cannot be read", &error),
    })?;
    serde_json::from_str(&text)
        .map_err(|error| Error::external(path.display().to_string(), format!("is damaged: {error}")))
}

/// Writes a JSON file whole.
pub(crate) fn write_json<T: serde::Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::external(path.display().to_string(), format!("cannot be put into JSON: {error}")))?;
    text.push('\n');
    write_whole(path, text.as_bytes())
}

/// Writes a file so that a reader sees the old one or the new one, never a part, even across a power cut.
///
/// # Errors
/// [`Error::External`] that names the file and what to do.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let attempt = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            uninterrupted(|| fs::create_dir_all(folder))?;
        }
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        uninterrupted(|| fs::rename(&part, path))?;
        sync_folder(path.parent().unwrap_or(Path::new(".")))
    };
    attempt().map_err(|error| {
        _ = uninterrupted(|| fs::remove_file(&part));
        file_error(path, "cannot be written", &error)
    })
}

/// Makes renames and new files of a folder durable, where the platform has such a thing.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// A failed file operation, with what to do about it.
pub(crate) fn file_error(path: &Path, what: &str, error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; everything up to the last checkpoint is safe: free some space, then go on with --resume"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder that you may write to with --run-dir"
        }
        ErrorKind::NotFound => "; check the path",
        _ => "",
    };
    Error::external(path.display().to_string(), format!("{what}: {error}{advice}"))
}
