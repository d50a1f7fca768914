//! Parquet: one file with the rows of a store as they are (an episode of T steps is T + 1 rows, row 0 the reset).
//!
//! The header travels in the Arrow schema that Parquet keeps; pandas reads the columns without it. A file without that header
//! is read by the names of its columns (`parquet_columns.rs`).

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use worldwright_core::{Error, Result};

use super::sink::Sink;
use super::tables::{from_parquet, to_parquet};
use super::{parquet_columns, read_bytes, write_bytes};
use crate::store::{layout, value_at};
use crate::{Episode, EpisodeStore, Header};

pub(super) fn export(store: &EpisodeStore, out: &Path) -> Result<()> {
    let schema = layout::schema(store.header())?;
    let kept: Vec<RecordBatch> = store.batches().cloned().collect();
    write_bytes(out, &to_parquet(schema, kept.iter(), &[])?)
}

pub(super) fn import(path: &Path, sink: &mut dyn Sink) -> Result<()> {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("parquet");
    read(read_bytes(path)?, name, sink)
}

/// Reads every row of a Parquet file from its bytes, for fuzzing; returns how many steps its episodes have.
///
/// # Errors
/// As for importing such a file.
pub fn fuzz_parquet(bytes: &[u8]) -> Result<usize> {
    struct Steps(usize);
    impl Sink for Steps {
        fn begin(&mut self, _: &Header) -> Result<()> {
            Ok(())
        }

        fn episode(&mut self, episode: Episode) -> Result<()> {
            super::sink::check(&episode)?;
            self.0 += episode.steps();
            Ok(())
        }
    }
    let mut steps = Steps(0);
    read(bytes.to_vec(), "fuzz", &mut steps)?;
    Ok(steps.0)
}

fn read(bytes: Vec<u8>, name: &str, sink: &mut dyn Sink) -> Result<()> {
    let (schema, batches) = from_parquet(bytes)?;
    if !layout::is_ours(&schema) {
        return parquet_columns::read(&schema, &batches, name, sink);
    }
    let header = layout::header_of(&schema)?;
    let fits = layout::schema(&header)?;
    if batches.iter().any(|batch| batch.schema().fields() != fits.fields()) {
        return Err(Error::external("Parquet file", "its columns do not fit its header"));
    }
    sink.begin(&header)?;
    let mut current: Option<Episode> = None;
    for batch in &batches {
        rows(&header, batch, &mut current, sink)?;
    }
    current.map_or(Ok(()), |episode| sink.episode(episode))
}

fn rows(header: &Header, batch: &RecordBatch, current: &mut Option<Episode>, sink: &mut dyn Sink) -> Result<()> {
    let seeds = batch.column(layout::SEED).as_primitive::<UInt64Type>();
    let rewards = batch.column(layout::REWARD).as_primitive::<Float64Type>();
    let steps = batch.column(layout::STEP).as_primitive::<UInt64Type>();
    for row in 0..batch.num_rows() {
        let observation = value_at(&header.observation_space, batch.column(layout::OBSERVATION), row)?;
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
            return Err(Error::external("Parquet file", "its rows are not in the order of their steps"));
        };
        episode.observations.push(observation);
        episode.actions.push(value_at(&header.action_space, batch.column(layout::ACTION), row)?);
        episode.rewards.push(rewards.value(row));
        episode.terminated = batch.column(layout::TERMINATED).as_boolean().value(row);
        episode.truncated = batch.column(layout::TRUNCATED).as_boolean().value(row);
    }
    Ok(())
}
