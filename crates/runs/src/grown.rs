//! Arrays that only grow, such as what an agent remembers, written once: a checkpoint holds how far, not a copy.
//!
//! An array whose bytes begin with those that it had at the checkpoint before lies in a file of its own, `checkpoints/grown/<name>-<n>`,
//! to which each checkpoint appends what is new. The checkpoint's card keeps type, shape, length and SHA-256 of what it means, so that
//! a longer file, as a cut leaves it, and an older checkpoint are read as well. An array that changed otherwise goes back
//! into the checkpoint itself; a file that no checkpoint means any more is removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use worldwright_core::{Error, Result, State, uninterrupted};
use worldwright_data::sync_folder;

use crate::experiment::hex;
use crate::folder::file_error;
use crate::state_file::{Kind, decode, encode};

/// Bytes below which an array is not worth a file.
const SMALL: usize = 8 << 10;
const FOLDER: &str = "grown";

/// What a checkpoint keeps of an array in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reference {
    file: String,
    kind: Kind,
    shape: Vec<usize>,
    bytes: u64,
    sha256: String,
}

/// An array as it was at the last checkpoint.
#[derive(Debug, Clone)]
struct Known {
    bytes: usize,
    sha256: String,
    /// Its file, once it has grown.
    file: Option<String>,
}

/// The files of a run's growing arrays.
#[derive(Debug)]
pub(crate) struct Grown {
    folder: PathBuf,
    known: BTreeMap<String, Known>,
}

impl Grown {
    /// The files beside the checkpoints in a folder.
    pub(crate) fn new(checkpoints: &Path) -> Self {
        Self { folder: checkpoints.join(FOLDER), known: BTreeMap::new() }
    }

    /// Takes the arrays out of `state` that have grown since the last checkpoint, makes them durable, and says where they are.
    pub(crate) fn take(&mut self, state: State) -> Result<(State, BTreeMap<String, Reference>)> {
        let (mut rest, mut references) = (State::new(), BTreeMap::new());
        let mut known = BTreeMap::new();
        for (name, array) in state.iter() {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            let (kind, shape, bytes) = encode(array);
            if bytes.len() < SMALL || !plain {
                rest.put(name, array.clone());
                continue;
            }
            let before = self.known.get(name).filter(|before| before.bytes <= bytes.len());
            let mut hasher = Sha256::new();
            hasher.update(&bytes[..before.map_or(0, |before| before.bytes)]);
            let before = before.filter(|before| before.sha256 == hex(&hasher.clone().finalize()));
            let hashed = if before.is_some() { before.map_or(0, |before| before.bytes) } else { 0 };
            let mut hasher = if before.is_some() { hasher } else { Sha256::new() };
            hasher.update(&bytes[hashed..]);
            let sha256 = hex(&hasher.finalize());
            let file = match before {
                None => {
                    rest.put(name, array.clone());
                    None
                }
                Some(before) => {
                    let (file, from) = match &before.file {
                        Some(file) => (file.clone(), before.bytes),
                        None => (self.free_name(name)?, 0),
                    };
                    self.append(&file, &bytes[from..], from as u64)?;
                    let reference = Reference {
                        file: file.clone(),
                        kind,
                        shape,
                        bytes: bytes.len() as u64,
                        sha256: sha256.clone(),
                    };
                    references.insert(name.to_owned(), reference);
                    Some(file)
                }
            };
            known.insert(name.to_owned(), Known { bytes: bytes.len(), sha256, file });
        }
        self.known = known;
        Ok((rest, references))
    }

    /// Puts the arrays that a checkpoint refers to into its state.
    pub(crate) fn put(&self, references: &BTreeMap<String, Reference>, state: &mut State) -> Result<()> {
        for (name, reference) in references {
            let path = self.folder.join(&reference.file);
            let read = || -> std::io::Result<Vec<u8>> {
                let mut bytes = Vec::new();
                fs::File::open(&path)?.take(reference.bytes).read_to_end(&mut bytes)?;
                Ok(bytes)
            };
            let bytes = read().map_err(|error| file_error(&path, "cannot be read", &error))?;
            if bytes.len() as u64 != reference.bytes || hex(&Sha256::digest(&bytes)) != reference.sha256 {
                return Err(Error::external(
                    path.display().to_string(),
                    "is damaged: what it holds is not what the checkpoint wrote",
                ));
            }
            let array = decode(reference.kind, reference.shape.clone(), &bytes);
            state.put(name.clone(), array.ok_or_else(|| Error::external(path.display().to_string(), "is damaged"))?);
        }
        Ok(())
    }

    /// Goes on from a checkpoint that was read: its arrays are the known ones.
    pub(crate) fn go_on_from(&mut self, references: &BTreeMap<String, Reference>) {
        let known = references.iter().map(|(name, reference)| {
            let known = Known {
                bytes: reference.bytes as usize,
                sha256: reference.sha256.clone(),
                file: Some(reference.file.clone()),
            };
            (name.clone(), known)
        });
        self.known = known.collect();
    }

