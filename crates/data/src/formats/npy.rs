//! One NumPy array as bytes: magic, version, a header of text, and the numbers in C order.
//!
//! Source: numpy.lib.format, version 1.0 (2.0 and 3.0 are read too).

use worldwright_core::{Error, Result};

/// The numbers of an array.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    F64(Vec<f64>),
    F32(Vec<f32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    Bool(Vec<bool>),
}

/// An array.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Npy {
    pub(super) shape: Vec<usize>,
    pub(super) data: Data,
}

impl Npy {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let (descr, body): (&str, Vec<u8>) = match &self.data {
            Data::F64(numbers) => ("<f8", numbers.iter().flat_map(|n| n.to_le_bytes()).collect()),
            Data::F32(numbers) => ("<f4", numbers.iter().flat_map(|n| n.to_le_bytes()).collect()),
            Data::I64(numbers) => ("<i8", numbers.iter().flat_map(|n| n.to_le_bytes()).collect()),
            Data::U8(numbers) => ("|u1", numbers.clone()),
            Data::Bool(flags) => ("|b1", flags.iter().map(|flag| u8::from(*flag)).collect()),
        };
        let shape: String = self.shape.iter().map(|n| format!("{n}, ")).collect();
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
        // The numbers begin at a multiple of 64 bytes.
        let padding = 63 - (10 + header.len()) % 64;
        header.extend(std::iter::repeat_n(' ', padding));
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.into_bytes());
        bytes.extend(body);
        bytes
    }

    /// # Errors
    /// [`Error::External`] for bytes that are no array, or one of a type or order that is not read.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bad = |why: &str| Error::external("NumPy array", why.to_owned());
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(|| bad("does not begin as one"))?;
        let (len, start) = match rest {
            [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), 4),
            [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 6),
            _ => return Err(bad("is of an unknown version")),
        };
        let header = rest.get(start..start + len).ok_or_else(|| bad("is cut in its header"))?;
        let header = std::str::from_utf8(header).map_err(|_| bad("has a header that is not text"))?;
        let body = &rest[start + len..];
        let after = |key: &str| header.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
        let descr = after("descr").and_then(|rest| rest.strip_prefix('\'')?.split('\'').next());
        let descr = descr.ok_or_else(|| bad("has a header without a plain 'descr'"))?;
        if !after("fortran_order").is_some_and(|rest| rest.starts_with("False")) {
            return Err(bad("is in Fortran order; save np.ascontiguousarray of it"));
        }
        let shape = after("shape").and_then(|rest| rest.strip_prefix('(')?.split(')').next());
        let shape: Vec<usize> = shape
            .ok_or_else(|| bad("has a header without 'shape'"))?
            .split(',')
            .map(str::trim)
            .filter(|n| !n.is_empty())
            .map(|n| n.parse().map_err(|_| bad("has a shape that is not of numbers")))
            .collect::<Result<_>>()?;
        let size = shape.iter().try_fold(1_usize, |size, n| size.checked_mul(*n)).ok_or_else(|| bad("is too large"))?;
        let width = descr.bytes().last().map_or(0, |digit| usize::from(digit.wrapping_sub(b'0')));
        if size.checked_mul(width) != Some(body.len()) {
            return Err(bad("has not as many numbers as its shape says"));
        }
        let data = match descr {
            "<f8" => Data::F64(body.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()),
            "<f4" => Data::F32(body.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
            "<i8" => Data::I64(body.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()),
            "<i4" => Data::I64(body.as_chunks().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect()),
            "|u1" => Data::U8(body.to_vec()),
            "|b1" => Data::Bool(body.iter().map(|b| *b != 0).collect()),
            other => return Err(bad(&format!("is of type '{other}', which is not read; use float64, int64 or uint8"))),
        };
        Ok(Self { shape, data })
    }

    /// All numbers as f64.
    pub(super) fn numbers(&self) -> Vec<f64> {
        match &self.data {
            Data::F64(numbers) => numbers.clone(),
            Data::F32(numbers) => numbers.iter().map(|n| f64::from(*n)).collect(),
            Data::I64(numbers) => numbers.iter().map(|n| *n as f64).collect(),
            Data::U8(numbers) => numbers.iter().map(|n| f64::from(*n)).collect(),
            Data::Bool(flags) => flags.iter().map(|flag| f64::from(u8::from(*flag))).collect(),
        }
    }
}
