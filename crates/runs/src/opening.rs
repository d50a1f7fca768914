//! Taking a run folder: new, or one to go on with.

use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use worldwright_core::{Error, Result, uninterrupted};
use worldwright_data::{EpisodeWriter, Header, is_part};

use crate::experiment::hex;
use crate::folder::{file_error, write_whole};
use crate::lock::Lock;
use crate::{Experiment, RunFolder, Summary, bundle, metrics, settings_text};

/// A folder with a run in it, which this process may write.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) lock: Lock,
    /// The summary, where the run is complete already.
    pub(crate) finished: Option<Summary>,
    /// Files of a finished run that cannot be read, each with the reason.
    pub(crate) damaged: Vec<(PathBuf, String)>,
}

/// Whether the folder holds a run to go on with; otherwise a new one may begin there. Nothing is changed.
///
/// # Errors
/// [`Error::External`] when it holds a run and `resume` is not set, or other things than a run.
pub(crate) fn holds_run(folder: &RunFolder, resume: bool) -> Result<bool> {
    let path = || folder.path().display().to_string();
    if resume && folder.config().exists() {
        return Ok(true);
    }
    let other = "or start another with --run-dir";
    if !resume && in_use(folder) {
        let name = free_name(folder);
        return Err(Error::external(
            path(),
            format!("holds a run already: go on with it by --resume, {other} {}", name.display()),
        ));
    }
    // A run that was killed while it began has these and no configuration.
    let begun = [folder.lock(), folder.record()];
    match entries(folder).into_iter().find(|entry| !begun.contains(entry)) {
        None => Ok(false),
        Some(foreign) => Err(Error::external(
            path(),
            format!(
                "holds no run to go on with (there is no config.toml) but other things, such as {}: name the run's folder, {other} {}",
                foreign.file_name().unwrap_or_default().display(),
                free_name(folder).display()
            ),
        )),
    }
}

/// Takes the folder of a run of `experiment` to go on with it.
pub(crate) fn go_on(folder: &RunFolder, experiment: &Experiment) -> Result<Standing> {
    let lock = Lock::take(folder)?;
    same_configuration(folder, experiment)?;
    let summary = folder.read_summary().and_then(|summary| {
        let ours = summary.config_sha256 == experiment.sha256();
        let foreign = || Error::external(folder.summary().display().to_string(), "belongs to another configuration");
        if ours { Ok(summary) } else { Err(foreign()) }
    });
    let finished = summary.clone().ok();
    let files = [
        (folder.summary(), summary.map(|_| ())),
        (folder.diagnostics(), folder.read_diagnostics().map(|_| ())),
        (folder.bundle(), bundle::check(&folder.bundle())),
    ];
    let unread = files.into_iter().filter_map(|(path, read)| read.err().map(|error| (path, error.to_string())));
    let (damaged, lost): (Vec<_>, Vec<_>) = unread.partition(|(path, _)| path.symlink_metadata().is_ok());
    let finished = finished.filter(|_| damaged.is_empty() && lost.is_empty());
    if let Some(sha256) = finished.as_ref().and_then(|summary| summary.metrics_sha256.as_ref()) {
        let length = fs::metadata(folder.metrics()).map_or(0, |it| it.len());
        metrics::check(&folder.metrics(), length, sha256)?;
    }
    Ok(Standing { lock, finished, damaged })
}

/// Refuses to begin anew in the folder of a run whose checkpoints are gone: what it did would be lost. What a run leaves that was
/// killed before its first checkpoint is nothing.
pub(crate) fn nothing_to_lose(folder: &RunFolder, header: &Header) -> Result<()> {
    let mut losses = Vec::new();
    if folder.episodes().exists() && !EpisodeWriter::is_unbegun(folder.episodes(), header)? {
        losses.push("episodes");
    }
    if fs::metadata(folder.metrics()).is_ok_and(|it| it.len() > 0) {
        losses.push("metrics.jsonl");
    }
    let results =
        [("summary.json", folder.summary()), ("diagnostics.json", folder.diagnostics()), ("bundle", folder.bundle())];
    losses.extend(results.into_iter().filter(|(_, path)| path.symlink_metadata().is_ok()).map(|(name, _)| name));
    if losses.is_empty() {
        return Ok(());
    }
    Err(Error::external(
        folder.path().display().to_string(),
        format!(
            "cannot go on: it has no checkpoint, and to begin anew would lose what is there ({}). Restore its folder 'checkpoints', or \
             start another run with --run-dir {}; nothing was changed",
            losses.join(", "),
            free_name(folder).display()
        ),
    ))
}

