//! Problems with planners of their own, from what a user writes: a TOML file with `key=value` laid over it.

use std::collections::BTreeMap;

use worldwright_core::{Error, Parameter, Result, Setting, SettingDefault, Settings, find};
use worldwright_problems::{ALL, Solution};

use crate::settings_text;

/// A solution with the settings that it was found by.
#[derive(Debug, Clone, PartialEq)]
pub struct SolvedProblem {
    /// All settings, the defaults among them.
    pub settings: Settings,
    /// What came of it.
    pub solution: Solution,
}

/// Solves the problem called `name`. `toml` is the text of a file and its origin, which stands in errors; `assignments`
/// are `key=value` and win over it; `seed` is the seed where neither names one.
///
/// # Errors
/// [`Error::Unknown`] for a name or setting that does not exist, [`Error::Config`] for text that is no setting or out of range, and what the
/// problem's planner gives.
pub fn solve_problem(
    name: &str,
    toml: Option<(&str, &str)>,
    assignments: &[String],
    seed: u64,
) -> Result<SolvedProblem> {
    let entry = find(ALL, "problem", name)?;
    let mut given = BTreeMap::new();
    if entry.parameters.iter().any(|parameter| parameter.name == "seed") {
        given.insert("seed".to_owned(), Setting::Integer(i64::try_from(seed).unwrap_or(i64::MAX)));
    }
    if let Some((text, origin)) = toml {
        given.extend(settings_text::from_toml(text, origin)?);
    }
    for assignment in assignments {
        let (key, value) = assignment.split_once('=').ok_or_else(|| {
            let example = entry.parameters.first().map_or("seed", |parameter| parameter.name);
            Error::config(assignment.as_str(), format!("expected key=value, for example {example}=…"))
        })?;
        let (key, value) = (key.trim(), value.trim());
        given.insert(key.to_owned(), value_of(entry.parameters, key, value));
    }
    let settings = Settings::resolve(entry.name, entry.parameters, &given)?;
    let solution = (entry.build)(&settings)?;
    Ok(SolvedProblem { settings, solution })
}

/// What is declared as text is taken as it stands, unless it is quoted: moves of a game may look like a number.
fn value_of(parameters: &[Parameter], key: &str, value: &str) -> Setting {
    let parameter = parameters.iter().find(|parameter| parameter.name == key);
    match (parameter.map(|parameter| parameter.default), settings_text::parse_value(value)) {
        (Some(SettingDefault::Text(_)), Setting::Text(text)) => Setting::Text(text),
        (Some(SettingDefault::Text(_)), _) => Setting::Text(value.to_owned()),
        (_, parsed) => parsed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_last_counts_and_text_stays_text() {
        let solved = solve_problem(
            "tic-tac-toe",
            Some(("moves = \"1\"\nsimulations = 50", "file")),
            &["moves=159".to_owned()],
            3,
        );
        let settings = solved.unwrap().settings;
        assert_eq!((settings.text("moves"), settings.count("simulations", 1)), (Ok("159"), Ok(50)));
        assert_eq!(settings.count("seed", 0), Ok(3));
    }

    #[test]
    fn slips_are_named() {
        let failed =
            |assignment: &str| solve_problem("hanoi", None, &[assignment.to_owned()], 0).unwrap_err().to_string();
        assert!(failed("disks=3").contains("did you mean 'discs'?"));
        assert!(failed("discs").contains("key=value"));
        assert!(failed("discs=many").contains("a whole number"));
    }
}
