//! How a suite's installation is, by what lies on disk: nothing is started, so that it may be asked often.
//!
//! Beside a suite's folder stands the list of further packages that it shall have, written before pip is started; within it stand,
//! written last, the requirements and the packages that it does have. A process that is killed in between leaves the two different.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;

use worldwright_core::{Error, Result, uninterrupted};

use super::packages::{distribution, installed};
use super::suite::interpreter_in;
use super::{Suite, data_folder};

/// The requirements that a finished installation has.
const RECEIPT: &str = "worldwright-requirements.txt";
/// The further packages that it has.
const PACKAGES: &str = "worldwright-packages.txt";

/// How an installation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Absent,
    /// It was begun and not finished, or is under way.
    Unfinished {
        /// Whether the suite itself is whole, and only further packages are not.
        usable: bool,
        /// What was found.
        found: String,
        /// What to do.
        mend: String,
    },
    /// It was finished, but parts of it are gone.
    Damaged {
        /// What was found.
        found: String,
        /// What to do.
        mend: String,
    },
    /// It is whole, but of an older list of packages.
    Outdated,
    /// It is whole.
    Complete,
}

impl Suite {
    /// The interpreter to start: the one that its environment variable names, else the installed one.
    ///
    /// # Errors
    /// [`Error::External`] when neither is there, or the installation was cut before the suite could work; it says what to do.
    pub fn interpreter(&self) -> Result<PathBuf> {
        if let Some(given) = self.given_interpreter() {
            return Ok(given);
        }
        let who = || format!("the {} suite", self.name());
        match state(self)? {
            State::Absent => Err(Error::external(who(), self.absent())),
            State::Unfinished { usable: false, found, mend } | State::Damaged { found, mend } => {
                Err(Error::external(who(), format!("{found}: {mend}")))
            }
            State::Unfinished { .. } | State::Outdated | State::Complete => self.installed_interpreter(),
        }
    }

    fn absent(&self) -> String {
        let variable = self.interpreter_variable();
        let (name, package) = (self.name(), self.package());
        match self {
            // What Python calls an environment that was given to it as an object.
            Self::Own(own) if own == "python" => {
                "its environments are objects of a Python program, which makes them again: go on there, with worldwright.load(FOLDER, \
                 environment=…) or the same call of worldwright.learn"
                    .to_owned()
            }
            Self::Own(_) => {
                let all = Self::all().unwrap_or_default();
                let there: Vec<&str> = all.iter().map(Self::name).collect();
                format!(
                    "there is none of this name (there are {}): run `worldwright env install {name} PACKAGE…` to make it of \
                     packages, or set {variable} to a Python that has {package}",
                    there.join(", ")
                )
            }
            _ => format!(
                "is not installed: run `worldwright env install {name}`, or set {variable} to a Python that has {package}"
            ),
        }
    }
}

/// How the installation of `suite` is.
///
/// # Errors
/// As [`data_folder`].
pub fn state(suite: &Suite) -> Result<State> {
    let files = Files::of(suite)?;
    judge(suite, &files, files.is_busy())
}

/// How it is; `is_busy`: whether another process installs it, which whoever holds the lock knows better than the lock tells.
pub(super) fn judge(suite: &Suite, files: &Files, is_busy: bool) -> Result<State> {
    let (has, packages, shall) = (files.receipt(), files.packages(), files.wanted());
    if !files.folder.exists() && shall.is_empty() {
        return Ok(State::Absent);
    }
    let again = format!("run `worldwright env install {suite}`");
    let wait = || ("another process installs it".to_owned(), "wait until it is done".to_owned());
    let Some(has) = has else {
        if !files.folder.exists() && !is_busy {
            return Ok(State::Absent);
        }
        let (found, mend) = if is_busy { wait() } else { ("its installation was not finished".to_owned(), again) };
        return Ok(State::Unfinished { usable: false, found, mend });
    };
    if !interpreter_in(&files.folder).is_file() {
        let found = "the Python that it was made with is gone".to_owned();
        return Ok(State::Damaged { found, mend: again });
    }
    // What pip is writing may look as if it were gone.
    if !is_busy {
        if let Some(found) = lost(suite, &packages) {
            return Ok(State::Damaged { found, mend: again });
        }
        if has != suite.requirements() {
            return Ok(State::Outdated);
        }
    }
    let new: Vec<&str> = shall.iter().filter(|name| !packages.contains(name)).map(String::as_str).collect();
    if !new.is_empty() {
        let (found, mend) =
            if is_busy { wait() } else { (format!("adding {} was not finished", new.join(", ")), again) };
        return Ok(State::Unfinished { usable: true, found, mend });
    }
    Ok(if has == suite.requirements() { State::Complete } else { State::Outdated })
}

