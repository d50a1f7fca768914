//! Columns: how elements of a space lie in Arrow arrays.
//!
//! A box is a fixed-size list of its numbers (row-major), a choice a whole number, several choices a fixed-size list, a
//! dictionary a struct. Images stay bytes.

use std::sync::Arc;

use arrow_array::types::{Float32Type, Float64Type, Int64Type, UInt8Type};
use arrow_array::{Array, ArrayRef, FixedSizeListArray, PrimitiveArray, StructArray};
use arrow_array::{ArrowPrimitiveType, cast::AsArray};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields};
use worldwright_core::{ElementType, Error, Result, Space, Value};

use super::Precision;
use crate::exact;

/// Elements of one space, as they are gathered for the next batch.
#[derive(Debug, Clone)]
pub(crate) enum Column {
    F64 { dim: usize, numbers: Vec<f64> },
    F32 { dim: usize, numbers: Vec<f32> },
    U8 { dim: usize, numbers: Vec<u8> },
    I64 { dim: usize, numbers: Vec<i64> },
    Choice { numbers: Vec<i64> },
    Dict { parts: Vec<(String, Column)> },
}

impl Column {
    pub(crate) fn new(space: &Space, precision: Precision) -> Result<Self> {
        let size = |dim: usize| {
            if dim == 0 || dim > i32::MAX as usize {
                return Err(Error::unsupported("the episode store", format!("spaces with {dim} numbers")));
            }
            Ok(dim)
        };
        Ok(match space {
            Space::Box { low, element, .. } => {
                let dim = size(low.len())?;
                match (element, precision) {
                    (ElementType::F64, _) | (ElementType::F32 | ElementType::F16, Precision::Exact) => {
                        Self::F64 { dim, numbers: Vec::new() }
                    }
                    (ElementType::F32 | ElementType::F16, Precision::Element) => Self::F32 { dim, numbers: Vec::new() },
                    _ if element.is_bytes() => Self::U8 { dim, numbers: Vec::new() },
                    _ => Self::I64 { dim, numbers: Vec::new() },
                }
            }
            Space::Discrete { .. } => Self::Choice { numbers: Vec::new() },
            Space::MultiDiscrete { nvec, .. } => Self::I64 { dim: size(nvec.len())?, numbers: Vec::new() },
            Space::MultiBinary { .. } => Self::U8 { dim: size(space.numbers())?, numbers: Vec::new() },
            Space::Dict(_) | Space::Tuple(_) => {
                let parts = space.parts();
                size(parts.len())?;
                let parts = parts.into_iter().map(|(name, part)| Ok((name, Self::new(part, precision)?)));
                Self::Dict { parts: parts.collect::<Result<_>>()? }
            }
        })
    }

    pub(crate) fn data_type(&self) -> DataType {
        let list = |dim: usize, of| {
            DataType::FixedSizeList(Arc::new(Field::new("item", of, false)), i32::try_from(dim).unwrap_or(i32::MAX))
        };
        match self {
            Self::F64 { dim, .. } => list(*dim, DataType::Float64),
            Self::F32 { dim, .. } => list(*dim, DataType::Float32),
            Self::U8 { dim, .. } => list(*dim, DataType::UInt8),
            Self::I64 { dim, .. } => list(*dim, DataType::Int64),
            Self::Choice { .. } => DataType::Int64,
            Self::Dict { parts } => DataType::Struct(
                parts.iter().map(|(name, part)| Field::new(name, part.data_type(), false)).collect::<Fields>(),
            ),
        }
    }

