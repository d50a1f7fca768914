//! From a user's choices to complete, checked settings: the algorithm's defaults, then the preset for the environment, then
//! what the user says, later ones winning.

use std::collections::BTreeMap;

use worldwright_core::{Entry, Parameter, Result, Setting, Settings, find};

use crate::{ALL, Line, PRESETS, Preset};

/// Settings by name, as a user or a preset gives them.
pub type Overrides = BTreeMap<String, Setting>;

/// Which entry of a list, and what to change of its defaults.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice {
    /// The entry's name; none for the algorithm's own choice.
    pub name: Option<String>,
    /// Settings of that entry.
    pub settings: Overrides,
}

/// A user's choices.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parts {
    /// Settings of the agent itself.
    pub agent: Overrides,
    /// The model.
    pub model: Choice,
    /// The planner.
    pub planner: Choice,
}

/// Complete settings of an algorithm and its parts: two equal ones behave the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The algorithm's name.
    pub algorithm: String,
    /// Settings of the agent itself.
    pub agent: Settings,
    /// The model's name.
    pub model_name: String,
    /// Its settings.
    pub model: Settings,
    /// The planner's name.
    pub planner_name: String,
    /// Its settings.
    pub planner: Settings,
}

/// Lays `given` over the preset for `environment` and the defaults of `algorithm`.
///
/// A preset's model settings hold only while the model is the one the preset names, and likewise for planners.
///
/// # Errors
/// Unknown names and settings with the nearest known ones; settings of a wrong type.
pub fn resolve(algorithm: &str, environment: &str, given: &Parts) -> Result<Resolved> {
    let entry = find(ALL, "algorithm", algorithm)?;
    let mut agent = Overrides::new();
    let mut model = Choice { name: Some(entry.build.model.to_owned()), ..Choice::default() };
    let mut planner = Choice { name: Some(entry.build.planner.to_owned()), ..Choice::default() };
    for preset in PRESETS.iter().filter(|p| p.applies(algorithm, environment)) {
        extend(&mut agent, preset.agent);
        lay(&mut model, preset.model.0, preset.model.1);
        lay(&mut planner, preset.planner.0, preset.planner.1);
    }
    agent.extend(given.agent.clone());
    let (model_name, model) = finish(worldwright_models::ALL, "model", model, &given.model)?;
    let (planner_name, planner) = finish(worldwright_planners::ALL, "planner", planner, &given.planner)?;
    Ok(Resolved {
        algorithm: algorithm.to_owned(),
        agent: Settings::resolve(algorithm, entry.parameters, &agent)?,
        model_name,
        model,
        planner_name,
        planner,
    })
}

/// What the presets for `environment` say of the environment itself, for the user's choices to lie over.
pub fn environment_settings(algorithm: &str, environment: &str) -> Overrides {
    gathered(algorithm, environment, |preset| preset.setting)
}

/// What the presets for `environment` say to plan for; it holds for a user who says nothing of the reward.
pub fn reward_settings(algorithm: &str, environment: &str) -> Overrides {
    gathered(algorithm, environment, |preset| preset.reward)
}

fn gathered(algorithm: &str, environment: &str, line: fn(&Preset) -> Line) -> Overrides {
    let mut settings = Overrides::new();
    for preset in PRESETS.iter().filter(|p| p.applies(algorithm, environment)) {
        extend(&mut settings, line(preset));
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

fn finish<B>(all: &[Entry<B>], what: &'static str, default: Choice, given: &Choice) -> Result<(String, Settings)> {
    let default_name = default.name.unwrap_or_default();
    let name = given.name.clone().unwrap_or_else(|| default_name.clone());
    let entry = find(all, what, &name)?;
    let mut settings = if name == default_name { default.settings } else { shared(entry.parameters, default.settings) };
    settings.extend(given.settings.clone());
    Ok((name.clone(), Settings::resolve(&name, entry.parameters, &settings)?))
}

/// When the user takes another entry than the preset's, what the preset says of the task itself (a horizon, say) still
/// holds where the other entry knows the word.
fn shared(parameters: &[Parameter], settings: Overrides) -> Overrides {
    settings.into_iter().filter(|(key, _)| key == "horizon" && parameters.iter().any(|p| p.name == key)).collect()
}
