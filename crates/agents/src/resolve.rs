//! From a user's choices to complete, checked settings: the algorithm's defaults, then the preset for the environment, then
//! what the user says, later ones winning.

use std::collections::BTreeMap;

use worldwright_core::{Entry, Error, Parameter, Result, Settings, find};

use crate::parts::{Choice, Overrides, Part, Parts, Resolved};
use crate::{ALL, Line, PRESETS, Recipe, SECTIONS, Section};

/// Lays `given` over the preset for `environment` and the defaults of `algorithm`.
///
/// A preset's settings of a model hold only while the model is the one that the preset names, and likewise for the other parts.
///
/// # Errors
/// Unknown names and settings with the nearest known ones; settings of a wrong type; parts that the algorithm does not have.
pub fn resolve(algorithm: &str, environment: &str, given: &Parts) -> Result<Resolved> {
    let entry = find(ALL, "algorithm", algorithm)?;
    let mut agent = Overrides::new();
    let mut roles: BTreeMap<&str, Choice> = (entry.build.roles.iter())
        .map(|role| (role.section, Choice { name: Some(role.default.to_owned()), ..Choice::default() }))
        .collect();
    for preset in PRESETS.iter().filter(|preset| preset.applies(algorithm, environment)) {
        extend(&mut agent, preset.agent);
        for (section, name, settings) in preset.parts {
            let Some(choice) = roles.get_mut(section) else { continue };
            // What holds for every algorithm is no reason for one of them to take another part than its own.
            if preset.algorithm != "*" || choice.name.as_deref() == Some(name) {
                lay(choice, name, settings);
            }
        }
    }
    agent.retain(|key, _| entry.parameters.iter().any(|parameter| parameter.name == key));
    agent.extend(given.agent.clone());
    let stray =
        given.roles.keys().find(|section| given.chosen(section).is_some() && !roles.contains_key(section.as_str()));
    if let Some(section) = stray {
        return Err(foreign(section, algorithm, &roles.into_keys().collect::<Vec<_>>()));
    }
    let nothing = Choice::default();
    let roles = (SECTIONS.iter())
        .filter_map(|section| Some((section, roles.remove(section.name)?)))
        .map(|(section, default)| {
            let given = given.roles.get(section.name).unwrap_or(&nothing);
            Ok((section.name.to_owned(), finish(section, default, given)?))
        })
        .collect::<Result<_>>()?;
    Ok(Resolved {
        algorithm: algorithm.to_owned(),
        agent: settings("agent", algorithm, entry.parameters, &agent)?,
        roles,
    })
}

/// What is said of a part that an algorithm does not have, with the algorithms that have it.
fn foreign(section: &str, algorithm: &str, own: &[&str]) -> Error {
    let has = |entry: &&Entry<Recipe>| entry.build.roles.iter().any(|role| role.section == section);
    let others: Vec<&str> = ALL.iter().filter(has).map(|entry| entry.name).collect();
    let why = format!(
        "{algorithm} has none, its parts are: {}; algorithms with a {section} are {}",
        own.join(", "),
        others.join(", ")
    );
    Error::config(section, why)
}

/// What the presets for `environment` say of the environment itself, for the user's choices to lie over.
pub fn environment_settings(algorithm: &str, environment: &str) -> Overrides {
    let mut settings = Overrides::new();
    for preset in PRESETS.iter().filter(|preset| preset.applies(algorithm, environment)) {
        extend(&mut settings, preset.setting);
    }
    settings
}

fn extend(overrides: &mut Overrides, settings: Line) {
    overrides.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), value.to_setting())));
}

fn lay(choice: &mut Choice, name: &str, settings: Line) {
    if !name.is_empty() && choice.name.as_deref() != Some(name) {
        *choice = Choice { name: Some(name.to_owned()), ..Choice::default() };
    }
    extend(&mut choice.settings, settings);
}

fn finish(section: &Section, default: Choice, given: &Choice) -> Result<Part> {
    let default_name = default.name.unwrap_or_default();
    let name = given.name.clone().unwrap_or_else(|| default_name.clone());
    let parameters = (section.parameters)(&name)?;
    let mut settings = if name == default_name { default.settings } else { shared(parameters, default.settings) };
    settings.extend(given.settings.clone());
    let settings = self::settings(section.name, &name, parameters, &settings)?;
    Ok(Part { section: section.name, settings, name })
}

/// The complete settings of a section.
fn settings(section: &str, owner: &str, parameters: &[Parameter], given: &Overrides) -> Result<Settings> {
    let declared = |key: &str| parameters.iter().any(|parameter| parameter.name == key);
    Settings::resolve(owner, parameters, given).map_err(|error| error.in_section(section, declared))
}

/// When the user takes another entry than the preset's, what the preset says of the task itself (a horizon, say) still
/// holds where the other entry knows the word.
fn shared(parameters: &[Parameter], settings: Overrides) -> Overrides {
    settings.into_iter().filter(|(key, _)| key == "horizon" && parameters.iter().any(|p| p.name == key)).collect()
}
