//! Installing a suite: a virtual environment under the data folder with exactly the pinned packages.
//!
//! The lists are complete, so pip is told not to look for further packages, and wheels only, so that nothing is compiled. A copy
//! of the list is written last: a folder without it was not finished and is made anew.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use worldwright_core::{Error, Result, uninterrupted};

use super::{Suite, python3};

/// The copy of the list that says an installation is complete.
pub(super) const RECEIPT: &str = "worldwright-requirements.txt";

/// Installs `suite` unless it is there already with the pinned versions; the interpreter. `progress` is told each stage.
///
/// # Errors
/// [`Error::External`] when there is no fitting Python, no `venv` module, no network or no room; it says what to do, and names the
/// log of what was tried.
pub fn install(suite: Suite, progress: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let folder = suite.folder()?;
    let interpreter = suite.installed_interpreter()?;
    if is_complete(suite) {
        progress(&format!("{} is installed in {}", suite.name(), folder.display()));
        return Ok(interpreter);
    }
    let parent = folder.parent().unwrap_or(&folder).to_owned();
    let at = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| {
            Error::external(
                path.clone(),
                format!("{error}; set {} to a folder that can be written", super::DATA_DIR_VARIABLE),
            )
        }
    };
    uninterrupted(|| fs::create_dir_all(&parent)).map_err(at(&parent))?;
    let lock = parent.join(format!("{}-install.lock", suite.name()));
    let _held = alone(&lock, progress).map_err(at(&lock))?;
    if is_complete(suite) {
        progress(&format!("{} was installed meanwhile in {}", suite.name(), folder.display()));
        return Ok(interpreter);
    }
    let python = python3::find()?;
    progress(&format!("making {} with Python {}", folder.display(), python.version_text()));
    if folder.exists() {
        uninterrupted(|| fs::remove_dir_all(&folder)).map_err(at(&folder))?;
    }
    let log = parent.join(format!("{}-install.log", suite.name()));
    let requirements = parent.join(format!("{}-requirements.txt", suite.name()));
    fs::write(&requirements, suite.requirements()).map_err(at(&requirements))?;
    let output = File::create(&log).map_err(at(&log))?;
    let run = |command: &mut Command, what: &str| -> Result<()> {
        let out = output.try_clone().map_err(at(&log))?;
        let err = output.try_clone().map_err(at(&log))?;
        let status = command.stdin(Stdio::null()).stdout(out).stderr(err).status();
        if status.as_ref().is_ok_and(std::process::ExitStatus::success) {
            return Ok(());
        }
        let text = fs::read_to_string(&log).unwrap_or_default();
        let reason = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let why = explain(&text, &python.version_text());
        let last =
            text.trim().lines().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
        Err(Error::external(
            format!("installing {}", suite.name()),
            format!("{what} failed ({reason}){why}; the whole log is {}\n{last}", log.display()),
        ))
    };
    run(Command::new(&python.program).args(["-m", "venv"]).arg(&folder), "making the virtual environment")?;
    progress(&format!("installing {} packages", suite.pins().count()));
    run(
        Command::new(&interpreter)
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps"])
            .args(["--only-binary", ":all:", "--requirement"])
            .arg(&requirements),
        "installing packages",
    )?;
    progress("checking that it starts");
    let check = format!("import {}", if suite == Suite::Gym { "gymnasium, mujoco" } else { "dm_control.suite" });
    run(Command::new(&interpreter).args(["-c", &check]), "the first start")?;
    let receipt = folder.join(RECEIPT);
    fs::write(&receipt, suite.requirements()).map_err(at(&receipt))?;
    let _ = uninterrupted(|| fs::remove_file(&requirements));
    progress(&format!("{} is ready", suite.name()));
    Ok(interpreter)
}

/// Waits until no other process installs the same; the lock holds as long as the file, which stays, is open.
fn alone(path: &Path, progress: &mut dyn FnMut(&str)) -> std::io::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match uninterrupted(|| file.try_lock().map_err(std::io::Error::from)) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            progress("another process is installing it; waiting");
            file.lock()?;
        }
        Err(error) => return Err(error),
    }
    Ok(file)
}

/// Whether `suite` was installed to the end from the present list.
pub(super) fn is_complete(suite: Suite) -> bool {
    let (Ok(folder), Ok(interpreter)) = (suite.folder(), suite.installed_interpreter()) else { return false };
    interpreter.is_file() && fs::read_to_string(folder.join(RECEIPT)).is_ok_and(|text| text == suite.requirements())
}

/// What a log says went wrong, and what to do, where it is one of the usual things.
fn explain(log: &str, version: &str) -> String {
    let has = |words: &[&str]| words.iter().any(|word| log.contains(word));
    if has(&["ensurepip is not available", "No module named ensurepip", "No module named venv"]) {
        return ": this Python cannot make virtual environments; install its venv module (Debian, Ubuntu: `apt install \
                python3-venv`)"
            .into();
    }
    if has(&["No space left on device", "Disk quota exceeded"]) {
        return format!(": the disk is full; free some room or set {} to another folder", super::DATA_DIR_VARIABLE);
    }
    if has(&[
        "NewConnectionError",
        "Temporary failure in name resolution",
        "Name or service not known",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProxyError",
        "Failed to establish a new connection",
        // What is left where pip keeps quiet about its attempts: an index that knows no version at all.
        "(from versions: none)",
    ]) {
        return ": the package index cannot be reached; check the network, or name a mirror in PIP_INDEX_URL".into();
    }
    if has(&["No matching distribution found", "Could not find a version"]) {
        return format!(
            ": a pinned package has no wheel for Python {version} on this system; take a Python 3.{} to 3.{} by {}",
            python3::MINORS.start(),
            python3::MINORS.end(),
            super::PYTHON_VARIABLE
        );
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_installs_while_the_other_waits() {
        let path = std::env::temp_dir().join(format!("worldwright-lock-{}", std::process::id()));
        let first = alone(&path, &mut |_| panic!("nothing to wait for")).expect("a lock");
        let (told, waiting) = std::sync::mpsc::channel();
        let second = std::thread::spawn({
            let path = path.clone();
            move || alone(&path, &mut |text| told.send(text.to_owned()).expect("a listener")).map(|_| ())
        });
        assert!(waiting.recv().expect("it says that it waits").contains("waiting"));
        assert!(!second.is_finished(), "both hold the lock");
        drop(first);
        second.join().expect("no panic").expect("the lock, once it is free");
        let _ = fs::remove_file(&path);
    }

    #[test]
    fn usual_failures_are_told_with_what_to_do() {
        let venv =
            explain("The virtual environment was not created successfully because ensurepip is not available.", "3.11");
        assert!(venv.contains("apt install python3-venv"), "{venv}");
        let offline = "Looking in links: /somewhere\n\
                       ERROR: Could not find a version that satisfies the requirement numpy==2.4.6 (from versions: none)";
        assert!(
            explain(offline, "3.11").contains("cannot be reached"),
            "a missing network hides behind missing packages"
        );
        let wheel =
            "ERROR: Could not find a version that satisfies the requirement mujoco==4.0.0 (from versions: 2.3.0)";
        assert!(explain(wheel, "3.14").contains("no wheel for Python 3.14"));
        assert!(explain("something else", "3.11").is_empty());
    }
}
