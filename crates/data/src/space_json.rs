//! Spaces as text: the JSON that Minari writes for Gymnasium's spaces, which is also what our own headers hold.
//!
//! Infinite bounds stand as the bare words `Infinity` and `-Infinity`, as Python's `json` writes and reads them.

use serde_json::Value as Json;
use worldwright_core::{ElementType, Error, Result, Space, check_choices};

/// The JSON of a space.
pub fn space_to_json(space: &Space) -> String {
    match space {
        Space::Box { shape, low, high, element } => format!(
            r#"{{"type": "Box", "dtype": "{}", "shape": {}, "low": {}, "high": {}}}"#,
            element.name(),
            list(shape.iter()),
            nested(shape, low, &|n| number(n, *element)),
            nested(shape, high, &|n| number(n, *element))
        ),
        Space::Discrete { n, start, element } => {
            format!(r#"{{"type": "Discrete", "dtype": "{}", "start": {start}, "n": {n}}}"#, element.name())
        }
        Space::MultiDiscrete { shape, nvec, start, element } => format!(
            r#"{{"type": "MultiDiscrete", "dtype": "{}", "nvec": {}, "start": {}}}"#,
            element.name(),
            nested(shape, nvec, &|n| n.to_string()),
            nested(shape, start, &|n| n.to_string())
        ),
        // As Gymnasium has it, a row's length stands alone.
        Space::MultiBinary { shape } => match shape.as_slice() {
            [n] => format!(r#"{{"type": "MultiBinary", "n": {n}}}"#),
            _ => format!(r#"{{"type": "MultiBinary", "n": {}}}"#, list(shape.iter())),
        },
        Space::Dict(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|(name, part)| format!("{}: {}", Json::String(name.clone()), space_to_json(part)))
                .collect();
            format!(r#"{{"type": "Dict", "subspaces": {{{}}}}}"#, parts.join(", "))
        }
        Space::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(space_to_json).collect();
            format!(r#"{{"type": "Tuple", "subspaces": [{}]}}"#, parts.join(", "))
        }
    }
}

/// The space that a JSON text describes.
///
/// # Errors
/// [`Error::External`] for text that is no space, [`Error::Unsupported`] for a kind of space that has no counterpart.
pub fn space_from_json(text: &str) -> Result<Space> {
    let json: Json = serde_json::from_str(&quote_infinities(text)).map_err(|e| bad(format!("is not JSON: {e}")))?;
    from_value(&json, 0)
}

/// How deep spaces may be nested: far beyond any use, and short of what would exhaust a stack.
const DEEPEST: usize = 32;

fn from_value(json: &Json, depth: usize) -> Result<Space> {
    if depth > DEEPEST {
        return Err(bad(format!("is nested more than {DEEPEST} deep")));
    }
    let kind = json.get("type").and_then(Json::as_str).ok_or_else(|| bad("has no 'type'".into()))?;
    match kind {
        "Box" => {
            let shape = counts(json, "shape")?;
            let element = element_of(json, "float32")?;
            let size = shape
                .iter()
                .try_fold(1_usize, |size, n| size.checked_mul(*n))
                .filter(|size| *size <= i32::MAX as usize)
                .ok_or_else(|| bad(format!("shape {shape:?} is too large")))?;
            let bounds = |key: &str| -> Result<Vec<f64>> {
                let mut numbers = Vec::new();
                flatten(json.get(key).ok_or_else(|| bad(format!("a Box has no '{key}'")))?, &mut numbers, 0)?;
                match numbers.len() {
                    1 if size <= 1 << 24 => Ok(vec![numbers[0]; size]),
                    n if n == size => Ok(numbers),
                    n => Err(bad(format!("'{key}' holds {n} numbers for shape {shape:?}"))),
                }
            };
            let (low, high) = (bounds("low")?, bounds("high")?);
            Ok(Space::Box { shape, low, high, element })
        }
        "Discrete" => {
            let n = json.get("n").and_then(Json::as_u64).ok_or_else(|| bad("a Discrete has no 'n'".into()))?;
            let start = json.get("start").and_then(Json::as_i64).unwrap_or(0);
            check_choices(n as usize, start)?;
            Ok(Space::Discrete { n: n as usize, start, element: element_of(json, "int64")? })
        }
        "MultiDiscrete" => {
            let given = json.get("nvec").ok_or_else(|| bad("a MultiDiscrete has no 'nvec'".into()))?;
            let (mut nvec, mut start) = (Vec::new(), Vec::new());
            let whole = |n: &Json| n.as_i64().or_else(|| n.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i64));
            leaves(given, &mut nvec, 0, &|n| whole(n).filter(|n| *n > 0).map(|n| n as usize))?;
            match json.get("start") {
                Some(given) => leaves(given, &mut start, 0, &whole)?,
                None => start.resize(nvec.len(), 0),
            }
            let shape = shape_of(given);
            if start.len() != nvec.len() || shape.iter().product::<usize>() != nvec.len() {
                return Err(bad("'nvec' and 'start' of a MultiDiscrete are no arrays of one shape".into()));
            }
            nvec.iter().zip(&start).try_for_each(|(n, start)| check_choices(*n, *start))?;
            Ok(Space::MultiDiscrete { shape, nvec, start, element: element_of(json, "int64")? })
        }
        "MultiBinary" => {
            let shape = match json.get("n") {
                Some(Json::Array(_)) => counts(json, "n")?,
                Some(n) => vec![n.as_u64().ok_or_else(|| bad(format!("'n' of a MultiBinary is {n}")))? as usize],
                None => return Err(bad("a MultiBinary has no 'n'".into())),
            };
            let size = shape.iter().try_fold(1_usize, |size, n| size.checked_mul(*n));
            size.filter(|size| *size <= i32::MAX as usize).ok_or_else(|| bad("a MultiBinary is too large".into()))?;
            Ok(Space::MultiBinary { shape })
        }
        "Dict" => {
            let parts = json.get("subspaces").and_then(Json::as_object).ok_or_else(|| bad("a Dict is empty".into()))?;
            let parts = parts.iter().map(|(name, part)| Ok((name.clone(), from_value(part, depth + 1)?)));
            Ok(Space::Dict(parts.collect::<Result<_>>()?))
        }
        "Tuple" => {
            let parts = json.get("subspaces").and_then(Json::as_array).ok_or_else(|| bad("a Tuple is empty".into()))?;
            Ok(Space::Tuple(parts.iter().map(|part| from_value(part, depth + 1)).collect::<Result<_>>()?))
        }
        other => Err(Error::unsupported("the episode store", format!("spaces of type '{other}'"))),
    }
}

fn element_of(json: &Json, default: &str) -> Result<ElementType> {
    let dtype = json.get("dtype").and_then(Json::as_str).unwrap_or(default);
    ElementType::from_name(dtype).ok_or_else(|| Error::unsupported("a space", format!("the number type '{dtype}'")))
}

/// The shape of an array as nested lists, by their first items.
fn shape_of(json: &Json) -> Vec<usize> {
    let mut shape = Vec::new();
    let mut at = json;
    while let (Json::Array(items), true) = (at, shape.len() < DEEPEST) {
        shape.push(items.len());
        match items.first() {
            Some(first) => at = first,
            None => break,
        }
    }
    shape
}

fn list(items: impl Iterator<Item = impl std::fmt::Display>) -> String {
    format!("[{}]", items.map(|item| item.to_string()).collect::<Vec<_>>().join(", "))
}

/// Numbers as nested lists of a shape.
fn nested<T: Copy>(shape: &[usize], numbers: &[T], write: &impl Fn(T) -> String) -> String {
    match shape {
        [] => numbers.first().map(|n| write(*n)).unwrap_or_default(),
        [_] => list(numbers.iter().map(|n| write(*n))),
        [n, rest @ ..] => {
            let size = numbers.len() / (*n).max(1);
            list(numbers.chunks(size.max(1)).map(|part| nested(rest, part, write)))
        }
    }
}

fn number(n: f64, element: ElementType) -> String {
    match element {
        _ if n == f64::INFINITY => "Infinity".into(),
        _ if n == f64::NEG_INFINITY => "-Infinity".into(),
        _ if n.is_nan() => "NaN".into(),
        _ if element.is_float() => format!("{n:?}"),
        _ => format!("{n:.0}"),
    }
}

fn counts(json: &Json, key: &str) -> Result<Vec<usize>> {
    let list = json.get(key).and_then(Json::as_array).ok_or_else(|| bad(format!("a space has no '{key}'")))?;
    list.iter()
        .map(|n| n.as_u64().map(|n| n as usize).ok_or_else(|| bad(format!("'{key}' is not a list of counts"))))
        .collect()
}

/// Numbers of nested lists, in order.
fn flatten(json: &Json, out: &mut Vec<f64>, depth: usize) -> Result<()> {
    leaves(json, out, depth, &|leaf| match leaf {
        Json::Number(n) => n.as_f64(),
        Json::Bool(b) => Some(f64::from(u8::from(*b))),
        Json::String(s) => match s.as_str() {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            "NaN" => Some(f64::NAN),
            _ => None,
        },
        _ => None,
    })
}

/// What stands in nested lists, each read by `read`.
fn leaves<T>(json: &Json, out: &mut Vec<T>, depth: usize, read: &impl Fn(&Json) -> Option<T>) -> Result<()> {
    match json {
        Json::Array(items) if depth <= DEEPEST => items.iter().try_for_each(|item| leaves(item, out, depth + 1, read)),
        leaf => {
            out.push(read(leaf).ok_or_else(|| bad(format!("{leaf} is not a number that can stand here")))?);
            Ok(())
        }
    }
}

/// Puts quotes about the bare words that JSON itself does not know.
pub(crate) fn quote_infinities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| rest.starts_with(word));
        if let (false, Some(word)) = (in_string, word) {
            out.extend(['"'].into_iter().chain(word.chars()).chain(['"']));
            rest = &rest[word.len()..];
            continue;
        }
        in_string ^= c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn bad(why: String) -> Error {
    Error::external("space description", why)
}
