//! Finding a Python to make virtual environments with, and asking interpreters what they have.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use worldwright_core::{Error, Result};

/// Names the Python that virtual environments are made with.
pub const PYTHON_VARIABLE: &str = "WORLDWRIGHT_PYTHON";
/// The versions for which all pinned packages have wheels: 3.11 to 3.13.
pub(super) const MINORS: std::ops::RangeInclusive<u32> = 11..=13;

/// An interpreter and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interpreter {
    pub(super) program: PathBuf,
    pub(super) version: (u32, u32, u32),
}

impl Interpreter {
    pub(super) fn is_supported(&self) -> bool {
        self.version.0 == 3 && MINORS.contains(&self.version.1)
    }

    pub(super) fn version_text(&self) -> String {
        format!("{}.{}.{}", self.version.0, self.version.1, self.version.2)
    }
}

/// A fitting Python: the one that `WORLDWRIGHT_PYTHON` names, else the first of the path with a fitting version.
///
/// # Errors
/// [`Error::External`] when there is none; it names what was found instead.
pub(super) fn find() -> Result<Interpreter> {
    if let Some(given) = std::env::var_os(PYTHON_VARIABLE).filter(|given| !given.is_empty()) {
        let given = PathBuf::from(given);
        let found = probe(&given).ok_or_else(|| {
            Error::external(PYTHON_VARIABLE, format!("{} does not start as a Python interpreter", given.display()))
        })?;
        return if found.is_supported() { Ok(found) } else { Err(none(&[found])) };
    }
    let mut others = Vec::new();
    for name in ["python3", "python3.13", "python3.12", "python3.11", "python"] {
        match probe(Path::new(name)) {
            Some(found) if found.is_supported() => return Ok(found),
            Some(found) => others.push(found),
            None => {}
        }
    }
    Err(none(&others))
}

fn none(others: &[Interpreter]) -> Error {
    let found = match others.first() {
        Some(other) => format!("only Python {} was found ({})", other.version_text(), other.program.display()),
        None => "no Python was found".to_owned(),
    };
    Error::external(
        "python3",
        format!(
            "{found}, and Python 3.{} to 3.{} is needed: install one (Debian, Ubuntu: `apt install python3 python3-venv`) or set \
             {PYTHON_VARIABLE} to it",
            MINORS.start(),
            MINORS.end()
        ),
    )
}

/// The interpreter's version, if it starts.
pub(super) fn probe(program: &Path) -> Option<Interpreter> {
    let (ok, text) = output(program, &["-c", "import sys; print(*sys.version_info[:3])"], Duration::from_secs(20))?;
    let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
    let version = (numbers.next()?, numbers.next()?, numbers.next()?);
    ok.then(|| Interpreter { program: program.to_owned(), version })
}

/// Whether it ended well, and all that it wrote (less than a pipe holds); `None` when it does not start or end in time.
pub(super) fn output(program: &Path, arguments: &[&str], patience: Duration) -> Option<(bool, String)> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let deadline = Instant::now() + patience;
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}