    /// Removes the files that none of these references means.
    pub(crate) fn keep_only<'r>(&self, references: impl Iterator<Item = &'r Reference>) -> Result<()> {
        let meant: BTreeSet<&str> = references.map(|reference| reference.file.as_str()).collect();
        for file in self.files()? {
            if !meant.contains(file.as_str()) {
                let path = self.folder.join(&file);
                uninterrupted(|| fs::remove_file(&path))
                    .map_err(|error| file_error(&path, "cannot be removed", &error))?;
            }
        }
        Ok(())
    }

    /// Names of the files there are; others than ours are left out.
    fn files(&self) -> Result<Vec<String>> {
        let entries = match uninterrupted(|| fs::read_dir(&self.folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(file_error(&self.folder, "cannot be read", &error)),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(END)).collect();
        names.sort();
        Ok(names)
    }

    fn free_name(&self, name: &str) -> Result<String> {
        let files = self.files()?;
        let names = (0..=files.len()).map(|n| format!("{name}-{n}{END}"));
        Ok(names.into_iter().find(|name| !files.contains(name)).unwrap_or_default())
    }

    fn append(&self, file: &str, bytes: &[u8], from: u64) -> Result<()> {
        let path = self.folder.join(file);
        let attempt = || -> std::io::Result<()> {
            uninterrupted(|| fs::create_dir_all(&self.folder))?;
            let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            // What a cut attempt left behind the last checkpoint goes.
            uninterrupted(|| file.set_len(from))?;
            uninterrupted(|| file.seek(SeekFrom::Start(from)))?;
            file.write_all(bytes)?;
            file.sync_data()?;
            if from == 0 { sync_folder(&self.folder) } else { Ok(()) }
        };
        attempt().map_err(|error| file_error(&path, "cannot be written", &error))
    }
}

/// How the files' names end.
const END: &str = ".bin";

#[cfg(test)]
mod tests {
    use worldwright_core::Array;

    use super::*;

    fn state(rows: usize, salt: f64) -> State {
        let mut state = State::new();
        let data: Vec<f64> = (0..3 * rows).map(|i| salt + i as f64).collect();
        state.put("memory", Array::F64(vec![rows, 3], data));
        state.put("flags", Array::U8(vec![1; rows]));
        state.put("weights", Array::F32(vec![4000], vec![rows as f32; 4000]));
        state
    }

    fn written(folder: &Path) -> u64 {
        let files = fs::read_dir(folder.join(FOLDER)).map_or_else(|_| Vec::new(), |files| files.flatten().collect());
        files.iter().map(|file| file.metadata().unwrap().len()).sum()
    }

    #[test]
    fn what_grows_is_written_once_and_reads_back() {
        let place = tempfile::tempdir().unwrap();
        let mut grown = Grown::new(place.path());
        let (mut all, mut inline) = (Vec::new(), Vec::new());
        for rows in (1000..20_000).step_by(1000) {
            let whole = state(rows, 0.5);
            let (rest, references) = grown.take(whole.clone()).unwrap();
            inline.push(rest.contains("memory"));
            all.push((whole, rest, references));
        }
        assert_eq!(inline.iter().filter(|inline| **inline).count(), 1, "the first time only");
        // 24 bytes a row of the memory and one of the flags; weights stay in the checkpoint.
        assert_eq!(written(place.path()), 25 * 19_000);
        let files = grown.files().unwrap();
        // Every one of them reads back, the older ones from a file that has grown since.
        for (whole, mut rest, references) in all.clone() {
            Grown::new(place.path()).put(&references, &mut rest).unwrap();
            assert_eq!(rest, whole);
        }
        // From an older one on, the file is cut and goes on otherwise.
        let (_, _, references) = &all[5];
        let mut grown = Grown::new(place.path());
        grown.go_on_from(references);
        let (mut rest, references) = grown.take(state(6500, 0.5)).unwrap();
        assert_eq!(grown.files().unwrap(), files);
        grown.put(&references, &mut rest).unwrap();
        assert_eq!(rest, state(6500, 0.5));
        // What changes otherwise is in the checkpoint again, and its file goes.
        let (rest, references) = grown.take(state(6600, 0.25)).unwrap();
        assert!(rest.contains("memory") && references.is_empty());
        grown.keep_only(references.values()).unwrap();
        assert_eq!(written(place.path()), 0);
    }

    #[test]
    fn a_damaged_file_is_said() {
        let place = tempfile::tempdir().unwrap();
        let mut grown = Grown::new(place.path());
        grown.take(state(1000, 0.0)).unwrap();
        let (mut rest, references) = grown.take(state(2000, 0.0)).unwrap();
        let path = place.path().join(FOLDER).join(&references["memory"].file);
        let mut bytes = fs::read(&path).unwrap();
        bytes[777] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(grown.put(&references, &mut rest).unwrap_err().to_string().contains("is damaged"));
        fs::write(&path, b"short").unwrap();
        assert!(grown.put(&references, &mut rest).is_err());
    }
}
