//! Settings as TOML text and back: dotted keys to `[section]` tables in a fixed order. Tables within a section are read as dotted names.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use toml::Value;
use worldwright_core::{Error, Result, Setting};

/// Canonical TOML: keys without a section first, then sections, everything in the order of names.
pub(crate) fn to_toml(entries: &BTreeMap<String, Setting>) -> String {
    let mut text = String::new();
    for (key, value) in entries.iter().filter(|(key, _)| !key.contains('.')) {
        _ = writeln!(text, "{key} = {}", value_text(value));
    }
    let mut section = "";
    for (key, value) in entries {
        let Some((table, name)) = key.split_once('.') else { continue };
        if table != section {
            _ = writeln!(text, "\n[{table}]");
            section = table;
        }
        _ = writeln!(text, "{} = {}", key_text(name), value_text(value));
    }
    text
}

/// A key within its section, in quotes where TOML needs them: `worker.step_secs` is one name, not a table `worker`, so that no name can
/// be in another's way.
fn key_text(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    // What quotes a text in JSON does so for keys in TOML, but for one character that TOML wants escaped.
    if bare { name.to_owned() } else { serde_json::Value::from(name).to_string().replace('\u{7f}', "\\u007f") }
}

/// Whether two settings are the same; a number that is not defined is the same as itself.
pub(crate) fn same(a: Option<&Setting>, b: Option<&Setting>) -> bool {
    a.map(value_text) == b.map(value_text)
}

/// A value as TOML writes it. Floats always carry a point or an exponent, so that they read back as floats.
pub(crate) fn value_text(value: &Setting) -> String {
    match value {
        Setting::Bool(b) => b.to_string(),
        Setting::Integer(i) => i.to_string(),
        Setting::Float(f) => float_text(*f),
        Setting::Text(text) => Value::String(text.clone()).to_string(),
        Setting::Numbers(numbers) => {
            format!("[{}]", numbers.iter().map(|f| float_text(*f)).collect::<Vec<_>>().join(", "))
        }
    }
}

fn float_text(f: f64) -> String {
    if f.is_nan() {
        "nan".to_owned()
    } else if f.is_infinite() {
        if f > 0.0 { "inf".to_owned() } else { "-inf".to_owned() }
    } else {
        format!("{f:?}")
    }
}

/// A TOML document as dotted keys.
///
/// # Errors
/// [`Error::Config`] with line and column for text that is not TOML, or for a value that no setting can be.
pub(crate) fn from_toml(text: &str, origin: &str) -> Result<BTreeMap<String, Setting>> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| Error::config(origin, error.to_string()))?;
    let mut entries = BTreeMap::new();
    flatten("", &table, origin, &mut entries)?;
    Ok(entries)
}

fn flatten(prefix: &str, table: &toml::Table, origin: &str, entries: &mut BTreeMap<String, Setting>) -> Result<()> {
    for (key, value) in table {
        let dotted = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) => flatten(&dotted, inner, origin, entries)?,
            _ => {
                let setting = to_setting(value).ok_or_else(|| {
                    Error::config(
                        dotted.clone(),
                        format!(
                            "in {origin}: expected true or false, a number, text or a list of numbers, got {value}"
                        ),
                    )
                })?;
                entries.insert(dotted, setting);
            }
        }
    }
    Ok(())
}

/// The value on the right of `key=value`: TOML where it is TOML, else the text itself.
pub(crate) fn parse_value(text: &str) -> Setting {
    format!("value = {text}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|table| if table.len() == 1 { table.get("value").and_then(to_setting) } else { None })
        .unwrap_or_else(|| whole_beyond(text).unwrap_or_else(|| Setting::Text(text.to_owned())))
}

/// A whole number with more digits than the format's own have, as a real one, where one is so large.
fn whole_beyond(text: &str) -> Option<Setting> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number: &f64| whole && number.is_finite()).map(Setting::Float)
}

