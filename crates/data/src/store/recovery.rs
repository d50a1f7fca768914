//! Surveying a store: which batches are whole, what was cut off, what is damaged.
//!
//! A batch counts when its bytes match the checksum in the index or, where the index lost its line, when it decodes. Whatever is
//! not whole at the end of the last segment is what a crash left behind and is dropped; the same before the end is damage.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_buffer::Buffer;
use arrow_schema::SchemaRef;
use memmap2::Mmap;
use worldwright_core::{Error, Result, uninterrupted};

use super::frames::{Frame, Kind, NoFrame, decode_batch, decode_schema, frame_at};
use super::index::{Line, parse};
use super::layout::{self, EPISODE, STEP, index_path, io, segment_path};
use super::{Header, Position};

/// A batch that cannot be read although others follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Its place among the batches of the store.
    pub batch: u64,
    /// The segment it is in.
    pub segment: u64,
    /// Where it begins there.
    pub offset: u64,
    /// Its rows, where the index knows.
    pub rows: Option<u64>,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.map_or("unknown".to_owned(), |rows| rows.to_string());
        let Self { batch, segment, offset, why, .. } = self;
        write!(f, "batch {batch} (segment {segment}, byte {offset}, {rows} rows) is damaged: {why}")
    }
}

/// What opening a store found wrong with it, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Whole batches.
    pub batches: u64,
    /// Bytes after the last whole batch, which were dropped.
    pub lost_bytes: u64,
    /// Batches that the index tells of and the segments no longer hold whole at their end.
    pub lost_batches: u64,
    /// Rows in those.
    pub lost_rows: u64,
    /// Whole batches whose checksum the index had lost; they decode, and their checksum is taken anew.
    pub reindexed: u64,
    /// Batches that cannot be read although others follow; the episodes they touch are left out.
    pub damaged: Vec<Damage>,
    /// Episodes left out because rows of them are lost.
    pub broken_episodes: u64,
}

impl Recovery {
    /// Whether there was nothing to report.
    pub fn is_clean(&self) -> bool {
        *self == Self { batches: self.batches, ..Self::default() }
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return write!(f, "{} batches, all whole", self.batches);
        }
        write!(f, "{} whole batches", self.batches)?;
        if self.lost_bytes > 0 || self.lost_batches > 0 {
            let Self { lost_bytes, lost_batches, lost_rows, .. } = self;
            write!(
                f,
                "; the end was cut: {lost_bytes} bytes dropped, {lost_batches} batches with {lost_rows} rows lost"
            )?;
        }
        if self.reindexed > 0 {
            write!(f, "; {} batches were not in the index and are checked by decoding only", self.reindexed)?;
        }
        for damage in &self.damaged {
            write!(f, "; {damage}")?;
        }
        if self.broken_episodes > 0 {
            write!(f, "; {} episodes are left out because rows of them are lost", self.broken_episodes)?;
        }
        Ok(())
    }
}

/// All that is whole in a store.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) header: Header,
    pub(crate) schema: SchemaRef,
    /// A line for every batch, damaged ones included.
    pub(crate) lines: Vec<Line>,
    /// The batches in the same order; `None` where damaged.
    pub(crate) batches: Vec<Option<RecordBatch>>,
    pub(crate) damaged: Vec<Damage>,
    pub(crate) recovery: Recovery,
    first_offset: u64,
}

impl Survey {
    /// The position after the first `batches` batches, if there are so many.
    pub(crate) fn position_after(&self, batches: u64) -> Option<Position> {
        let batches = usize::try_from(batches).ok().filter(|n| *n <= self.lines.len())?;
        let mut at = Position { bytes: self.first_offset, ..Position::default() };
        for (line, batch) in self.lines[..batches].iter().zip(&self.batches) {
            (at.segment, at.bytes) = (line.segment, line.offset + line.len);
            at.batches += 1;
            let Some(batch) = batch else { continue };
            let (episodes, steps) = (u64s(batch, EPISODE), u64s(batch, STEP));
            at.steps += steps.iter().filter(|step| **step > 0).count() as u64;
            let (terminated, truncated) = ends(batch);
            for (row, (episode, step)) in episodes.iter().zip(steps).enumerate() {
                // Earlier ones may be under way beside it.
                if *episode + 1 >= at.episodes {
                    at.episodes = episode + 1;
                    at.open_rows = if terminated.value(row) || truncated.value(row) { 0 } else { step + 1 };
                }
            }
        }
        Some(at)
    }

    /// The rows of each episode that has not ended within the first `batches` batches, by its number.
    pub(crate) fn under_way(&self, batches: u64) -> BTreeMap<u64, u64> {
        let mut open = BTreeMap::new();
        for batch in self.batches.iter().take(batches as usize).flatten() {
            let (episodes, steps) = (u64s(batch, EPISODE), u64s(batch, STEP));
            let (terminated, truncated) = ends(batch);
            for (row, (episode, step)) in episodes.iter().zip(steps).enumerate() {
                if terminated.value(row) || truncated.value(row) {
                    open.remove(episode);
                } else {
                    open.insert(*episode, step + 1);
                }
            }
        }
        open
    }

