//! The commands, one file each.

pub(crate) mod collect;
pub(crate) mod completions;
pub(crate) mod data;
pub(crate) mod design;
pub(crate) mod doctor;
pub(crate) mod env;
pub(crate) mod estimate;
pub(crate) mod eval;
pub(crate) mod learn;
pub(crate) mod list;
pub(crate) mod plan;
pub(crate) mod plan_problem;
pub(crate) mod plan_symbolic;
pub(crate) mod report;
pub(crate) mod study;

use std::path::{Path, PathBuf};

use anyhow::Context;
use worldwright_core::utf8;
use worldwright_runs::RunFolder;

/// How a command ended that may be interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    /// A signal asked it to stop; everything is saved.
    Interrupted,
    /// It found something broken, and has said so.
    Unwell,
}

/// Whether the user named something on disk instead of an entry of a list.
fn is_path(what: &str) -> bool {
    Path::new(what).exists() || what.contains('/') && !what.contains(':')
}

/// Users name a run where they mean the episodes that it recorded.
fn store(path: &Path) -> PathBuf {
    let run = RunFolder::new(path);
    if run.config().exists() && run.episodes().exists() { run.episodes() } else { path.to_owned() }
}

/// The text of a configuration file.
fn configuration(path: &Path) -> anyhow::Result<String> {
    text(path, || format!("the configuration {} cannot be read; check the path", path.display()))
}

/// The text of a file in UTF-8; `missing` says what a file is that cannot be read.
fn text(path: &Path, missing: impl FnOnce() -> String) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(missing)?;
    Ok(utf8(&path.display().to_string(), &bytes)?.to_owned())
}

/// What to say of a run that ended before anything was learned.
fn untrained(loaded: &worldwright_runs::Loaded) -> String {
    format!(
        "the run ended before its first fit, and acts at random: learn {} with more steps (steps=…, this run had {})",
        loaded.experiment.environment.name, loaded.experiment.steps
    )
}
