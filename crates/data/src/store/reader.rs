//! Reading episodes, from memory-mapped segments.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_buffer::Buffer;
use arrow_select::concat::concat_batches;
use worldwright_core::{Error, Result, Space};

use super::columns::{arrow, numbers_of, value_at};
use super::layout::{ACTION, EPISODE, KEPT, OBSERVATION, REWARD, SEED, STEP, TERMINATED, TRUNCATED};
use super::recovery::{Recovery, Survey, survey, survey_bytes, u64s};
use super::{Header, Position, io, layout};
use crate::Episode;

/// What is known of an episode without reading its observations.
#[derive(Debug, Clone, PartialEq)]
pub struct EpisodeSummary {
    /// Its number in the store.
    pub id: u64,
    /// The seed of its reset, if it had its own.
    pub seed: Option<u64>,
    /// T: its steps. It has one row more.
    pub steps: usize,
    /// The sum of its rewards.
    pub total_reward: f64,
    /// Whether the task itself ended it.
    pub terminated: bool,
    /// Whether it was cut, as by a time limit.
    pub truncated: bool,
    /// Which rows of which batches hold it, in order.
    spans: Vec<(usize, std::ops::Range<usize>)>,
}

impl EpisodeSummary {
    /// Whether it ended, for either reason; the other episodes were under way when the program stopped.
    pub fn ended(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// A store opened for reading, as it was when it was opened. The files are mapped into memory, not read into it; they must not
/// be cut back (`EpisodeWriter::resume`) while this is alive.
#[derive(Debug)]
pub struct EpisodeStore {
    survey: Survey,
    episodes: Vec<EpisodeSummary>,
    bytes: u64,
}

impl EpisodeStore {
    /// Opens the store in a folder, checks every batch against its checksum and lists the episodes. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::External`] when there is no store, or its header cannot be read. Cut ends and damaged batches are no error: see
    /// [`recovery`](Self::recovery).
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::from_survey(survey(folder.as_ref())?)
    }

    /// The same from the bytes of segments (numbered from zero) and index.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn from_bytes(segments: &[&[u8]], index: &[u8]) -> Result<Self> {
        let segments: Vec<(u64, Buffer)> =
            segments.iter().enumerate().map(|(i, bytes)| (i as u64, Buffer::from(bytes.to_vec()))).collect();
        Self::from_survey(survey_bytes(&segments, index)?)
    }

