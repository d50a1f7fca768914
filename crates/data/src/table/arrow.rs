//! Columns of Arrow data as cells: numbers of every kind, dictionaries, nested lists, texts, times. Structs are taken apart into a
//! column for each field, `name/field`.

use arrow_array::cast::AsArray;
use arrow_array::types as t;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use worldwright_core::{Error, Result};

use super::cells::{Cells, Data, TEXT};
use crate::{exact, limits};

/// The names that a schema's columns have once structs are taken apart.
pub(crate) fn names(schema: &Schema) -> Vec<String> {
    fn add(name: String, of: &DataType, out: &mut Vec<String>) {
        match of {
            DataType::Struct(fields) => {
                fields.iter().for_each(|field| add(format!("{name}/{}", field.name()), field.data_type(), out));
            }
            _ => out.push(name),
        }
    }
    let mut out = Vec::new();
    schema.fields().iter().for_each(|field| add(field.name().clone(), field.data_type(), &mut out));
    out
}

/// The columns of a batch, in the order of [`names`].
pub(crate) fn leaves(batch: &RecordBatch) -> Vec<ArrayRef> {
    fn add(array: &ArrayRef, out: &mut Vec<ArrayRef>) {
        match array.as_struct_opt() {
            // A struct that is empty in a row is empty in all of its fields.
            Some(parts) => parts.columns().iter().for_each(|part| match parts.nulls() {
                Some(nulls) if part.data_type().is_numeric() || *part.data_type() == DataType::Boolean => {
                    let merged = arrow_buffer::NullBuffer::union(Some(nulls), part.nulls());
                    let data = part.to_data().into_builder().nulls(merged).build();
                    add(&data.map_or_else(|_| part.clone(), arrow_array::make_array), out);
                }
                _ => add(part, out),
            }),
            None => out.push(array.clone()),
        }
    }
    let mut out = Vec::new();
    batch.columns().iter().for_each(|array| add(array, &mut out));
    out
}

/// The cells of a column.
///
/// # Errors
/// [`Error::Unsupported`] naming the column for types that hold no numbers, flags or texts; [`Error::External`] for lists of
/// different lengths or with empty places.
pub(crate) fn cells(name: &str, array: &ArrayRef) -> Result<Cells> {
    let rows = array.len();
    let empty: Vec<bool> =
        if array.null_count() > 0 { (0..rows).map(|row| array.is_null(row)).collect() } else { Vec::new() };
    macro_rules! copied {
        ($of:ty, $kind:ident as $to:ty) => {
            Data::$kind(array.as_primitive::<$of>().values().iter().map(|n| *n as $to).collect())
        };
    }
    let data = match array.data_type() {
        DataType::Float64 => Data::F64(array.as_primitive::<t::Float64Type>().values().to_vec()),
        DataType::Float32 => Data::F32(array.as_primitive::<t::Float32Type>().values().to_vec()),
        DataType::Float16 => {
            Data::F32(array.as_primitive::<t::Float16Type>().values().iter().map(|n| n.to_f32()).collect())
        }
        DataType::Int64 => Data::I64(array.as_primitive::<t::Int64Type>().values().to_vec()),
        DataType::Int32 => copied!(t::Int32Type, I64 as i64),
        DataType::Int16 => copied!(t::Int16Type, I64 as i64),
        DataType::Int8 => copied!(t::Int8Type, I64 as i64),
        DataType::UInt8 => Data::U8(array.as_primitive::<t::UInt8Type>().values().to_vec()),
        DataType::UInt16 => copied!(t::UInt16Type, I64 as i64),
        DataType::UInt32 => copied!(t::UInt32Type, I64 as i64),
        DataType::UInt64 => {
            let numbers = array.as_primitive::<t::UInt64Type>().values();
            if numbers.iter().all(|n| i64::try_from(*n).is_ok()) {
                Data::I64(numbers.iter().map(|n| *n as i64).collect())
            } else {
                let lost = (0..rows).find(|row| array.is_valid(*row) && !exact::held(i128::from(numbers[*row])));
                if let Some(row) = lost {
                    return Err(exact::lost(name, row, &numbers[row].to_string()));
                }
                Data::F64(numbers.iter().map(|n| *n as f64).collect())
            }
        }
        DataType::Decimal128(_, scale) => {
            let unit = 10_f64.powi(i32::from(*scale));
            Data::F64(array.as_primitive::<t::Decimal128Type>().values().iter().map(|n| *n as f64 / unit).collect())
        }
        DataType::Decimal64(_, scale) => {
            let unit = 10_f64.powi(i32::from(*scale));
            Data::F64(array.as_primitive::<t::Decimal64Type>().values().iter().map(|n| *n as f64 / unit).collect())
        }
        DataType::Decimal32(_, scale) => {
            let unit = 10_f64.powi(i32::from(*scale));
            Data::F64(array.as_primitive::<t::Decimal32Type>().values().iter().map(|n| f64::from(*n) / unit).collect())
        }
        DataType::Boolean => {
            let bits = array.as_boolean();
            Data::Bool((0..rows).map(|row| bits.value(row)).collect())
        }
        DataType::Utf8 => texts(name, rows, |row| array.as_string::<i32>().value(row))?,
        DataType::LargeUtf8 => texts(name, rows, |row| array.as_string::<i64>().value(row))?,
        DataType::Utf8View => texts(name, rows, |row| array.as_string_view().value(row))?,
        DataType::Timestamp(..) | DataType::Date64 | DataType::Time64(_) | DataType::Duration(_) => {
            Data::I64(words(array, name)?)
        }
        DataType::Date32 => copied!(t::Date32Type, I64 as i64),
        DataType::Time32(arrow_schema::TimeUnit::Second) => copied!(t::Time32SecondType, I64 as i64),
        DataType::Time32(_) => copied!(t::Time32MillisecondType, I64 as i64),
        DataType::Null => {
            return Cells::with_empty(rows, Vec::new(), Data::F64(vec![f64::NAN; rows]), vec![true; rows]);
        }
        DataType::Dictionary(..) => return dictionary(name, array),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => return lists(name, array, empty),
        other => {
            return Err(Error::unsupported(
                "the import of tables",
                format!(
                    "column '{name}' of type {other}; give numbers, flags, texts or lists of numbers, or leave the column out"
                ),
            ));
        }
    };
    Cells::with_empty(rows, Vec::new(), data, empty)
}

