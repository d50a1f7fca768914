//! `worldwright env`: the interpreters of Python environments.

use anyhow::Result;
use serde_json::{Value, json};
use worldwright_core::Interrupt;
use worldwright_envs::python::{State, Suite, further_packages, install, remove, state};

use crate::arguments::EnvCommand;
use crate::output::{print, print_aside, print_json};

pub(crate) fn run(command: &EnvCommand, interrupt: &Interrupt) -> Result<()> {
    match command {
        EnvCommand::Install { suite, packages } => {
            let suite = Suite::to_install(suite, packages)?;
            let interpreter = install(&suite, packages, interrupt, &mut print_aside)?;
            print(&format!("{}\n", interpreter.display()))
        }
        EnvCommand::List { json: true } => {
            let suites = Suite::all()?.into_iter().map(|suite| {
                let state = state(&suite)?;
                let (word, found, mend) = told(&suite, &state);
                Ok(json!({
                    "name": suite.name(),
                    "summary": suite.summary(),
                    "folder": suite.folder()?.display().to_string(),
                    "packages": further_packages(&suite)?,
                    "installed": matches!(state, State::Complete | State::Outdated | State::Unfinished { usable: true, .. }),
                    "state": word,
                    "found": found,
                    "mend": mend,
                }))
            });
            print_json(&suites.collect::<Result<Value>>()?)
        }
        EnvCommand::List { json: false } => {
            let mut text = String::new();
            for suite in Suite::all()? {
                let state = state(&suite)?;
                let (word, found, mend) = told(&suite, &state);
                text.push_str(&format!("{:<5} {}\n", suite.name(), suite.summary()));
                if state != State::Absent {
                    text.push_str(&format!("      in {}\n", suite.folder()?.display()));
                }
                let packages = further_packages(&suite)?;
                if !packages.is_empty() {
                    text.push_str(&format!("      with {}\n", packages.join(", ")));
                }
                if let Some(mend) = mend {
                    text.push_str(&format!("      {}: {mend}\n", found.as_deref().unwrap_or(word)));
                }
            }
            print(&text)
        }
        EnvCommand::Remove { suite } => {
            let suite = Suite::named(suite)?;
            match remove(&suite)? {
                None => print(&format!("{suite} is not installed\n")),
                Some(folder) => print(&format!("removed {}\n", folder.display())),
            }
        }
    }
}

/// The state in a word, what was found where it is not as it should be, and what to do then.
fn told(suite: &Suite, state: &State) -> (&'static str, Option<String>, Option<String>) {
    let again = || format!("run `worldwright env install {suite}`");
    match state {
        State::Absent => ("not installed", None, Some(again())),
        State::Unfinished { found, mend, .. } => ("unfinished", Some(found.clone()), Some(mend.clone())),
        State::Damaged { found, mend } => ("damaged", Some(found.clone()), Some(mend.clone())),
        State::Outdated => ("outdated", Some("made from an older list of packages".to_owned()), Some(again())),
        State::Complete => ("complete", None, None),
    }
}