fn to_setting(value: &Value) -> Option<Setting> {
    Some(match value {
        Value::Boolean(b) => Setting::Bool(*b),
        Value::Integer(i) => Setting::Integer(*i),
        Value::Float(f) => Setting::Float(*f),
        Value::String(text) => Setting::Text(text.clone()),
        Value::Array(items) => {
            let mut numbers = Vec::new();
            items.iter().try_for_each(|item| lay_down(item, &mut numbers))?;
            Setting::Numbers(numbers)
        }
        _ => return None,
    })
}

/// Lists of lists, such as the corners of boxes, are laid down one after another.
fn lay_down(item: &Value, numbers: &mut Vec<f64>) -> Option<()> {
    match item {
        Value::Array(items) => items.iter().try_for_each(|item| lay_down(item, numbers)),
        _ => number(item).map(|number| numbers.push(number)),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn setting() -> impl Strategy<Value = Setting> {
        prop_oneof![
            any::<bool>().prop_map(Setting::Bool),
            any::<i64>().prop_map(Setting::Integer),
            any::<u64>().prop_map(|bits| Setting::Float(f64::from_bits(bits))),
            any::<String>().prop_map(Setting::Text),
            proptest::collection::vec(any::<u64>().prop_map(f64::from_bits), 0..5).prop_map(Setting::Numbers),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(entries in proptest::collection::btree_map("[a-z]{1,5}(\\..{1,8})?", setting(), 0..12)) {
            // A key cannot be a value and a section at once.
            let sections: Vec<String> = entries.keys().filter_map(|k| k.split_once('.').map(|(s, _)| s.to_owned())).collect();
            let entries: BTreeMap<String, Setting> = entries.into_iter().filter(|(k, _)| !sections.contains(k)).collect();
            let back = from_toml(&to_toml(&entries), "text").unwrap();
            prop_assert_eq!(back.keys().collect::<Vec<_>>(), entries.keys().collect::<Vec<_>>());
            prop_assert!(entries.iter().all(|(key, value)| same(Some(value), back.get(key))), "{}", to_toml(&entries));
        }

        #[test]
        fn any_right_hand_side_is_a_value(text in ".*") {
            parse_value(&text);
        }
    }

    #[test]
    fn names_with_points_are_read_in_every_form() {
        let text = "[environment]\n\"worker.step_secs\" = 5.0\nworker.width = 3\n[environment.worker]\nheight = 4\n";
        assert!(from_toml(text, "text").is_err(), "TOML itself refuses a table twice");
        for text in [
            "[environment]\n\"worker.step_secs\" = 5.0\n",
            "[environment]\nworker.step_secs = 5.0\n",
            "[environment.worker]\nstep_secs = 5.0\n",
            "environment.worker.step_secs = 5.0\n",
            "environment = { worker = { step_secs = 5.0 } }\n",
        ] {
            let expected = BTreeMap::from([("environment.worker.step_secs".to_owned(), Setting::Float(5.0))]);
            assert_eq!(from_toml(text, "text").unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn words_need_no_quotes_and_numbers_stay_numbers() {
        assert_eq!(parse_value("gp"), Setting::Text("gp".into()));
        assert_eq!(parse_value("3"), Setting::Integer(3));
        assert_eq!(parse_value("1e-3"), Setting::Float(1e-3));
        assert_eq!(parse_value("100000000000000000000"), Setting::Float(1e20));
        assert!(matches!(parse_value(&"9".repeat(400)), Setting::Text(_)));
        assert_eq!(parse_value("[1, 2.5]"), Setting::Numbers(vec![1.0, 2.5]));
        assert_eq!(parse_value("[[1, 2], [3]]"), Setting::Numbers(vec![1.0, 2.0, 3.0]));
        assert_eq!(parse_value("1\nother = 2"), Setting::Text("1\nother = 2".into()));
    }
}
