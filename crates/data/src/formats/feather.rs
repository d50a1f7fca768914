//! Feather and Arrow IPC, file or stream: the rows of a store as they are, with its header in the schema; without that header, read by
//! the names of the columns ([`crate::table`]).
//!
//! Every message is checked before the Arrow decoder sees it: what its compressed buffers claim to hold must fit into memory.

use std::io::Cursor;
use std::path::Path;

use arrow_array::RecordBatchReader;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::FileWriter;
use worldwright_core::{Error, Result};

use super::files::{Target, read_bytes, write_part};
use super::tables::{Gathered, of_use};
use super::{arrow_claims, parquet_file};
use crate::sink::Sink;
use crate::store::{arrow, guarded, layout};
use crate::table::{self, About};
use crate::{ColumnNames, Episode, EpisodeStore, limits};

pub(super) fn export(store: &EpisodeStore, out: &Target<'_>) -> Result<()> {
    let schema = layout::schema(store.header())?;
    let mut writer = FileWriter::try_new(Vec::new(), &schema).map_err(arrow)?;
    for batch in store.batches_in_order()? {
        out.go_on()?;
        writer.write(&batch).map_err(arrow)?;
    }
    write_part(out.place, &writer.into_inner().map_err(arrow)?)
}

pub(super) fn import(path: &Path, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("feather");
    read(&read_bytes(path)?, name, names, sink)
}

pub(super) fn read(bytes: &[u8], name: &str, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    if bytes.starts_with(b"FEA1") {
        return Err(Error::unsupported("the Feather import", "version 1; write the file again with version=2"));
    }
    let file = bytes.starts_with(b"ARROW1");
    let (end, claimed) =
        if file { (bytes.len(), arrow_claims::of_file(bytes)?) } else { arrow_claims::of_stream(bytes)? };
    limits::fits("the columns of this Arrow file", claimed)?;
    let failed = |error: arrow_schema::ArrowError| Error::external("Arrow file", error.to_string());
    type Batches<'a> = Box<dyn RecordBatchReader + 'a>;
    let mut batches = guarded(|| {
        if file {
            let reader = FileReader::try_new(Cursor::new(bytes), None).map_err(failed)?;
            return Ok(Box::new(reader) as Batches<'_>);
        }
        Ok(Box::new(StreamReader::try_new(&bytes[..end], None).map_err(failed)?) as Batches<'_>)
    })?;
    let schema = batches.schema();
    let mut next = || guarded(|| batches.next().transpose().map_err(failed));
    if layout::is_ours(&schema) {
        names.none_for("a file of Worldwright's own")?;
        let header = layout::header_of(&schema)?;
        sink.begin(&header)?;
        let mut current: Option<Episode> = None;
        while let Some(batch) = next()? {
            sink.go_on()?;
            parquet_file::rows(&header, &batch, &mut current, sink)?;
        }
        return current.map_or(Ok(()), |episode| sink.episode(episode));
    }
    let (wanted, left_out) = of_use(&schema, names)?;
    let mut gathered = Gathered::default();
    while let Some(batch) = next()? {
        sink.go_on()?;
        gathered.add(&batch.project(&wanted).map_err(arrow)?)?;
    }
    let table = gathered.table(&schema, &wanted)?;
    table::read(table, About { left_out, ..About::new(name, "Arrow", names) }, sink)
}
