//! Where an import puts what it reads: into a store, or into a count of it; and what may go in at all.

use std::path::{Path, PathBuf};

use worldwright_core::{Error, Interrupt, Result, Space, Step, Value, uninterrupted};

use crate::sink::{Sink, beyond, finite};
use crate::whole::part_of;
use crate::{Episode, EpisodeStore, EpisodeWriter, Header, WriterOptions, limits, sync_folder};

/// Checks what passes to another sink.
pub(super) struct Checked<'a> {
    inner: &'a mut dyn Sink,
    header: Option<Header>,
    /// Bytes of the data set's files: what a header claims beyond them is not believed.
    bytes: u64,
    episodes: usize,
    outside: Outside,
    interrupt: &'a Interrupt,
}

impl<'a> Checked<'a> {
    pub(super) fn new(inner: &'a mut dyn Sink, bytes: u64, interrupt: &'a Interrupt) -> Self {
        Self { inner, header: None, bytes, episodes: 0, outside: Outside::default(), interrupt }
    }

    /// Tells the other sink of what was outside its space.
    pub(super) fn finish(self) {
        if let Some(note) = self.outside.note() {
            self.inner.note(&note);
        }
    }
}

/// Numbers beyond the bounds of their boxes: environments show them, so that they are counted and not refused.
#[derive(Debug, Default)]
pub(super) struct Outside {
    count: usize,
    first: String,
}

/// What the note about these is called.
const OUTSIDE: &str = "outside the space";

impl Outside {
    fn note(&self) -> Option<(String, String)> {
        let numbers = if self.count == 1 { "1 number is" } else { "numbers are" };
        let count = if self.count == 1 { String::new() } else { format!("{} ", self.count) };
        let said = format!("{count}{numbers} outside the declared bounds, the first as {}", self.first);
        (self.count > 0).then(|| (OUTSIDE.to_owned(), said))
    }
}

/// Puts a note into a header, in place of an older one of the same name.
pub(super) fn noted(header: &mut Header, note: &(String, String)) {
    header.notes.retain(|(key, _)| *key != note.0);
    header.notes.push(note.clone());
}

impl Sink for Checked<'_> {
    fn begin(&mut self, header: &Header) -> Result<()> {
        limits::space("observations", &header.observation_space, self.bytes)?;
        limits::space("actions", &header.action_space, self.bytes)?;
        self.header = Some(header.clone());
        self.inner.begin(header)
    }

    fn go_on(&self) -> Result<()> {
        self.interrupt.check("the import")
    }

    fn episode(&mut self, episode: Episode) -> Result<()> {
        self.go_on()?;
        let header =
            self.header.as_ref().ok_or_else(|| Error::config("import", "an episode came before the header"))?;
        check(header, self.episodes, &episode, &mut self.outside)?;
        self.episodes += 1;
        self.inner.episode(episode)
    }
}

/// Writes a fresh store.
pub(super) struct Store {
    folder: PathBuf,
    writer: Option<EpisodeWriter>,
    note: Option<(String, String)>,
}

impl Store {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), writer: None, note: None }
    }

    pub(super) fn close(self) -> Result<()> {
        let Some(writer) = self.writer else { return Ok(()) };
        writer.close()?;
        self.note.map_or(Ok(()), |note| rewrite(&self.folder, &note))
    }
}

impl Sink for Store {
    fn begin(&mut self, header: &Header) -> Result<()> {
        let options = WriterOptions { segment_bytes: u64::MAX, ..WriterOptions::default() };
        self.writer = Some(EpisodeWriter::create(&self.folder, header, options)?);
        Ok(())
    }

    fn episode(&mut self, episode: Episode) -> Result<()> {
        let writer =
            self.writer.as_mut().ok_or_else(|| Error::config("import", "an episode came before the header"))?;
        let steps = episode.steps();
        let mut observations = episode.observations.into_iter();
        let first = observations.next().ok_or_else(|| Error::external("imported episode", "has no observation"))?;
        writer.start_episode(&first, episode.seed)?;
        for (t, ((observation, action), reward)) in observations.zip(&episode.actions).zip(episode.rewards).enumerate()
        {
            let last = t + 1 == steps;
            let (terminated, truncated) = (episode.terminated && last, episode.truncated && last);
            writer.step(action, &Step { observation, reward, terminated, truncated })?;
        }
        Ok(())
    }

    fn note(&mut self, note: &(String, String)) {
        self.note = Some(note.clone());
    }
}

