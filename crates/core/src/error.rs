//! The one error type of the science rooms: variants carry facts, and each message says what to do where that is known.

use std::borrow::Cow;

/// What went wrong, with the facts needed to mend it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array, batch or vector has another shape than its user needs.
    #[error("{what}: expected shape {expected:?}, got {got:?}")]
    Shape {
        /// Which array.
        what: Cow<'static, str>,
        /// The shape that was needed.
        expected: Vec<usize>,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// A value is not an element of the space it should belong to.
    #[error("{what} is not in its space: {reason}")]
    NotInSpace {
        /// Which value.
        what: Cow<'static, str>,
        /// Why it does not belong.
        reason: String,
    },
    /// A model, planner or environment was asked for something that it cannot do.
    #[error("{who} does not support {what}")]
    Unsupported {
        /// Who was asked.
        who: Cow<'static, str>,
        /// What was asked, with what to use instead where there is something.
        what: Cow<'static, str>,
    },
    /// A model was used before it had learned.
    #[error("{who} has not been fitted: give it data with `fit` first")]
    NotFitted {
        /// Which model.
        who: Cow<'static, str>,
    },
    /// Numbers became infinite or undefined where no row could be marked instead.
    #[error("{who} diverged: {why}")]
    Diverged {
        /// Where.
        who: Cow<'static, str>,
        /// What was seen.
        why: String,
    },
    /// A configuration value is missing, of the wrong type or out of range.
    #[error("{key}: {why}")]
    Config {
        /// The dotted name of the setting.
        key: String,
        /// What is wrong and what is accepted.
        why: String,
    },
    /// A name that no list holds.
    #[error("unknown {what} '{name}'{}", instead(nearest.as_deref(), known))]
    Unknown {
        /// What kind of name: "environment", "planner", "setting of cem" ….
        what: Cow<'static, str>,
        /// The name as given.
        name: String,
        /// The closest known name, if one is close.
        nearest: Option<String>,
        /// All names, where they are few.
        known: Vec<String>,
    },
    /// Long work ended because somebody asked it to, see [`Interrupt`](crate::Interrupt).
    #[error("{who} was interrupted")]
    Interrupted {
        /// What was interrupted.
        who: Cow<'static, str>,
    },
    /// Something outside this process failed: an environment worker, a file, a device.
    #[error("{who}: {why}")]
    External {
        /// Who failed.
        who: Cow<'static, str>,
        /// What it said, and what to do.
        why: String,
    },
}

/// A result with the project's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An array of another shape than needed.
    pub fn shape(what: impl Into<Cow<'static, str>>, expected: &[usize], got: &[usize]) -> Self {
        Self::Shape { what: what.into(), expected: expected.to_vec(), got: got.to_vec() }
    }

    /// Something that `who` cannot do.
    pub fn unsupported(who: impl Into<Cow<'static, str>>, what: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported { who: who.into(), what: what.into() }
    }

    /// A setting that is missing, mistyped or out of range. A reason that repeats a very long value is cut.
    pub fn config(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Config { key: key.into(), why: cut(&why.into(), LONGEST_REASON) }
    }

    /// The error under the key that a user wrote, where it is one of a setting of a section (`planner.horizon`): those who read a setting know it by its
    /// bare name, and whoever asked them knows whose settings these are.
    pub fn in_section(self, section: &str, is_setting: impl Fn(&str) -> bool) -> Self {
        match self {
            Self::Config { key, why } if is_setting(&key) => Self::Config { key: format!("{section}.{key}"), why },
            other => other,
        }
    }

    /// A failure outside this process.
    pub fn external(who: impl Into<Cow<'static, str>>, why: impl Into<String>) -> Self {
        Self::External { who: who.into(), why: why.into() }
    }

    /// A name that is not among `known`, with the closest of them where one is close enough to be a slip.
    pub fn unknown<'a>(
        what: impl Into<Cow<'static, str>>,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let nearest = known
            .iter()
            .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
            .filter(|(similarity, _)| *similarity > 0.7)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, candidate)| (*candidate).to_owned());
        let known = if known.len() <= FEW { known.into_iter().map(str::to_owned).collect() } else { Vec::new() };
        Self::Unknown { what: what.into(), name: brief(name), nearest, known }
    }
}

/// Characters of a reason beyond which it is cut.
const LONGEST_REASON: usize = 1000;

/// A text in few words: what was given by mistake may be long.
pub(crate) fn brief(text: &str) -> String {
    cut(text, 80)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

/// Names that an error lists when none of them is near.
const FEW: usize = 12;

fn instead(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(name) => format!("; did you mean '{name}'?"),
        None if known.is_empty() => String::new(),
        None => format!("; there are {}", known.join(", ")),
    }
}
