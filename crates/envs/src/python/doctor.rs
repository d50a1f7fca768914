//! What is there of what Python environments need, what is not, and how to mend it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use worldwright_core::uninterrupted;

use super::state::{State, further_packages, state};
use super::{Suite, data_folder, python3};

/// How a checked thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Fine,
    /// Not installed; nothing else is hurt by it.
    Missing,
    /// There, but other than expected; it may work.
    Differs,
    /// There, but it cannot work.
    Broken,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was checked: `python`, `data folder`, `suite gym` ….
    pub subject: String,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub detail: String,
    /// What to do, unless it is fine.
    pub mend: Option<String>,
}

impl Finding {
    fn new(subject: impl Into<String>, health: Health, detail: impl Into<String>, mend: Option<String>) -> Self {
        Self { subject: subject.into(), health, detail: detail.into(), mend }
    }
}

/// Checks Python, the data folder and every suite, importing what it cannot do without. Takes some seconds; changes nothing but a file that it writes into the
/// data folder and removes.
pub fn doctor() -> Vec<Finding> {
    let mut findings = vec![python(), folder()];
    findings.extend(Suite::all().unwrap_or_else(|_| Suite::PINNED.to_vec()).iter().map(check_suite));
    findings
}

fn python() -> Finding {
    match python3::find() {
        Ok(found) => {
            let detail = format!("Python {} ({})", found.version_text(), found.program.display());
            let script = "import venv, ensurepip";
            match python3::output(&found.program, &["-c", script], Duration::from_secs(20)) {
                Some((true, _)) => Finding::new("python", Health::Fine, detail, None),
                _ => Finding::new(
                    "python",
                    Health::Broken,
                    format!("{detail} cannot make virtual environments"),
                    Some("install its venv module (Debian, Ubuntu: `apt install python3-venv`)".into()),
                ),
            }
        }
        Err(error) => {
            let mend = format!("install Python 3.{} to 3.{}", python3::MINORS.start(), python3::MINORS.end());
            Finding::new("python", Health::Missing, error.to_string(), Some(mend))
        }
    }
}

fn folder() -> Finding {
    let subject = "data folder";
    let mend = || Some(format!("set {} to a folder that can be written", super::DATA_DIR_VARIABLE));
    let folder = match data_folder() {
        Ok(folder) => folder,
        Err(error) => return Finding::new(subject, Health::Broken, error.to_string(), mend()),
    };
    // The nearest folder that exists decides: the rest is made when the first suite is installed.
    let existing = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&folder);
    let probe = existing.join(format!(".worldwright-doctor-{}", std::process::id()));
    match std::fs::write(&probe, b"written to see whether it can be") {
        Ok(()) => {
            let _ = uninterrupted(|| std::fs::remove_file(&probe));
            Finding::new(subject, Health::Fine, folder.display().to_string(), None)
        }
        Err(error) => {
            Finding::new(subject, Health::Broken, format!("{} cannot be written: {error}", folder.display()), mend())
        }
    }
}

fn check_suite(suite: &Suite) -> Finding {
    let subject = format!("suite {suite}");
    let install = format!("run `worldwright env install {suite}`");
    let given = suite.given_interpreter();
    let mend = match &given {
        Some(_) => format!("correct {}, or unset it", suite.interpreter_variable()),
        None => install.clone(),
    };
    let mut finished = Ok(());
    if given.is_none() {
        match state(suite) {
            Err(error) => return Finding::new(subject, Health::Broken, error.to_string(), None),
            Ok(State::Absent) => {
                let detail = format!("not installed: {}", suite.summary());
                return Finding::new(subject, Health::Missing, detail, Some(install));
            }
            Ok(State::Unfinished { usable: false, found, mend } | State::Damaged { found, mend }) => {
                return Finding::new(subject, Health::Broken, found, Some(mend));
            }
            Ok(State::Unfinished { found, mend, .. }) => finished = Err((found, mend)),
            Ok(State::Outdated) => finished = Err(("made from an older list of packages".to_owned(), install)),
            Ok(State::Complete) => {}
        }
    }
    let interpreter = match given.map_or_else(|| suite.installed_interpreter(), Ok) {
        Ok(interpreter) => interpreter,
        Err(error) => return Finding::new(subject, Health::Broken, error.to_string(), Some(mend)),
    };
    let place = interpreter.display();
    let Some(Seen { versions, failures }) = look(suite, &interpreter) else {
        return Finding::new(subject, Health::Broken, format!("{place} does not start"), Some(mend));
    };
    if !failures.is_empty() {
        return Finding::new(subject, Health::Broken, format!("{place} has no {}", failures.join(", ")), Some(mend));
    }
    let differing: Vec<String> = suite
        .pins()
        .filter_map(|(package, pinned)| match versions.get(package) {
            Some(found) if found == pinned => None,
            Some(found) => Some(format!("{package} {found} instead of {pinned}")),
            None => Some(format!("{package} is missing")),
        })
        .collect();
    if let Err((found, mend)) = finished {
        return Finding::new(subject, Health::Differs, format!("{place}: {found}"), Some(mend));
    }
    if !differing.is_empty() {
        return Finding::new(subject, Health::Differs, format!("{place}: {}", differing.join(", ")), Some(mend));
    }
    let package = suite.package();
    let version = versions.get(package).map_or("", String::as_str);
    let further = further_packages(suite).unwrap_or_default();
    let further = if further.is_empty() { String::new() } else { format!(" with {}", further.join(", ")) };
    Finding::new(subject, Health::Fine, format!("{package} {version}{further} ({place})"), None)
}

/// What an interpreter has of a suite.
struct Seen {
    /// The packages and their versions.
    versions: BTreeMap<String, String>,
    /// Modules that cannot be imported, and why.
    failures: Vec<String>,
}

/// Asks an interpreter for the suite's packages, and has it import what the suite cannot do without: the list of what is installed
/// also names packages whose files are gone. `None` when it does not start.
fn look(suite: &Suite, interpreter: &Path) -> Option<Seen> {
    let script = "import sys, importlib, importlib.metadata as m
for name in sys.argv[2:]:
    try: print('version', name, m.version(name))
    except m.PackageNotFoundError: pass
for name in sys.argv[1].split(','):
    try: importlib.import_module(name)
    except BaseException as error: print('failure', f'{name} ({type(error).__name__}: {error})'.replace(chr(10), ' ')[:200])";
    let modules = suite.modules().join(",");
    let mut arguments = vec!["-c", script, &modules];
    let pins: Vec<&str> = suite.pins().map(|(package, _)| package).collect();
    arguments.extend(if pins.is_empty() { &["gymnasium"] } else { pins.as_slice() });
    let (ok, text) = python3::output(interpreter, &arguments, Duration::from_secs(60))?;
    let lines = |what: &str| text.lines().filter_map(move |line| line.strip_prefix(what)).collect::<Vec<_>>();
    let versions = lines("version ").into_iter().filter_map(|line| line.split_once(' '));
    ok.then(|| Seen {
        versions: versions.map(|(name, version)| (name.to_owned(), version.to_owned())).collect(),
        failures: lines("failure ").iter().map(|line| (*line).to_owned()).collect(),
    })
}
