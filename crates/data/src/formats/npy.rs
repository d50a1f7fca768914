//! One NumPy array as bytes: magic, version, a header of text, and the numbers, in C order or Fortran's.
//!
//! Source: numpy.lib.format, versions 1.0 to 3.0. Written are little-endian arrays of version 1.0 in C order; read are numbers of
//! every kind, either byte order and texts.

use worldwright_core::{Error, Result};

use crate::limits;
use crate::table::cells::{Cells, Data, TEXT};

type Half = <arrow_array::types::Float16Type as arrow_array::ArrowPrimitiveType>::Native;

/// An array: its shape, rows included, and its numbers in C order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Npy {
    pub(super) shape: Vec<usize>,
    pub(super) data: Data,
}

impl Npy {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let (descr, body): (String, Vec<u8>) = match &self.data {
            Data::F64(numbers) => ("<f8".into(), numbers.iter().flat_map(|n| n.to_le_bytes()).collect()),
            Data::F32(numbers) => ("<f4".into(), numbers.iter().flat_map(|n| n.to_le_bytes()).collect()),
            Data::I64(numbers) | Data::Times(numbers) => {
                ("<i8".into(), numbers.iter().flat_map(|n| n.to_le_bytes()).collect())
            }
            Data::U8(numbers) => ("|u1".into(), numbers.clone()),
            Data::Bool(flags) => ("|b1".into(), flags.iter().map(|flag| u8::from(*flag)).collect()),
            Data::Text(texts) => {
                let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
                let padded = texts.iter().flat_map(|text| {
                    text.chars().chain(std::iter::repeat('\0')).take(longest).flat_map(|c| u32::from(c).to_le_bytes())
                });
                (format!("<U{longest}"), padded.collect())
            }
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
    /// [`Error::External`] for bytes that are no array, [`Error::Unsupported`] for one of a type that is not read.
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
        let descr = descr.ok_or_else(|| {
            Error::unsupported("the NumPy import", "an array of records: save each field as an array of its own")
        })?;
        let fortran = match after("fortran_order") {
            Some(rest) if rest.starts_with("False") => false,
            Some(rest) if rest.starts_with("True") => true,
            _ => return Err(bad("has a header without 'fortran_order'")),
        };
        let shape = after("shape").and_then(|rest| rest.strip_prefix('(')?.split(')').next());
        let shape: Vec<usize> = shape
            .ok_or_else(|| bad("has a header without 'shape'"))?
            .split(',')
            .map(str::trim)
            .filter(|n| !n.is_empty())
            .map(|n| n.parse().map_err(|_| bad("has a shape that is not of numbers")))
            .collect::<Result<_>>()?;
        let too_large = || bad(&format!("claims the shape {shape:?}, but holds {} bytes", body.len()));
        let size = shape.iter().try_fold(1_usize, |size, n| size.checked_mul(*n)).ok_or_else(too_large)?;
        // An array without rows still claims the length of each: no more than the bytes that it came with can be believed.
        let row = shape.iter().skip(1).try_fold(1_usize, |row, n| row.checked_mul(*n));
        if row.is_none_or(|row| size == 0 && row > BELIEVED.max(bytes.len())) {
            return Err(too_large());
        }
        let data = decode(descr, body, size)?.ok_or_else(|| {
            bad(&format!("has not as many numbers as its shape {shape:?} says: it holds {} bytes", body.len()))
        })?;
        let data = if fortran && shape.len() > 1 { data.pick(fortran_places(&shape)) } else { data };
        Ok(Self { shape, data })
    }

    /// Bytes that its rows take as elements of episodes.
    pub(super) fn episodes(&self) -> u128 {
        let rows = self.shape.first().copied().unwrap_or(1) as u128;
        rows.saturating_mul(limits::ROW).saturating_add(self.data.len() as u128 * 8)
    }

    /// All numbers as f64.
    pub(super) fn numbers(&self) -> Vec<f64> {
        self.data.numbers()
    }

    /// The array as a column whose rows are its first axis.
    pub(super) fn cells(self) -> Result<Cells> {
        let rows = self.shape.first().copied().unwrap_or(1);
        Cells::new(rows, self.shape.get(1..).unwrap_or_default().to_vec(), self.data)
    }
}

