//! `worldwright env`: the interpreters of Python environments.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use worldwright_core::uninterrupted;
use worldwright_runs::envs::python::{Suite, install};

use crate::arguments::EnvCommand;
use crate::output::{print, print_json};

pub(crate) fn run(command: &EnvCommand) -> Result<()> {
    match command {
        EnvCommand::Install { suite } => {
            let interpreter = install(Suite::named(suite)?, &mut |stage| eprintln!("{stage}"))?;
            print(&format!("{}\n", interpreter.display()))
        }
        EnvCommand::List { json: true } => {
            let suites = Suite::ALL.iter().map(|suite| {
                Ok(json!({
                    "name": suite.name(),
                    "summary": suite.summary(),
                    "folder": suite.folder()?.display().to_string(),
                    "installed": suite.installed_interpreter()?.exists(),
                }))
            });
            print_json(&suites.collect::<Result<Value>>()?)
        }
        EnvCommand::List { json: false } => {
            let mut text = String::new();
            for suite in Suite::ALL {
                let state = if suite.installed_interpreter()?.exists() {
                    format!("in {}", suite.folder()?.display())
                } else {
                    format!("not installed: worldwright env install {}", suite.name())
                };
                text.push_str(&format!("{:<5} {}\n      {state}\n", suite.name(), suite.summary()));
            }
            print(&text)
        }
        EnvCommand::Remove { suite } => {
            let folder = Suite::named(suite)?.folder()?;
            if !folder.exists() {
                return print(&format!("{suite} is not installed\n"));
            }
            uninterrupted(|| std::fs::remove_dir_all(&folder))
                .with_context(|| format!("{} cannot be removed", folder.display()))?;
            print(&format!("removed {}\n", folder.display()))
        }
    }
}