/// Many rows can be views of one long text: they are added up before they are copied.
fn texts<'a>(name: &str, rows: usize, of: impl Fn(usize) -> &'a str) -> Result<Data> {
    let bytes = (0..rows).map(|row| (of(row).len() + TEXT) as u128).sum();
    limits::fits(&format!("the texts of column '{name}'"), bytes)?;
    Ok(Data::Text((0..rows).map(|row| of(row).to_owned()).collect()))
}

/// Times of 64 bits, in whatever unit.
fn words(array: &ArrayRef, name: &str) -> Result<Vec<i64>> {
    let plain = array.to_data().into_builder().data_type(DataType::Int64).build();
    let plain = plain.map_err(|error| Error::external(format!("column '{name}'"), error.to_string()))?;
    Ok(arrow_array::PrimitiveArray::<t::Int64Type>::from(plain).values().to_vec())
}

fn dictionary(name: &str, array: &ArrayRef) -> Result<Cells> {
    let any = array.as_any_dictionary_opt().ok_or_else(|| Error::external(format!("column '{name}'"), "is damaged"))?;
    let values = cells(name, any.values())?;
    let keys = any.normalized_keys();
    let places: Vec<Option<usize>> =
        (0..array.len()).map(|row| (array.is_valid(row) && keys[row] < values.rows).then(|| keys[row])).collect();
    values.pick(&places)
}

/// Lists, to any depth: every row needs the same shape.
fn lists(name: &str, array: &ArrayRef, empty: Vec<bool>) -> Result<Cells> {
    let rows = array.len();
    let (values, spans): (ArrayRef, Vec<(usize, usize)>) = if let Some(list) = array.as_fixed_size_list_opt() {
        let size = list.value_length() as usize;
        (list.values().clone(), (0..rows).map(|row| (list.value_offset_at(row), size)).collect())
    } else if let Some(list) = array.as_list_opt::<i32>() {
        let spans = list.value_offsets().windows(2).map(|pair| (pair[0] as usize, (pair[1] - pair[0]) as usize));
        (list.values().clone(), spans.collect())
    } else {
        let list = array.as_list::<i64>();
        let spans = list.value_offsets().windows(2).map(|pair| (pair[0] as usize, (pair[1] - pair[0]) as usize));
        (list.values().clone(), spans.collect())
    };
    let wrong = |why: String| Error::external(format!("column '{name}'"), why);
    let full = |row: usize| !empty.get(row).copied().unwrap_or(false);
    let dim = (0..rows).find(|row| full(*row)).map_or(0, |row| spans[row].1);
    if let Some(row) = (0..rows).find(|row| full(*row) && spans[*row].1 != dim) {
        return Err(wrong(format!(
            "row {row} holds a list of {} and the rows before lists of {dim}: every row needs the same count",
            spans[row].1
        )));
    }
    if (0..rows).any(|row| full(row) && spans[row].0 + dim > values.len()) {
        return Err(wrong("is damaged".into()));
    }
    // An empty row has as many places as a full one; a place and its number each.
    limits::rows(&format!("column '{name}'"), rows, dim, size_of::<Option<usize>>() + 16)?;
    // Only what the rows refer to is converted: a slice shares the values of the whole.
    let low = (0..rows).filter(|row| full(*row)).map(|row| spans[row].0).min().unwrap_or(0);
    let high = (0..rows).filter(|row| full(*row)).map(|row| spans[row].0 + dim).max().unwrap_or(0);
    let inner = cells(name, &values.slice(low, high - low))?;
    if inner.is_text() {
        return Err(Error::unsupported(
            "the import of tables",
            format!("column '{name}' of lists of texts; give numbers, or leave the column out"),
        ));
    }
    let places = (0..rows).flat_map(|row| {
        let start = if full(row) { Some(spans[row].0 - low) } else { None };
        (0..dim).map(move |at| start.map(|start| start + at))
    });
    let places: Vec<Option<usize>> = places.collect();
    let picked = inner.pick(&places)?;
    for row in (0..rows).filter(|row| full(*row)) {
        let holes = (row * dim..(row + 1) * dim).filter(|at| picked.is_null(*at)).count();
        if holes > 0 && holes < dim {
            return Err(wrong(format!("row {row} holds some numbers and lacks others")));
        }
    }
    let shape: Vec<usize> = std::iter::once(dim).chain(picked.shape.iter().copied()).collect();
    let all_null = |row: usize| dim > 0 && (row * dim..(row + 1) * dim).all(|at| picked.is_null(at));
    let empty = (0..rows).map(|row| !full(row) || all_null(row)).collect();
    Cells::with_empty(rows, shape, picked.data, empty)
}
