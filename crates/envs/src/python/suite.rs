//! The suites of Python environments, and the interpreter of each.

use std::fmt;
use std::path::{Path, PathBuf};

use worldwright_core::{Error, Result};

/// Overrides the folder under which the suites are installed.
pub const DATA_DIR_VARIABLE: &str = "WORLDWRIGHT_DATA_DIR";

/// A set of environments that share an interpreter: no one version of MuJoCo satisfies all suites.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Suite {
    /// Gymnasium and whatever registers with it: ids are `gym:ID`.
    Gym,
    /// dm_control's control suite: ids are `dmc:DOMAIN-TASK`.
    Dmc,
    /// One that the user makes of packages of their own choice, for what does not go together with Gymnasium's pinned versions: ids
    /// are `NAME:ID`, as Gymnasium's.
    Own(String),
}

impl Suite {
    /// Those whose packages are pinned here.
    pub const PINNED: &[Self] = &[Self::Gym, Self::Dmc];

    /// The pinned ones, and the user's own that are installed, by name.
    ///
    /// # Errors
    /// As [`data_folder`].
    pub fn all() -> Result<Vec<Self>> {
        let mut own: Vec<String> = std::fs::read_dir(data_folder()?.join("python"))
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_name(name) && Self::pinned(name).is_none())
            .collect();
        own.sort();
        Ok(Self::PINNED.iter().cloned().chain(own.into_iter().map(Self::Own)).collect())
    }

    /// The word before the colon of its ids, and after `worldwright env install`.
    pub fn name(&self) -> &str {
        match self {
            Self::Gym => "gym",
            Self::Dmc => "dmc",
            Self::Own(name) => name,
        }
    }

    /// One line: what it holds.
    pub fn summary(&self) -> &'static str {
        match self {
            Self::Gym => "Gymnasium with its MuJoCo environments, and any that register with it",
            Self::Dmc => "DeepMind Control Suite",
            Self::Own(_) => "your own: Gymnasium and the packages below",
        }
    }

    fn pinned(name: &str) -> Option<Self> {
        Self::PINNED.iter().find(|suite| suite.name() == name).cloned()
    }

    /// The suite called `name`: a pinned one, or one of the user's that is there.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest name.
    pub fn named(name: &str) -> Result<Self> {
        let all = Self::all()?;
        let found = all.iter().find(|suite| suite.name() == name).cloned();
        found.ok_or_else(|| Error::unknown("suite", name, all.iter().map(Self::name)))
    }

    /// The suite called `name`, or a new one of that name for `packages`.
    ///
    /// # Errors
    /// [`Error::Config`] for a new one without packages, or with a name that no id can begin with.
    pub fn to_install(name: &str, packages: &[String]) -> Result<Self> {
        let near = match Self::named(name) {
            Ok(there) => return Ok(there),
            Err(Error::Unknown { nearest: Some(near), .. }) => format!(" (did you mean '{near}'?)"),
            Err(_) => String::new(),
        };
        if !is_name(name) {
            return Err(Error::config(
                "suite",
                format!("'{name}' cannot name one: take small letters, digits, - and _, beginning with a letter"),
            ));
        }
        if packages.is_empty() {
            return Err(Error::config(
                "suite",
                format!(
                    "there is no '{name}'{near}; a new one needs what goes into it: `worldwright env install {name} PACKAGE…`"
                ),
            ));
        }
        Ok(Self::Own(name.to_owned()))
    }

    /// Splits `gym:HalfCheetah-v5` into its suite and the suite's own id; `None` for an id of no suite. Whether the suite is
    /// installed is another question.
    pub fn split(id: &str) -> Option<(Self, &str)> {
        let (prefix, rest) = id.split_once(':')?;
        is_name(prefix).then(|| (Self::pinned(prefix).unwrap_or_else(|| Self::Own(prefix.to_owned())), rest))
    }

    /// The environment variable that names an interpreter to use instead of the installed one.
    pub fn interpreter_variable(&self) -> String {
        format!("WORLDWRIGHT_PYTHON_{}", self.name().to_uppercase().replace('-', "_"))
    }

    /// What that variable says, where it is set.
    pub(super) fn given_interpreter(&self) -> Option<PathBuf> {
        std::env::var_os(self.interpreter_variable()).filter(|given| !given.is_empty()).map(PathBuf::from)
    }

    /// The modules without which it cannot work, the one that it is named for first.
    pub(super) fn modules(&self) -> &'static [&'static str] {
        match self {
            Self::Gym => &["gymnasium", "numpy", "mujoco"],
            Self::Dmc => &["dm_control.suite", "numpy", "mujoco"],
            Self::Own(_) => &["gymnasium", "numpy"],
        }
    }

    /// The package that it is named for.
    pub(super) fn package(&self) -> &'static str {
        match self {
            Self::Gym | Self::Own(_) => "gymnasium",
            Self::Dmc => "dm_control",
        }
    }

    /// What every such suite has, as pip reads it: pinned, but for the user's own.
    pub fn requirements(&self) -> &'static str {
        match self {
            Self::Gym => include_str!("requirements/gym.txt"),
            Self::Dmc => include_str!("requirements/dmc.txt"),
            Self::Own(_) => "gymnasium\nnumpy\n",
        }
    }

    /// The pinned packages and their versions.
    pub fn pins(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.requirements()
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim())
            .filter_map(|line| line.split_once("=="))
    }

    /// The folder of its virtual environment.
    ///
    /// # Errors
    /// As [`data_folder`].
    pub fn folder(&self) -> Result<PathBuf> {
        Ok(data_folder()?.join("python").join(self.name()))
    }

    /// The interpreter of its virtual environment, whether it is there or not.
    ///
    /// # Errors
    /// As [`data_folder`].
    pub fn installed_interpreter(&self) -> Result<PathBuf> {
        Ok(interpreter_in(&self.folder()?))
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a suite may be called that: it becomes a folder, the beginning of ids and part of a variable's name.
fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
}