/// Writes a store again with one note more. Its header stands at the head of each segment, before what the note tells of was known.
fn rewrite(folder: &Path, note: &(String, String)) -> Result<()> {
    let beside = part_of(&folder.join("noted"));
    {
        let store = EpisodeStore::open(folder)?;
        let mut header = store.header().clone();
        noted(&mut header, note);
        let mut again = Store::new(&beside);
        again.begin(&header)?;
        (0..store.episodes().len()).try_for_each(|i| again.episode(store.episode(i)?))?;
        again.close()?;
    }
    let files = |folder: &Path| -> std::io::Result<Vec<PathBuf>> {
        let entries = uninterrupted(|| std::fs::read_dir(folder))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        Ok(paths.collect::<std::io::Result<Vec<_>>>()?.into_iter().filter(|path| path.is_file()).collect())
    };
    let replace = || -> std::io::Result<()> {
        files(folder)?.iter().try_for_each(|old| uninterrupted(|| std::fs::remove_file(old)))?;
        for new in files(&beside)? {
            uninterrupted(|| std::fs::rename(&new, folder.join(new.file_name().unwrap_or_default())))?;
        }
        uninterrupted(|| std::fs::remove_dir(&beside))?;
        sync_folder(folder)
    };
    replace().map_err(|error| crate::store::io(folder, "cannot be written", &error))
}

/// Whether episode `number` has T + 1 observations, T actions and T rewards, all of them finite and in their spaces; numbers
/// beyond the bounds of their boxes are counted.
///
/// # Errors
/// [`Error::Shape`], or [`Error::NotInSpace`] naming the episode, the step and what is wrong there.
pub(super) fn check(header: &Header, number: usize, episode: &Episode, outside: &mut Outside) -> Result<()> {
    let steps = episode.steps();
    if episode.observations.len() != steps + 1 || episode.rewards.len() != steps {
        return Err(Error::shape(
            format!("episode {number} (observations, actions, rewards)"),
            &[steps + 1, steps, steps],
            &[episode.observations.len(), steps, episode.rewards.len()],
        ));
    }
    let at = |what: &str, step: usize, error: Error| {
        let why = match error {
            Error::NotInSpace { reason, .. } => reason,
            other => other.to_string(),
        };
        Error::NotInSpace {
            what: format!("{what} of step {step} of episode {number}").into(),
            reason: format!("{why}; drop the episode, or cut it before that step"),
        }
    };
    for (space, values, what) in [
        (&header.observation_space, &episode.observations, "observation"),
        (&header.action_space, &episode.actions, "action"),
    ] {
        for (step, value) in values.iter().enumerate() {
            let (count, first) = element(space, value).map_err(|error| at(what, step, error))?;
            if outside.count == 0 && count > 0 {
                outside.first = format!("{what} of step {step} of episode {number}: {first}");
            }
            outside.count += count;
        }
    }
    for (step, reward) in episode.rewards.iter().enumerate() {
        finite("reward", *reward).map_err(|error| at("reward", step, error))?;
    }
    Ok(())
}

/// How many numbers of an element are beyond their bounds, and the first of them in words.
fn element(space: &Space, value: &Value) -> Result<(usize, String)> {
    let counted = |numbers: &mut dyn Iterator<Item = f64>, low: &[f64], high: &[f64], real: bool| {
        let (mut count, mut first) = (0, String::new());
        for (i, (number, (low, high))) in numbers.zip(low.iter().zip(high)).enumerate() {
            if beyond(number, (*low, *high), real) {
                if count == 0 {
                    first = format!("element {i} is {}, outside [{}, {}]", shown(number), shown(*low), shown(*high));
                }
                count += 1;
            }
        }
        (count, first)
    };
    match (space, value) {
        (Space::Box { low, high, element, .. }, Value::Floats(numbers)) if numbers.len() == low.len() => {
            let (least, most) = element.range();
            for (i, number) in numbers.iter().enumerate() {
                finite(&format!("element {i}"), *number)?;
                if !element.is_float() && (number.fract() != 0.0 || *number < least || *number > most) {
                    return Err(not_in(format!("element {i} is {}, which is no {}", shown(*number), element.name())));
                }
            }
            Ok(counted(&mut numbers.iter().copied(), low, high, element.is_float()))
        }
        (Space::Box { low, high, .. }, Value::Bytes(bytes)) if bytes.len() == low.len() => {
            Ok(counted(&mut bytes.iter().map(|byte| f64::from(*byte)), low, high, false))
        }
        (Space::Dict(_) | Space::Tuple(_), Value::Dict(_) | Value::Tuple(_)) => {
            let (mut all, mut first) = (0, String::new());
            for (at, (name, part)) in space.parts().into_iter().enumerate() {
                let named = |error: Error| not_in(format!("part '{name}': {error}"));
                let (count, own) = value.part(at, &name).and_then(|value| element(part, value)).map_err(named)?;
                if all == 0 && count > 0 {
                    first = format!("part '{name}': {own}");
                }
                all += count;
            }
            Ok((all, first))
        }
        _ => space.check(value).map(|()| (0, String::new())),
    }
}

/// A number in so many digits as tell it.
fn shown(number: f64) -> String {
    if number.is_finite() && number.abs() >= 1e15 { format!("{number:e}") } else { number.to_string() }
}

fn not_in(reason: String) -> Error {
    Error::NotInSpace { what: "value".into(), reason }
}
