//! Where an import puts what it reads: into a store, or into a count of it; and what may go in at all.

use std::path::{Path, PathBuf};

use worldwright_core::{Error, Result, Space, Step, Value};

use crate::{Episode, EpisodeWriter, Header, WriterOptions, limits};

/// Takes a header and then episodes.
pub(crate) trait Sink {
    fn begin(&mut self, header: &Header) -> Result<()>;
    /// An episode of T actions and rewards and T + 1 observations; see [`check`].
    fn episode(&mut self, episode: Episode) -> Result<()>;
}

/// Checks what passes to another sink.
pub(super) struct Checked<'a> {
    inner: &'a mut dyn Sink,
    header: Option<Header>,
    /// Bytes of the data set's files: what a header claims beyond them is not believed.
    bytes: u64,
    episodes: usize,
}

impl<'a> Checked<'a> {
    pub(super) fn new(inner: &'a mut dyn Sink, bytes: u64) -> Self {
        Self { inner, header: None, bytes, episodes: 0 }
    }
}

impl Sink for Checked<'_> {
    fn begin(&mut self, header: &Header) -> Result<()> {
        limits::space("observations", &header.observation_space, self.bytes)?;
        limits::space("actions", &header.action_space, self.bytes)?;
        self.header = Some(header.clone());
        self.inner.begin(header)
    }

    fn episode(&mut self, episode: Episode) -> Result<()> {
        let header =
            self.header.as_ref().ok_or_else(|| Error::config("import", "an episode came before the header"))?;
        check(header, self.episodes, &episode)?;
        self.episodes += 1;
        self.inner.episode(episode)
    }
}

/// Writes a fresh store.
pub(super) struct Store {
    folder: PathBuf,
    writer: Option<EpisodeWriter>,
}

impl Store {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), writer: None }
    }

    pub(super) fn close(self) -> Result<()> {
        self.writer.map_or(Ok(()), |writer| writer.close().map(|_| ()))
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
}

/// Whether episode `number` has T + 1 observations, T actions and T rewards, all of them finite and in their spaces.
///
/// # Errors
/// [`Error::Shape`], or [`Error::NotInSpace`] naming the episode, the step and what is wrong there.
pub(super) fn check(header: &Header, number: usize, episode: &Episode) -> Result<()> {
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
            reason: format!("{why}; drop the episode, cut it before that step, or give a wider space"),
        }
    };
    for (space, values, what) in [
        (&header.observation_space, &episode.observations, "observation"),
        (&header.action_space, &episode.actions, "action"),
    ] {
        for (step, value) in values.iter().enumerate() {
            element(space, value).map_err(|error| at(what, step, error))?;
        }
    }
    for (step, reward) in episode.rewards.iter().enumerate() {
        finite("reward", *reward).map_err(|error| at("reward", step, error))?;
    }
    Ok(())
}

/// What a bound may be missed by: environments compute in single precision what they declare in double.
const SLACK: f64 = 1e-6;

fn element(space: &Space, value: &Value) -> Result<()> {
    match (space, value) {
        (Space::Box { low, high, element, .. }, Value::Floats(numbers))
            if numbers.len() == low.len() && element.is_float() =>
        {
            for (i, number) in numbers.iter().enumerate() {
                finite(&format!("element {i}"), *number)?;
                let slack = |bound: f64| if bound.is_finite() { SLACK * (1.0 + bound.abs()) } else { 0.0 };
                if *number < low[i] - slack(low[i]) || *number > high[i] + slack(high[i]) {
                    return Err(not_in(format!(
                        "element {i} is {}, outside [{}, {}]",
                        shown(*number),
                        shown(low[i]),
                        shown(high[i])
                    )));
                }
            }
            Ok(())
        }
        (Space::Dict(_) | Space::Tuple(_), Value::Dict(_) | Value::Tuple(_)) => {
            space.parts().into_iter().enumerate().try_for_each(|(at, (name, part))| {
                element(part, value.part(at, &name)?).map_err(|error| not_in(format!("part '{name}': {error}")))
            })
        }
        _ => space.check(value),
    }
}

/// # Errors
/// [`Error::NotInSpace`] for NaN and infinite numbers.
pub(crate) fn finite(what: &str, number: f64) -> Result<()> {
    if number.is_finite() { Ok(()) } else { Err(not_in(format!("{what} is {number}"))) }
}

/// A number in so many digits as tell it.
fn shown(number: f64) -> String {
    if number.is_finite() && number.abs() >= 1e15 { format!("{number:e}") } else { number.to_string() }
}

fn not_in(reason: String) -> Error {
    Error::NotInSpace { what: "value".into(), reason }
}