/// The interpreter of a virtual environment.
pub(super) fn interpreter_in(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts").join("python.exe") } else { folder.join("bin").join("python") }
}

/// The folder for what is installed: `WORLDWRIGHT_DATA_DIR`, else `worldwright` in the user's data folder.
///
/// # Errors
/// [`Error::External`] when the system names no such folder.
pub fn data_folder() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(DATA_DIR_VARIABLE).filter(|given| !given.is_empty()) {
        return Ok(PathBuf::from(given));
    }
    match directories::ProjectDirs::from("", "", "worldwright") {
        Some(folders) => Ok(folders.data_dir().to_owned()),
        None => Err(Error::external(
            "the data folder",
            format!("no home folder is known: set {DATA_DIR_VARIABLE} to a folder for installed suites"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_split_at_the_first_colon() {
        assert_eq!(Suite::split("gym:module:Id-v0"), Some((Suite::Gym, "module:Id-v0")));
        assert_eq!(Suite::split("gym:ALE/Pong-v5"), Some((Suite::Gym, "ALE/Pong-v5")));
        assert_eq!(Suite::split("dmc:cheetah-run"), Some((Suite::Dmc, "cheetah-run")));
        assert_eq!(Suite::split("my-own:Pong"), Some((Suite::Own("my-own".into()), "Pong")));
        assert_eq!(Suite::split("pendulum"), None);
        assert_eq!(Suite::split("C:\\data"), None);
    }

    #[test]
    fn every_requirement_is_pinned() {
        for suite in Suite::PINNED {
            let lines = suite.requirements().lines().filter(|line| !line.starts_with('#') && !line.is_empty());
            assert_eq!(lines.count(), suite.pins().count(), "{} names a package without a version", suite.name());
            assert!(suite.pins().any(|(package, _)| package == suite.package()));
        }
    }
}
