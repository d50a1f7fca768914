//! Beginning, saving, going on, and starting over after a broken environment.

use std::time::Instant;

use worldwright_core::{Agent, Dataset, Environment, Error, Result, uninterrupted};
use worldwright_data::{EpisodeStore, EpisodeWriter, Header, Position, Replay, WriterOptions};
use worldwright_envs::Made;

use super::recorded;
use super::run::{Outcome, Run};
use crate::checkpoint::{Checkpoint, Progress};
use crate::folder::{file_error, set_aside};
use crate::report::counted;
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
        let header = header(self.experiment, self.made.environment.as_ref(), self.agent.as_ref());
        self.store = Some(EpisodeWriter::create(&episodes, &header, WriterOptions::default())?);
        let folder = self.folder.clone();
        self.observers.each(|observer| observer.rewind(&folder, 0))?;
        if let Some(recorded) = recorded {
            let place = self.folder.recorded();
            if place.symlink_metadata().is_ok() {
                set_aside(&place)?;
            }
            recorded::write(&place, recorded, &header)?;
        }
        self.recall()?;
        self.save()
    }

    /// Reads what was experienced back from the run's files, as far as they reach.
    fn recall(&mut self) -> Result<()> {
        self.memory = memory(&self.made, self.agent.as_ref())?;
        self.unfinished = vec![None; self.progress.open.len()];
        let store = EpisodeStore::open(self.folder.episodes())?;
        let under_way: Vec<Option<u64>> =
            self.progress.open.iter().map(|open| open.as_ref().map(|open| open.episode)).collect();
        if self.agent.learns() {
            if self.folder.recorded().exists() {
                self.memory.extend_from_store(&EpisodeStore::open(self.folder.recorded())?, &[])?;
            }
            self.memory.extend_from_store(&store, &under_way)?;
        }
        for (unfinished, episode) in self.unfinished.iter_mut().zip(&under_way) {
            let listed = episode.and_then(|id| store.episodes().iter().position(|episode| episode.id == id));
            *unfinished = listed.map(|i| store.episode(i)).transpose()?;
        }
        Ok(())
    }

    /// Takes on a checkpoint.
    pub(super) fn load(&mut self, checkpoint: Checkpoint) -> Result<()> {
        let positions = &checkpoint.progress.positions;
        let position_of = |observer: &dyn Observer| positions.get(observer.name()).copied().unwrap_or(0);
        let sha256 = &checkpoint.progress.metrics_sha256;
        metrics::check(&self.folder.metrics(), position_of(&self.observers.metrics), sha256)?;
        self.agent.restore(&checkpoint.agent)?;
        // The old writer's handles must be gone before its files are cut.
        self.store = None;
        let position = Position::restore(&checkpoint.store, "store")?;
        self.store = Some(EpisodeWriter::resume(
            self.folder.episodes(),
            &position,
            &under_way(&checkpoint.progress),
            WriterOptions::default(),
        )?);
        let folder = self.folder.clone();
        self.observers.each(|observer| {
            let position = position_of(observer);
            observer.rewind(&folder, position)
        })?;
        self.progress = checkpoint.progress;
        self.interrupt.set_calls(self.progress.calls);
        (0..self.interaction.places()).for_each(|place| self.interaction.leave(place));
        self.recall()?;
        self.checkpointed = (Instant::now(), self.progress.updates + self.progress.step);
        self.before = self.progress.clock.wall;
        self.session = Instant::now();
        Ok(())
    }

    /// Writes a checkpoint where enough was done, or enough time has passed, since the last one.
    pub(super) fn save_if_due(&mut self) -> Result<()> {
        let (at, done) = self.checkpointed;
        let every = self.checkpoint_every;
        let new = self.progress.updates + self.progress.step - done;
        if new >= every.steps.max(1) || at.elapsed().as_secs_f64() >= every.secs { self.save() } else { Ok(()) }
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
        self.progress.calls = self.interrupt.calls();
        let mut store = worldwright_core::State::new();
        store.put("store", position.save());
        self.checkpoints.write(&Checkpoint { progress: self.progress.clone(), agent: self.agent.save(), store })?;
        self.tries.clear();
        let step = self.progress.step;
        self.checkpointed = (Instant::now(), self.progress.updates + step);
        self.tell(&Event::Checkpoint { step })
    }

    /// After the environment broke: a new instance, and back to the last checkpoint.
    pub(super) fn mend(&mut self, place: usize, error: Error) -> Result<()> {
        let next = self.store.as_ref().ok_or_else(no_store)?.episodes();
        let broken = self.progress.open[place].map_or(next, |open| open.episode);
        let tries = self.tries.entry(broken).or_default();
        *tries += 1;
        let (tries, episode) = (*tries, broken + 1);
        if tries > self.experiment.retries {
            let saved = match self.checkpoints.newest()?.map_or(0, |(checkpoint, _)| checkpoint.progress.step) {
                0 => "No step was saved yet".to_owned(),
                steps => format!("The first {} are saved", counted(steps, "step")),
            };
            return Err(Error::external(
                self.made.environment.id().to_owned(),
                format!(
                    "broke in episode {episode}, {tries} times in a row, the last time with: {error}. {saved}: mend the environment, \
                     then go on with --resume"
                ),
            ));
        }
        self.interaction.replace(place, self.workshop.environment(self.experiment)?.environment);
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
        let saved = self.checkpoints.newest()?.map(|(checkpoint, _)| checkpoint.progress);
        let (updates, step) = saved.map_or((0, 0), |saved| (saved.updates, saved.step));
        self.tell(&Event::Stopped { updates, step })?;
        Ok(Outcome::Stopped { step })
    }
}

/// The numbers of the episodes that go on.
fn under_way(progress: &Progress) -> Vec<u64> {
    progress.open.iter().flatten().map(|open| open.episode).collect()
}

/// Room for what an agent will learn from.
pub(super) fn memory(made: &Made, agent: &dyn Agent) -> Result<Replay> {
    let environment = &made.environment;
    let (observed, done) = (environment.observation_space().clone(), environment.action_space().clone());
    Replay::new(observed, done, agent.columns(), usize::MAX)
}

/// The header of the run's episodes.
pub(super) fn header(experiment: &Experiment, environment: &dyn Environment, agent: &dyn Agent) -> Header {
    crate::offline::header(environment, experiment.seed).with_columns(agent.columns())
}

pub(super) fn no_store() -> Error {
    Error::external("run", "its files were lost while it ran; go on with --resume")
}
