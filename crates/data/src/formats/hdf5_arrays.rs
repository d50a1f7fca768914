//! Arrays and attributes of an HDF5 file.

use std::collections::HashMap;

use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, Datatype, StringSize, VarLenKind};
use worldwright_core::{Error, Result};

use super::npy::Npy;
use super::packed;
use crate::limits;
use crate::table::cells::{Data, TEXT};

type Half = <arrow_array::types::Float16Type as arrow_array::ArrowPrimitiveType>::Native;

pub(super) fn failed(error: hdf5_reader::error::Error) -> Error {
    packed::hdf5(&error).unwrap_or_else(|| Error::external("HDF5 file", error.to_string()))
}

/// A text or number among a group's attributes, as text.
pub(super) fn attribute(group: &Group, name: &str) -> Option<String> {
    let attribute = group.attribute(name).ok()?;
    if let Datatype::FixedPoint { signed, .. } = attribute.datatype {
        return if signed {
            attribute.read_scalar::<i64>().ok().map(|n| n.to_string())
        } else {
            attribute.read_scalar::<u64>().ok().map(|n| n.to_string())
        };
    }
    attribute.read_string().ok()
}

/// The numbers or texts of a data set. `taken` counts the bytes of all that have been read.
pub(super) fn array(name: &str, dataset: &Dataset, taken: &mut u128) -> Result<Npy> {
    let shape: Vec<usize> = dataset.shape().iter().map(|n| usize::try_from(*n).unwrap_or(usize::MAX)).collect();
    let size = dataset.shape().iter().fold(1_u128, |size, n| size.saturating_mul(u128::from(*n)));
    let rows = shape.first().map_or(1, |rows| *rows as u128);
    // As the file's numbers, as a column, as episodes, which take some beside for each row.
    *taken = taken.saturating_add(size.saturating_mul(24)).saturating_add(rows.saturating_mul(limits::ROW));
    limits::fits(&format!("'{name}' of shape {shape:?}"), *taken)?;
    let shape = if shape.is_empty() { vec![1] } else { shape };
    let other = |of: &Datatype| {
        let kind = match of {
            Datatype::Compound { .. } => "records: save each field as an array of its own",
            Datatype::VarLen { .. } => "lists of different lengths: every row needs the same count",
            _ => "a type that holds no numbers",
        };
        Error::unsupported("the HDF5 import", format!("'{name}' of {kind}"))
    };
    let mut read = |of: &Datatype| -> Result<Data> {
        let bytes = || dataset.read_native_bytes().map_err(failed);
        macro_rules! numbers {
            ($of:ty, $kind:ident as $to:ty) => {
                Data::$kind(bytes()?.as_chunks().0.iter().map(|b| <$of>::from_ne_bytes(*b) as $to).collect())
            };
        }
        Ok(match of {
            Datatype::FloatingPoint { size: 8, .. } => numbers!(f64, F64 as f64),
            Datatype::FloatingPoint { size: 4, .. } => numbers!(f32, F32 as f32),
            Datatype::FloatingPoint { size: 2, .. } => Data::F32(
                bytes()?.as_chunks().0.iter().map(|b| Half::from_bits(u16::from_ne_bytes(*b)).to_f32()).collect(),
            ),
            Datatype::FixedPoint { size: 1, signed: false, .. } => Data::U8(bytes()?),
            Datatype::FixedPoint { size: 1, .. } => numbers!(i8, I64 as i64),
            Datatype::FixedPoint { size: 2, signed: false, .. } => numbers!(u16, I64 as i64),
            Datatype::FixedPoint { size: 2, .. } => numbers!(i16, I64 as i64),
            Datatype::FixedPoint { size: 4, signed: false, .. } => numbers!(u32, I64 as i64),
            Datatype::FixedPoint { size: 4, .. } => numbers!(i32, I64 as i64),
            Datatype::FixedPoint { size: 8, signed: false, .. } => {
                let numbers: Vec<u64> = bytes()?.as_chunks().0.iter().map(|b| u64::from_ne_bytes(*b)).collect();
                if numbers.iter().all(|n| i64::try_from(*n).is_ok()) {
                    Data::I64(numbers.iter().map(|n| *n as i64).collect())
                } else {
                    Data::F64(numbers.iter().map(|n| *n as f64).collect())
                }
            }
            Datatype::FixedPoint { size: 8, .. } => numbers!(i64, I64 as i64),
            Datatype::String { size: StringSize::Fixed(size), .. } => {
                *taken = taken.saturating_add(u128::from(*size) * dataset.num_elements().map_or(1, u128::from));
                limits::fits(&format!("the texts of '{name}'"), *taken)?;
                Data::Text(dataset.read_strings().map_err(|_| other(of))?)
            }
            Datatype::String { .. } | Datatype::VarLen { kind: VarLenKind::String, .. } => {
                Data::Text(texts(name, dataset, taken)?)
            }
            _ => return Err(other(of)),
        })
    };
    let data = match dataset.dtype() {
        // h5py keeps truth values as an enumeration of bytes.
        Datatype::Enum { base, members } if members.len() == 2 => {
            let numbers = read(base)?;
            Data::Bool((0..numbers.len()).map(|at| numbers.number(at) != 0.0).collect())
        }
        Datatype::Enum { base, .. } => read(base)?,
        of => read(of)?,
    };
    Ok(Npy { shape, data })
}

/// Texts of any length: references into a heap of the file, so that many rows can name one long text. They are added up before they are
/// copied.
fn texts(name: &str, dataset: &Dataset, taken: &mut u128) -> Result<Vec<String>> {
    let raw = dataset.read_raw_bytes().map_err(failed)?;
    let mut known: HashMap<&[u8], String> = HashMap::new();
    let mut texts = Vec::new();
    for reference in raw.chunks_exact(dataset.vlen_reference_size()) {
        if !known.contains_key(reference) {
            let bytes = dataset.resolve_vlen_reference_bytes(reference, 1).map_err(failed)?;
            let text = String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned();
            *taken = taken.saturating_add((text.len() + TEXT) as u128);
            known.insert(reference, text);
        }
        let text = &known[reference];
        *taken = taken.saturating_add((text.len() + TEXT) as u128);
        limits::fits(&format!("the texts of '{name}'"), *taken)?;
        texts.push(text.clone());
    }
    Ok(texts)
}
