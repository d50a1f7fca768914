//! Branching: a new run folder that goes on from what another run has learned, under other settings.
//!
//! The new folder holds the other's newest checkpoint, episodes and metrics with the new configuration, so that [`learn`](crate::learn)
//! with `resume` goes on in it as in any run that was cut. Under unchanged settings that is exactly the other run with more steps.
//! Population based training is made of this (Jaderberg et al. 2017, "Population Based Training of Neural Networks", section 3:
//! a worker that exploits takes weights and settings of a better one).

use std::fs::{self, File};
use std::path::Path;

use sha2::{Digest, Sha256};
use worldwright_core::{Error, Interrupt, Result, uninterrupted};
use worldwright_data::{make_whole, sync_folder};

use crate::checkpoint::{Checkpoint, Checkpoints};
use crate::experiment::hex;
use crate::folder::{file_error, write_whole};
use crate::learn::holding::as_begun;
use crate::opening::{in_use, record};
use crate::{Experiment, RunFolder, Workshop, settings_text};

/// Begins the run of `experiment` in `to` with what the finished run in `from` had learned. The new folder appears
/// whole or not at all.
///
/// What a planner keeps belongs to the episode that has ended, so that its settings (a horizon, a population) may change freely; the
/// model's may where they do not change the shape of what was learned.
///
/// # Errors
/// [`Error::External`] when `from` is not a finished run, when `to` is in use, or when a file cannot be copied;
/// [`Error::Config`] for another environment, and for settings that what was learned does not fit.
pub fn branch(workshop: &dyn Workshop, experiment: &Experiment, from: &RunFolder, to: &RunFolder) -> Result<()> {
    if in_use(to) {
        return Err(Error::external(
            to.path().display().to_string(),
            "holds something already: a branch needs a new folder",
        ));
    }
    // A finished run is written no more: several may branch from it at once.
    from.read_summary()?;
    // What was learned is of decisions at the pace that was found then.
    let experiment = &as_begun(experiment, from);
    let text =
        fs::read_to_string(from.config()).map_err(|error| file_error(&from.config(), "cannot be read", &error))?;
    same_environment(&text, from, experiment)?;
    let checkpoints = Checkpoints::new(from.checkpoints(), hex(&Sha256::digest(text.as_bytes())));
    let Some((mut checkpoint, _)) = checkpoints.newest()? else {
        return Err(Error::external(from.path().display().to_string(), "has no checkpoint yet to branch from"));
    };
    let made = workshop.environment(experiment)?;
    let mut agent = workshop.agent(experiment, &made, &Interrupt::never())?;
    let state = agent.between_episodes(&checkpoint.agent);
    agent.restore(&state).map_err(|error| {
        let run = from.path().display();
        Error::config(
            "branch",
            format!("what {run} learned does not fit these settings ({error}); keep those that shape the model"),
        )
    })?;

    // Episodes under way end where they stand: what was planned and believed in them was by other settings.
    checkpoint.progress.episode = checkpoint.progress.begun();
    checkpoint.progress.open = vec![None; experiment.count as usize];
    // A budget that was spent is no longer the one that counts.
    checkpoint.progress.ends_after = None;

    let make = |part: &Path| {
        let part = RunFolder::new(part);
        copy_folder(&from.episodes(), &part.episodes())?;
        if from.recorded().exists() {
            copy_folder(&from.recorded(), &part.recorded())?;
        }
        if from.tensorboard().exists() {
            copy_folder(&from.tensorboard(), &part.tensorboard())?;
        }
        copy_file(&from.metrics(), &part.metrics())?;
        Checkpoints::new(part.checkpoints(), experiment.sha256()).write(&Checkpoint { agent: state, ..checkpoint })?;
        write_whole(&part.record(), record(experiment, &made.environment.versions()).as_bytes())?;
        write_whole(&part.config(), experiment.to_toml().as_bytes())?;
        // Nothing but a lock may be there, else it would be in use.
        if to.lock().exists() {
            uninterrupted(|| fs::remove_file(to.lock()))
                .map_err(|error| file_error(&to.lock(), "cannot be removed", &error))?;
        }
        if to.path().exists() {
            uninterrupted(|| fs::remove_dir(to.path()))
                .map_err(|error| file_error(to.path(), "cannot be replaced", &error))?;
        }
        Ok(())
    };
    make_whole(to.path(), make, |error| file_error(to.path(), "cannot be written", error))
}

fn same_environment(text: &str, from: &RunFolder, experiment: &Experiment) -> Result<()> {
    let before = settings_text::from_toml(text, &from.config().display().to_string())?;
    let now = experiment.entries();
    let show = |entries: &std::collections::BTreeMap<String, worldwright_core::Setting>| {
        entries.get("environment.name").map_or_else(String::new, settings_text::value_text)
    };
    if show(&before) == show(&now) {
        return Ok(());
    }
    Err(Error::config(
        "environment",
        format!(
            "{} is a run in {}, not in {}: a branch keeps its environment",
            from.path().display(),
            show(&before),
            show(&now)
        ),
    ))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let unread = |error: &std::io::Error| file_error(from, "cannot be read", error);
    uninterrupted(|| fs::create_dir_all(to)).map_err(|error| file_error(to, "cannot be created", &error))?;
    for entry in uninterrupted(|| fs::read_dir(from)).map_err(|error| unread(&error))? {
        let entry = entry.map_err(|error| unread(&error))?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            copy_file(&entry.path(), &target)?;
        }
    }
    sync_folder(to).map_err(|error| file_error(to, "cannot be made durable", &error))
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let attempt = || -> std::io::Result<()> {
        uninterrupted(|| fs::copy(from, to))?;
        File::open(to)?.sync_all()
    };
    attempt().map_err(|error| file_error(to, "cannot be written", &error))
}
