//! Spaces as text: the JSON that Minari writes for Gymnasium's spaces, which is also what our own headers hold.
//!
//! Infinite bounds stand as the bare words `Infinity` and `-Infinity`, as Python's `json` writes and reads them.

use serde_json::Value as Json;
use worldwright_core::{ElementType, Error, Result, Space};

/// The JSON of a space.
pub fn space_to_json(space: &Space) -> String {
    match space {
        Space::Box { shape, low, high, element } => format!(
            r#"{{"type": "Box", "dtype": "{}", "shape": {}, "low": {}, "high": {}}}"#,
            dtype(*element),
            list(shape.iter()),
            nested(shape, low, *element),
            nested(shape, high, *element)
        ),
        Space::Discrete { n, start } => {
            format!(r#"{{"type": "Discrete", "dtype": "int64", "start": {start}, "n": {n}}}"#)
        }
        Space::MultiDiscrete { nvec } => format!(
            r#"{{"type": "MultiDiscrete", "dtype": "int64", "nvec": {}, "start": {}}}"#,
            list(nvec.iter()),
            list(nvec.iter().map(|_| 0))
        ),
        Space::MultiBinary { n } => format!(r#"{{"type": "MultiBinary", "n": {n}}}"#),
        Space::Dict(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|(name, part)| format!("{}: {}", Json::String(name.clone()), space_to_json(part)))
                .collect();
            format!(r#"{{"type": "Dict", "subspaces": {{{}}}}}"#, parts.join(", "))
        }
    }
}

/// The space that a JSON text describes. A `Tuple` becomes a `Dict` with parts named `0`, `1`, …; whole-number boxes of any
/// width become 64-bit ones, half precision becomes single.
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
            let dtype = json.get("dtype").and_then(Json::as_str).unwrap_or("float32");
            let element = match dtype {
                "float32" | "float16" => ElementType::F32,
                "float64" => ElementType::F64,
                "uint8" | "bool" => ElementType::U8,
                "int64" | "int32" | "int16" | "int8" | "uint64" | "uint32" | "uint16" => ElementType::I64,
                other => return Err(Error::unsupported("a Box", format!("the number type '{other}'"))),
            };
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
        "Discrete" => Ok(Space::Discrete {
            n: json.get("n").and_then(Json::as_u64).ok_or_else(|| bad("a Discrete has no 'n'".into()))? as usize,
            start: json.get("start").and_then(Json::as_i64).unwrap_or(0),
        }),
        "MultiDiscrete" => {
            let mut start = Vec::new();
            if let Some(given) = json.get("start") {
                flatten(given, &mut start, 0)?;
            }
            if start.iter().any(|n| *n != 0.0) {
                return Err(Error::unsupported("a MultiDiscrete space", "choices that do not start at 0"));
            }
            let mut nvec = Vec::new();
            flatten(json.get("nvec").ok_or_else(|| bad("a MultiDiscrete has no 'nvec'".into()))?, &mut nvec, 0)?;
            Ok(Space::MultiDiscrete { nvec: nvec.into_iter().map(|n| n as usize).collect() })
        }
        "MultiBinary" => {
            let mut n = Vec::new();
            flatten(json.get("n").ok_or_else(|| bad("a MultiBinary has no 'n'".into()))?, &mut n, 0)?;
            let n = n.iter().try_fold(1_usize, |size, n| size.checked_mul(*n as usize));
            Ok(Space::MultiBinary { n: n.ok_or_else(|| bad("a MultiBinary is too large".into()))? })
        }
        "Dict" => {
            let parts = json.get("subspaces").and_then(Json::as_object).ok_or_else(|| bad("a Dict is empty".into()))?;
            let parts = parts.iter().map(|(name, part)| Ok((name.clone(), from_value(part, depth + 1)?)));
            Ok(Space::Dict(parts.collect::<Result<_>>()?))
        }
        "Tuple" => {
            let parts = json.get("subspaces").and_then(Json::as_array).ok_or_else(|| bad("a Tuple is empty".into()))?;
            let parts = parts.iter().enumerate().map(|(i, part)| Ok((i.to_string(), from_value(part, depth + 1)?)));
            Ok(Space::Dict(parts.collect::<Result<_>>()?))
        }
        other => Err(Error::unsupported("the episode store", format!("spaces of type '{other}'"))),
    }
}

/// NumPy's name of an element type.
pub(crate) fn dtype(element: ElementType) -> &'static str {
    match element {
        ElementType::F32 => "float32",
        ElementType::F64 => "float64",
        ElementType::U8 => "uint8",
        ElementType::I64 => "int64",
    }
}

fn list(items: impl Iterator<Item = impl std::fmt::Display>) -> String {
    format!("[{}]", items.map(|item| item.to_string()).collect::<Vec<_>>().join(", "))
}

fn nested(shape: &[usize], numbers: &[f64], element: ElementType) -> String {
    match shape {
        [] => number(numbers.first().copied().unwrap_or(0.0), element),
        [_] => list(numbers.iter().map(|n| number(*n, element))),
        [n, rest @ ..] => {
            let size = numbers.len() / (*n).max(1);
            list(numbers.chunks(size.max(1)).map(|part| nested(rest, part, element)))
        }
    }
}

fn number(n: f64, element: ElementType) -> String {
    match element {
        _ if n == f64::INFINITY => "Infinity".into(),
        _ if n == f64::NEG_INFINITY => "-Infinity".into(),
        _ if n.is_nan() => "NaN".into(),
        ElementType::U8 | ElementType::I64 => format!("{n:.0}"),
        ElementType::F32 | ElementType::F64 => format!("{n:?}"),
    }
}

fn counts(json: &Json, key: &str) -> Result<Vec<usize>> {
    let list = json.get(key).and_then(Json::as_array).ok_or_else(|| bad(format!("a space has no '{key}'")))?;
    list.iter()
        .map(|n| n.as_u64().map(|n| n as usize).ok_or_else(|| bad(format!("'{key}' is not a list of counts"))))
        .collect()
}

fn flatten(json: &Json, out: &mut Vec<f64>, depth: usize) -> Result<()> {
    match json {
        Json::Number(n) => out.push(n.as_f64().ok_or_else(|| bad(format!("{n} is not a number")))?),
        Json::Bool(b) => out.push(f64::from(u8::from(*b))),
        Json::String(s) => out.push(match s.as_str() {
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            "NaN" => f64::NAN,
            other => return Err(bad(format!("'{other}' is not a number"))),
        }),
        Json::Array(items) if depth <= DEEPEST => {
            for item in items {
                flatten(item, out, depth + 1)?;
            }
        }
        other => return Err(bad(format!("{other} is not a number or a list of them"))),
    }
    Ok(())
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
