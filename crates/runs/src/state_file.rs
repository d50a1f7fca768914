//! Saved states as safetensors files, and their digest.
//!
//! The digest is SHA-256 over, for each array in the order of names: the name, the type, the shape and the little-endian bytes,
//! each preceded by its length. It depends on the numbers alone, not on a file format's layout.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use worldwright_core::{Array, Error, Result, State};

use crate::experiment::hex;
use crate::folder::{file_error, write_whole};

/// The bytes of a safetensors file that holds `state`. Equal states give equal bytes.
///
/// # Errors
/// [`Error::External`] when an array's length does not match its shape.
pub(crate) fn to_bytes(state: &State) -> Result<Vec<u8>> {
    let arrays: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = state
        .iter()
        .map(|(name, array)| {
            let (kind, shape, bytes) = encode(array);
            (name, kind.dtype(), shape, bytes)
        })
        .collect();
    let views = arrays
        .iter()
        .map(|(name, dtype, shape, bytes)| TensorView::new(*dtype, shape.clone(), bytes).map(|view| (*name, view)))
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| Error::external("saved state", error.to_string()))?;
    safetensors::serialize(views, None).map_err(|error| Error::external("saved state", error.to_string()))
}

/// Reads what [`to_bytes`] wrote.
///
/// # Errors
/// [`Error::External`] for anything that is not a safetensors file of the four types that states are made of.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<State> {
    let damaged =
        |why: String| Error::external("saved state", format!("is not a safetensors file of this program: {why}"));
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| damaged(error.to_string()))?;
    let mut state = State::new();
    for (name, view) in tensors.iter() {
        let kind = [Kind::F32, Kind::F64, Kind::U64, Kind::U8].into_iter().find(|kind| kind.dtype() == view.dtype());
        let array = kind.and_then(|kind| decode(kind, view.shape().to_vec(), view.data()));
        state.put(name, array.ok_or_else(|| damaged(format!("array '{name}' is of type {:?}", view.dtype())))?);
    }
    Ok(state)
}

/// SHA-256 of a state, in hexadecimal; see the head of this file.
pub fn digest(state: &State) -> String {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for (name, array) in state.iter() {
        let (kind, shape, bytes) = encode(array);
        let dtype = kind.dtype();
        part(name.as_bytes());
        part(format!("{dtype:?}{shape:?}").as_bytes());
        part(&bytes);
    }
    hex(&hasher.finalize())
}

/// The types that states are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    F32,
    F64,
    U64,
    U8,
}

impl Kind {
    fn dtype(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F64 => Dtype::F64,
            Self::U64 => Dtype::U64,
            Self::U8 => Dtype::U8,
        }
    }
}

/// Type, shape and little-endian bytes of an array.
pub(crate) fn encode(array: &Array) -> (Kind, Vec<usize>, Vec<u8>) {
    match array {
        Array::F32(shape, data) => (Kind::F32, shape.clone(), data.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::F64(shape, data) => (Kind::F64, shape.clone(), data.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::U64(data) => (Kind::U64, vec![data.len()], data.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::U8(data) => (Kind::U8, vec![data.len()], data.clone()),
    }
}

/// The array of these bytes; none where they do not fill the shape.
pub(crate) fn decode(kind: Kind, shape: Vec<usize>, bytes: &[u8]) -> Option<Array> {
    let size = match kind {
        Kind::F32 => 4,
        Kind::F64 | Kind::U64 => 8,
        Kind::U8 => 1,
    };
    let wanted = shape.iter().try_fold(size, |product: usize, axis| product.checked_mul(*axis))?;
    (wanted == bytes.len()).then(|| match kind {
        Kind::F32 => Array::F32(shape, words(bytes, f32::from_le_bytes)),
        Kind::F64 => Array::F64(shape, words(bytes, f64::from_le_bytes)),
        Kind::U64 => Array::U64(words(bytes, u64::from_le_bytes)),
        Kind::U8 => Array::U8(bytes.to_vec()),
    })
}

fn words<T, const N: usize>(data: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks::<N>().0.iter().map(|word| read(*word)).collect()
}

/// Writes named arrays as a safetensors file, whole or not at all.
///
/// # Errors
/// [`Error::External`] when the file cannot be written.
pub fn write_state(path: &Path, state: &State) -> Result<()> {
    write_whole(path, &to_bytes(state)?)
}

/// Reads what [`write_state`] wrote.
///
/// # Errors
/// [`Error::External`] when the file cannot be read or is no safetensors file.
pub fn read_state(path: &Path) -> Result<State> {
    from_bytes(&std::fs::read(path).map_err(|error| file_error(path, "cannot be read", &error))?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn array() -> impl Strategy<Value = Array> {
        prop_oneof![
            proptest::collection::vec(any::<f32>(), 0..20).prop_map(|data| Array::F32(vec![data.len()], data)),
            proptest::collection::vec(any::<f64>(), 6).prop_map(|data| Array::F64(vec![2, 3], data)),
            proptest::collection::vec(any::<u64>(), 0..20).prop_map(Array::U64),
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(Array::U8),
        ]
    }

    fn state() -> impl Strategy<Value = State> {
        proptest::collection::btree_map("[a-z]{1,6}", array(), 0..8).prop_map(|arrays| {
            let mut state = State::new();
            arrays.into_iter().for_each(|(name, array)| state.put(name, array));
            state
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(state in state()) {
            let bytes = to_bytes(&state).unwrap();
            let back = from_bytes(&bytes).unwrap();
            // NaN is not equal to itself; the digest compares bits.
            prop_assert_eq!(digest(&back), digest(&state));
            prop_assert_eq!(to_bytes(&back).unwrap(), bytes);
        }

        #[test]
        fn damaged_bytes_never_panic(state in state(), at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>()) {
            let mut bytes = to_bytes(&state).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            _ = from_bytes(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            _ = from_bytes(&bytes);
        }
    }

    #[test]
    fn the_digest_tells_names_types_and_shapes_apart() {
        let with = |name: &str, array: Array| {
            let mut state = State::new();
            state.put(name, array);
            digest(&state)
        };
        let digests = [
            with("a", Array::F64(vec![2], vec![1.0, 2.0])),
            with("b", Array::F64(vec![2], vec![1.0, 2.0])),
            with("a", Array::F64(vec![2, 1], vec![1.0, 2.0])),
            with("a", Array::U64(vec![1.0f64.to_bits(), 2.0f64.to_bits()])),
        ];
        for (i, a) in digests.iter().enumerate() {
            assert!(digests[i + 1..].iter().all(|b| a != b));
        }
    }
}