/// The further packages that `suite` has, as their requirements.
///
/// # Errors
/// As [`data_folder`].
pub fn further_packages(suite: &Suite) -> Result<Vec<String>> {
    Ok(Files::of(suite)?.packages())
}

/// What is missing of the packages that the suite should have; `None` where nothing is.
fn lost(suite: &Suite, packages: &[String]) -> Option<String> {
    let there = suite.site_packages().map(|folder| installed(&folder)).unwrap_or_default();
    let bases = suite.requirements().lines().filter(|line| !line.starts_with('#')).filter_map(distribution);
    let mut lost: Vec<String> = bases
        .chain(packages.iter().filter_map(|requirement| distribution(requirement)))
        .filter(|name| there.iter().all(|package| package.name != *name))
        .map(|name| format!("{name} is missing"))
        .collect();
    let broken = there.iter().filter(|package| package.lost > 0 && package.name != "pip");
    lost.extend(
        broken.map(|package| format!("{} of the {} files of {} are gone", package.lost, package.files, package.name)),
    );
    lost.dedup();
    (!lost.is_empty()).then(|| lost.join(", "))
}

/// The files that say how an installation is.
pub(super) struct Files {
    /// The virtual environment.
    pub(super) folder: PathBuf,
    /// Held while it is installed; it stays.
    pub(super) lock: PathBuf,
    /// What pip said last.
    pub(super) log: PathBuf,
    /// The requirements while pip reads them.
    pub(super) requirements: PathBuf,
    /// The further packages that it shall have.
    wanted: PathBuf,
}

impl Files {
    pub(super) fn of(suite: &Suite) -> Result<Self> {
        let parent = data_folder()?.join("python");
        let beside = |what: &str| parent.join(format!("{suite}-{what}"));
        Ok(Self {
            folder: parent.join(suite.name()),
            lock: beside("install.lock"),
            log: beside("install.log"),
            requirements: beside("requirements.txt"),
            wanted: beside("packages.txt"),
        })
    }

    fn receipt(&self) -> Option<String> {
        fs::read_to_string(self.folder.join(RECEIPT)).ok()
    }

    pub(super) fn packages(&self) -> Vec<String> {
        lines(&self.folder.join(PACKAGES))
    }

    pub(super) fn wanted(&self) -> Vec<String> {
        lines(&self.wanted)
    }

    /// Notes what it shall have, before that is begun.
    pub(super) fn want(&self, packages: &[String]) -> std::io::Result<()> {
        if packages.is_empty() {
            return match uninterrupted(|| fs::remove_file(&self.wanted)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        whole(&self.wanted, &text(packages))
    }

    /// Notes that it has all of it.
    pub(super) fn finish(&self, suite: &Suite, packages: &[String]) -> std::io::Result<()> {
        whole(&self.folder.join(PACKAGES), &text(packages))?;
        whole(&self.folder.join(RECEIPT), suite.requirements())
    }

    /// Whether a process installs it now.
    fn is_busy(&self) -> bool {
        File::options()
            .write(true)
            .open(&self.lock)
            .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Removes all of it.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn remove(&self) -> std::io::Result<()> {
        self.remove_but_log()?;
        let _ = uninterrupted(|| fs::remove_file(&self.log));
        Ok(())
    }

    /// Removes all of it but what pip said, which tells what went wrong.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn remove_but_log(&self) -> std::io::Result<()> {
        // Without its receipt it counts as unfinished, should this be cut.
        let _ = uninterrupted(|| fs::remove_file(self.folder.join(RECEIPT)));
        if self.folder.exists() {
            uninterrupted(|| fs::remove_dir_all(&self.folder))?;
        }
        for file in [&self.wanted, &self.requirements] {
            let _ = uninterrupted(|| fs::remove_file(file));
        }
        Ok(())
    }
}

fn lines(path: &std::path::Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Writes a file whole or not at all.
fn whole(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let aside = path.with_extension("part");
    fs::write(&aside, text)?;
    uninterrupted(|| fs::rename(&aside, path))
}
