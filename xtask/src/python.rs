//! Python environments for the tests, made under `target/python` so that nothing outside the clone changes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{root, step};

/// A test environment: its folder's name, the variable that tells the tests, where its pinned list stands, and whether that
/// list is complete (the suites' lists are, and `worldwright env install` takes them as they are).
const ENVIRONMENTS: &[(&str, &str, &str, bool)] = &[
    ("gym", "WORLDWRIGHT_PYTHON_GYM", "crates/envs/src/python/requirements/gym.txt", true),
    ("dmc", "WORLDWRIGHT_PYTHON_DMC", "crates/envs/src/python/requirements/dmc.txt", true),
    ("data", "WORLDWRIGHT_PYTHON_DATA", "crates/data/tests/golden/requirements.txt", false),
];

/// Makes what is missing, and returns the variables that point at the interpreters.
pub(crate) fn install() -> Result<Vec<(&'static str, PathBuf)>> {
    let mut interpreters = Vec::new();
    for (name, variable, list, complete) in ENVIRONMENTS {
        if let Some(given) = std::env::var_os(variable) {
            println!("\n── Python for {name}: {} (from {variable})", given.display());
            continue;
        }
        interpreters.push((*variable, with_requirements(name, &root().join(list), *complete)?));
    }
    Ok(interpreters)
}

/// The interpreter of the environment called `name`, made from `list` (and, unless that is `complete`, what it needs besides)
/// when it is not there.
pub(crate) fn with_requirements(name: &str, list: &Path, complete: bool) -> Result<PathBuf> {
    let folder = root().join("target/python").join(name);
    let stamp = folder.join("installed.txt");
    let wanted = std::fs::read_to_string(list).with_context(|| list.display().to_string())?;
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        println!("\n── Python for {name}: already there");
    } else {
        make(name, &folder, list, complete)?;
        std::fs::write(&stamp, wanted)?;
    }
    Ok(python_of(&folder))
}

/// The interpreter of a virtual environment.
pub(crate) fn python_of(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") }
}

fn make(name: &str, folder: &Path, list: &Path, complete: bool) -> Result<()> {
    let venv = || Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder).output();
    let made = venv().context("cannot start python3: install Python 3.11 or newer")?;
    if !made.status.success() {
        // Debian keeps the venv module in a package of its own.
        let apt = Command::new("apt-get").args(["install", "-y", "-q", "python3-venv"]).status();
        let again = venv()?;
        if !again.status.success() {
            bail!(
                "python3 -m venv failed ({}); apt-get install python3-venv: {apt:?}",
                String::from_utf8_lossy(&again.stderr).trim()
            );
        }
    }
    let mut pip = Command::new(python_of(folder));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(list);
    if complete {
        pip.arg("--no-deps");
    }
    step(&format!("Python for {name}"), &mut pip)
}
