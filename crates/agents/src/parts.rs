//! What a user chose of an algorithm, and what came of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use worldwright_core::{Error, Result, Setting, Settings};

/// Settings by name, as a user or a preset gives them.
pub type Overrides = BTreeMap<String, Setting>;

/// Which entry of a list, and what to change of its defaults.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice {
    /// The entry's name; none for the algorithm's own choice.
    pub name: Option<String>,
    /// Settings of that entry.
    pub settings: Overrides,
}

/// A user's choices.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parts {
    /// Settings of the agent itself.
    pub agent: Overrides,
    /// By the section of a role: who plays it, and how.
    pub roles: BTreeMap<String, Choice>,
}

impl Parts {
    /// The choice for a section, to change.
    pub fn role(&mut self, section: &str) -> &mut Choice {
        self.roles.entry(section.to_owned()).or_default()
    }

    /// What is chosen for a section.
    pub fn chosen(&self, section: &str) -> Option<&Choice> {
        self.roles.get(section).filter(|choice| **choice != Choice::default())
    }
}

/// Who plays a role, with complete settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The section of its role, before the dot of its settings' keys.
    pub section: &'static str,
    /// The name of an entry of its section's list.
    pub name: String,
    /// Its settings.
    pub settings: Settings,
}

impl Part {
    /// It as whoever chose it did, by section and name: what a part is called is no more than a word to them.
    pub(crate) fn chosen(&self) -> String {
        format!("{}={}", self.section, self.name)
    }

    /// What came of making it or of asking what it can, whose errors are of it and of its settings.
    pub(crate) fn said<T>(&self, of_it: Result<T>) -> Result<T> {
        of_it.map_err(|error| match error {
            Error::Unsupported { what, .. } => self.cannot(what),
            error => error.in_section(self.section, |key| self.settings.has(key)),
        })
    }

    /// The error that it cannot do something.
    pub(crate) fn cannot(&self, what: impl Into<Cow<'static, str>>) -> Error {
        Error::unsupported(self.chosen(), what)
    }
}

/// Complete settings of an algorithm and its parts: two equal ones behave the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The algorithm's name.
    pub algorithm: String,
    /// Settings of the agent itself.
    pub agent: Settings,
    /// Who plays its roles, by section.
    pub roles: BTreeMap<String, Part>,
}

impl Resolved {
    /// Who plays the role of a section.
    ///
    /// # Errors
    /// [`Error::Config`] where the algorithm has no such role.
    pub fn role(&self, section: &str) -> Result<&Part> {
        self.roles.get(section).ok_or_else(|| Error::config(section, format!("{} has no such part", self.algorithm)))
    }
}
