//! Parquet tables in and out of Arrow batches.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use worldwright_core::{Error, Result};

use super::packed;
use crate::sink::Sink;
use crate::store::guarded;
use crate::table::{Table, arrow, cells::Cells};
use crate::{ColumnNames, limits};

/// The bytes of a Parquet file of these batches, compressed by Snappy as pandas and LeRobot do.
pub(super) fn to_parquet<'a>(
    schema: SchemaRef,
    batches: impl Iterator<Item = &'a RecordBatch>,
    metadata: &[(&str, String)],
) -> Result<Vec<u8>> {
    let metadata = metadata.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone())).collect();
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_key_value_metadata(Some(metadata)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(failed)?;
    for batch in batches {
        writer.write(batch).map_err(failed)?;
    }
    writer.into_inner().map_err(failed)
}

/// A Parquet file whose rows have not been read yet.
pub(super) struct Parquet {
    builder: ParquetRecordBatchReaderBuilder<bytes::Bytes>,
}

impl Parquet {
    /// # Errors
    /// [`Error::External`] for bytes that are no Parquet file, [`Error::Unsupported`] for more rows than memory holds.
    pub(super) fn open(bytes: Vec<u8>) -> Result<Self> {
        guarded(|| {
            let bytes = bytes::Bytes::from(bytes);
            let builder = match ParquetRecordBatchReaderBuilder::try_new(bytes.clone()) {
                Ok(builder) => builder,
                // The types that Parquet itself knows do, where the Arrow schema kept beside them is one that is not understood.
                Err(error) => {
                    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
                    ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, plain).map_err(|_| failed(error))?
                }
            };
            Ok(Self { builder })
        })
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.builder.schema().clone()
    }

    /// Calls `visit` with one batch after another. `wanted` are the columns of the schema that are read.
    pub(super) fn each(self, wanted: &[usize], visit: &mut dyn FnMut(RecordBatch) -> Result<()>) -> Result<()> {
        let rows = self.builder.metadata().file_metadata().num_rows().max(0) as u128;
        // Equal rows pack into next to nothing: what they take unpacked is told by their number. A number a column, and what the
        // episodes made of them take.
        let least = 8 * wanted.len() as u128 + 96;
        limits::fits(&format!("{rows} rows of {} columns in this Parquet file", wanted.len()), rows * least)?;
        let columns = self.builder.parquet_schema();
        packed::parquet(self.builder.metadata(), |leaf| wanted.contains(&columns.get_column_root_idx(leaf)))?;
        let mask = ProjectionMask::roots(self.builder.parquet_schema(), wanted.iter().copied());
        let mut reader = guarded(|| self.builder.with_projection(mask).build().map_err(failed))?;
        let (mut taken, mut left) = (0_u128, rows);
        while let Some(batch) = guarded(|| reader.next().transpose().map_err(undecoded))? {
            // Lists and texts are as long as they are; three times: as Arrow's, as cells, as episodes.
            taken += batch.get_array_memory_size() as u128;
            limits::fits("the columns of this Parquet file", taken * 3)?;
            left = left.saturating_sub(batch.num_rows() as u128);
            visit(batch)?;
        }
        if left > 0 {
            return Err(Error::external("Parquet file", format!("lacks {left} of the {rows} rows that it tells of")));
        }
        Ok(())
    }

    /// The columns that are of use, as cells; and the names of those that are not.
    ///
    /// # Errors
    /// As for [`resolve`](crate::resolve), and for columns of use that cannot be read.
    pub(super) fn table(self, names: &ColumnNames, sink: &dyn Sink) -> Result<(Table, Vec<String>)> {
        let schema = self.schema();
        let (wanted, left_out) = of_use(&schema, names)?;
        let mut gathered = Gathered::default();
        let mut visit = |batch: RecordBatch| {
            sink.go_on()?;
            gathered.add(&batch)
        };
        if wanted.is_empty() {
            return Ok((Table::default(), left_out));
        }
        self.each(&wanted, &mut visit)?;
        Ok((gathered.table(&schema, &wanted)?, left_out))
    }
}

/// The columns of a schema of which any part is of use, and the names of the others.
pub(super) fn of_use(schema: &Schema, known: &ColumnNames) -> Result<(Vec<usize>, Vec<String>)> {
    let names = arrow::names(schema);
    let resolved = known.resolve(&names)?;
    let (mut wanted, mut left_out, mut at) = (Vec::new(), Vec::new(), 0);
    for (column, field) in schema.fields().iter().enumerate() {
        let own = arrow::names(&Schema::new(vec![Arc::clone(field)])).len();
        if (at..at + own).any(|leaf| !resolved.left_out.contains(&leaf)) {
            wanted.push(column);
        } else {
            left_out.push(field.name().clone());
        }
        at += own;
    }
    Ok((wanted, left_out))
}

/// Columns of batches one after another.
#[derive(Default)]
pub(super) struct Gathered {
    columns: Vec<(String, Cells)>,
    /// Bytes of all of them.
    taken: u128,
}

impl Gathered {
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let names = arrow::names(&batch.schema());
        let first = self.columns.is_empty();
        for (at, (name, array)) in names.into_iter().zip(arrow::leaves(batch)).enumerate() {
            let more = guarded(|| arrow::cells(&name, &array))?;
            self.taken += more.bytes();
            limits::fits(&format!("column '{name}' and those before it"), self.taken)?;
            if first {
                self.columns.push((name, more));
                continue;
            }
            match self.columns.get_mut(at).filter(|(own, _)| *own == name) {
                Some((_, cells)) => {
                    cells
                        .append(more)
                        .map_err(|error| Error::external(format!("column '{name}'"), error.to_string()))?;
                }
                None => {
                    return Err(Error::external(
                        "table",
                        format!("holds the column '{name}' in some of its parts only"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// The whole table; without a batch, one of no rows.
    pub(super) fn table(mut self, schema: &Schema, wanted: &[usize]) -> Result<Table> {
        if self.columns.is_empty() {
            let schema = Arc::new(schema.project(wanted).map_err(crate::store::arrow)?);
            self.add(&RecordBatch::new_empty(schema))?;
        }
        Ok(Table { columns: self.columns })
    }
}

fn failed(error: parquet::errors::ParquetError) -> Error {
    Error::external("Parquet file", error.to_string())
}

fn undecoded(error: arrow_schema::ArrowError) -> Error {
    Error::external("Parquet file", error.to_string())
}
