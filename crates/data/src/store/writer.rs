//! Appending episodes.
//!
//! Rows gather in memory and go out as one Arrow batch at each [`EpisodeWriter::flush`], first to the segment, then as a line to
//! the index. What a flush or sync has returned for is acknowledged: no later failure of this writer touches it.
//!
//! **Durability.** [`flush`](EpisodeWriter::flush) hands the bytes to the operating system: they survive the death of the
//! process at any instant. [`sync`](EpisodeWriter::sync) also waits for the device: they survive a power failure. Closing and
//! every change of segment sync. Call `sync` at checkpoints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, UInt64Array};
use arrow_buffer::NullBuffer;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::SchemaRef;
use worldwright_core::{Action, Error, Observation, Result, Step, uninterrupted};

use super::Header;
use super::columns::{Column, arrow, list_array};
use super::index::{Line, TITLE, to_text};
use super::layout::{self, index_path, io, segment_path};
use super::lock::Lock;
use super::medium::{Medium, Open, files};
use super::position::Position;
use super::recovery::{Recovery, Survey, survey};

/// How a writer divides its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterOptions {
    /// Rows that make a batch go out by itself, at least 1.
    pub batch_rows: usize,
    /// Bytes after which the next batch opens a new segment.
    pub segment_bytes: u64,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { batch_rows: 1024, segment_bytes: 256 << 20 }
    }
}

/// Rows that have not gone out yet.
#[derive(Debug, Default)]
struct Pending {
    episode: Vec<u64>,
    step: Vec<u64>,
    reward: Vec<Option<f64>>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    seed: Vec<Option<u64>>,
    /// What the agent kept, a list of numbers for each of its columns.
    kept: Vec<Vec<f64>>,
}

/// Appends episodes to a store. One writer a store at a time; readers may read beside it.
#[derive(Debug)]
pub struct EpisodeWriter {
    folder: PathBuf,
    schema: SchemaRef,
    options: WriterOptions,
    encoder: Encoder,
    segment_file: Box<dyn Medium>,
    index_file: Box<dyn Medium>,
    index_bytes: u64,
    open: OpenHook,
    /// Segment and length up to which batches are whole; ahead of `flushed` when a new segment has only its schema.
    tail: (u64, u64),
    flushed: Position,
    now: Position,
    /// Rows of the episodes that have not ended, by their numbers: several may be under way at once.
    under_way: BTreeMap<u64, u64>,
    observation: Column,
    action: Column,
    pending: Pending,
    /// Numbers of each of the agent's columns.
    widths: Vec<usize>,
    /// Dropped last, when no file of the store is open any more.
    _lock: Option<Lock>,
}

struct OpenHook(Open);

struct Encoder(StreamWriter<Vec<u8>>);

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encoder")
    }
}

impl std::fmt::Debug for OpenHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenHook")
    }
}

impl EpisodeWriter {
    /// Begins a store in `folder`, which is made if need be.
    ///
    /// # Errors
    /// [`Error::Config`] when a store is there already, [`Error::External`] when the folder cannot be written or another writer
    /// is at work in it,
    /// [`Error::Unsupported`] for spaces without numbers.
    pub fn create(folder: impl AsRef<Path>, header: &Header, options: WriterOptions) -> Result<Self> {
        Self::create_on(folder.as_ref(), header, options, files())
    }

