//! Saving and restoring: a flat map from names to arrays. Files are made of it at the edge.

use std::collections::BTreeMap;

use crate::{Error, Result};

/// A named array of one of the few types that states are made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// Single precision, row-major, with its shape.
    F32(Vec<usize>, Vec<f32>),
    /// Double precision, row-major, with its shape.
    F64(Vec<usize>, Vec<f64>),
    /// Whole numbers.
    U64(Vec<u64>),
    /// Bytes.
    U8(Vec<u8>),
}

/// The whole state of something, as named arrays in the order of their names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    arrays: BTreeMap<String, Array>,
}

impl State {
    /// An empty state.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an array under a name, replacing what was there.
    pub fn put(&mut self, name: impl Into<String>, array: Array) {
        self.arrays.insert(name.into(), array);
    }

    /// Puts all of `other` under `prefix.`.
    pub fn put_all(&mut self, prefix: &str, other: State) {
        for (name, array) in other.arrays {
            self.arrays.insert(format!("{prefix}.{name}"), array);
        }
    }

    /// What stands under `prefix.`, with the prefix taken off.
    pub fn part(&self, prefix: &str) -> State {
        let start = format!("{prefix}.");
        let arrays = self
            .arrays
            .range(start.clone()..)
            .take_while(|(name, _)| name.starts_with(&start))
            .map(|(name, array)| (name[start.len()..].to_owned(), array.clone()))
            .collect();
        State { arrays }
    }

    /// All arrays in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.arrays.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// Whether an array of that name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// A single-precision array of exactly `len` numbers.
    ///
    /// # Errors
    /// [`Error::External`] when it is missing or of another type, [`Error::Shape`] when it has another length (likewise below).
    pub fn f32s(&self, name: &str, len: usize) -> Result<&[f32]> {
        match self.arrays.get(name) {
            Some(Array::F32(_, data)) => check(name, data, len),
            other => Err(missing(name, "f32", other)),
        }
    }

    /// A double-precision array of exactly `len` numbers.
    ///
    /// # Errors
    /// As for [`f32s`](Self::f32s).
    pub fn f64s(&self, name: &str, len: usize) -> Result<&[f64]> {
        match self.arrays.get(name) {
            Some(Array::F64(_, data)) => check(name, data, len),
            other => Err(missing(name, "f64", other)),
        }
    }

    /// Whole numbers, exactly `len` of them.
    ///
    /// # Errors
    /// As for [`f32s`](Self::f32s).
    pub fn u64s(&self, name: &str, len: usize) -> Result<&[u64]> {
        match self.arrays.get(name) {
            Some(Array::U64(data)) => check(name, data, len),
            other => Err(missing(name, "u64", other)),
        }
    }

    /// Any array.
    ///
    /// # Errors
    /// [`Error::External`] when it is missing.
    pub fn array(&self, name: &str) -> Result<&Array> {
        self.arrays.get(name).ok_or_else(|| missing(name, "array", None))
    }
}

fn check<'a, T>(name: &str, data: &'a [T], len: usize) -> Result<&'a [T]> {
    if data.len() == len { Ok(data) } else { Err(Error::shape(name.to_owned(), &[len], &[data.len()])) }
}

fn missing(name: &str, wanted: &str, found: Option<&Array>) -> Error {
    let why = match found {
        None => format!("holds no array '{name}': it was written by another version or is damaged"),
        Some(_) => format!("array '{name}' is not of type {wanted}: it was written by another version or is damaged"),
    };
    Error::external("saved state", why)
}

/// Something whose whole state can be saved and restored, so that it goes on exactly as if never stopped.
pub trait Persist {
    /// Everything that later behaviour depends on, other than the configuration it was built from.
    fn save(&self) -> State;

    /// Takes on a saved state.
    ///
    /// # Errors
    /// When the state lacks something or is of another shape; `self` is then unchanged or unusable, never half right in silence.
    fn restore(&mut self, state: &State) -> Result<()>;
}
