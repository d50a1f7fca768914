//! Settings: named, typed, with a default and a line of text each, so that the command line, the Python package and the
//! service can list, check and complete them. Files are parsed at the edge; this room only knows the values.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::brief;
use crate::{Error, Result};

/// A setting's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A real number.
    Float(f64),
    /// A word or an expression.
    Text(String),
    /// A list of numbers.
    Numbers(Vec<f64>),
}

impl fmt::Display for Setting {
    /// As users write it in a configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Integer(i) => write!(f, "{i}"),
            Self::Float(x) => write!(f, "{x:?}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Numbers(numbers) => write!(f, "{numbers:?}"),
        }
    }
}

/// A default that can stand in a constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A real number.
    Float(f64),
    /// A word or an expression.
    Text(&'static str),
    /// A list of numbers.
    Numbers(&'static [f64]),
}

impl Default {
    /// The default as a value.
    pub fn to_setting(self) -> Setting {
        match self {
            Self::Bool(b) => Setting::Bool(b),
            Self::Integer(i) => Setting::Integer(i),
            Self::Float(f) => Setting::Float(f),
            Self::Text(t) => Setting::Text(t.to_owned()),
            Self::Numbers(n) => Setting::Numbers(n.to_vec()),
        }
    }
}

/// A named setting with its default and one line of explanation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// The key that users write.
    pub name: &'static str,
    /// The value where none is given; its variant is the setting's type.
    pub default: Default,
    /// What it does, with its unit or its choices.
    pub summary: &'static str,
}

/// A complete, checked set of settings: every declared parameter has a value of its own type.
#[derive(Debug, Clone, PartialEq, std::default::Default)]
pub struct Settings {
    values: BTreeMap<String, Setting>,
}

impl Settings {
    /// The defaults of `parameters` with `overrides` laid over them. `owner` names the thing being configured where it has no such setting; an error of
    /// a setting goes by its bare name, as all that read it say it, and gets its section where there is one: [`Error::in_section`].
    ///
    /// # Errors
    /// [`Error::Unknown`] for a key that no parameter declares, [`Error::Config`] for a value of another type and for numbers that
    /// are not finite. A whole number is accepted where a real one is declared.
    pub fn resolve(owner: &str, parameters: &[Parameter], overrides: &BTreeMap<String, Setting>) -> Result<Self> {
        let mut values: BTreeMap<String, Setting> =
            parameters.iter().map(|p| (p.name.to_owned(), p.default.to_setting())).collect();
        for (key, given) in overrides {
            // Here and not only where a setting is read: no setting means anything without being a number, whether it is used or not.
            let finite = match given {
                Setting::Float(number) => number.is_finite(),
                Setting::Numbers(numbers) => numbers.iter().all(|number| number.is_finite()),
                _ => true,
            };
            let Some(slot) = values.get_mut(key) else {
                return Err(Error::unknown(
                    format!("setting of {owner}"),
                    key,
                    parameters.iter().map(|parameter| parameter.name),
                ));
            };
            if !finite {
                let why = format!("must be finite, got {}", brief(&given.to_string()));
                return Err(Error::config(key, why));
            }
            *slot = match (&*slot, given) {
                (Setting::Float(_), Setting::Integer(i)) => Setting::Float(*i as f64),
                (Setting::Numbers(_), Setting::Integer(i)) => Setting::Numbers(vec![*i as f64]),
                (Setting::Numbers(_), Setting::Float(f)) => Setting::Numbers(vec![*f]),
                (declared, given) if std::mem::discriminant(declared) == std::mem::discriminant(given) => given.clone(),
                (declared, given) => {
                    return Err(Error::config(
                        key,
                        format!("expected {}, got {}", wanted(declared, given), brief(&given.to_string())),
                    ));
                }
            };
        }
        Ok(Self { values })
    }

    /// All keys and values, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether there is one of this name.
    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// A true-or-false setting.
    ///
    /// # Errors
    /// [`Error::Config`] when no such setting was declared (likewise below).
    pub fn bool(&self, key: &str) -> Result<bool> {
        match self.values.get(key) {
            Some(Setting::Bool(b)) => Ok(*b),
            other => Err(undeclared(key, "true or false", other)),
        }
    }

    /// A whole number that is at least `least`, and of a size that something can be counted with.
    ///
    /// # Errors
    /// [`Error::Config`] when it is smaller, or above [`MOST_COUNT`](Self::MOST_COUNT).
    pub fn count(&self, key: &str, least: usize) -> Result<usize> {
        self.count_in(key, least, Self::MOST_COUNT)
    }

    /// The largest [`count`](Self::count): the product of any two of them still is a number of this machine. What memory a count takes
    /// together with others is asked of [`cost`](crate::cost).
    pub const MOST_COUNT: usize = i32::MAX as usize;