    /// The position after the last whole batch.
    pub(crate) fn end(&self) -> Position {
        self.position_after(self.lines.len() as u64).unwrap_or_default()
    }
}

/// Whether each row of a batch terminated or truncated its episode.
fn ends(batch: &RecordBatch) -> (&BooleanArray, &BooleanArray) {
    (batch.column(layout::TERMINATED).as_boolean(), batch.column(layout::TRUNCATED).as_boolean())
}

pub(crate) fn u64s(batch: &RecordBatch, column: usize) -> &[u64] {
    batch.column(column).as_primitive::<UInt64Type>().values()
}

/// A file's bytes, mapped into memory.
fn map(path: &Path) -> Result<Buffer> {
    let file = File::open(path).map_err(|e| io(path, "cannot be opened", &e))?;
    let len = file.metadata().map_err(|e| io(path, "cannot be read", &e))?.len();
    if len == 0 {
        return Ok(Buffer::from(Vec::<u8>::new()));
    }
    // SAFETY: the map is read-only, and the bytes under it stay as they are: writers only append beyond the length taken here,
    // and cutting a store back while something reads it is documented as forbidden.
    #[expect(unsafe_code, reason = "memory-mapped reads have no safe form")]
    let map =
        uninterrupted(|| unsafe { Mmap::map(&file) }).map_err(|e| io(path, "cannot be mapped into memory", &e))?;
    Ok(Buffer::from(bytes::Bytes::from_owner(map)))
}

/// Surveys the store in a folder without changing it.
///
/// # Errors
/// [`Error::External`] when there is no store, or none whose header can be read.
pub(crate) fn survey(folder: &Path) -> Result<Survey> {
    if folder.is_file() {
        return Err(crate::formats::foreign(folder));
    }
    if !folder.is_dir() {
        return Err(Error::external(folder.display().to_string(), "there is no such folder; check the path"));
    }
    let numbers = layout::segments(folder)?;
    if numbers.is_empty() {
        return Err(Error::external(
            folder.display().to_string(),
            "holds no episode store (no segment-000000.arrows); data of other programs must be imported first",
        ));
    }
    let index = match std::fs::read(index_path(folder)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(io(&index_path(folder), "cannot be read", &error)),
    };
    let mut segments = Vec::new();
    for number in numbers {
        segments.push((number, map(&segment_path(folder, number))?));
    }
    survey_bytes(&segments, &index).map_err(|error| match error {
        Error::External { who, why } => Error::external(format!("{}: {who}", folder.display()), why),
        other => other,
    })
}

/// Surveys a store whose files are in memory: the segments with their numbers in order, and the index.
pub(crate) fn survey_bytes(segments: &[(u64, Buffer)], index: &[u8]) -> Result<Survey> {
    let (known, _) = parse(index);
    let (header, schema, first_offset) = read_header(segments)?;
    let mut survey = Survey {
        header,
        schema,
        lines: Vec::new(),
        batches: Vec::new(),
        damaged: Vec::new(),
        recovery: Recovery::default(),
        first_offset,
    };
    let last = segments.len() - 1;
    for (place, (number, buffer)) in segments.iter().enumerate() {
        let lines: Vec<Line> = known.iter().filter(|line| line.segment == *number).copied().collect();
        let head = match frame_at(buffer, 0) {
            Ok(frame) if frame.kind == Kind::Schema => {
                let schema = decode_schema(buffer, frame)?;
                if layout::header_of(&schema)? != survey.header {
                    return Err(Error::external(format!("segment {number}"), "belongs to another store: remove it"));
                }
                frame.len
            }
            _ if place == last && lines.is_empty() => {
                // A crash while the segment was begun: nothing in it was acknowledged.
                survey.recovery.lost_bytes += buffer.len() as u64;
                continue;
            }
            _ => {
                return Err(Error::external(
                    format!("segment {number}"),
                    "its header is damaged; move this file away to read the rest",
                ));
            }
        };
        survey_segment(&mut survey, *number, buffer, head, &lines, place == last);
    }
    drop_damaged_end(&mut survey);
    survey.recovery.batches = survey.batches.iter().flatten().count() as u64;
    survey.recovery.damaged.clone_from(&survey.damaged);
    Ok(survey)
}

fn read_header(segments: &[(u64, Buffer)]) -> Result<(Header, SchemaRef, u64)> {
    let Some((number, buffer)) = segments.first() else {
        return Err(Error::external("episode store", "has no segment"));
    };
    match frame_at(buffer, 0) {
        Ok(frame) if frame.kind == Kind::Schema => {
            let schema = decode_schema(buffer, frame)?;
            Ok((layout::header_of(&schema)?, Arc::new(schema), frame.len as u64))
        }
        Err(NoFrame::Cut | NoFrame::End) => Err(Error::external(
            format!("segment {number}"),
            "is cut within its header, so that no episode was recorded: remove the store and begin anew",
        )),
        Ok(_) => {
            Err(Error::external(format!("segment {number}"), "does not begin with a header: it is no episode store"))
        }
        Err(NoFrame::Foreign(why)) => {
            Err(Error::external(format!("segment {number}"), format!("is no episode store, or a damaged one: {why}")))
        }
    }
}

