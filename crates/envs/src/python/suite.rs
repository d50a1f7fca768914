//! The suites of Python environments, and the interpreter of each.

use std::path::PathBuf;

use worldwright_core::{Error, Result};

/// Overrides the folder under which the suites are installed.
pub const DATA_DIR_VARIABLE: &str = "WORLDWRIGHT_DATA_DIR";

/// A set of environments that share an interpreter: no one version of MuJoCo satisfies all suites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// Gymnasium and whatever registers with it: ids are `gym:ID`.
    Gym,
    /// dm_control's control suite: ids are `dmc:DOMAIN-TASK`.
    Dmc,
}

impl Suite {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Gym, Self::Dmc];

    /// The word before the colon of its ids, and after `worldwright env install`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gym => "gym",
            Self::Dmc => "dmc",
        }
    }

    /// One line: what it holds.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Gym => "Gymnasium with its MuJoCo environments, and any that register with it",
            Self::Dmc => "DeepMind Control Suite",
        }
    }

    /// The suite called `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest name.
    pub fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().copied().find(|suite| suite.name() == name);
        found.ok_or_else(|| Error::unknown("suite", name, Self::ALL.iter().map(|suite| suite.name())))
    }

    /// Splits `gym:HalfCheetah-v5` into its suite and the suite's own id; `None` for an id of no suite.
    pub fn split(id: &str) -> Option<(Self, &str)> {
        let (prefix, rest) = id.split_once(':')?;
        Some((Self::ALL.iter().copied().find(|suite| suite.name() == prefix)?, rest))
    }

    /// The environment variable that names an interpreter to use instead of the installed one.
    pub fn interpreter_variable(self) -> &'static str {
        match self {
            Self::Gym => "WORLDWRIGHT_PYTHON_GYM",
            Self::Dmc => "WORLDWRIGHT_PYTHON_DMC",
        }
    }

    /// The module without which it is not there.
    pub(super) fn module(self) -> &'static str {
        match self {
            Self::Gym => "gymnasium",
            Self::Dmc => "dm_control",
        }
    }

    /// The pinned packages, as pip reads them.
    pub fn requirements(self) -> &'static str {
        match self {
            Self::Gym => include_str!("requirements/gym.txt"),
            Self::Dmc => include_str!("requirements/dmc.txt"),
        }
    }

    /// The pinned packages and their versions.
    pub fn pins(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.requirements()
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim())
            .filter_map(|line| line.split_once("=="))
    }

    /// The folder of its virtual environment.
    ///
    /// # Errors
    /// As [`data_folder`].
    pub fn folder(self) -> Result<PathBuf> {
        Ok(data_folder()?.join("python").join(self.name()))
    }

    /// The interpreter of its virtual environment, whether it is there or not.
    ///
    /// # Errors
    /// As [`data_folder`].
    pub fn installed_interpreter(self) -> Result<PathBuf> {
        let folder = self.folder()?;
        Ok(if cfg!(windows) { folder.join("Scripts").join("python.exe") } else { folder.join("bin").join("python") })
    }

    /// The interpreter to start: the one that its environment variable names, else the installed one.
    ///
    /// # Errors
    /// [`Error::External`] when neither is there; it says how to install the suite.
    pub fn interpreter(self) -> Result<PathBuf> {
        let variable = self.interpreter_variable();
        if let Some(given) = std::env::var_os(variable).filter(|given| !given.is_empty()) {
            return Ok(PathBuf::from(given));
        }
        let installed = self.installed_interpreter()?;
        if installed.is_file() {
            return Ok(installed);
        }
        Err(Error::external(
            format!("the {} suite", self.name()),
            format!(
                "is not installed: run `worldwright env install {}`, or set {variable} to a Python that has {}",
                self.name(),
                self.module()
            ),
        ))
    }
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
        assert_eq!(Suite::split("dmc:cheetah-run"), Some((Suite::Dmc, "cheetah-run")));
        assert_eq!(Suite::split("pendulum"), None);
        assert_eq!(Suite::split("atari:Pong"), None);
    }

    #[test]
    fn every_requirement_is_pinned() {
        for suite in Suite::ALL {
            let lines = suite.requirements().lines().filter(|line| !line.starts_with('#') && !line.is_empty());
            assert_eq!(lines.count(), suite.pins().count(), "{} names a package without a version", suite.name());
            assert!(suite.pins().any(|(package, _)| package == suite.module()));
        }
    }
}
