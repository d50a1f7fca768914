//! Parquet tables in and out of Arrow batches.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use worldwright_core::{Error, Result};

use crate::store::{arrow, guarded};

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

/// The schema and batches of a Parquet file.
pub(super) fn from_parquet(bytes: Vec<u8>) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    guarded(|| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).map_err(failed)?;
        let schema = builder.schema().clone();
        let batches = builder.build().map_err(failed)?.collect::<std::result::Result<Vec<_>, _>>().map_err(arrow)?;
        Ok((schema, batches))
    })
}

fn failed(error: parquet::errors::ParquetError) -> Error {
    let text = error.to_string();
    let advice = if text.contains("Disabled feature") || text.contains("feature") {
        "; write the file again with compression='snappy' or without"
    } else {
        ""
    };
    Error::external("Parquet file", format!("{text}{advice}"))
}
