//! What a user asks for, before defaults and presets: a TOML file with `key=value` overrides laid over it.
//!
//! Keys are dotted (`planner.horizon`). A section's bare name chooses its entry: `model=gp` is `model.name=gp`, and
//! `algorithm` is another word for `agent`.

use std::collections::BTreeMap;

use worldwright_core::{Error, Result, Setting};

use crate::{Budgets, settings_text};

/// A user's choices by dotted key; later ones win.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choices {
    entries: BTreeMap<String, Setting>,
}

/// Sections whose keys are the settings of a list's entry.
pub(crate) fn sections() -> impl Iterator<Item = &'static str> {
    ["agent", "environment"].into_iter().chain(worldwright_agents::SECTIONS.iter().map(|section| section.name))
}

fn is_section(word: &str) -> bool {
    sections().any(|section| section == word)
}

/// Keys that belong to the run itself.
pub(crate) const KEYS: [&str; 12] = [
    "because",
    "data",
    "updates",
    "steps",
    "seed",
    "retries",
    "evaluation.episodes",
    "evaluation.interval",
    "evaluation.interval_episodes",
    "reward.kind",
    "reward.expression",
    "reward.termination",
];

impl Choices {
    /// No choice made.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the choices of a TOML document. `origin` (a path) stands in errors.
    ///
    /// # Errors
    /// [`Error::Config`] for text that is not TOML or holds values that no setting can be, [`Error::Unknown`] for keys of no
    /// section.
    pub fn toml(mut self, text: &str, origin: &str) -> Result<Self> {
        for (key, value) in settings_text::from_toml(text, origin)? {
            self.put(&key, value)?;
        }
        Ok(self)
    }

    /// Takes one `key=value`; the value is read as TOML where it is TOML, else as text.
    ///
    /// # Errors
    /// [`Error::Config`] without a `=`, [`Error::Unknown`] for a key of no section.
    pub fn assign(mut self, assignment: &str) -> Result<Self> {
        let (key, value) = assignment.split_once('=').ok_or_else(|| {
            Error::config(assignment, "expected key=value, for example planner.horizon=20 or steps=2000")
        })?;
        self.put(key.trim(), settings_text::parse_value(value.trim()))?;
        Ok(self)
    }

    /// Takes one choice by its dotted key.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a key of no section, with the nearest one.
    pub fn set(mut self, key: &str, value: Setting) -> Result<Self> {
        self.put(key, value)?;
        Ok(self)
    }

    /// A choice by its dotted key.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.entries.get(key)
    }

    /// The settings chosen for a section, `name` left out.
    pub(crate) fn section(&self, section: &str) -> BTreeMap<String, Setting> {
        let start = format!("{section}.");
        self.entries
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(&start)?, value)))
            .filter(|(key, _)| *key != "name")
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect()
    }

    /// The entry chosen for a section.
    pub(crate) fn name(&self, section: &str) -> Result<Option<String>> {
        self.text(&format!("{section}.name"))
    }

    /// The text of a choice; a number is the text that it is written as.
    ///
    /// # Errors
    /// [`Error::Config`] for a choice of another kind.
    pub fn text(&self, key: &str) -> Result<Option<String>> {
        match self.entries.get(key) {
            None => Ok(None),
            Some(Setting::Text(text)) => Ok(Some(text.clone())),
            // A number is an expression too, and may be a folder's name.
            Some(number @ (Setting::Integer(_) | Setting::Float(_))) => Ok(Some(number.to_string())),
            Some(other) => Err(Error::config(key, format!("expected text, got {}", settings_text::value_text(other)))),
        }
    }

    pub(crate) fn whole(&self, key: &str, least: u64) -> Result<Option<u64>> {
        match self.entries.get(key) {
            None => Ok(None),
            Some(Setting::Integer(i)) if u64::try_from(*i).is_ok_and(|i| i >= least) => Ok(Some(*i as u64)),
            Some(other) => Err(Error::config(
                key,
                format!("expected a whole number of at least {least}, got {}", settings_text::value_text(other)),
            )),
        }
    }

    fn put(&mut self, key: &str, value: Setting) -> Result<()> {
        let key = match key {
            "algorithm" => "agent.name".to_owned(),
            key if is_section(key) => format!("{key}.name"),
            key => key.strip_prefix("algorithm.").map_or(key.to_owned(), |rest| format!("agent.{rest}")),
        };
        let in_section = key.split_once('.').is_some_and(|(section, name)| is_section(section) && !name.is_empty());
        if !in_section && !KEYS.contains(&key.as_str()) && !Budgets::is_key(&key) {
            return Err(unknown(&key));
        }
        self.entries.insert(key, value);
        Ok(())
    }
}

/// Keys of the run itself.
fn known_keys() -> impl Iterator<Item = String> {
    KEYS.into_iter().map(str::to_owned).chain(Budgets::keys())
}

fn unknown(key: &str) -> Error {
    match key.split_once('.') {
        Some((section, name)) if !known_keys().any(|k| k.starts_with(&format!("{section}."))) => {
            let error =
                Error::unknown("section", section, sections().chain(["budget", "evaluation", "reward", "algorithm"]));
            match error {
                Error::Unknown { nearest: Some(nearest), .. } => Error::Unknown {
                    what: "setting".into(),
                    name: key.to_owned(),
                    nearest: Some(format!("{nearest}.{name}")),
                    known: Vec::new(),
                },
                other => other,
            }
        }
        _ => {
            let words = sections().chain(["algorithm"]).map(str::to_owned);
            let known: Vec<String> = known_keys().chain(words).collect();
            Error::unknown("setting", key, known.iter().map(String::as_str))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_choices_win_and_bare_sections_choose_the_entry() {
        let choices = Choices::new()
            .toml("steps = 500\nalgorithm = \"pets\"\n[model]\nname = \"gp\"\nrank = 3\n", "file")
            .unwrap()
            .assign("model=ensemble")
            .unwrap()
            .assign("steps = 7")
            .unwrap();
        assert_eq!(choices.name("agent").unwrap().as_deref(), Some("pets"));
        assert_eq!(choices.name("model").unwrap().as_deref(), Some("ensemble"));
        assert_eq!(choices.whole("steps", 1).unwrap(), Some(7));
        assert_eq!(choices.section("model"), BTreeMap::from([("rank".to_owned(), Setting::Integer(3))]));
    }

    #[test]
    fn slips_are_named_with_the_nearest_key() {
        for (slip, nearest) in [("step=5", "steps"), ("planer.horizon=3", "planner.horizon"), ("modle=gp", "model")] {
            let message = Choices::new().assign(slip).unwrap_err().to_string();
            assert!(message.contains(&format!("did you mean '{nearest}'?")), "{message}");
        }
        let plain = Choices::new().assign("reward.expression=0").unwrap();
        assert_eq!(plain.text("reward.expression").unwrap().as_deref(), Some("0"));
        assert!(Choices::new().assign("steps").unwrap_err().to_string().contains("key=value"));
        assert!(Choices::new().assign("steps=-1").unwrap().whole("steps", 1).is_err());
    }
}
