//! One writer a store: a lock on `writer.lock` that the operating system gives up when its holder ends, however it ends.
//!
//! The file stays empty and stays where it is. A store at rest is then the same bytes whichever process wrote it, and however that
//! ended; and no two writers can hold locks on two files of one name, as they could if it were removed.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use worldwright_core::{Error, Result, uninterrupted};

use super::layout::{io, segments};

/// Held by a writer while it lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// # Errors
    /// [`Error::External`] when another writer holds the lock, or when the file cannot be made.
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("writer.lock");
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = open.map_err(|e| io(&path, "cannot be opened", &e))?;
        match uninterrupted(|| file.try_lock().map_err(std::io::Error::from)) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(Error::external(
                folder.display().to_string(),
                "another writer is at work on these episodes; wait for it, stop it, or choose another folder",
            )),
            // Some network file systems know no locks: there, one writer a store is the user's promise.
            Ok(()) | Err(_) => Ok(Self { file }),
        }
    }

    /// The same for a folder with a store in it; another folder is left as it is.
    ///
    /// # Errors
    /// As for [`take`](Self::take).
    pub(super) fn of_store(folder: &Path) -> Result<Option<Self>> {
        let empty = segments(folder).unwrap_or_default().is_empty();
        if empty { Ok(None) } else { Self::take(folder).map(Some) }
    }
}

impl Drop for Lock {
    /// Closing the file would do, were it not for child processes just being started: until they run their own program they hold a
    /// copy of it, and the lock with it.
    fn drop(&mut self) {
        _ = self.file.unlock();
    }
}
