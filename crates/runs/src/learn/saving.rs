//! Beginning, saving, going on, and starting over after a broken environment.

use std::time::Instant;

use worldwright_core::{Dataset, Environment, Error, Result, Transition, uninterrupted};
use worldwright_data::{EpisodeWriter, Header, Position, WriterOptions};

use super::{Outcome, Run};
use crate::checkpoint::Checkpoint;
use crate::folder::file_error;
use crate::{Event, Experiment, Observer, metrics};

impl Run<'_, '_> {
    /// Starts from nothing: empty files, an empty store, a checkpoint of the beginning.
    pub(super) fn begin(&mut self, recorded: Option<&Dataset>) -> Result<()> {
        let episodes = self.folder.episodes();
        if episodes.exists() {
            // A run killed before its first checkpoint left it, with no episode in it.
            uninterrupted(|| std::fs::remove_dir_all(&episodes))
                .map_err(|error| file_error(&episodes, "cannot be removed", &error))?;
        }
        let header = header(self.experiment, self.made.environment.as_ref());
        self.store = Some(EpisodeWriter::create(&episodes, &header, WriterOptions::default())?);
        let folder = self.folder.clone();
        self.observers.each(|observer| observer.rewind(&folder, 0))?;
        recorded.map_or(Ok(()), |recorded| self.remember(recorded))?;
        self.save()
    }

    /// Tells the agent of recorded transitions as if they were its own; it learns from them when next it learns.
    fn remember(&mut self, recorded: &Dataset) -> Result<()> {
        let environment = &self.made.environment;
        let (observed, done) = (environment.observation_space(), environment.action_space());
        for i in 0..recorded.len() {
            self.agent.observe(&Transition {
                observation: observed.unflatten(recorded.observation(i))?,
                action: done.unflatten(recorded.action(i))?,
                reward: recorded.rewards()[i],
                next_observation: observed.unflatten(recorded.next_observation(i))?,
                terminated: recorded.terminated()[i],
                truncated: recorded.episode_ends()[i] && !recorded.terminated()[i],
            })?;
        }
        Ok(())
    }

    /// Takes on a checkpoint.
    pub(super) fn load(&mut self, checkpoint: Checkpoint) -> Result<()> {
        let positions = &checkpoint.progress.positions;
        let position_of = |observer: &dyn Observer| positions.get(observer.name()).copied().unwrap_or(0);
        let sha256 = &checkpoint.progress.metrics_sha256;
        if !sha256.is_empty() {
            metrics::check(&self.folder.metrics(), position_of(&self.observers.metrics), sha256)?;
        }
        self.agent.restore(&checkpoint.agent)?;
        // The old writer's handles must be gone before its files are cut.
        self.store = None;
        let position = Position::restore(&checkpoint.store, "store")?;
        self.store = Some(EpisodeWriter::resume(self.folder.episodes(), &position, WriterOptions::default())?);
        let folder = self.folder.clone();
        self.observers.each(|observer| {
            let position = position_of(observer);
            observer.rewind(&folder, position)
        })?;
        self.progress = checkpoint.progress;
        self.before = self.progress.clock.wall;
        self.session = Instant::now();
        Ok(())
    }

    /// Makes everything durable and writes a checkpoint.
    pub(super) fn save(&mut self) -> Result<()> {
        let position = self.store.as_mut().ok_or_else(no_store)?.sync()?;
        let positions = &mut self.progress.positions;
        self.observers.each(|observer| {
            positions.insert(observer.name().to_owned(), observer.position()?);
            Ok(())
        })?;
        self.progress.metrics_sha256 = self.observers.metrics.sha256();
        self.progress.clock.wall = self.wall_secs();
        let mut store = worldwright_core::State::new();
        store.put("store", position.save());
        self.checkpoints.write(&Checkpoint { progress: self.progress.clone(), agent: self.agent.save(), store })?;
        let step = self.progress.step;
        self.tell(&Event::Checkpoint { step })
    }

    /// After the environment broke: a new instance, and back to the last checkpoint.
    pub(super) fn mend(&mut self, tries: u64, error: Error) -> Result<()> {
        let episode = self.progress.episode;
        if tries > self.experiment.retries {
            return Err(Error::external(
                self.made.environment.id().to_owned(),
                format!(
                    "broke in episode {episode}, {tries} times in a row, the last time with: {error}. Everything before this episode \
                     is saved: mend the environment, then go on with --resume"
                ),
            ));
        }
        self.made = self.workshop.environment(self.experiment)?;
        // The time lost is time spent, but rates are measured over what counts.
        let wall_secs = self.wall_secs();
        let (checkpoint, _) = self.checkpoints.newest()?.ok_or_else(no_store)?;
        self.load(checkpoint)?;
        self.progress.clock.wall = wall_secs;
        self.before = wall_secs;
        self.tell(&Event::Note(&format!(
            "the environment broke in episode {episode} ({error}); its steps are dropped and it is tried again ({tries} of {})",
            self.experiment.retries
        )))
    }

    pub(super) fn stopped(mut self) -> Result<Outcome> {
        // The last checkpoint, written at the episode's beginning, is where to go on from.
        let step = self.checkpoints.newest()?.map_or(0, |(checkpoint, _)| checkpoint.progress.step);
        self.tell(&Event::Stopped { step })?;
        Ok(Outcome::Stopped { step })
    }
}

/// The header of the run's episodes.
pub(super) fn header(experiment: &Experiment, environment: &dyn Environment) -> Header {
    Header::new(
        environment.id(),
        environment.observation_space().clone(),
        environment.action_space().clone(),
        experiment.seed,
    )
    .with_versions(environment.versions())
}

pub(super) fn no_store() -> Error {
    Error::external("run", "its files were lost while it ran; go on with --resume")
}
