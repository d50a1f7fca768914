//! Settings that all native environments share.

use worldwright_core::{Parameter, Result, SettingDefault as D, Settings};

/// The setting for the time limit.
pub(crate) const fn episode_steps(default: i64) -> Parameter {
    Parameter {
        name: "episode_steps",
        default: D::Integer(default),
        summary: "steps after which an episode is cut; 0 for never",
    }
}

/// The time limit that the settings give.
pub(crate) fn steps(settings: &Settings) -> Result<Option<usize>> {
    let steps = settings.count("episode_steps", 0)?;
    Ok((steps > 0).then_some(steps))
}