/// Takes a new folder for `experiment`, with `config.toml` and `run.toml` in it.
pub(crate) fn begin(folder: &RunFolder, experiment: &Experiment, versions: &[(String, String)]) -> Result<Lock> {
    let lock = Lock::take(folder)?;
    if folder.config().exists() {
        return Err(Error::external(
            folder.path().display().to_string(),
            "another process has begun a run there: choose another --run-dir",
        ));
    }
    write_whole(&folder.record(), record(experiment, versions).as_bytes())?;
    // The configuration comes last: a folder that has one has everything to go on from.
    write_whole(&folder.config(), experiment.to_toml().as_bytes())?;
    Ok(lock)
}

/// Whether anything but a lock stands there.
pub(crate) fn in_use(folder: &RunFolder) -> bool {
    entries(folder).iter().any(|entry| *entry != folder.lock())
}

/// What stands in a folder, but for what an attempt to write left.
fn entries(folder: &RunFolder) -> Vec<PathBuf> {
    let entries = uninterrupted(|| fs::read_dir(folder.path())).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> = paths.filter(|path| !is_part(path)).collect();
    paths.sort();
    paths
}

/// The first `<folder>-2`, `-3` … that does not exist.
fn free_name(folder: &RunFolder) -> PathBuf {
    let name = |n: usize| {
        let mut name = folder.path().as_os_str().to_owned();
        name.push(format!("-{n}"));
        PathBuf::from(name)
    };
    (2..).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(2))
}

fn same_configuration(folder: &RunFolder, experiment: &Experiment) -> Result<()> {
    let path = folder.config();
    let text = fs::read_to_string(&path).map_err(|error| file_error(&path, "cannot be read", &error))?;
    damaged_configuration(folder, &text)?;
    let (before, now) = (settings_text::from_toml(&text, &path.display().to_string())?, experiment.entries());
    // Why something was chosen is no setting: it changes nothing.
    let keys: std::collections::BTreeSet<&String> =
        before.keys().chain(now.keys()).filter(|key| *key != "because").collect();
    let differences: Vec<String> = keys
        .into_iter()
        .filter(|key| !settings_text::same(before.get(*key), now.get(*key)))
        .map(|key| {
            let show = |value: Option<_>| value.map_or("not set".to_owned(), settings_text::value_text);
            format!("\n  {key}: was {}, is now {}", show(before.get(key)), show(now.get(key)))
        })
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::external(
        folder.path().display().to_string(),
        format!(
            "cannot go on: the configuration differs from the one that the run began with.{}\nTake these settings back, or start \
             another run with --run-dir {}",
            differences.concat(),
            free_name(folder).display()
        ),
    ))
}

/// Refuses a configuration that is not the one whose hash `run.toml` keeps: its differences would be nobody's wish.
fn damaged_configuration(folder: &RunFolder, text: &str) -> Result<()> {
    let record = fs::read_to_string(folder.record()).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let kept = record.as_ref().and_then(|record| record.get("config_sha256")).and_then(toml::Value::as_str);
    if kept.is_none_or(|kept| kept == hex(&Sha256::digest(text.as_bytes()))) {
        return Ok(());
    }
    Err(Error::external(
        folder.config().display().to_string(),
        "is damaged or was edited: its hash is not the one in run.toml; restore the file, or start anew in another --run-dir",
    ))
}

/// The text of `run.toml`.
pub(crate) fn record(experiment: &Experiment, versions: &[(String, String)]) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!(
        "format = 1\nconfig_sha256 = \"{}\"\nseed = {}\n\n[versions]\nworldwright = \"{}\"\ntarget = \"{}-{}\"\n",
        experiment.sha256(),
        experiment.seed,
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS,
    );
    for (name, version) in versions {
        text.push_str(&format!("{} = {}\n", quoted(name), quoted(version)));
    }
    text
}