    pub(crate) fn create_on(folder: &Path, header: &Header, options: WriterOptions, open: Open) -> Result<Self> {
        uninterrupted(|| std::fs::create_dir_all(folder)).map_err(|e| io(folder, "cannot be made", &e))?;
        let lock = Some(Lock::take(folder)?);
        if !layout::segments(folder)?.is_empty() {
            return Err(Error::config(
                folder.display().to_string(),
                "holds an episode store already: append to it, or choose another folder",
            ));
        }
        let schema = layout::schema(header)?;
        // An index without a segment is what a failed creation leaves; another file of that name is somebody's.
        let index = index_path(folder);
        if index.exists() {
            let text = std::fs::read(&index).map_err(|e| io(&index, "cannot be read", &e))?;
            if !(text.starts_with(TITLE.as_bytes()) || TITLE.as_bytes().starts_with(&text)) {
                return Err(Error::config(
                    index.display().to_string(),
                    "is a file of something else where the index of the episodes must stand: choose another folder",
                ));
            }
            uninterrupted(|| std::fs::remove_file(&index)).map_err(|e| io(&index, "cannot be replaced", &e))?;
        }
        let mut index_file = open(&index, true).map_err(|e| io(&index, "cannot be made", &e))?;
        index_file.write_at(0, TITLE.as_bytes()).map_err(|e| io(&index, "cannot be written", &e))?;
        let (segment_file, bytes) = begin_segment(&open, folder, 0, &schema)?;
        let at = Position { bytes, ..Position::default() };
        Self::assemble(folder, lock, header, schema, options, open, segment_file, index_file, TITLE.len() as u64, at)
    }

