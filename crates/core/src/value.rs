//! Elements of spaces: what environments show and what they are told.

use crate::{Error, Result};

/// An element of a [`Space`](crate::Space).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Real numbers, row-major in the shape of their space.
    Floats(Vec<f64>),
    /// Bytes, row-major in the shape of their space: images stay so until a network reads them.
    Bytes(Vec<u8>),
    /// One choice.
    Integer(i64),
    /// Several choices or bits.
    Integers(Vec<i64>),
    /// Named parts, in the order of their space.
    Dict(Vec<(String, Value)>),
    /// Parts by their places.
    Tuple(Vec<Value>),
}

/// What an environment shows.
pub type Observation = Value;
/// What an environment is told.
pub type Action = Value;

impl Value {
    /// The parts of a dictionary or tuple, in order; none for other values.
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Dict(parts) => parts.iter().map(|(_, part)| part).collect(),
            Self::Tuple(parts) => parts.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The part of a dictionary called `name`, which most often stands at place `at`; the part of a tuple at `at`.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] where there is none.
    pub fn part(&self, at: usize, name: &str) -> Result<&Self> {
        let found = match self {
            Self::Dict(parts) => {
                let expected = parts.get(at).filter(|(given, _)| given == name);
                expected.or_else(|| parts.iter().find(|(given, _)| given == name)).map(|(_, part)| part)
            }
            Self::Tuple(parts) => parts.get(at),
            _ => None,
        };
        found.ok_or_else(|| {
            let given = match self {
                Self::Dict(parts) => parts.iter().map(|(given, _)| given.as_str()).collect::<Vec<_>>().join(", "),
                Self::Tuple(parts) => format!("{} parts", parts.len()),
                other => other.to_string(),
            };
            Error::NotInSpace { what: "value".into(), reason: format!("expected a part '{name}', got {given}") }
        })
    }

    /// The numbers of a `Floats` value.
    pub fn floats(&self) -> Option<&[f64]> {
        match self {
            Self::Floats(numbers) => Some(numbers),
            _ => None,
        }
    }

    /// The choice of an `Integer` value.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(choice) => Some(*choice),
            _ => None,
        }
    }
}
