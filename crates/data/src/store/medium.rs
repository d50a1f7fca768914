//! Where a writer's bytes go: a file, or in tests something that fails when told to.

use std::fs::{File, OpenOptions};
use std::io::{Result, Seek, SeekFrom, Write};
use std::path::Path;

/// A growing file, written at offsets so that what a failed write left behind is overwritten by the next.
pub(crate) trait Medium: Send + std::fmt::Debug {
    /// Writes all bytes at `offset`.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()>;
    /// Drops everything from `len` on.
    fn cut(&mut self, len: u64) -> Result<()>;
    /// Returns once the bytes are on the device.
    fn sync(&mut self) -> Result<()>;
}

/// Opens a medium for a path; the writer keeps it to open the next segment.
pub(crate) type Open = Box<dyn Fn(&Path, bool) -> Result<Box<dyn Medium>> + Send>;

/// Opens plain files; `new` ones must not exist yet.
pub(crate) fn files() -> Open {
    Box::new(|path, new| {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        if new {
            options.create_new(true);
        }
        Ok(Box::new(options.open(path)?))
    })
}

impl Medium for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn cut(&mut self, len: u64) -> Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> Result<()> {
        self.sync_data()
    }
}