    /// Whether `folder` holds nothing but what making a store with this header leaves before its first batch, perhaps cut short: what may
    /// be taken away without a loss.
    ///
    /// # Errors
    /// [`Error::External`] when the folder cannot be read, [`Error::Unsupported`] for spaces without numbers.
    pub fn is_unbegun(folder: impl AsRef<Path>, header: &Header) -> Result<bool> {
        let folder = folder.as_ref();
        let schema = layout::schema(header)?;
        let head = StreamWriter::try_new(Vec::new(), &schema).map_err(arrow)?;
        let whole = [(segment_path(folder, 0), head.get_ref().as_slice()), (index_path(folder), TITLE.as_bytes())];
        let lock = folder.join("writer.lock");
        for entry in uninterrupted(|| std::fs::read_dir(folder)).map_err(|e| io(folder, "cannot be read", &e))? {
            let path = entry.map_err(|e| io(folder, "cannot be read", &e))?.path();
            let expected = if path == lock {
                &[]
            } else {
                let Some((_, expected)) = whole.iter().find(|(name, _)| *name == path) else { return Ok(false) };
                *expected
            };
            let length = std::fs::metadata(&path).map_err(|e| io(&path, "cannot be read", &e))?.len();
            if length > expected.len() as u64
                || !expected.starts_with(&std::fs::read(&path).map_err(|e| io(&path, "cannot be read", &e))?)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Goes on with a store where its whole batches end. What a crash left half written is cut off and reported. An episode that
    /// was under way stays in the store, neither terminated nor truncated; the next one must be started.
    ///
    /// # Errors
    /// [`Error::External`] when the folder holds no store, cannot be written or has another writer at work, or when a batch before the last is damaged:
    /// nothing is changed then; export what can be read and begin anew.
    pub fn append(folder: impl AsRef<Path>, options: WriterOptions) -> Result<(Self, Recovery)> {
        let folder = folder.as_ref();
        let lock = Lock::of_store(folder)?;
        let survey = survey(folder)?;
        let end = Position { open_rows: 0, ..survey.end() };
        let recovery = survey.recovery.clone();
        Ok((Self::cut_to(folder, lock, survey, end, options)?, recovery))
    }

    /// Cuts the store back to a recorded position and goes on from there: the same calls as before then write the same bytes.
    /// Of the episodes that had not ended there, those in `under_way` go on too; others were left off.
    ///
    /// # Errors
    /// As for [`append`](Self::append); [`Error::External`] when the store never reached that position or differs from what
    /// it was then.
    pub fn resume(
        folder: impl AsRef<Path>,
        position: &Position,
        under_way: &[u64],
        options: WriterOptions,
    ) -> Result<Self> {
        let folder = folder.as_ref();
        let lock = Lock::of_store(folder)?;
        let survey = survey(folder)?;
        let found = survey.position_after(position.batches);
        // A writer that appended to an interrupted episode stood outside it.
        let same = |found: &Position| *found == *position || Position { open_rows: 0, ..*found } == *position;
        if !found.as_ref().is_some_and(same) {
            let place = |place: &Position| format!("{} episodes of {} steps", place.episodes, place.steps);
            let there = match &found {
                None => "fewer".to_owned(),
                Some(found) if place(found) == place(position) => "others of the same number".to_owned(),
                Some(found) => place(found),
            };
            return Err(Error::external(
                folder.display().to_string(),
                format!(
                    "does not hold the {} to go back to, but {there} there: the episodes belong to another run, or were lost; \
                     begin a new run",
                    place(position)
                ),
            ));
        }
        let mut open = survey.under_way(position.batches);
        open.retain(|episode, _| under_way.contains(episode));
        let writer = Self::cut_to(folder, lock, survey, *position, options)?;
        Ok(Self { under_way: open, ..writer })
    }

    fn cut_to(
        folder: &Path,
        lock: Option<Lock>,
        survey: Survey,
        end: Position,
        options: WriterOptions,
    ) -> Result<Self> {
        if let Some(damage) = survey.damaged.iter().find(|damage| damage.batch < end.batches) {
            return Err(Error::external(
                folder.display().to_string(),
                format!("{damage}; nothing was changed. Export what can be read to a new store and go on there"),
            ));
        }
        let header = survey.header;
        let schema = layout::schema(&header)?;
        let open = files();
        // The index first: a longer segment than it tells of is found again by the next survey, a shorter one is damage.
        let index = index_path(folder);
        let text = to_text(&survey.lines[..end.batches as usize]);
        let fresh = folder.join("index.txt.new");
        std::fs::write(&fresh, &text).map_err(|e| io(&fresh, "cannot be written", &e))?;
        uninterrupted(|| std::fs::rename(&fresh, &index)).map_err(|e| io(&index, "cannot be replaced", &e))?;
        let mut index_file = open(&index, false).map_err(|e| io(&index, "cannot be written", &e))?;
        for segment in layout::segments(folder)?.into_iter().filter(|segment| *segment > end.segment).rev() {
            let path = segment_path(folder, segment);
            uninterrupted(|| std::fs::remove_file(&path)).map_err(|e| io(&path, "cannot be removed", &e))?;
        }
        let path = segment_path(folder, end.segment);
        let mut segment_file = open(&path, false).map_err(|e| io(&path, "cannot be written", &e))?;
        segment_file.cut(end.bytes).map_err(|e| io(&path, "cannot be cut back", &e))?;
        segment_file.sync().and_then(|()| index_file.sync()).map_err(|e| io(&path, "cannot be synced", &e))?;
        let length = text.len() as u64;
        Self::assemble(folder, lock, &header, schema, options, open, segment_file, index_file, length, end)
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where the parts of a writer come together")]
    fn assemble(
        folder: &Path,
        lock: Option<Lock>,
        header: &Header,
        schema: SchemaRef,
        options: WriterOptions,
        open: Open,
        segment_file: Box<dyn Medium>,
        index_file: Box<dyn Medium>,
        index_bytes: u64,
        at: Position,
    ) -> Result<Self> {
        let mut encoder = StreamWriter::try_new(Vec::new(), &schema).map_err(arrow)?;
        encoder.get_mut().clear();
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
            observation: Column::new(&header.observation_space, header.precision)?,
            action: Column::new(&header.action_space, header.precision)?,
            schema,
            options: WriterOptions { batch_rows: options.batch_rows.max(1), ..options },
            encoder: Encoder(encoder),
            segment_file,
            index_file,
            index_bytes,
            open: OpenHook(open),
            tail: (at.segment, at.bytes),
            flushed: at,
            now: at,
            under_way: BTreeMap::new(),
            pending: Pending { kept: vec![Vec::new(); header.columns.len()], ..Pending::default() },
            widths: header.columns.iter().map(|column| column.width).collect(),
        })
    }

    /// Begins an episode with what its reset showed, and the seed of the reset if it had its own; returns the episode's number.
    /// An episode still under way stays as it is, neither terminated nor truncated.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for an observation of another kind or shape: nothing is added. [`Error::External`] when a batch
    /// that became full cannot be written: the row is kept, and the next flush tries again.
    pub fn start_episode(&mut self, observation: &Observation, seed: Option<u64>) -> Result<u64> {
        let episode = self.now.episodes;
        self.push_row(episode, 0, observation, None, seed)?;
        self.keep(&[]);
        self.now.episodes += 1;
        self.now.open_rows = 1;
        self.under_way.insert(episode, 1);
        self.flush_full()?;
        Ok(episode)
    }

    /// Adds a step of the episode that was begun last: what was done and what came of it.
    ///
    /// # Errors
    /// [`Error::Config`] when it is not under way; otherwise as for [`start_episode`](Self::start_episode).
    pub fn step(&mut self, action: &Action, step: &Step) -> Result<()> {
        self.step_of(self.now.episodes.wrapping_sub(1), action, step, &[])
    }

    /// The same for the episode of a number, of those that are under way at once, with the numbers that the agent keeps beside the step, those of one
    /// column of the header behind the other; none stand for zeros.
    ///
    /// # Errors
    /// As for [`step`](Self::step); [`Error::Shape`] for another count of numbers.
    pub fn step_of(&mut self, episode: u64, action: &Action, step: &Step, kept: &[f64]) -> Result<()> {
        let wanted: usize = self.widths.iter().sum();
        if !kept.is_empty() && kept.len() != wanted {
            return Err(Error::shape("columns of a step", &[wanted], &[kept.len()]));
        }
        let Some(rows) = self.under_way.get(&episode).copied() else {
            return Err(Error::config("episode store", "no episode is under way: start one before its steps"));
        };
        self.push_row(episode, rows, &step.observation, Some((action, step)), None)?;
        self.keep(kept);
        self.now.steps += 1;
        let rows = if step.done() { 0 } else { rows + 1 };
        if rows > 0 {
            self.under_way.insert(episode, rows);
        } else {
            self.under_way.remove(&episode);
        }
        if episode + 1 == self.now.episodes {
            self.now.open_rows = rows;
        }
        self.flush_full()
    }

    fn push_row(
        &mut self,
        episode: u64,
        row: u64,
        observation: &Observation,
        taken: Option<(&Action, &Step)>,
        seed: Option<u64>,
    ) -> Result<()> {
        let rows = self.pending.episode.len();
        let pushed =
            self.observation.push(Some(observation)).and_then(|()| self.action.push(taken.map(|(action, _)| action)));
        if let Err(error) = pushed {
            self.observation.truncate(rows);
            self.action.truncate(rows);
            return Err(error);
        }
        let pending = &mut self.pending;
        pending.episode.push(episode);
        pending.step.push(row);
        pending.reward.push(taken.map(|(_, step)| step.reward));
        pending.terminated.push(taken.is_some_and(|(_, step)| step.terminated));
        pending.truncated.push(taken.is_some_and(|(_, step)| step.truncated));
        pending.seed.push(seed);
        Ok(())
    }

    /// What the agent keeps beside the row that was pushed; zeros where it keeps nothing.
    fn keep(&mut self, kept: &[f64]) {
        let mut at = 0;
        for (column, width) in self.pending.kept.iter_mut().zip(&self.widths) {
            match kept.get(at..at + width) {
                Some(numbers) => column.extend_from_slice(numbers),
                None => column.resize(column.len() + width, 0.0),
            }
            at += width;
        }
    }

    fn flush_full(&mut self) -> Result<()> {
        if self.pending.episode.len() >= self.options.batch_rows {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes all pending rows as one batch and returns the position after it. They then survive the death of this process.
    ///
    /// # Errors
    /// [`Error::External`] when they cannot be written: what was acknowledged before is untouched, the rows stay in memory, and
    /// a later flush tries again.
    pub fn flush(&mut self) -> Result<Position> {
        let rows = self.pending.episode.len();
        if rows == 0 {
            self.flushed = self.now;
            return Ok(self.flushed);
        }
        if self.tail.1 >= self.options.segment_bytes {
            self.sync_files()?;
            let next = self.tail.0 + 1;
            let (file, bytes) = begin_segment(&self.open.0, &self.folder, next, &self.schema)?;
            self.segment_file = file;
            self.tail = (next, bytes);
        }
        let batch = self.batch()?;
        self.encoder.0.get_mut().clear();
        self.encoder.0.write(&batch).map_err(arrow)?;
        let bytes = self.encoder.0.get_ref();
        let line = Line {
            segment: self.tail.0,
            offset: self.tail.1,
            len: bytes.len() as u64,
            rows: rows as u64,
            crc: crc32fast::hash(bytes),
        };
        let text = line.to_text();
        if let Err(error) = self.segment_file.write_at(line.offset, bytes) {
            let _ = self.segment_file.cut(line.offset);
            return Err(io(&segment_path(&self.folder, line.segment), "cannot be written", &error));
        }
        if let Err(error) = self.index_file.write_at(self.index_bytes, text.as_bytes()) {
            let _ = self.segment_file.cut(line.offset);
            let _ = self.index_file.cut(self.index_bytes);
            return Err(io(&index_path(&self.folder), "cannot be written", &error));
        }
        self.index_bytes += text.len() as u64;
        self.tail.1 += line.len;
        (self.now.segment, self.now.bytes) = self.tail;
        self.now.batches = self.flushed.batches + 1;
        self.flushed = self.now;
        self.observation.truncate(0);
        self.action.truncate(0);
        self.pending.clear();
        Ok(self.flushed)
    }

    /// [`flush`](Self::flush), then waits until everything is on the device.
    ///
    /// # Errors
    /// As for `flush`.
    pub fn sync(&mut self) -> Result<Position> {
        let position = self.flush()?;
        self.sync_files()?;
        Ok(position)
    }

    /// Syncs and ends. A writer that is dropped without it loses the rows not yet flushed.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush).
    pub fn close(mut self) -> Result<Position> {
        self.sync()
    }

    /// The position after the last flush: everything before it is acknowledged.
    pub fn position(&self) -> Position {
        self.flushed
    }

    /// Episodes begun, those not yet flushed included.
    pub fn episodes(&self) -> u64 {
        self.now.episodes
    }

    /// Steps taken, those not yet flushed included.
    pub fn steps(&self) -> u64 {
        self.now.steps
    }

    fn sync_files(&mut self) -> Result<()> {
        self.segment_file
            .sync()
            .and_then(|()| self.index_file.sync())
            .map_err(|e| io(&self.folder, "cannot be synced", &e))
    }

    fn batch(&self) -> Result<RecordBatch> {
        let pending = &self.pending;
        let taken = NullBuffer::from_iter(pending.reward.iter().map(Option::is_some));
        let mut columns: Vec<ArrayRef> = vec![
            std::sync::Arc::new(UInt64Array::from(pending.episode.clone())),
            std::sync::Arc::new(UInt64Array::from(pending.step.clone())),
            self.observation.to_array(None)?,
            self.action.to_array(Some(taken))?,
            std::sync::Arc::new(Float64Array::from(pending.reward.clone())),
            std::sync::Arc::new(BooleanArray::from(pending.terminated.clone())),
            std::sync::Arc::new(BooleanArray::from(pending.truncated.clone())),
            std::sync::Arc::new(UInt64Array::from(pending.seed.clone())),
        ];
        for (numbers, width) in pending.kept.iter().zip(&self.widths) {
            columns.push(list_array::<Float64Type>(*width, numbers, None)?);
        }
        RecordBatch::try_new(self.schema.clone(), columns).map_err(arrow)
    }
}

impl Pending {
    fn clear(&mut self) {
        self.episode.clear();
        self.step.clear();
        self.reward.clear();
        self.terminated.clear();
        self.truncated.clear();
        self.seed.clear();
        self.kept.iter_mut().for_each(Vec::clear);
    }
}

/// Opens a segment and writes its schema; removes the file again when that fails.
fn begin_segment(open: &Open, folder: &Path, segment: u64, schema: &SchemaRef) -> Result<(Box<dyn Medium>, u64)> {
    let path = segment_path(folder, segment);
    let bytes = StreamWriter::try_new(Vec::new(), schema).map_err(arrow)?;
    let bytes = bytes.get_ref();
    let mut file = open(&path, true).map_err(|e| io(&path, "cannot be made", &e))?;
    if let Err(error) = file.write_at(0, bytes) {
        drop(file);
        let _ = uninterrupted(|| std::fs::remove_file(&path));
        return Err(io(&path, "cannot be written", &error));
    }
    Ok((file, bytes.len() as u64))
}
