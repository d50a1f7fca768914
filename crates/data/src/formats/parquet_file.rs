//! Parquet: one file with the rows of a store as they are (an episode of T steps is T + 1 rows, row 0 the reset).
//!
//! The header travels in the Arrow schema that Parquet keeps; pandas reads the columns without it.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use worldwright_core::{Error, Result, Step};

use super::tables::{from_parquet, to_parquet};
use super::{begin, read_bytes, write_bytes};
use crate::store::{layout, value_at};
use crate::{EpisodeStore, Header};

pub(super) fn export(store: &EpisodeStore, out: &Path) -> Result<()> {
    let schema = layout::schema(store.header())?;
    let kept: Vec<RecordBatch> = store.batches().cloned().collect();
    write_bytes(out, &to_parquet(schema, kept.iter(), &[])?)
}

pub(super) fn import(path: &Path, out: &Path) -> Result<()> {
    let (header, batches) = read(read_bytes(path)?)?;
    let mut writer = begin(out, &header)?;
    rows(&header, &batches, |observation, taken, seed| match taken {
        None => writer.start_episode(&observation, seed).map(|_| ()),
        Some((action, reward, terminated, truncated)) => {
            writer.step(&action, &Step { observation, reward, terminated, truncated })
        }
    })?;
    writer.close().map(|_| ())
}

/// Reads every row of a Parquet file from its bytes, for fuzzing; returns how many.
///
/// # Errors
/// As for importing such a file.
pub fn fuzz_parquet(bytes: &[u8]) -> Result<usize> {
    let (header, batches) = read(bytes.to_vec())?;
    let mut count = 0;
    rows(&header, &batches, |_, _, _| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

fn read(bytes: Vec<u8>) -> Result<(Header, Vec<RecordBatch>)> {
    let (schema, batches) = from_parquet(bytes)?;
    let header = layout::header_of(&schema).map_err(|error| {
        Error::external(
            "Parquet file",
            format!(
                "{error}. Only files that this program exported carry spaces; give others as npz with the arrays \
                 observations, actions, rewards, terminated, truncated, episode_steps"
            ),
        )
    })?;
    let fits = Arc::clone(&layout::schema(&header)?);
    if batches.iter().any(|batch| batch.schema().fields() != fits.fields()) {
        return Err(Error::external("Parquet file", "its columns do not fit its header"));
    }
    Ok((header, batches))
}

type Taken = Option<(worldwright_core::Value, f64, bool, bool)>;

fn rows(
    header: &Header,
    batches: &[RecordBatch],
    mut visit: impl FnMut(worldwright_core::Value, Taken, Option<u64>) -> Result<()>,
) -> Result<()> {
    for batch in batches {
        let seeds = batch.column(layout::SEED).as_primitive::<UInt64Type>();
        let rewards = batch.column(layout::REWARD).as_primitive::<Float64Type>();
        let steps = batch.column(layout::STEP).as_primitive::<UInt64Type>();
        for row in 0..batch.num_rows() {
            let observation = value_at(&header.observation_space, batch.column(layout::OBSERVATION), row)?;
            let taken = if steps.value(row) == 0 {
                None
            } else {
                Some((
                    value_at(&header.action_space, batch.column(layout::ACTION), row)?,
                    rewards.value(row),
                    batch.column(layout::TERMINATED).as_boolean().value(row),
                    batch.column(layout::TRUNCATED).as_boolean().value(row),
                ))
            };
            visit(observation, taken, seeds.is_valid(row).then(|| seeds.value(row)))?;
        }
    }
    Ok(())
}
