//! The readers of all formats, for tests with damaged bytes and with interrupts.

use std::cell::Cell;
use std::path::Path;

use worldwright_core::{Error, Interrupt, Result, Space, find};

use super::sink::Checked;
use super::{FORMATS, csv_file, feather, hdf5_file, json_lines, minari, npz, parquet_file};
use crate::sink::Sink;
use crate::{ColumnNames, Episode, Header};

struct Steps(usize);

impl Sink for Steps {
    fn begin(&mut self, _: &Header) -> Result<()> {
        Ok(())
    }

    fn episode(&mut self, episode: Episode) -> Result<()> {
        self.0 += episode.steps();
        Ok(())
    }
}

/// Reads the bytes of a file as one of the [`FORMATS`](super::FORMATS); returns how many steps its episodes have. Formats of folders read
/// one file: `minari` an episode of one-dimensional boxes, `lerobot` a table.
///
/// # Errors
/// As for importing such a file.
pub fn fuzz_reader(format: &str, bytes: &[u8]) -> Result<usize> {
    let mut steps = Steps(0);
    let never = Interrupt::never();
    let mut sink = Checked::new(&mut steps, bytes.len() as u64, &never);
    let names = ColumnNames::default();
    match format {
        "parquet" | "lerobot" => parquet_file::read(bytes.to_vec(), "fuzz", &names, &mut sink)?,
        "feather" => feather::read(bytes, "fuzz", &names, &mut sink)?,
        "npz" => npz::read(bytes, "fuzz", &names, &mut sink)?,
        "csv" => csv_file::read(bytes, "fuzz", &names, &mut sink)?,
        "jsonl" => json_lines::read(bytes, "fuzz", &names, &mut sink)?,
        "hdf5" => hdf5_file::read(bytes.to_vec(), "fuzz", &names, &mut sink)?,
        "minari" => {
            let header = Header::new("fuzz", Space::unbounded(1), Space::unbounded(1), 0);
            sink.begin(&header)?;
            sink.episode(minari::read_episode(bytes, &header)?)?;
        }
        other => return Err(Error::unsupported("fuzzing", other.to_owned())),
    }
    Ok(steps.0)
}

/// Interrupts a reader at one of its looks.
struct Asking<'a> {
    inner: Checked<'a>,
    looks: Cell<usize>,
    at: usize,
}

impl Sink for Asking<'_> {
    fn begin(&mut self, header: &Header) -> Result<()> {
        self.inner.begin(header)
    }

    fn episode(&mut self, episode: Episode) -> Result<()> {
        self.inner.episode(episode)
    }

    fn go_on(&self) -> Result<()> {
        self.looks.set(self.looks.get() + 1);
        if self.looks.get() > self.at { Err(Error::Interrupted { who: "the import".into() }) } else { Ok(()) }
    }
}

/// Reads a data set as one of the [`FORMATS`](super::FORMATS), and asks the reader to stop at its look number `at`, counted from 0;
/// returns how often it looked by itself. The looks that every import takes at every episode do not count.
///
/// # Errors
/// As for importing it; [`Error::Interrupted`] where it looked so often.
pub fn interrupted_reader(format: &str, path: &Path, at: usize) -> Result<usize> {
    let mut steps = Steps(0);
    let never = Interrupt::never();
    let inner = Checked::new(&mut steps, super::files::size(path), &never);
    let mut sink = Asking { inner, looks: Cell::new(0), at };
    (find(FORMATS, "data format", format)?.build.import)(path, &ColumnNames::default(), &mut sink)?;
    Ok(sink.looks.get())
}
