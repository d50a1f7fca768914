//! Where an import puts what it reads: into a store, or into a count of it.

use std::path::{Path, PathBuf};

use worldwright_core::{Error, Result, Step};

use crate::{Episode, EpisodeWriter, Header, WriterOptions};

/// Takes a header and then episodes.
pub(super) trait Sink {
    fn begin(&mut self, header: &Header) -> Result<()>;
    /// An episode of T actions and rewards and T + 1 observations; see [`check`].
    fn episode(&mut self, episode: Episode) -> Result<()>;
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
        check(&episode)?;
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

/// # Errors
/// [`Error::Shape`] unless there are T + 1 observations, T actions and T rewards.
pub(super) fn check(episode: &Episode) -> Result<()> {
    let steps = episode.steps();
    if episode.observations.len() == steps + 1 && episode.rewards.len() == steps {
        return Ok(());
    }
    Err(Error::shape(
        "imported episode (observations, actions, rewards)",
        &[steps + 1, steps, steps],
        &[episode.observations.len(), steps, episode.rewards.len()],
    ))
}