    /// The same of the store in a folder that may go, or change, while it is read: all of it is held in memory.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn read_whole(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let read = |path: PathBuf| std::fs::read(&path).map_err(|error| io(&path, "cannot be read", &error));
        let segments = layout::segments(folder)?.into_iter();
        let segments =
            segments.map(|segment| read(layout::segment_path(folder, segment))).collect::<Result<Vec<_>>>()?;
        let segments: Vec<&[u8]> = segments.iter().map(Vec::as_slice).collect();
        Self::from_bytes(&segments, &read(layout::index_path(folder))?)
    }

    fn from_survey(mut survey: Survey) -> Result<Self> {
        let (episodes, broken) = list_episodes(&survey)?;
        survey.recovery.broken_episodes = broken;
        let bytes = survey.lines.iter().map(|line| line.len).sum();
        Ok(Self { survey, episodes, bytes })
    }

    /// What the episodes are of.
    pub fn header(&self) -> &Header {
        &self.survey.header
    }

    /// What was found wrong on opening.
    pub fn recovery(&self) -> &Recovery {
        &self.survey.recovery
    }

    /// The position after the last whole batch.
    pub fn position(&self) -> Position {
        self.survey.end()
    }

    /// The episodes that can be read whole, in order.
    pub fn episodes(&self) -> &[EpisodeSummary] {
        &self.episodes
    }

    /// Steps of all episodes.
    pub fn steps(&self) -> usize {
        self.episodes.iter().map(|episode| episode.steps).sum()
    }

    /// Bytes of all batches.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The whole batches, their arrays lying in the mapped files.
    pub fn batches(&self) -> impl Iterator<Item = &RecordBatch> {
        self.survey.batches.iter().flatten()
    }

    /// The rows of all episodes, those of each together and in order, whatever was under way beside it: the batches themselves where they lie so.
    ///
    /// # Errors
    /// [`Error::External`] where rows cannot be put together.
    pub(crate) fn batches_in_order(&self) -> Result<Vec<RecordBatch>> {
        let spans = || self.episodes.iter().flat_map(|episode| &episode.spans);
        let mut last = (0, 0);
        let in_order = spans().all(|(batch, rows)| {
            let follows = (*batch, rows.start) >= last;
            last = (*batch, rows.end);
            follows
        });
        if in_order {
            return Ok(self.batches().cloned().collect());
        }
        let schema = &self.survey.schema;
        let of = |episode: &EpisodeSummary| {
            let rows = episode
                .spans
                .iter()
                .filter_map(|(batch, rows)| Some(self.survey.batches[*batch].as_ref()?.slice(rows.start, rows.len())));
            concat_batches(schema, &rows.collect::<Vec<_>>()).map_err(arrow)
        };
        self.episodes.iter().map(of).collect()
    }

    /// Row-major observations of a batch without a copy: for a box stored as 64-bit numbers.
    pub fn observations_f64(batch: &RecordBatch) -> Option<&[f64]> {
        let list = batch.column(OBSERVATION).as_fixed_size_list_opt()?;
        Some(list.values().as_primitive_opt::<Float64Type>()?.values())
    }

    /// Row-major observations of a batch without a copy: for images and other boxes of bytes.
    pub fn observations_u8(batch: &RecordBatch) -> Option<&[u8]> {
        let list = batch.column(OBSERVATION).as_fixed_size_list_opt()?;
        Some(list.values().as_primitive_opt::<arrow_array::types::UInt8Type>()?.values())
    }

    /// Reads episode `i` of [`episodes`](Self::episodes).
    ///
    /// # Errors
    /// [`Error::Shape`] when there is no such episode, [`Error::External`] when its rows do not fit the header.
    pub fn episode(&self, i: usize) -> Result<Episode> {
        let summary = self.episodes.get(i).ok_or_else(|| Error::shape("episodes", &[self.episodes.len()], &[i]))?;
        let header = self.header();
        let mut episode = Episode {
            seed: summary.seed,
            terminated: summary.terminated,
            truncated: summary.truncated,
            ..Episode::default()
        };
        for (batch, rows) in &summary.spans {
            let Some(batch) = &self.survey.batches[*batch] else { continue };
            for row in rows.clone() {
                episode.observations.push(value_at(&header.observation_space, batch.column(OBSERVATION), row)?);
                if u64s(batch, STEP)[row] > 0 {
                    episode.actions.push(value_at(&header.action_space, batch.column(ACTION), row)?);
                    episode.rewards.push(batch.column(REWARD).as_primitive::<Float64Type>().value(row));
                }
            }
        }
        Ok(episode)
    }

    /// Calls `visit` with each row of episode `i` in flat form: observation, then action, reward and what the agent kept beside the step
    /// unless it is the reset. Reads the mapped arrays directly where they hold flat numbers.
    ///
    /// # Errors
    /// As for [`episode`](Self::episode), and what `visit` returns.
    pub fn visit_flat(&self, i: usize, mut visit: impl FnMut(&[f64], Option<Taken<'_>>) -> Result<()>) -> Result<()> {
        let summary = self.episodes.get(i).ok_or_else(|| Error::shape("episodes", &[self.episodes.len()], &[i]))?;
        let mut flat = FlatRow::new(self.header());
        for (batch, rows) in &summary.spans {
            let Some(batch) = &self.survey.batches[*batch] else { continue };
            for row in rows.clone() {
                flat.read(self.header(), batch, row)?;
                visit(&flat.observation, flat.taken())?;
            }
        }
        Ok(())
    }

    /// Calls `visit` with the rows of all episodes in the order in which they were written, which differs from that of episodes where several were
    /// under way at once: which of [`episodes`](Self::episodes) it is of, which row of it, and the row as [`visit_flat`](Self::visit_flat) gives it.
    ///
    /// # Errors
    /// As for [`visit_flat`](Self::visit_flat).
    pub fn visit_rows(
        &self,
        mut visit: impl FnMut(usize, usize, &[f64], Option<Taken<'_>>) -> Result<()>,
    ) -> Result<()> {
        let mut flat = FlatRow::new(self.header());
        for batch in self.batches() {
            let (ids, steps) = (u64s(batch, EPISODE), u64s(batch, STEP));
            for row in 0..batch.num_rows() {
                // Episodes that lack rows are not listed.
                let Ok(i) = self.episodes.binary_search_by_key(&ids[row], |episode| episode.id) else { continue };
                flat.read(self.header(), batch, row)?;
                visit(i, steps[row] as usize, &flat.observation, flat.taken())?;
            }
        }
        Ok(())
    }
}

/// Room for a row in flat form.
struct FlatRow {
    observation: Vec<f64>,
    action: Vec<f64>,
    reward: f64,
    kept: Vec<f64>,
    is_step: bool,
    scratch: Vec<f64>,
}

impl FlatRow {
    fn new(header: &Header) -> Self {
        Self {
            observation: vec![0.0; header.observation_space.flat_dim()],
            action: vec![0.0; header.action_space.flat_dim()],
            reward: 0.0,
            kept: Vec::new(),
            is_step: false,
            scratch: Vec::new(),
        }
    }

    fn read(&mut self, header: &Header, batch: &RecordBatch, row: usize) -> Result<()> {
        let Self { observation, action, reward, kept, is_step, scratch } = self;
        flat_at(&header.observation_space, batch.column(OBSERVATION), row, observation, scratch)?;
        *is_step = u64s(batch, STEP)[row] > 0;
        if *is_step {
            flat_at(&header.action_space, batch.column(ACTION), row, action, scratch)?;
        }
        *reward = batch.column(REWARD).as_primitive::<Float64Type>().value(row);
        kept.clear();
        for (at, column) in header.columns.iter().enumerate() {
            let list = batch.column(KEPT + at).as_fixed_size_list();
            let start = list.value_offset_at(row);
            numbers_of(&**list.values(), start..start + column.width, kept)?;
        }
        Ok(())
    }

    /// Action, reward and what the agent kept; none at a reset.
    fn taken(&self) -> Option<Taken<'_>> {
        self.is_step.then_some((&self.action, self.reward, &self.kept))
    }
}

