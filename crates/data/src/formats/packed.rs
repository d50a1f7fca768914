//! What is said of files that are compressed in ways that are not read: by what, and what is read instead.

use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use worldwright_core::{Error, Result};

/// What all of it ends in.
fn refused(file: &str, by: &str, again: &str) -> Error {
    Error::external(
        file.to_owned(),
        format!("is compressed by {by}, which is not read: write it again with {again}, or without compression"),
    )
}

/// Refuses a Parquet file of which a column that is wanted is compressed by what is not read.
///
/// # Errors
/// [`Error::External`].
pub(super) fn parquet(metadata: &ParquetMetaData, wanted: impl Fn(usize) -> bool) -> Result<()> {
    for group in metadata.row_groups() {
        for (_, column) in group.columns().iter().enumerate().filter(|(leaf, _)| wanted(*leaf)) {
            let by = match column.compression() {
                Compression::UNCOMPRESSED
                | Compression::SNAPPY
                | Compression::GZIP(_)
                | Compression::LZ4
                | Compression::LZ4_RAW
                | Compression::BROTLI(_) => continue,
                Compression::ZSTD(_) => "zstd".to_owned(),
                other => other.to_string().to_lowercase(),
            };
            let by = format!("{by} (column '{}')", column.column_path().string());
            return Err(refused("Parquet file", &by, "compression='snappy', 'gzip', 'lz4' or 'brotli'"));
        }
    }
    Ok(())
}

/// Refuses a message of Arrow that is compressed by what is not read.
///
/// # Errors
/// [`Error::External`].
pub(super) fn arrow(batch: &arrow_ipc::RecordBatch<'_>) -> Result<()> {
    match batch.compression().map(|compression| compression.codec()) {
        None | Some(arrow_ipc::CompressionType::LZ4_FRAME) => Ok(()),
        Some(arrow_ipc::CompressionType::ZSTD) => Err(refused("Arrow file", "zstd", "compression='lz4'")),
        Some(other) => Err(refused("Arrow file", &format!("method {}", other.0), "compression='lz4'")),
    }
}

/// What an HDF5 file says of a filter that is not known; `None` for other failures.
pub(super) fn hdf5(error: &hdf5_reader::error::Error) -> Option<Error> {
    // It may stand within others that say where it was met.
    let text = error.to_string();
    let which = text.split_once("unsupported filter: ")?.1.to_owned();
    let known = [("4", "szip"), ("32000", "LZF"), ("32001", "Blosc"), ("32008", "Bitshuffle"), ("32015", "zstd")];
    let id = which.strip_prefix("filter id ").unwrap_or(&which);
    let by =
        known.iter().find(|(of, _)| *of == id).map_or_else(|| which.clone(), |(_, name)| format!("{name} ({which})"));
    Some(refused("HDF5 file", &by, "compression='gzip'"))
}

/// What an archive of NumPy says, in opening an array or in reading it, of a method that is not known; `None` for other failures.
pub(super) fn npz(said: &dyn std::fmt::Display) -> Option<Error> {
    let text = said.to_string().to_lowercase();
    let (_, method) = text.split_once("compression method not supported")?;
    let known = [("9", "Deflate64"), ("12", "bzip2"), ("14", "LZMA"), ("93", "zstd"), ("95", "xz")];
    let id = method.trim_matches([':', ' ']);
    let by = known.iter().find(|(of, _)| *of == id).map_or("a method that NumPy does not write", |(_, name)| name);
    Some(refused("NumPy archive", by, "numpy.savez_compressed"))
}