fn survey_segment(survey: &mut Survey, number: u64, buffer: &Buffer, head: usize, known: &[Line], is_last: bool) {
    let mut offset = head;
    while offset < buffer.len() {
        let line = known.iter().find(|line| line.offset == offset as u64).copied();
        let later = known.iter().map(|line| line.offset as usize).filter(|at| *at > offset && *at < buffer.len()).min();
        let found = match line {
            Some(line) => indexed_batch(buffer, offset, &line, &survey.schema),
            None => frame_at(buffer, offset)
                .and_then(|frame| match frame.kind {
                    Kind::Batch => Ok(frame),
                    Kind::Schema => Err(NoFrame::Foreign("a second header".into())),
                })
                .and_then(|frame| batch(buffer, frame, &survey.schema).map(|batch| (frame.len, batch))),
        };
        match found {
            Ok((len, batch)) => {
                if line.is_none() {
                    survey.recovery.reindexed += 1;
                }
                let crc = line.map_or_else(|| crc32fast::hash(&buffer[offset..offset + len]), |line| line.crc);
                let rows = batch.num_rows() as u64;
                survey.lines.push(Line { segment: number, offset: offset as u64, len: len as u64, rows, crc });
                survey.batches.push(Some(batch));
                offset += len;
            }
            Err(NoFrame::End) if later.is_none() && is_last => {
                survey.recovery.lost_bytes += (buffer.len() - offset) as u64;
                break;
            }
            Err(problem) => {
                let whole = line.filter(|line| offset as u64 + line.len <= buffer.len() as u64);
                let next = whole.map(|line| offset + line.len as usize).or(later);
                if next.is_none() && is_last {
                    survey.recovery.lost_bytes += (buffer.len() - offset) as u64;
                    break;
                }
                let end = next.unwrap_or(buffer.len());
                let why = match problem {
                    NoFrame::End | NoFrame::Cut => "it is cut".to_owned(),
                    NoFrame::Foreign(why) => why,
                };
                let (batch, rows) = (survey.lines.len() as u64, line.map(|line| line.rows));
                survey.damaged.push(Damage { batch, segment: number, offset: offset as u64, rows, why });
                let len = (end - offset) as u64;
                survey.lines.push(Line {
                    segment: number,
                    offset: offset as u64,
                    len,
                    rows: rows.unwrap_or(0),
                    crc: 0,
                });
                survey.batches.push(None);
                offset = end;
            }
        }
    }
    let missing = known.iter().filter(|line| line.offset + line.len > buffer.len() as u64);
    if is_last {
        for line in missing {
            survey.recovery.lost_batches += 1;
            survey.recovery.lost_rows += line.rows;
        }
    } else {
        for line in missing.filter(|line| line.offset as usize >= buffer.len()) {
            survey.damaged.push(Damage {
                batch: survey.lines.len() as u64,
                segment: number,
                offset: line.offset,
                rows: Some(line.rows),
                why: "the segment ends before it".into(),
            });
            survey.lines.push(*line);
            survey.batches.push(None);
        }
    }
}

fn indexed_batch(
    buffer: &Buffer,
    offset: usize,
    line: &Line,
    schema: &SchemaRef,
) -> std::result::Result<(usize, RecordBatch), NoFrame> {
    let len = line.len as usize;
    let bytes = offset.checked_add(len).and_then(|end| buffer.get(offset..end)).ok_or(NoFrame::Cut)?;
    if crc32fast::hash(bytes) != line.crc {
        return Err(NoFrame::Foreign("its bytes do not match their checksum".into()));
    }
    let frame = frame_at(buffer, offset)?;
    if frame.len != len || frame.kind != Kind::Batch {
        return Err(NoFrame::Foreign("it is not the batch that the index tells of".into()));
    }
    Ok((len, batch(buffer, frame, schema)?))
}

fn batch(buffer: &Buffer, frame: Frame, schema: &SchemaRef) -> std::result::Result<RecordBatch, NoFrame> {
    let batch = decode_batch(buffer, frame, schema).map_err(|error| NoFrame::Foreign(error.to_string()))?;
    if batch.columns().iter().any(|column| column.len() != batch.num_rows()) {
        return Err(NoFrame::Foreign("its columns differ in length".into()));
    }
    Ok(batch)
}

/// Damaged batches at the very end are what a power failure leaves of writes that were never synced: they count as lost.
fn drop_damaged_end(survey: &mut Survey) {
    while let Some(None) = survey.batches.last() {
        survey.batches.pop();
        let line = survey.lines.pop().map_or((0, 0), |line| (line.len, line.rows));
        survey.damaged.pop();
        survey.recovery.lost_bytes += line.0;
        survey.recovery.lost_batches += 1;
        survey.recovery.lost_rows += line.1;
    }
}
