//! Where a writer's bytes go: a file, or in tests something that fails when told to.

use std::fs::{File, OpenOptions};
use std::io::{Result, Seek, SeekFrom, Write};
use std::path::Path;

use worldwright_core::uninterrupted;

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
        uninterrupted(|| self.seek(SeekFrom::Start(offset)))?;
        self.write_all(bytes)
    }

    fn cut(&mut self, len: u64) -> Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> Result<()> {
        self.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use worldwright_core::{Space, Step, Value};

    use super::*;
    use crate::{EpisodeStore, EpisodeWriter, Header, WriterOptions};

    /// A file on a device with so many bytes left.
    #[derive(Debug)]
    struct Filling(File, Arc<AtomicI64>);

    impl Medium for Filling {
        fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
            let left = self.1.fetch_sub(bytes.len() as i64, Ordering::Relaxed);
            if left >= bytes.len() as i64 {
                return self.0.write_at(offset, bytes);
            }
            self.1.store(0, Ordering::Relaxed);
            self.0.write_at(offset, &bytes[..left.max(0) as usize])?;
            Err(Error::new(ErrorKind::StorageFull, "no space left on device"))
        }

        // What could not be taken back stays, as after a crash.
        fn cut(&mut self, _: u64) -> Result<()> {
            Err(Error::other("cannot be cut"))
        }

        fn sync(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_device_that_fills_at_any_byte_loses_nothing_acknowledged() {
        let header = Header::new("fill", Space::unbounded(1), Space::discrete(2), 0);
        let seen = |n: f64| Value::Floats(vec![n]);
        for room in (0..6000).step_by(7) {
            let folder = tempfile::tempdir().unwrap();
            let left = Arc::new(AtomicI64::new(room));
            let hook = left.clone();
            let open: Open = Box::new(move |path, _| {
                let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
                Ok(Box::new(Filling(file, hook.clone())))
            });
            let options = WriterOptions { segment_bytes: 2500, ..WriterOptions::default() };
            let Ok(mut writer) = EpisodeWriter::create_on(folder.path(), &header, options, open) else { continue };
            let (mut acknowledged, mut failed) = (0, false);
            for episode in 0..4 {
                writer.start_episode(&seen(f64::from(episode)), None).unwrap();
                let step = Step { observation: seen(0.5), reward: 1.0, terminated: true, truncated: false };
                writer.step(&Value::Integer(1), &step).unwrap();
                match writer.flush() {
                    Ok(position) => acknowledged = position.episodes,
                    Err(error) => {
                        assert!(error.to_string().contains("make room"), "{error}");
                        failed = true;
                        break;
                    }
                }
            }
            let store = EpisodeStore::open(folder.path()).unwrap();
            assert!(store.episodes().len() as u64 >= acknowledged, "room {room}: {}", store.recovery());
            if failed {
                // Once there is room, the rows that were kept go out.
                left.store(1 << 20, Ordering::Relaxed);
                let position = writer.flush().unwrap();
                let store = EpisodeStore::open(folder.path()).unwrap();
                assert_eq!(store.episodes().len() as u64, position.episodes, "room {room}: {}", store.recovery());
                assert_eq!(store.position(), position);
            }
        }
    }
}
