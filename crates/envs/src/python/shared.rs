//! The memory that a worker and its host share: a mapped file with a header of words, a text area and arrays.
//!
//! The file lies in `/dev/shm` where there is one, else in the temporary folder, is readable by its owner only, and loses its
//! name as soon as both sides have mapped it, so that nothing is left behind whichever side is killed. Systems that cannot
//! remove an open file lose it when the host drops it.
//!
//! The other process writes this memory at any time, so it is only ever touched through raw pointers and atomics.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use worldwright_core::uninterrupted;

use memmap2::MmapRaw;

/// Words of the header by their place; those that one side watches have a cache line to themselves.
pub(super) const REQUEST: usize = 0;
pub(super) const REPLY: usize = 8;
pub(super) const WORKER_ASLEEP: usize = 16;
pub(super) const HOST_ASLEEP: usize = 24;
pub(super) const OPERATION: usize = 32;
pub(super) const STATUS: usize = 33;
pub(super) const TEXT_LENGTH: usize = 34;
/// Bytes before the text area.
pub(super) const TEXT: usize = 4096;
/// Bytes of the text area, where the worker explains a failed request.
pub(super) const TEXT_SIZE: usize = 8192;
/// Bytes before the arrays.
pub(super) const ARRAYS: usize = TEXT + TEXT_SIZE;

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A mapped file.
#[derive(Debug)]
pub(super) struct Shared {
    map: MmapRaw,
    path: PathBuf,
    named: bool,
}

impl Shared {
    /// A new file of `size` zero bytes.
    pub(super) fn create(size: usize) -> std::io::Result<Self> {
        let nanos = std::time::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_nanos());
        let name = format!("worldwright-{}-{}-{nanos}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let mut last = std::io::Error::other("no folder for shared memory");
        for folder in [PathBuf::from("/dev/shm"), std::env::temp_dir()] {
            if !folder.is_dir() {
                continue;
            }
            let path = folder.join(&name);
            match Self::create_at(&path, size) {
                Ok(map) => return Ok(Self { map, path, named: true }),
                Err(error) => {
                    let _ = uninterrupted(|| std::fs::remove_file(&path));
                    last = std::io::Error::new(error.kind(), format!("{}: {error}", path.display()));
                }
            }
        }
        Err(last)
    }

    fn create_at(path: &Path, size: usize) -> std::io::Result<MmapRaw> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file: File = options.open(path)?;
        // Written rather than only lengthened: a full disk shows here as an error and not later as a signal.
        let zeros = vec![0; size.min(1 << 20)];
        let mut left = size;
        while left > 0 {
            let part = left.min(zeros.len());
            file.write_all(&zeros[..part])?;
            left -= part;
        }
        file.flush()?;
        uninterrupted(|| MmapRaw::map_raw(&file))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the file's name away, where the system lets an open file be removed.
    pub(super) fn unname(&mut self) {
        if uninterrupted(|| std::fs::remove_file(&self.path)).is_ok() {
            self.named = false;
        }
    }

    /// The `index`-th word of the header.
    pub(super) fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index * 8 + 8 <= TEXT, "word {index} is outside the header");
        // SAFETY: the header lies inside the mapping, which is aligned to a page and lives as long as `self`; both processes
        // access these words as whole aligned words only.
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().add(index * 8).cast()) }
    }

    /// Copies `out.len()` numbers from byte `offset` on.
    pub(super) fn read<T: Number>(&self, offset: usize, out: &mut [T]) {
        self.check(offset, size_of_val(out));
        // SAFETY: inside the mapping by the check; T is a plain number, of which every bit pattern is valid.
        unsafe {
            std::ptr::copy_nonoverlapping(
                self.map.as_ptr().add(offset),
                out.as_mut_ptr().cast::<u8>(),
                size_of_val(out),
            );
        }
    }

    /// Copies `numbers` to byte `offset`.
    pub(super) fn write<T: Number>(&self, offset: usize, numbers: &[T]) {
        self.check(offset, size_of_val(numbers));
        // SAFETY: as for `read`.
        unsafe {
            std::ptr::copy_nonoverlapping(
                numbers.as_ptr().cast::<u8>(),
                self.map.as_mut_ptr().add(offset),
                size_of_val(numbers),
            );
        }
    }

    /// One number at byte `offset`.
    pub(super) fn get<T: Number>(&self, offset: usize) -> T {
        let mut out = [T::default()];
        self.read(offset, &mut out);
        out[0]
    }

    fn check(&self, offset: usize, bytes: usize) {
        assert!(
            offset.checked_add(bytes).is_some_and(|end| end <= self.map.len()),
            "{bytes} bytes at {offset} leave the mapping"
        );
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.named {
            let _ = uninterrupted(|| std::fs::remove_file(&self.path));
        }
    }
}

/// Numbers that stand in shared memory.
pub(super) trait Number: Copy + Default {}
impl Number for u8 {}
impl Number for i64 {}
impl Number for u64 {}
impl Number for f32 {}
impl Number for f64 {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_the_file_goes() {
        let mut shared = Shared::create(ARRAYS + 64).expect("a shared file");
        shared.write(ARRAYS, &[1.5_f64, -2.0]);
        assert_eq!((shared.get::<f64>(ARRAYS), shared.get::<f64>(ARRAYS + 8)), (1.5, -2.0));
        let path = shared.path().to_owned();
        assert!(path.exists());
        shared.unname();
        assert!(!path.exists(), "the name is gone while the memory is in use");
        shared.word(REPLY).store(7, Ordering::SeqCst);
        assert_eq!(shared.get::<u64>(REPLY * 8), 7);
    }

    #[test]
    #[should_panic(expected = "leave the mapping")]
    fn reads_stay_inside() {
        let shared = Shared::create(ARRAYS).expect("a shared file");
        shared.get::<f64>(ARRAYS - 4);
    }
}