    /// Adds an element, or a row of zeros that the validity bits will hide. On an error the column must be cut back by
    /// [`truncate`](Self::truncate): parts of a dictionary may have been added.
    pub(crate) fn push(&mut self, value: Option<&Value>) -> Result<()> {
        let Some(value) = value else {
            match self {
                Self::F64 { dim, numbers } => numbers.resize(numbers.len() + *dim, 0.0),
                Self::F32 { dim, numbers } => numbers.resize(numbers.len() + *dim, 0.0),
                Self::U8 { dim, numbers } => numbers.resize(numbers.len() + *dim, 0),
                Self::I64 { dim, numbers } => numbers.resize(numbers.len() + *dim, 0),
                Self::Choice { numbers } => numbers.push(0),
                Self::Dict { parts } => parts.iter_mut().try_for_each(|(_, part)| part.push(None))?,
            }
            return Ok(());
        };
        match (self, value) {
            (Self::F64 { dim, numbers }, Value::Floats(given)) if given.len() == *dim => {
                numbers.extend_from_slice(given);
            }
            (Self::F32 { dim, numbers }, Value::Floats(given)) if given.len() == *dim => {
                for number in given {
                    let single = *number as f32;
                    if f64::from(single) != *number && !number.is_nan() {
                        return Err(not_in(format!("{number} is no 32-bit number; use exact precision")));
                    }
                    numbers.push(single);
                }
            }
            (Self::U8 { dim, numbers }, Value::Bytes(given)) if given.len() == *dim => {
                numbers.extend_from_slice(given);
            }
            (Self::U8 { dim, numbers }, Value::Integers(given)) if given.len() == *dim => {
                for number in given {
                    numbers.push(u8::try_from(*number).map_err(|_| not_in(format!("{number} is not a byte")))?);
                }
            }
            (Self::U8 { dim, numbers }, Value::Floats(given)) if given.len() == *dim => {
                for number in given {
                    numbers.push(exact::byte(*number)?);
                }
            }
            (Self::I64 { dim, numbers }, Value::Integers(given)) if given.len() == *dim => {
                numbers.extend_from_slice(given);
            }
            (Self::I64 { dim, numbers }, Value::Floats(given)) if given.len() == *dim => {
                // Beyond 2^53 an f64 no longer tells neighbouring whole numbers apart.
                for number in given {
                    numbers.push(exact::whole(*number)?);
                }
            }
            (Self::Choice { numbers }, Value::Integer(choice)) => numbers.push(*choice),
            (Self::Dict { parts }, Value::Dict(_) | Value::Tuple(_)) if parts.len() == value.parts().len() => {
                for (at, (name, part)) in parts.iter_mut().enumerate() {
                    part.push(Some(value.part(at, name)?))?;
                }
            }
            (column, _) => {
                return Err(not_in(format!("it is not of the kind or length of {}", column.data_type())));
            }
        }
        Ok(())
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        match self {
            Self::F64 { dim, numbers } => numbers.truncate(rows * *dim),
            Self::F32 { dim, numbers } => numbers.truncate(rows * *dim),
            Self::U8 { dim, numbers } => numbers.truncate(rows * *dim),
            Self::I64 { dim, numbers } => numbers.truncate(rows * *dim),
            Self::Choice { numbers } => numbers.truncate(rows),
            Self::Dict { parts } => parts.iter_mut().for_each(|(_, part)| part.truncate(rows)),
        }
    }

    pub(crate) fn to_array(&self, valid: Option<NullBuffer>) -> Result<ArrayRef> {
        match self {
            Self::F64 { dim, numbers } => list_array::<Float64Type>(*dim, numbers, valid),
            Self::F32 { dim, numbers } => list_array::<Float32Type>(*dim, numbers, valid),
            Self::U8 { dim, numbers } => list_array::<UInt8Type>(*dim, numbers, valid),
            Self::I64 { dim, numbers } => list_array::<Int64Type>(*dim, numbers, valid),
            Self::Choice { numbers } => Ok(Arc::new(
                PrimitiveArray::<Int64Type>::try_new(ScalarBuffer::from(numbers.clone()), valid).map_err(arrow)?,
            )),
            Self::Dict { parts } => {
                let fields: Fields =
                    parts.iter().map(|(name, part)| Field::new(name, part.data_type(), false)).collect();
                let arrays = parts.iter().map(|(_, part)| part.to_array(None)).collect::<Result<Vec<_>>>()?;
                Ok(Arc::new(StructArray::try_new(fields, arrays, valid).map_err(arrow)?))
            }
        }
    }
}

pub(crate) fn list_array<T: ArrowPrimitiveType>(
    dim: usize,
    numbers: &[T::Native],
    valid: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let values = PrimitiveArray::<T>::try_new(ScalarBuffer::from(numbers.to_vec()), None).map_err(arrow)?;
    let field = Arc::new(Field::new("item", T::DATA_TYPE, false));
    let dim = i32::try_from(dim).map_err(|_| not_in(format!("{dim} numbers are too many")))?;
    Ok(Arc::new(FixedSizeListArray::try_new(field, dim, Arc::new(values), valid).map_err(arrow)?))
}

/// The element of `space` in row `row` of an array.
///
/// # Errors
/// [`Error::External`] when the array is not of a type that holds such elements, or has no such row; [`Error::NotInSpace`] for
/// numbers that are no choices or bytes.
pub(crate) fn value_at(space: &Space, array: &dyn Array, row: usize) -> Result<Value> {
    value(space, array, row).map_err(|error| exact::at(&format!("row {row}"), error))
}

