//! One writer a run folder: an advisory lock that the operating system drops when its process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;

use worldwright_core::{Error, Result};

use crate::RunFolder;
use crate::folder::file_error;

/// Held while a process writes a run folder.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, creating the folder if need be.
    ///
    /// # Errors
    /// [`Error::External`] when another process holds it, or when the folder cannot be written.
    pub(crate) fn take(folder: &RunFolder) -> Result<Self> {
        std::fs::create_dir_all(folder.path())
            .map_err(|error| file_error(folder.path(), "cannot be created", &error))?;
        let path = folder.lock();
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| file_error(&path, "cannot be written", &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::external(
                    folder.path().display().to_string(),
                    "another process is writing this run; wait for it, stop it, or choose another --run-dir",
                ));
            }
            // Some network file systems know no locks; a run is worth more than the guard.
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(file_error(&path, "cannot be locked", &error)),
        }
        // For people who look; nothing reads it.
        _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}
