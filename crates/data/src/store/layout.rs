//! The layout of rows, and of files in a store's folder.
//!
//! An episode of T steps is T + 1 rows. Row 0 is the reset: its observation and the episode's seed. Row t tells the step that
//! led to it: action, reward, the observation after it, terminated, truncated. So every row is complete when it happens, and any
//! prefix of the rows is a valid record: a cut file needs no repair beyond dropping what was cut.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use worldwright_core::{Error, Result, uninterrupted};

use super::columns::Column;
use super::header::{Header, KEY};

pub(crate) const EPISODE: usize = 0;
pub(crate) const STEP: usize = 1;
pub(crate) const OBSERVATION: usize = 2;
pub(crate) const ACTION: usize = 3;
pub(crate) const REWARD: usize = 4;
pub(crate) const TERMINATED: usize = 5;
pub(crate) const TRUNCATED: usize = 6;
pub(crate) const SEED: usize = 7;
/// The first of the columns that an agent keeps.
pub(crate) const KEPT: usize = 8;
/// What stands before their names, apart from all others.
const KEPT_PREFIX: &str = "agent.";

/// The Arrow schema of a store with this header.
pub(crate) fn schema(header: &Header) -> Result<SchemaRef> {
    let observation = Column::new(&header.observation_space, header.precision)?.data_type();
    let action = Column::new(&header.action_space, header.precision)?.data_type();
    let mut fields = vec![
        Field::new("episode", DataType::UInt64, false),
        Field::new("step", DataType::UInt64, false),
        Field::new("observation", observation, false),
        Field::new("action", action, true),
        Field::new("reward", DataType::Float64, true),
        Field::new("terminated", DataType::Boolean, false),
        Field::new("truncated", DataType::Boolean, false),
        Field::new("seed", DataType::UInt64, true),
    ];
    for column in &header.columns {
        let item = Arc::new(Field::new("item", DataType::Float64, false));
        let width = i32::try_from(column.width)
            .map_err(|_| Error::unsupported("the episode store", format!("columns of {} numbers", column.width)))?;
        fields.push(Field::new(format!("{KEPT_PREFIX}{}", column.name), DataType::FixedSizeList(item, width), false));
    }
    Ok(Arc::new(Schema::new_with_metadata(fields, [(KEY.to_owned(), header.to_json())])))
}

/// Whether a schema carries a header of ours.
pub(crate) fn is_ours(schema: &Schema) -> bool {
    schema.metadata().contains_key(KEY)
}

/// The header in a schema, which must be the one that this header asks for.
pub(crate) fn header_of(schema: &Schema) -> Result<Header> {
    let text = schema.metadata().get(KEY).ok_or_else(|| {
        Error::external("episode store", "these Arrow data were not written by this program: import them instead")
    })?;
    let header = Header::from_json(text)?;
    if *self::schema(&header)?.fields() != *schema.fields() {
        return Err(Error::external("episode store", "its columns do not fit its header: it is damaged"));
    }
    Ok(header)
}

pub(crate) fn index_path(folder: &Path) -> PathBuf {
    folder.join("index.txt")
}

pub(crate) fn segment_path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("segment-{segment:06}.arrows"))
}

/// The numbers of the segments in a folder, in order.
pub(crate) fn segments(folder: &Path) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in uninterrupted(|| std::fs::read_dir(folder)).map_err(|e| io(folder, "cannot be read", &e))? {
        let name = entry.map_err(|e| io(folder, "cannot be read", &e))?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_prefix("segment-")?.strip_suffix(".arrows")?.parse().ok());
        found.extend(number);
    }
    found.sort_unstable();
    Ok(found)
}

/// An input or output error with the path, what failed, and what to do where that is known.
pub(crate) fn io(path: &Path, what: &str, error: &std::io::Error) -> Error {
    use std::io::ErrorKind as K;
    let advice = match error.kind() {
        K::StorageFull | K::QuotaExceeded => "; make room and try again",
        K::FileTooLarge => "; a limit on the size of files is set: raise it (`ulimit -f unlimited`) and try again",
        K::PermissionDenied
            if ["cannot be read", "cannot be opened", "cannot be mapped into memory"].contains(&what) =>
        {
            "; ask for the right to read it, or copy it to where you have that"
        }
        K::PermissionDenied | K::ReadOnlyFilesystem => "; choose a folder that you may write to",
        K::NotFound => "; check the path",
        _ => "",
    };
    Error::external(path.display().to_string(), format!("{what}: {error}{advice}"))
}
