//! Settings that environments share.

use worldwright_core::{Parameter, Result, SettingDefault as D, Settings};

/// The setting for the time limit.
pub(crate) const fn episode_steps(default: i64) -> Parameter {
    Parameter {
        name: "episode_steps",
        default: D::Integer(default),
        summary: "steps after which an episode is cut, before any action repeat; 0 for never",
    }
}

/// The time limit that the settings give.
pub(crate) fn steps(settings: &Settings) -> Result<Option<usize>> {
    let steps = settings.count("episode_steps", 0)?;
    Ok((steps > 0).then_some(steps))
}

/// The mean return of an optimal policy, which is known for the settings that an environment has where nothing is chosen.
pub(crate) fn optimum(settings: &Settings, parameters: &[Parameter], optimum: f64) -> Option<f64> {
    let default = Settings::resolve("", parameters, &std::collections::BTreeMap::new()).ok()?;
    settings.iter().eq(default.iter()).then_some(optimum)
}

/// The setting for how long an action is held, which every environment has.
pub const ACTION_REPEAT: Parameter = Parameter {
    name: "action_repeat",
    default: D::Integer(1),
    summary: "steps of the original that each action is held for; their rewards add up",
};

/// The action repeat that the settings give.
pub(crate) fn action_repeat(settings: &Settings) -> Result<usize> {
    settings.count_in(ACTION_REPEAT.name, 1, 10_000)
}

/// The setting for what a world of numbers does not show.
pub(crate) const HIDDEN: Parameter = Parameter {
    name: "hidden",
    default: D::Text(""),
    summary: "numbers of the observation that are not shown, by name and apart by commas: what to do then depends on what was seen before",
};
