//! Spaces and their elements as a user of Gymnasium writes them: `Box(-1.0, 1.0, (3,), float32)`, `Discrete(4)`, `{'gear': 2}`.
//!
//! Long lists are cut: a picture's bounds or bytes say nothing in a message.

use std::fmt::{self, Display, Formatter};

use crate::{ElementType, Space, Value};

/// Numbers, parts or characters of which a list shows no more.
const MOST: usize = 8;

impl Display for Space {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Box { shape, low, high, element } => {
                let bound = |numbers: &[f64]| match numbers {
                    [first, rest @ ..] if rest.iter().all(|number| number == first) => number(*first, *element),
                    _ => list(numbers, |one| number(*one, *element)),
                };
                write!(f, "Box({}, {}, {}, {})", bound(low), bound(high), tuple(shape), element.name())
            }
            Self::Discrete { n, start: 0, .. } => write!(f, "Discrete({n})"),
            Self::Discrete { n, start, .. } => write!(f, "Discrete({n}, start={start})"),
            Self::MultiDiscrete { nvec, start, shape, .. } => {
                write!(f, "MultiDiscrete({}", list(nvec, usize::to_string))?;
                if shape.len() != 1 {
                    write!(f, " of shape {}", tuple(shape))?;
                }
                if start.iter().any(|start| *start != 0) {
                    write!(f, ", start={}", list(start, i64::to_string))?;
                }
                f.write_str(")")
            }
            Self::MultiBinary { shape } => match shape.as_slice() {
                [n] => write!(f, "MultiBinary({n})"),
                _ => write!(f, "MultiBinary({})", tuple(shape)),
            },
            Self::Dict(parts) => {
                write!(f, "Dict({})", some(parts, |(name, part)| format!("'{name}': {part}")))
            }
            Self::Tuple(parts) => write!(f, "Tuple({})", some(parts, Self::to_string)),
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Floats(numbers) => f.write_str(&list(numbers, |one| number(*one, ElementType::F64))),
            Self::Bytes(bytes) => f.write_str(&list(bytes, u8::to_string)),
            Self::Integer(choice) => write!(f, "{choice}"),
            Self::Integers(choices) => f.write_str(&list(choices, i64::to_string)),
            Self::Dict(parts) => {
                write!(f, "{{{}}}", some(parts, |(name, part)| format!("'{name}': {part}")))
            }
            Self::Tuple(parts) if parts.len() == 1 => write!(f, "({},)", parts[0]),
            Self::Tuple(parts) => write!(f, "({})", some(parts, Self::to_string)),
        }
    }
}

/// A number as Python shows one of its type.
fn number(number: f64, element: ElementType) -> String {
    if !element.is_float() {
        return number.to_string();
    }
    let text = match element {
        ElementType::F64 => format!("{number:?}"),
        // The shortest that names the same 32-bit number.
        _ => format!("{:?}", number as f32),
    };
    text.replace("NaN", "nan")
}

fn some<T>(items: &[T], shown: impl Fn(&T) -> String) -> String {
    let mut texts: Vec<String> = items.iter().take(MOST).map(shown).collect();
    if items.len() > MOST {
        texts.push(format!("… {} in all", items.len()));
    }
    texts.join(", ")
}

fn list<T>(items: &[T], shown: impl Fn(&T) -> String) -> String {
    format!("[{}]", some(items, shown))
}

/// A shape as a tuple of Python: `(3,)`.
fn tuple(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_read_as_gymnasium_writes_them() {
        let single = |shape: &[usize], low: &[f64], high: &[f64], element| Space::Box {
            shape: shape.to_vec(),
            low: low.to_vec(),
            high: high.to_vec(),
            element,
        };
        for (space, shown) in [
            (single(&[3], &[-1.0; 3], &[1.0; 3], ElementType::F32), "Box(-1.0, 1.0, (3,), float32)"),
            (
                single(&[2], &[f64::NEG_INFINITY, -f64::from(0.1_f32)], &[f64::INFINITY; 2], ElementType::F32),
                "Box([-inf, -0.1], inf, (2,), float32)",
            ),
            (single(&[4, 4, 3], &[0.0; 48], &[255.0; 48], ElementType::U8), "Box(0, 255, (4, 4, 3), uint8)"),
            (single(&[], &[0.5], &[2.0], ElementType::F64), "Box(0.5, 2.0, (), float64)"),
            (Space::discrete(4), "Discrete(4)"),
            (Space::choices(3, -1), "Discrete(3, start=-1)"),
            (Space::multi_discrete(&[2, 5]), "MultiDiscrete([2, 5])"),
            (Space::bits(4), "MultiBinary(4)"),
            (Space::MultiBinary { shape: vec![2, 2] }, "MultiBinary((2, 2))"),
            (
                Space::Dict(vec![
                    ("gear".into(), Space::discrete(2)),
                    ("pair".into(), Space::Tuple(vec![Space::bits(1)])),
                ]),
                "Dict('gear': Discrete(2), 'pair': Tuple(MultiBinary(1)))",
            ),
            (
                single(&[9], &[0.0; 9], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], ElementType::I64),
                "Box(0, [0, 1, 2, 3, 4, 5, 6, 7, … 9 in all], (9,), int64)",
            ),
        ] {
            assert_eq!(space.to_string(), shown);
        }
        let value = Value::Dict(vec![
            ("a".into(), Value::Floats(vec![1.0, f64::NAN, 0.25])),
            ("b".into(), Value::Tuple(vec![Value::Integer(3)])),
            ("c".into(), Value::Tuple(vec![Value::Integers(vec![0, 1]), Value::Bytes(vec![7])])),
        ]);
        assert_eq!(value.to_string(), "{'a': [1.0, nan, 0.25], 'b': (3,), 'c': ([0, 1], [7])}");
    }
}
