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

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use worldwright_core::{Setting, utf8};
use worldwright_runs::RunFolder;
use worldwright_runs::report::counted;

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
    let experiment = &loaded.experiment;
    let why = untaught(&experiment.agent.settings, experiment.steps);
    format!("the run ended before its first fit, and acts at random: {why}")
}

/// What kept an agent with these settings from learning anything in so many steps, and what to do about it.
fn untaught(agent: &BTreeMap<String, Setting>, steps: u64) -> String {
    let had = counted(steps, "step");
    match (agent.get("updates_per_step"), agent.get("initial_steps")) {
        (Some(Setting::Float(0.0)), _) => "agent.updates_per_step=0 lets it make no update: set it above 0".to_owned(),
        (_, Some(Setting::Integer(first))) if u64::try_from(*first).is_ok_and(|first| first > steps) => {
            let first = counted(first.unsigned_abs(), "step");
            format!(
                "agent.initial_steps has it learn from {first} on, and it had {had}: give it more (steps=…), or set that lower"
            )
        }
        (Some(Setting::Float(each)), _) if each * (steps as f64) < 1.0 => {
            format!("agent.updates_per_step={each} is no update in {had}: give it more (steps=…), or set that higher")
        }
        _ => format!("give it more than {had} (steps=…)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_run_from_learning_is_said() {
        let of = |per_step, first| {
            let settings = [("updates_per_step", Setting::Float(per_step)), ("initial_steps", Setting::Integer(first))];
            untaught(&settings.map(|(key, setting)| (key.to_owned(), setting)).into(), 300)
        };
        assert!(of(0.0, 10).contains("agent.updates_per_step=0"), "{}", of(0.0, 10));
        assert!(of(1.0, 301).contains("agent.initial_steps has it learn from 301 steps on"), "{}", of(1.0, 301));
        assert!(of(0.003, 10).contains("agent.updates_per_step=0.003 is no update in 300 steps"), "{}", of(0.003, 10));
        assert_eq!(of(1.0, 300), "give it more than 300 steps (steps=…)");
        assert_eq!(untaught(&BTreeMap::new(), 1), "give it more than 1 step (steps=…)");
    }
}
