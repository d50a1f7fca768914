//! One writer a run folder: an advisory lock that the operating system drops when its process ends, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};

use worldwright_core::{Error, Result, uninterrupted};

use crate::RunFolder;
use crate::folder::file_error;

/// Held while a process writes a run folder.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock, creating the folder if need be.
    ///
    /// # Errors
    /// [`Error::External`] when another process holds it, or when the folder cannot be written.
    pub(crate) fn take(folder: &RunFolder) -> Result<Self> {
        uninterrupted(|| std::fs::create_dir_all(folder.path()))
            .map_err(|error| file_error(folder.path(), "cannot be created", &error))?;
        let path = folder.lock();
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| file_error(&path, "cannot be written", &error))?;
        match uninterrupted(|| file.try_lock().map_err(std::io::Error::from)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(Error::external(
                    folder.path().display().to_string(),
                    "another process is writing this run; wait for it, stop it, or choose another --run-dir",
                ));
            }
            // Some network file systems know no locks; a run is worth more than the guard.
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            Err(error) => return Err(file_error(&path, "cannot be locked", &error)),
        }
        // For people who look; nothing reads it.
        _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// Closing the file would do, were it not for child processes just being started: until they run their own program they hold a
    /// copy of it, and the lock with it.
    fn drop(&mut self) {
        _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_file_in_a_child_being_started_does_not_keep_the_lock() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(place.path());
        let lock = Lock::take(&folder).unwrap();
        let copy = lock.file.try_clone().unwrap();
        assert!(Lock::take(&folder).unwrap_err().to_string().contains("another process"));
        drop(lock);
        Lock::take(&folder).unwrap();
        drop(copy);
    }
}
