//! Beginning, saving, going on, and starting over after a broken environment.

use std::time::Instant;

use worldwright_core::{Dataset, Error, Result, Transition, uninterrupted};
use worldwright_data::{EpisodeWriter, Header, Position, WriterOptions};

use super::{Outcome, Run};
use crate::Event;
use crate::checkpoint::Checkpoint;
use crate::folder::file_error;

impl Run<'_, '_> {
    /// Starts from nothing: empty files, an empty store, a checkpoint of the beginning.
    pub(super) fn begin(&mut self) -> Result<()> {
        let episodes = self.folder.episodes();
        if episodes.exists() {
            // A run killed before its first checkpoint left it; nothing of it was acknowledged.
            uninterrupted(|| std::fs::remove_dir_all(&episodes))
                .map_err(|error| file_error(&episodes, "cannot be removed", &error))?;
        }
        let environment = &self.made.environment;
        let header = Header::new(
            environment.id(),
            environment.observation_space().clone(),
            environment.action_space().clone(),
            self.experiment.seed,
        )
        .with_versions(environment.versions());
        self.store = Some(EpisodeWriter::create(&episodes, &header, WriterOptions::default())?);
        let folder = self.folder.clone();
        self.observers.each(|observer| observer.rewind(&folder, 0))?;
        if let Some(recorded) = self.workshop.recorded(self.experiment)? {
            self.remember(&recorded)?;
        }
        self.save()
    }

    /// Tells the agent of recorded transitions as if they were its own; it learns from them when next it learns.
    fn remember(&mut self, recorded: &Dataset) -> Result<()> {
        let environment = &self.made.environment;
        let (observed, done) = (environment.observation_space(), environment.action_space());
        let (here, there) =
            ([observed.flat_dim(), done.flat_dim()], [recorded.observation_dim(), recorded.action_dim()]);
        if here != there {
            let why = format!(
                "its observations and actions have {} and {} numbers, those of {} have {} and {}",
                there[0],
                there[1],
                environment.id(),
                here[0],
                here[1]
            );
            return Err(Error::config("data", why));
        }
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

    /// Takes on the newest checkpoint; false when there is none.
    pub(super) fn load(&mut self, resume: bool) -> Result<bool> {
        let Some((checkpoint, damaged)) = (if resume { self.checkpoints.newest()? } else { None }) else {
            return Ok(false);
        };
        self.agent.restore(&checkpoint.agent)?;
        // The old writer's handles must be gone before its files are cut.
        self.store = None;
        let position = Position::restore(&checkpoint.store, "store")?;
        self.store = Some(EpisodeWriter::resume(self.folder.episodes(), &position, WriterOptions::default())?);
        let folder = self.folder.clone();
        let positions = &checkpoint.progress.positions;
        self.observers
            .each(|observer| observer.rewind(&folder, positions.get(observer.name()).copied().unwrap_or(0)))?;
        self.progress = checkpoint.progress;
        self.before = self.progress.clock.wall;
        self.session = Instant::now();
        for word in damaged {
            self.tell(&Event::Note(&format!(
                "going on from an older checkpoint, since the newest is not whole: {word}"
            )))?;
        }
        Ok(true)
    }

    /// Makes everything durable and writes a checkpoint.
    pub(super) fn save(&mut self) -> Result<()> {
        let position = self.store.as_mut().ok_or_else(no_store)?.sync()?;
        let positions = &mut self.progress.positions;
        self.observers.each(|observer| {
            positions.insert(observer.name().to_owned(), observer.position()?);
            Ok(())
        })?;
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
        if !self.load(true)? {
            return Err(no_store());
        }
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

pub(super) fn no_store() -> Error {
    Error::external("run", "its files were lost while it ran; go on with --resume")
}