    /// A whole number within `least..=most`.
    ///
    /// # Errors
    /// [`Error::Config`] when it is outside.
    pub fn count_in(&self, key: &str, least: usize, most: usize) -> Result<usize> {
        match self.values.get(key) {
            Some(Setting::Integer(i)) => match usize::try_from(*i) {
                Ok(count) if (least..=most).contains(&count) => Ok(count),
                Ok(count) if count > most => Err(Error::config(key, format!("must be at most {most}, got {i}"))),
                _ => Err(Error::config(key, format!("must be at least {least}, got {i}"))),
            },
            other => Err(undeclared(key, "a whole number", other)),
        }
    }

    /// A seed: any whole number that is not negative.
    ///
    /// # Errors
    /// [`Error::Config`] when it is negative.
    pub fn seed(&self, key: &str) -> Result<u64> {
        self.count_in(key, 0, usize::MAX).map(|seed| seed as u64)
    }

    /// A finite real number within `low..=high`.
    ///
    /// # Errors
    /// [`Error::Config`] when it is outside or not finite.
    pub fn float(&self, key: &str, low: f64, high: f64) -> Result<f64> {
        match self.values.get(key) {
            Some(Setting::Float(f)) if f.is_finite() && *f >= low && *f <= high => Ok(*f),
            Some(Setting::Float(f)) if f.is_finite() => Err(Error::config(key, outside(low, high, *f))),
            Some(Setting::Float(f)) => Err(Error::config(key, format!("must be a finite number, got {f}"))),
            other => Err(undeclared(key, "a number", other)),
        }
    }

    /// A list of whole numbers within `least..=most` each.
    ///
    /// # Errors
    /// [`Error::Config`] for an empty list, and for a number that is not whole or outside.
    pub fn counts_in(&self, key: &str, least: usize, most: usize) -> Result<Vec<usize>> {
        let numbers = self.numbers(key)?;
        let bounds = least as f64..=most as f64;
        match numbers.iter().find(|number| number.fract() != 0.0 || !bounds.contains(number)) {
            _ if numbers.is_empty() => Err(Error::config(key, "is empty: it needs at least one whole number")),
            Some(number) => {
                Err(Error::config(key, format!("must be whole numbers from {least} to {most}, got {number:?}")))
            }
            None => Ok(numbers.iter().map(|number| *number as usize).collect()),
        }
    }

    /// A text setting.
    ///
    /// # Errors
    /// [`Error::Config`] when no such setting was declared.
    pub fn text(&self, key: &str) -> Result<&str> {
        match self.values.get(key) {
            Some(Setting::Text(t)) => Ok(t),
            other => Err(undeclared(key, "text", other)),
        }
    }

    /// A text setting that must be one of `choices`; returns its place among them.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest choice.
    pub fn choice(&self, key: &str, choices: &[&str]) -> Result<usize> {
        let given = self.text(key)?;
        choices.iter().position(|choice| *choice == given).ok_or_else(|| {
            match Error::unknown(key.to_owned(), given, choices.iter().copied()) {
                // Beside the nearest, an error tells of no others.
                Error::Unknown { what, name, nearest: Some(nearest), known } => {
                    let what = format!("{what} ({})", choices.join(", ")).into();
                    Error::Unknown { what, name, nearest: Some(nearest), known }
                }
                error => error,
            }
        })
    }

    /// A list of finite numbers.
    ///
    /// # Errors
    /// [`Error::Config`] for one that is not finite, and when no such setting was declared.
    pub fn numbers(&self, key: &str) -> Result<&[f64]> {
        match self.values.get(key) {
            Some(Setting::Numbers(n)) => match n.iter().find(|number| !number.is_finite()) {
                Some(number) => Err(Error::config(key, format!("must be finite numbers, got {number}"))),
                None => Ok(n),
            },
            other => Err(undeclared(key, "a list of numbers", other)),
        }
    }
}

fn kind(setting: &Setting) -> &'static str {
    match setting {
        Setting::Bool(_) => "true or false",
        Setting::Integer(_) => "a whole number",
        Setting::Float(_) => "a number",
        Setting::Text(_) => "text",
        Setting::Numbers(_) => "a list of numbers",
    }
}

/// What was wanted in place of another type.
fn wanted(declared: &Setting, given: &Setting) -> String {
    match (declared, given) {
        (Setting::Integer(_), Setting::Float(number)) if number.abs() >= i64::MAX as f64 => {
            format!("a whole number of at most {}", i64::MAX)
        }
        _ => kind(declared).to_owned(),
    }
}

/// Why a number is refused; a bound that no number exceeds goes unsaid.
fn outside(low: f64, high: f64, got: f64) -> String {
    match (low > -f64::MAX, high < f64::MAX) {
        (true, false) => format!("must be at least {low}, got {got}"),
        (false, true) => format!("must be at most {high}, got {got}"),
        _ => format!("must lie in [{low}, {high}], got {got}"),
    }
}

fn undeclared(key: &str, wanted: &str, found: Option<&Setting>) -> Error {
    Error::config(
        key,
        match found {
            Some(other) => format!("is {}, but {wanted} was asked for", kind(other)),
            None => "is not a declared setting".to_owned(),
        },
    )
}
