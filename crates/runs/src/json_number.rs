//! Numbers in JSON, those that are not finite included: as in the JSON form of protocol buffers they are the texts `"NaN"`, `"Infinity"`
//! and `"-Infinity"`, which Python's `float` and Rust's `parse` read too. All files of a run are written and read by this.
//!
//! The modules [`one`], [`list`], [`lists`] and [`option`] are for fields: `#[serde(with = "json_number::one")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// A number as it stands in JSON.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Number(f64);

/// The word for a number that is not finite.
fn word(number: f64) -> Option<&'static str> {
    match number {
        n if n.is_nan() => Some("NaN"),
        n if n == f64::INFINITY => Some("Infinity"),
        n if n == f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

fn of_word(word: &str) -> Option<f64> {
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter().find(|number| self::word(*number) == Some(word))
}

/// A number as a JSON value.
pub(crate) fn value(number: f64) -> Value {
    match word(number) {
        Some(word) => word.into(),
        None => number.into(),
    }
}

/// The number that a JSON value is, if it is one.
pub(crate) fn read(value: &Value) -> Option<f64> {
    match value {
        // Earlier versions wrote null for all that is not finite.
        Value::Null => Some(f64::NAN),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::String(text) => of_word(text),
        other => other.as_f64(),
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match word(self.0) {
            Some(word) => serializer.serialize_str(word),
            None => serializer.serialize_f64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let number = if value.is_boolean() { None } else { read(&value) };
        number.map(Self).ok_or_else(|| de::Error::custom(format!("{value} is no number")))
    }
}

/// For a field that is a number.
pub(crate) mod one {
    use super::{Deserialize, Deserializer, Number, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        Number(*number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Number::deserialize(deserializer).map(|number| number.0)
    }
}

/// For a field that may be a number; none is null.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Number, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        number.map(Number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Option::<Number>::deserialize(deserializer).map(|number| number.map(|number| number.0))
    }
}

/// For a field that is a list of numbers.
pub(crate) mod list {
    use super::{Deserialize, Deserializer, Number, Serializer};

    pub(crate) fn serialize<S: Serializer>(numbers: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(numbers.iter().map(|number| Number(*number)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        Vec::<Number>::deserialize(deserializer).map(|numbers| numbers.into_iter().map(|number| number.0).collect())
    }
}

/// For a field that is a list of lists of numbers.
pub(crate) mod lists {
    use super::{Deserialize, Deserializer, Number, Serializer};

    pub(crate) fn serialize<S: Serializer>(lists: &[Vec<f64>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(lists.iter().map(|list| list.iter().map(|n| Number(*n)).collect::<Vec<_>>()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<f64>>, D::Error> {
        let lists = Vec::<Vec<Number>>::deserialize(deserializer)?;
        Ok(lists.into_iter().map(|list| list.into_iter().map(|number| number.0).collect()).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_reads_back(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            let text = serde_json::to_string(&Number(number)).unwrap();
            let back: Number = serde_json::from_str(&text).unwrap();
            prop_assert!(back.0.to_bits() == bits || (back.0.is_nan() && number.is_nan()), "{} {}", text, number);
            prop_assert_eq!(value(number).to_string(), text);
        }
    }

    #[test]
    fn what_is_not_finite_has_words_and_nothing_else_passes() {
        for (number, text) in
            [(f64::NAN, "\"NaN\""), (f64::INFINITY, "\"Infinity\""), (f64::NEG_INFINITY, "\"-Infinity\"")]
        {
            assert_eq!(serde_json::to_string(&Number(number)).unwrap(), text);
        }
        assert!(serde_json::from_str::<Number>("null").unwrap().0.is_nan());
        for wrong in ["\"inf\"", "\"1\"", "true", "[]"] {
            assert!(serde_json::from_str::<Number>(wrong).is_err(), "{wrong}");
        }
    }
}
