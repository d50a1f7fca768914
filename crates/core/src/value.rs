//! Elements of spaces: what environments show and what they are told.

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
}

/// What an environment shows.
pub type Observation = Value;
/// What an environment is told.
pub type Action = Value;

impl Value {
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
