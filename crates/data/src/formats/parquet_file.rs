//! Parquet: one file with the rows of a store as they are (an episode of T steps is T + 1 rows, row 0 the reset).
//!
//! The header travels in the Arrow schema that Parquet keeps; pandas reads the columns without it. A file without that header
//! is read by the names of its columns ([`crate::table`]).

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use worldwright_core::{Error, Result};

use super::files::{Target, read_bytes, write_part};
use super::tables::{Parquet, to_parquet};
use crate::sink::Sink;
use crate::store::{layout, value_at};
use crate::table::{self, About};
use crate::{ColumnNames, Episode, EpisodeStore, Header, exact};

pub(super) fn export(store: &EpisodeStore, out: &Target<'_>) -> Result<()> {
    let schema = layout::schema(store.header())?;
    let kept = store.batches_in_order()?;
    let bytes = to_parquet(schema, kept.iter().take_while(|_| out.go_on().is_ok()), &[])?;
    out.go_on()?;
    write_part(out.place, &bytes)
}

pub(super) fn import(path: &Path, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("parquet");
    read(read_bytes(path)?, name, names, sink)
}

pub(super) fn read(bytes: Vec<u8>, name: &str, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let parquet = Parquet::open(bytes)?;
    let schema = parquet.schema();
    if !layout::is_ours(&schema) {
        let (table, left_out) = parquet.table(names, sink)?;
        return table::read(table, About { left_out, ..About::new(name, "Parquet", names) }, sink);
    }
    names.none_for("a file of Worldwright's own")?;
    let header = layout::header_of(&schema)?;
    sink.begin(&header)?;
    let mut current: Option<Episode> = None;
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    parquet.each(&all, &mut |batch| {
        sink.go_on()?;
        rows(&header, &batch, &mut current, sink)
    })?;
    current.map_or(Ok(()), |episode| sink.episode(episode))
}

/// The rows of a batch that lies as in a store.
pub(super) fn rows(
    header: &Header,
    batch: &RecordBatch,
    current: &mut Option<Episode>,
    sink: &mut dyn Sink,
) -> Result<()> {
    if *batch.schema().fields() != *layout::schema(header)?.fields() {
        return Err(Error::external("table", "its columns do not fit its header"));
    }
    let seeds = batch.column(layout::SEED).as_primitive::<UInt64Type>();
    let rewards = batch.column(layout::REWARD).as_primitive::<Float64Type>();
    let steps = batch.column(layout::STEP).as_primitive::<UInt64Type>();
    for row in 0..batch.num_rows() {
        let observation = value_at(&header.observation_space, batch.column(layout::OBSERVATION), row)
            .map_err(|error| exact::at("column 'observation'", error))?;
        if steps.value(row) == 0 {
            if let Some(episode) = current.take() {
                sink.episode(episode)?;
            }
            let seed = seeds.is_valid(row).then(|| seeds.value(row));
            *current = Some(Episode { seed, observations: vec![observation], ..Episode::default() });
            continue;
        }
        let ordered = current.as_mut().filter(|episode| episode.steps() as u64 + 1 == steps.value(row));
        let Some(episode) = ordered.filter(|episode| !episode.terminated && !episode.truncated) else {
            return Err(Error::external("table", "its rows are not in the order of their steps"));
        };
        if batch.column(layout::ACTION).is_null(row) || rewards.is_null(row) {
            return Err(Error::external("table", format!("step {} has no action or no reward", steps.value(row))));
        }
        episode.observations.push(observation);
        let action = value_at(&header.action_space, batch.column(layout::ACTION), row)
            .map_err(|error| exact::at("column 'action'", error))?;
        episode.actions.push(action);
        episode.rewards.push(rewards.value(row));
        episode.terminated = batch.column(layout::TERMINATED).as_boolean().value(row);
        episode.truncated = batch.column(layout::TRUNCATED).as_boolean().value(row);
    }
    Ok(())
}
