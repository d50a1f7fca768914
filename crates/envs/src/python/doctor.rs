//! What is there of what Python environments need, what is not, and how to mend it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use worldwright_core::uninterrupted;

use super::install::is_complete;
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

/// Checks Python, the data folder and every suite. Takes a second or two; changes nothing but a file that it writes into the
/// data folder and removes.
pub fn doctor() -> Vec<Finding> {
    let mut findings = vec![python(), folder()];
    findings.extend(Suite::ALL.iter().map(|suite| check_suite(*suite)));
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

fn check_suite(suite: Suite) -> Finding {
    let subject = format!("suite {}", suite.name());
    let install = Some(format!("run `worldwright env install {}`", suite.name()));
    let variable = suite.interpreter_variable();
    let given = std::env::var_os(variable).is_some_and(|given| !given.is_empty());
    let interpreter = match suite.interpreter() {
        Ok(interpreter) => interpreter,
        Err(_) => {
            return Finding::new(subject, Health::Missing, format!("not installed: {}", suite.summary()), install);
        }
    };
    let mend = if given { Some(format!("correct {variable}, or unset it")) } else { install };
    let place = interpreter.display();
    let Some(versions) = versions(suite, &interpreter) else {
        return Finding::new(subject, Health::Broken, format!("{place} does not start"), mend);
    };
    if !versions.contains_key(suite.module()) {
        return Finding::new(subject, Health::Broken, format!("{place} has no {}", suite.module()), mend);
    }
    let differing: Vec<String> = suite
        .pins()
        .filter_map(|(package, pinned)| match versions.get(package) {
            Some(found) if found == pinned => None,
            Some(found) => Some(format!("{package} {found} instead of {pinned}")),
            None => Some(format!("{package} is missing")),
        })
        .collect();
    if !differing.is_empty() {
        return Finding::new(subject, Health::Differs, format!("{place}: {}", differing.join(", ")), mend);
    }
    if !given && !is_complete(suite) {
        let detail = format!("{place}: its installation was not finished");
        return Finding::new(subject, Health::Differs, detail, mend);
    }
    let (package, version) = suite.pins().find(|(package, _)| *package == suite.module()).unwrap_or_default();
    Finding::new(subject, Health::Fine, format!("{package} {version} ({place})"), None)
}

/// The versions of the pinned packages that an interpreter has; `None` when it does not start.
fn versions(suite: Suite, interpreter: &Path) -> Option<BTreeMap<String, String>> {
    let script = "import sys, importlib.metadata as m\nfor name in sys.argv[1:]:\n    try: print(name, m.version(name))\n    \
                  except m.PackageNotFoundError: pass";
    let mut arguments = vec!["-c", script];
    arguments.extend(suite.pins().map(|(package, _)| package));
    let (ok, text) = python3::output(interpreter, &arguments, Duration::from_secs(30))?;
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    ok.then(|| pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect())
}