/// Numbers a row that are believed of an array without rows, whatever its bytes.
const BELIEVED: usize = 1 << 16;

/// The numbers of a body, `None` where it has not as many bytes as they need.
fn decode(descr: &str, body: &[u8], size: usize) -> Result<Option<Data>> {
    let other = || {
        Error::unsupported(
            "the NumPy import",
            format!("arrays of type '{descr}'; save them as numbers, flags or texts"),
        )
    };
    let (order, kind) = descr.split_at_checked(1).ok_or_else(other)?;
    if kind.starts_with('O') || kind.is_empty() {
        return Err(Error::unsupported("the NumPy import", "pickled Python objects, which could run any program"));
    }
    let (letter, width) = kind.split_at_checked(1).ok_or_else(other)?;
    let width: usize = width.parse().map_err(|_| other())?;
    let each = match letter {
        "U" => width.checked_mul(4),
        _ => Some(width),
    };
    let each = each.ok_or_else(other)?;
    if each.checked_mul(size) != Some(body.len()) || (each == 0 && size > 0) {
        return Ok(None);
    }
    let held = if matches!(letter, "S" | "U") { TEXT.saturating_add(width) } else { 8 };
    limits::rows("a NumPy array", size, 1, held)?;
    let big = order == ">";
    macro_rules! read {
        ($of:ty, $kind:ident as $to:ty) => {
            Data::$kind(
                body.as_chunks()
                    .0
                    .iter()
                    .map(|b| if big { <$of>::from_be_bytes(*b) } else { <$of>::from_le_bytes(*b) } as $to)
                    .collect(),
            )
        };
    }
    Ok(Some(match (letter, width) {
        ("f", 8) => read!(f64, F64 as f64),
        ("f", 4) => read!(f32, F32 as f32),
        ("f", 2) => {
            let halves = body.as_chunks().0.iter();
            Data::F32(
                halves
                    .map(|b| {
                        Half::from_bits(if big { u16::from_be_bytes(*b) } else { u16::from_le_bytes(*b) }).to_f32()
                    })
                    .collect(),
            )
        }
        ("i", 8) => read!(i64, I64 as i64),
        ("i", 4) => read!(i32, I64 as i64),
        ("i", 2) => read!(i16, I64 as i64),
        ("i", 1) => read!(i8, I64 as i64),
        ("u", 8) => {
            let numbers: Vec<u64> = body
                .as_chunks()
                .0
                .iter()
                .map(|b| if big { u64::from_be_bytes(*b) } else { u64::from_le_bytes(*b) })
                .collect();
            if numbers.iter().all(|n| i64::try_from(*n).is_ok()) {
                Data::I64(numbers.iter().map(|n| *n as i64).collect())
            } else {
                Data::F64(numbers.iter().map(|n| *n as f64).collect())
            }
        }
        ("u", 4) => read!(u32, I64 as i64),
        ("u", 2) => read!(u16, I64 as i64),
        ("u", 1) => Data::U8(body.to_vec()),
        ("b", 1) => Data::Bool(body.iter().map(|b| *b != 0).collect()),
        ("S", _) => Data::Text(
            body.chunks(each.max(1)).map(|b| String::from_utf8_lossy(b).trim_end_matches('\0').to_owned()).collect(),
        ),
        ("U", _) => Data::Text(
            body.chunks(each.max(1))
                .map(|text| {
                    let words = text
                        .as_chunks()
                        .0
                        .iter()
                        .map(|b| if big { u32::from_be_bytes(*b) } else { u32::from_le_bytes(*b) });
                    words.take_while(|word| *word != 0).map(|word| char::from_u32(word).unwrap_or('\u{FFFD}')).collect()
                })
                .collect(),
        ),
        _ => return Err(other()),
    }))
}

/// Where the numbers of an array in C order lie in Fortran's: its first axis runs fastest.
fn fortran_places(shape: &[usize]) -> impl Iterator<Item = usize> + '_ {
    let size: usize = shape.iter().product();
    (0..size).map(move |at| {
        let (mut rest, mut place, mut stride) = (at, 0, size);
        for n in shape.iter().rev() {
            stride /= n;
            place += (rest % n) * stride;
            rest /= n;
        }
        place
    })
}