fn value(space: &Space, array: &dyn Array, row: usize) -> Result<Value> {
    if row >= array.len() {
        return Err(damaged(format!("row {row} of {} was asked for", array.len())));
    }
    match space {
        Space::Box { low, element, .. } => {
            let (values, start) = list_row(array, row, low.len())?;
            let span = start..start + low.len();
            if let Some(bytes) = values.as_primitive_opt::<UInt8Type>() {
                let bytes = &bytes.values()[span];
                return Ok(match element {
                    _ if element.is_bytes() => Value::Bytes(bytes.to_vec()),
                    _ => Value::Floats(bytes.iter().map(|b| f64::from(*b)).collect()),
                });
            }
            let mut numbers = Vec::with_capacity(low.len());
            numbers_of(&*values, span, &mut numbers)?;
            Ok(match element {
                _ if element.is_bytes() => Value::Bytes(numbers.into_iter().map(exact::byte).collect::<Result<_>>()?),
                _ => Value::Floats(numbers),
            })
        }
        Space::Discrete { .. } => {
            let number = match array.data_type() {
                DataType::FixedSizeList(..) | DataType::List(_) | DataType::LargeList(_) => {
                    let (values, start) = list_row(array, row, 1)?;
                    whole_numbers(&*values, start..start + 1)?
                }
                _ => whole_numbers(array, row..row + 1)?,
            };
            Ok(Value::Integer(number[0]))
        }
        Space::MultiDiscrete { .. } | Space::MultiBinary { .. } => integers(array, row, space.numbers()),
        Space::Dict(_) | Space::Tuple(_) => {
            let dict = array.as_struct_opt().ok_or_else(|| wrong(array, "a struct"))?;
            let values = space.parts().into_iter().map(|(name, part)| {
                let column = dict.column_by_name(&name).ok_or_else(|| damaged(format!("part '{name}' is missing")))?;
                value(part, column, row).map_err(|error| exact::at(&format!("part '{name}'"), error))
            });
            Ok(space.gather(values.collect::<Result<_>>()?))
        }
    }
}

fn integers(array: &dyn Array, row: usize, dim: usize) -> Result<Value> {
    let (values, start) = list_row(array, row, dim)?;
    Ok(Value::Integers(whole_numbers(&*values, start..start + dim)?))
}

/// Whole numbers of an array as they are.
fn whole_numbers(array: &dyn Array, span: std::ops::Range<usize>) -> Result<Vec<i64>> {
    if let Some(numbers) = array.as_primitive_opt::<Int64Type>() {
        let numbers = numbers.values().get(span.clone());
        return numbers.map(<[i64]>::to_vec).ok_or_else(|| damaged(format!("rows {span:?} were asked for")));
    }
    let mut numbers = Vec::with_capacity(span.len());
    numbers_of(array, span, &mut numbers)?;
    numbers.into_iter().map(exact::whole).collect()
}

/// The values of a list array and where row `row`, which must have `dim` numbers, begins in them. A column of single numbers
/// counts as lists of one.
fn list_row(array: &dyn Array, row: usize, dim: usize) -> Result<(ArrayRef, usize)> {
    let (values, start, len) = if let Some(list) = array.as_fixed_size_list_opt() {
        let size = list.value_length() as usize;
        (list.values().clone(), list.value_offset_at(row), size)
    } else if let Some(list) = array.as_list_opt::<i32>() {
        (list.values().clone(), list.value_offsets()[row] as usize, list.value_length(row) as usize)
    } else if let Some(list) = array.as_list_opt::<i64>() {
        (list.values().clone(), list.value_offsets()[row] as usize, list.value_length(row) as usize)
    } else if array.data_type().is_primitive() || *array.data_type() == DataType::Boolean {
        (array.slice(row, 1), 0, 1)
    } else {
        return Err(wrong(array, "a list of numbers"));
    };
    if len != dim || start + len > values.len() {
        return Err(Error::shape("stored element", &[dim], &[len]));
    }
    Ok((values, start))
}

/// Numbers of any type as f64, appended to `out`.
pub(crate) fn numbers_of(array: &dyn Array, span: std::ops::Range<usize>, out: &mut Vec<f64>) -> Result<()> {
    use arrow_array::types::{Int8Type, Int16Type, Int32Type, UInt16Type, UInt32Type, UInt64Type};
    if span.end > array.len() {
        return Err(damaged(format!("rows {span:?} of {} were asked for", array.len())));
    }
    macro_rules! copy {
        ($t:ty) => {
            out.extend(array.as_primitive::<$t>().values()[span].iter().map(|n| *n as f64))
        };
    }
    match array.data_type() {
        DataType::Float64 => copy!(Float64Type),
        DataType::Float32 => copy!(Float32Type),
        DataType::Int64 => copy!(Int64Type),
        DataType::Int32 => copy!(Int32Type),
        DataType::Int16 => copy!(Int16Type),
        DataType::Int8 => copy!(Int8Type),
        DataType::UInt64 => copy!(UInt64Type),
        DataType::UInt32 => copy!(UInt32Type),
        DataType::UInt16 => copy!(UInt16Type),
        DataType::UInt8 => copy!(UInt8Type),
        DataType::Boolean => {
            let bits = array.as_boolean();
            out.extend(span.map(|i| f64::from(u8::from(bits.value(i)))));
        }
        _ => return Err(wrong(array, "numbers")),
    }
    Ok(())
}

fn wrong(array: &dyn Array, wanted: &str) -> Error {
    damaged(format!("a column is of type {}, but {wanted} was expected", array.data_type()))
}

fn damaged(why: String) -> Error {
    Error::external("episode data", why)
}

fn not_in(reason: String) -> Error {
    Error::NotInSpace { what: "value to store".into(), reason }
}

pub(crate) fn arrow(error: arrow_schema::ArrowError) -> Error {
    Error::external("Arrow data", error.to_string())
}
