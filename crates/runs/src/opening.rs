//! Taking a run folder: new, or one to go on with.

use std::fs;
use std::path::PathBuf;

use worldwright_core::{Error, Result, uninterrupted};

use crate::folder::{file_error, write_whole};
use crate::lock::Lock;
use crate::{Experiment, RunFolder, Summary, bundle, settings_text};

/// A folder that this process may write.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) lock: Lock,
    /// The summary, where the run is complete already.
    pub(crate) finished: Option<Summary>,
}

/// Takes the folder for `experiment`; writes `config.toml` and `run.toml` into a new one.
pub(crate) fn open(
    folder: &RunFolder,
    experiment: &Experiment,
    resume: bool,
    versions: &[(String, String)],
) -> Result<Opened> {
    if !resume && in_use(folder) {
        return Err(Error::external(
            folder.path().display().to_string(),
            format!(
                "holds a run already: go on with it by --resume, or start another with --run-dir {}",
                free_name(folder).display()
            ),
        ));
    }
    let lock = Lock::take(folder)?;
    if folder.config().exists() {
        same_configuration(folder, experiment)?;
        // What cannot be read or was taken away is written anew, from the last checkpoint on.
        let complete = folder.read_diagnostics().is_ok() && bundle::is_there(&folder.bundle());
        let finished = folder.read_summary().ok().filter(|it| complete && it.config_sha256 == experiment.sha256());
        return Ok(Opened { lock, finished });
    }
    write_whole(&folder.record(), record(experiment, versions).as_bytes())?;
    // The configuration comes last: a folder that has one has everything to go on from.
    write_whole(&folder.config(), experiment.to_toml().as_bytes())?;
    Ok(Opened { lock, finished: None })
}

/// Whether anything but a lock stands there.
pub(crate) fn in_use(folder: &RunFolder) -> bool {
    uninterrupted(|| fs::read_dir(folder.path()))
        .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| entry.path() != folder.lock())))
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
    let (before, now) = (settings_text::from_toml(&text, &path.display().to_string())?, experiment.entries());
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let differences: Vec<String> = keys
        .into_iter()
        .filter(|key| before.get(*key) != now.get(*key))
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
