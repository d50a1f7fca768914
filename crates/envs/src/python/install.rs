//! Installing a suite: a virtual environment under the data folder with the pinned packages, and whatever else the user wants in it.
//!
//! The pinned lists are complete, so pip is told not to look for further packages, and wheels only, so that nothing is compiled.
//! Further packages come with what they need, but never with another version of what is pinned. What is wanted is noted before
//! pip starts and what is there after it ended (see [`state`](super::state())), so that a kill in between is seen.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use worldwright_core::{Error, Interrupt, Result, uninterrupted};

use super::packages::requirements;
use super::python3::{self, Interpreter};
use super::state::{Files, State, judge, state};
use super::{DATA_DIR_VARIABLE, Suite};

/// Brings `suite` and, into it, `packages` (as pip names them, or an extra of Gymnasium's: `box2d`, `atari` …, or `robotics`), as
/// far as they are not there; the interpreter. `progress` is told each stage.
///
/// # Errors
/// [`Error::External`] when there is no fitting Python, no `venv` module, no network or no room, or the packages do not go together;
/// it says what to do, and names the log of what was tried. What was there before still works then. [`Error::Interrupted`] once
/// `interrupt` is requested; pip is ended then.
pub fn install(
    suite: &Suite,
    packages: &[String],
    interrupt: &Interrupt,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf> {
    let files = Files::of(suite)?;
    let interpreter = suite.installed_interpreter()?;
    let packages: Vec<String> = packages.iter().flat_map(|package| requirements(suite, package.trim())).collect();
    if let Some(odd) = packages.iter().find(|package| package.is_empty() || package.starts_with('-')) {
        return Err(Error::config(
            "package",
            format!("'{odd}' names none: write it as pip does, such as minigrid or box2d"),
        ));
    }
    let is_there = |state: &State| {
        let has = files.packages();
        *state == State::Complete && packages.iter().all(|package| has.contains(package))
    };
    let with = if packages.is_empty() { String::new() } else { format!(" with {}", packages.join(", ")) };
    if is_there(&state(suite)?) {
        progress(&format!("{suite}{with} is installed in {}", files.folder.display()));
        return Ok(interpreter);
    }
    let parent = files.folder.parent().unwrap_or(&files.folder);
    uninterrupted(|| fs::create_dir_all(parent)).map_err(at(parent))?;
    let _held = alone(&files.lock, progress).map_err(at(&files.lock))?;
    // Judged before anything is wanted: an older or damaged installation is made anew, not added to.
    let found = judge(suite, &files, false)?;
    if is_there(&found) {
        progress(&format!("{suite}{with} was installed meanwhile in {}", files.folder.display()));
        return Ok(interpreter);
    }
    let before = files.packages();
    let wanted = before.iter().cloned().chain(files.wanted()).chain(packages);
    // The last word on a distribution counts: `highway-env==1.10` replaces `highway-env`.
    let mut kept: Vec<String> = Vec::new();
    for package in wanted {
        kept.retain(|other| *other != package && !same(other, &package));
        kept.push(package);
    }
    files.want(&kept).map_err(at(&files.folder))?;
    let job = Job { suite, files: &files, interpreter: &interpreter, interrupt };
    let done = match found {
        State::Complete | State::Unfinished { usable: true, .. } => job.add(&kept, progress),
        _ => job.make_anew(&kept, progress),
    };
    if let Err(error) = done {
        // What failed by itself is not to be finished later; what was there before stays, and stays wanted.
        let _ = if found == State::Absent { files.remove_but_log() } else { files.want(&before) };
        return Err(error);
    }
    files.finish(suite, &kept).map_err(at(&files.folder))?;
    let _ = uninterrupted(|| fs::remove_file(&files.requirements));
    progress(&format!("{suite}{with} is ready"));
    Ok(interpreter)
}

/// Removes the user's own or a pinned suite; the folder where it was, or `None` where there was none.
///
/// # Errors
/// [`Error::External`] when it cannot be removed.
pub fn remove(suite: &Suite) -> Result<Option<PathBuf>> {
    let files = Files::of(suite)?;
    let there = files.folder.exists();
    let _held = there.then(|| alone(&files.lock, &mut |_| ()).map_err(at(&files.lock))).transpose()?;
    files.remove().map_err(at(&files.folder))?;
    Ok(there.then_some(files.folder))
}

fn same(a: &str, b: &str) -> bool {
    use super::packages::distribution;
    // Extras of one distribution stand beside each other.
    !a.contains('[') && !b.contains('[') && distribution(a).is_some() && distribution(a) == distribution(b)
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> Error + use<> {
    let path = path.display().to_string();
    move |error| {
        Error::external(path.clone(), format!("{error}; set {DATA_DIR_VARIABLE} to a folder that can be written"))
    }
}

/// Between two looks at what pip does.
const PAUSE: Duration = Duration::from_millis(20);

/// One installation, alone with its folder.
struct Job<'a> {
    suite: &'a Suite,
    files: &'a Files,
    interpreter: &'a Path,
    interrupt: &'a Interrupt,
}

impl Job<'_> {
    /// Makes the virtual environment anew; should that fail, what was there before comes back.
    fn make_anew(&self, packages: &[String], progress: &mut dyn FnMut(&str)) -> Result<()> {
        let (folder, aside) = (&self.files.folder, self.files.folder.with_extension("before"));
        let clear = |path: &Path| match uninterrupted(|| fs::remove_dir_all(path)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(path)(error)),
            _ => Ok(()),
        };
        clear(&aside)?;
        if folder.exists() {
            uninterrupted(|| fs::rename(folder, &aside)).map_err(at(folder))?;
        }
        let made = self.make(packages, progress);
        if made.is_err() && aside.exists() {
            clear(folder)?;
            uninterrupted(|| fs::rename(&aside, folder)).map_err(at(folder))?;
        }
        clear(&aside)?;
        made
    }

    /// Makes the virtual environment, with everything in it.
    fn make(&self, packages: &[String], progress: &mut dyn FnMut(&str)) -> Result<()> {
        let (suite, files) = (self.suite, self.files);
        let python = python3::find()?;
        progress(&format!("making {} with Python {}", files.folder.display(), python.version_text()));
        let log = File::create(&files.log).map_err(at(&files.log))?;
        let mut venv = Command::new(&python.program);
        self.run(&log, venv.args(["-m", "venv"]).arg(&files.folder), "making the virtual environment", &python)?;
        if let Suite::Own(_) = suite {
            let bases = suite.requirements().lines().map(str::to_owned);
            return self.pip(&log, &bases.chain(packages.iter().cloned()).collect::<Vec<_>>(), &python, progress);
        }
        progress(&format!("installing {} packages", suite.pins().count()));
        fs::write(&files.requirements, suite.requirements()).map_err(at(&files.requirements))?;
        let mut pip = Command::new(self.interpreter);
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps"]);
        pip.args(["--only-binary", ":all:", "--requirement"]).arg(&files.requirements);
        self.run(&log, &mut pip, "installing packages", &python)?;
        if !packages.is_empty() {
            self.pip(&log, packages, &python, progress)?;
        }
        self.first_start(&log, &python, progress)
    }

    /// Adds packages to what is whole.
    fn add(&self, packages: &[String], progress: &mut dyn FnMut(&str)) -> Result<()> {
        let python = python3::probe(self.interpreter).ok_or_else(|| {
            Error::external(
                self.interpreter.display().to_string(),
                "does not start: remove the suite and install it again",
            )
        })?;
        let log = File::create(&self.files.log).map_err(at(&self.files.log))?;
        self.pip(&log, packages, &python, progress)?;
        self.first_start(&log, &python, progress)
    }

    fn pip(&self, log: &File, packages: &[String], python: &Interpreter, progress: &mut dyn FnMut(&str)) -> Result<()> {
        progress(&format!("installing {}", packages.join(", ")));
        let mut pip = Command::new(self.interpreter);
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--prefer-binary"]);
        if self.suite.pins().next().is_some() {
            // Constraints keep the suite's own versions, which its environments were tried with.
            fs::write(&self.files.requirements, self.suite.requirements()).map_err(at(&self.files.requirements))?;
            pip.arg("--constraint").arg(&self.files.requirements);
        }
        // Tools that came as packages (swig, cmake) are found by those that are compiled.
        let own = self.interpreter.parent().map(Path::to_owned).unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(own).chain(std::env::split_paths(&path));
        pip.env("PATH", std::env::join_paths(paths).unwrap_or_else(|_| OsString::from(&path)));
        self.run(log, pip.arg("--").args(packages), &format!("installing {}", packages.join(", ")), python)
    }

    fn first_start(&self, log: &File, python: &Interpreter, progress: &mut dyn FnMut(&str)) -> Result<()> {
        progress("checking that it starts");
        let check = format!("import {}", self.suite.modules().join(", "));
        self.run(log, Command::new(self.interpreter).args(["-c", &check]), "the first start", python)
    }

    fn run(&self, log: &File, command: &mut Command, what: &str, python: &Interpreter) -> Result<()> {
        let copy = || log.try_clone().map_err(at(&self.files.log));
        let status = command.stdin(Stdio::null()).stdout(copy()?).stderr(copy()?).spawn().and_then(|mut child| {
            loop {
                if let Some(status) = child.try_wait()? {
                    return Ok(status);
                }
                if self.interrupt.requested() {
                    child.kill()?;
                    return child.wait();
                }
                std::thread::sleep(PAUSE);
            }
        });
        self.interrupt.check("installing")?;
        if status.as_ref().is_ok_and(std::process::ExitStatus::success) {
            return Ok(());
        }
        let text = fs::read(&self.files.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let reason = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let why = explain(&text, &python.version_text(), self.suite);
        let last =
            text.trim().lines().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
        Err(Error::external(
            format!("installing {}", self.suite),
            format!("{what} failed ({reason}){why}; the whole log is {}\n{last}", self.files.log.display()),
        ))
    }
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

const OFFLINE: &str = ": the package index cannot be reached; check the network, or name a mirror in PIP_INDEX_URL";

/// What a log says went wrong, and what to do, where it is one of the usual things.
fn explain(log: &str, version: &str, suite: &Suite) -> String {
    let has = |words: &[&str]| words.iter().any(|word| log.contains(word));
    if has(&["ensurepip is not available", "No module named ensurepip", "No module named venv"]) {
        return ": this Python cannot make virtual environments; install its venv module (Debian, Ubuntu: `apt install \
                python3-venv`)"
            .into();
    }
    if has(&["No space left on device", "Disk quota exceeded"]) {
        return format!(": the disk is full; free some room or set {} to another folder", DATA_DIR_VARIABLE);
    }
    if has(&[
        "NewConnectionError",
        "Temporary failure in name resolution",
        "Name or service not known",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProxyError",
        "Failed to establish a new connection",
    ]) {
        return OFFLINE.into();
    }
    // What is left where pip keeps quiet about its attempts: an index that knows no version at all. A pinned package has some.
    if let Some(unknown) = log.lines().find_map(|line| {
        let (_, rest) = line.split_once("satisfies the requirement ")?;
        rest.strip_suffix("(from versions: none)").map(str::trim)
    }) {
        let pinned = suite.pins().any(|(package, _)| unknown.starts_with(package));
        return if pinned {
            OFFLINE.into()
        } else {
            format!(": the package index has no {unknown} (for Python {version}); check the name, and the network")
        };
    }
    if has(&["ResolutionImpossible", "conflicting dependencies"]) {
        return format!(
            ": they do not go together with the packages of {suite}; give them an interpreter of their own, `worldwright env install \
             NAME PACKAGE…`"
        );
    }
    if has(&["No matching distribution found", "Could not find a version"]) {
        return format!(
            ": a package has no wheel for Python {version} on this system; take a Python 3.{} to 3.{} by {}",
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
        let venv = explain(
            "The virtual environment was not created successfully because ensurepip is not available.",
            "3.11",
            &Suite::Gym,
        );
        assert!(venv.contains("apt install python3-venv"), "{venv}");
        let offline = "Looking in links: /somewhere\n\
                       ERROR: Could not find a version that satisfies the requirement numpy==2.4.6 (from versions: none)";
        assert!(
            explain(offline, "3.11", &Suite::Gym).contains("cannot be reached"),
            "a missing network hides behind missing packages"
        );
        let wheel =
            "ERROR: Could not find a version that satisfies the requirement mujoco==4.0.0 (from versions: 2.3.0)";
        assert!(explain(wheel, "3.14", &Suite::Gym).contains("no wheel for Python 3.14"));
        let slip = "ERROR: Could not find a version that satisfies the requirement minigird (from versions: none)";
        assert!(explain(slip, "3.11", &Suite::Gym).contains("has no minigird"));
        let other = "ERROR: ResolutionImpossible: for help visit";
        assert!(explain(other, "3.11", &Suite::Gym).contains("worldwright env install NAME PACKAGE"));
        assert!(explain("something else", "3.11", &Suite::Gym).is_empty());
    }
}
