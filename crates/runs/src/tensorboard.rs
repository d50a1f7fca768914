//! TensorBoard event files: scalars in TFRecord framing, encoded here by hand.
//!
//! A record is `length: u64 LE`, `masked CRC32C of the length`, the payload, `masked CRC32C of the payload`; the mask is
//! `rotate_right(crc, 15) + 0xa282ead8` (TensorFlow, `tsl/lib/io/record_writer.h` and `lib/hash/crc32c.h`). The payload is the
//! protocol buffer `Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5 }` with
//! `Summary { repeated Value value = 1 }` and `Value { string tag = 1; float simple_value = 2 }`. Four fields do not
//! justify a protocol-buffer compiler in the build.
//!
//! The writer knows its position, so that a resumed run cuts away what was written after its checkpoint.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use std::time::{SystemTime, UNIX_EPOCH};

use worldwright_core::{Error, Result, uninterrupted};

use crate::folder::file_error;
use crate::{Event, Observer, RunFolder};

/// Name of the file in a run folder. TensorBoard finds it by the word `tfevents`; it holds no time and no host, so that a
/// resumed run goes on in the same file.
pub const FILE_NAME: &str = "events.out.tfevents.0.worldwright";

/// Appends scalars to an event file.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
    position: u64,
    payload: Vec<u8>,
    summary: Vec<u8>,
    value: Vec<u8>,
}

impl EventWriter {
    /// Starts a new event file in `folder`, over one that may lie there. `wall_secs` are seconds since 1970.
    ///
    /// # Errors
    /// [`Error::External`] when the file cannot be written (likewise below).
    pub fn create(folder: &Path, wall_secs: f64) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        let file = File::create(&path).map_err(|error| failed(&path, &error))?;
        let mut writer = Self::over(path, file, 0);
        writer.payload.clear();
        put_double(&mut writer.payload, 1, wall_secs);
        put_bytes(&mut writer.payload, 3, b"brain.Event:2");
        writer.record()?;
        Ok(writer)
    }

    /// Goes on in the event file of `folder` from `position` bytes, as [`position`](Self::position) gave it; what
    /// stands behind is cut away.
    ///
    /// # Errors
    /// [`Error::External`] also when the file is shorter than `position`.
    pub fn resume(folder: &Path, position: u64) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        let open = || -> std::io::Result<(File, u64)> {
            let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
            let length = file.metadata()?.len();
            if length >= position {
                file.set_len(position)?;
                uninterrupted(|| file.seek(SeekFrom::End(0)))?;
            }
            Ok((file, length))
        };
        let (file, length) = open().map_err(|error| failed(&path, &error))?;
        if length < position {
            return Err(Error::external(
                path.display().to_string(),
                format!("holds {length} bytes, but the checkpoint was made at {position}; it was cut or replaced"),
            ));
        }
        Ok(Self::over(path, file, position))
    }

    fn over(path: PathBuf, file: File, position: u64) -> Self {
        let (payload, summary, value) = (Vec::new(), Vec::new(), Vec::new());
        Self { path, file: BufWriter::new(file), position, payload, summary, value }
    }

    /// Writes scalars of one step as one event. TensorBoard keeps 32-bit floats.
    ///
    /// # Errors
    /// [`Error::External`].
    pub fn scalars(&mut self, step: u64, wall_secs: f64, scalars: &[(&str, f64)]) -> Result<()> {
        self.summary.clear();
        for (tag, number) in scalars {
            self.value.clear();
            put_bytes(&mut self.value, 1, tag.as_bytes());
            put_float(&mut self.value, 2, *number as f32);
            put_bytes(&mut self.summary, 1, &self.value);
        }
        self.payload.clear();
        put_double(&mut self.payload, 1, wall_secs);
        put_varint(&mut self.payload, 2 << 3);
        put_varint(&mut self.payload, step);
        put_bytes(&mut self.payload, 5, &self.summary);
        self.record()
    }

    /// Bytes written so far: what a checkpoint keeps, after [`flush`](Self::flush).
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Hands everything written to the operating system.
    ///
    /// # Errors
    /// [`Error::External`].
    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|error| failed(&self.path, &error))
    }

    /// Makes everything written durable.
    ///
    /// # Errors
    /// [`Error::External`].
    pub fn sync(&mut self) -> Result<()> {
        self.flush()?;
        self.file.get_ref().sync_data().map_err(|error| failed(&self.path, &error))
    }

    fn record(&mut self) -> Result<()> {
        let length = (self.payload.len() as u64).to_le_bytes();
        let parts: [&[u8]; 4] = [
            &length,
            &masked_crc32c(&length).to_le_bytes(),
            &self.payload,
            &masked_crc32c(&self.payload).to_le_bytes(),
        ];
        for part in parts {
            self.file.write_all(part).map_err(|error| failed(&self.path, &error))?;
            self.position += part.len() as u64;
        }
        Ok(())
    }
}

/// Writes every row of a run as scalars `<kind>/<name>`, and what the machine took as `clock/<name>`.
#[derive(Debug, Default)]
pub struct TensorBoard {
    writer: Option<EventWriter>,
}

impl TensorBoard {
    /// Opens no file before the run says where.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Observer for TensorBoard {
    fn name(&self) -> &'static str {
        "tensorboard"
    }

    fn rewind(&mut self, folder: &RunFolder, position: u64) -> Result<()> {
        let folder = folder.tensorboard();
        uninterrupted(|| std::fs::create_dir_all(&folder)).map_err(|error| failed(&folder, &error))?;
        // The old writer, if any, must not flush into a file that is being cut.
        self.writer = None;
        self.writer = Some(match position {
            0 => EventWriter::create(&folder, now_secs())?,
            position => EventWriter::resume(&folder, position)?,
        });
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> Result<()> {
        let (Some(writer), Event::Row(row)) = (&mut self.writer, event) else {
            return Ok(());
        };
        let kind = row.kind.as_str();
        let values = row.values.iter().map(|(name, value)| (format!("{kind}/{name}"), *value));
        let clock = row.clock.iter().map(|(name, value)| (format!("clock/{name}"), *value));
        let named: Vec<(String, f64)> = values.chain(clock).collect();
        let scalars: Vec<(&str, f64)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        writer.scalars(row.step, now_secs(), &scalars)?;
        // A live TensorBoard should see an episode when it ends, not when a buffer is full.
        writer.flush()
    }

    fn position(&mut self) -> Result<u64> {
        let Some(writer) = &mut self.writer else { return Ok(0) };
        writer.sync()?;
        Ok(writer.position())
    }
}

fn now_secs() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    file_error(path, "cannot be written", error)
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_double(out: &mut Vec<u8>, field: u64, number: f64) {
    put_varint(out, field << 3 | 1);
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_float(out: &mut Vec<u8>, field: u64, number: f32) {
    put_varint(out, field << 3 | 5);
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), a byte at a time.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut remainder = i as u32;
            let mut bit = 0;
            while bit < 8 {
                remainder = if remainder & 1 == 1 { remainder >> 1 ^ 0x82f6_3b78 } else { remainder >> 1 };
                bit += 1;
            }
            table[i] = remainder;
            i += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, byte| crc >> 8 ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
    #[test]
    fn crc32c_gives_the_published_values() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let counting: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&counting), 0x46dd_794e);
    }
}