/// What a step was: the flat action, the reward, and what the agent kept beside it.
type Taken<'a> = (&'a [f64], f64, &'a [f64]);

fn flat_at(space: &Space, array: &dyn Array, row: usize, out: &mut [f64], scratch: &mut Vec<f64>) -> Result<()> {
    if let (Space::Box { low, .. }, Some(list)) = (space, array.as_fixed_size_list_opt())
        && list.value_length() as usize == low.len()
    {
        let start = list.value_offset_at(row);
        scratch.clear();
        numbers_of(&**list.values(), start..start + low.len(), scratch)?;
        out.copy_from_slice(scratch);
        return Ok(());
    }
    space.flatten(&value_at(space, array, row)?, out)
}

/// The most rows between two of an episode that is under way: a reset and a step of each of as many as there may be at once.
const ROUND: u64 = 512;

/// The episodes whose rows are all there, and how many are not.
fn list_episodes(survey: &Survey) -> Result<(Vec<EpisodeSummary>, u64)> {
    let mut episodes: Vec<EpisodeSummary> = Vec::new();
    let mut broken = std::collections::BTreeSet::new();
    // Places of the episodes that may go on, by their numbers, and the row that each was last seen in: several where they were under way at once.
    let mut open = std::collections::BTreeMap::new();
    let mut seen = 0_u64;
    for (number, batch) in survey.batches.iter().enumerate() {
        let Some(batch) = batch else {
            // Whether an episode goes on within the lost rows cannot be told, if it did up to there: each that is under way has a row a round.
            let goes_on = open.iter().filter(|(_, (_, last))| seen - last <= ROUND);
            broken.extend(goes_on.map(|(id, _)| *id));
            continue;
        };
        let (ids, steps) = (u64s(batch, EPISODE), u64s(batch, STEP));
        let rewards = batch.column(REWARD).as_primitive::<Float64Type>();
        let seeds = batch.column(SEED).as_primitive::<UInt64Type>();
        let terminated = batch.column(TERMINATED).as_boolean();
        let truncated = batch.column(TRUNCATED).as_boolean();
        for row in 0..batch.num_rows() {
            seen += 1;
            if steps[row] == 0 {
                open.insert(ids[row], (episodes.len(), seen));
                episodes.push(EpisodeSummary {
                    id: ids[row],
                    seed: seeds.is_valid(row).then(|| seeds.value(row)),
                    steps: 0,
                    total_reward: 0.0,
                    terminated: false,
                    truncated: false,
                    spans: vec![(number, row..row + 1)],
                });
                continue;
            }
            let goes_on = open.get_mut(&ids[row]).map(|(place, last)| {
                *last = seen;
                &mut episodes[*place]
            });
            let Some(episode) = goes_on.filter(|episode| episode.steps as u64 + 1 == steps[row]) else {
                broken.insert(ids[row]);
                continue;
            };
            episode.steps += 1;
            episode.total_reward += rewards.value(row);
            episode.terminated = terminated.value(row);
            episode.truncated = truncated.value(row);
            match episode.spans.last_mut() {
                Some((batch, rows)) if *batch == number && rows.end == row => rows.end += 1,
                _ => episode.spans.push((number, row..row + 1)),
            }
            if episode.ended() {
                open.remove(&ids[row]);
            }
        }
    }
    episodes.retain(|episode| !broken.contains(&episode.id));
    if episodes.windows(2).any(|pair| pair[0].id >= pair[1].id) {
        return Err(Error::external("episode store", "episodes do not stand in order: it is damaged"));
    }
    Ok((episodes, broken.len() as u64))
}
