//! What a world gives and takes: its channels with their bounds, its episodes, and whether planners know its reward.

use std::collections::BTreeMap;

use worldwright_core::{Result, Space};
use worldwright_envs as envs;

use crate::report::counted;

/// The face of an environment, native or in a Python worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// The observation's channels, as reward expressions name them.
    pub observation: Vec<Range>,
    /// The action's channels.
    pub action: Vec<Range>,
    /// Steps after which an episode is cut, where that is known.
    pub episode_steps: Option<usize>,
    /// Seconds of one step.
    pub step_secs: f64,
    /// Whether planners know its reward as a function; otherwise it is learned.
    pub reward_known: bool,
    /// The packages that it runs on, empty for native ones.
    pub versions: Vec<(String, String)>,
}

/// A channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// Its name.
    pub name: String,
    /// What it may be, such as `-2 to 2`, `any number` or `choice 1`.
    pub values: String,
}

impl Interface {
    /// Makes the environment that users call `id`, with its defaults, and looks at it.
    ///
    /// # Errors
    /// As for [`make`](worldwright_envs::make).
    pub fn of(id: &str) -> Result<Self> {
        let made = envs::make(id, &BTreeMap::new())?;
        let ranges = |names: &[String], space: &Space| {
            let values = values(space);
            let of = |i: usize| values.get(i).cloned().unwrap_or_default();
            names.iter().enumerate().map(|(i, name)| Range { name: name.clone(), values: of(i) }).collect()
        };
        Ok(Self {
            observation: ranges(&made.observation_channels, made.environment.observation_space()),
            action: ranges(&made.action_channels, made.environment.action_space()),
            episode_steps: made.episode_steps,
            step_secs: made.environment.dt_secs(),
            reward_known: made.reward.is_some(),
            versions: made.environment.versions(),
        })
    }

    /// For people.
    pub fn plain(&self) -> String {
        let names = self.observation.iter().chain(&self.action).map(|range| range.name.chars().count());
        let width = names.max().unwrap_or(0);
        let lines = |ranges: &[Range]| -> String {
            ranges.iter().map(|range| format!("  {:<width$}  {}\n", range.name, range.values)).collect()
        };
        let steps = self.episode_steps.map_or("as long as they last".to_owned(), |steps| counted(steps as u64, "step"));
        let reward = if self.reward_known {
            "known to planners"
        } else {
            "learned, unless reward.expression gives one over the channels above"
        };
        let versions: Vec<String> = self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let versions = if versions.is_empty() { String::new() } else { format!("versions: {}\n", versions.join(", ")) };
        format!(
            "observation:\n{}action:\n{}episodes: {steps}, {} s a step\nreward: {reward}\n{versions}",
            lines(&self.observation),
            lines(&self.action),
            number(self.step_secs),
        )
    }
}

/// What each number of a flat value may be.
fn values(space: &Space) -> Vec<String> {
    match space {
        Space::Box { low, high, .. } => low
            .iter()
            .zip(high)
            .map(|(low, high)| match (low.is_finite(), high.is_finite()) {
                (true, true) => format!("{} to {}", number(*low), number(*high)),
                (true, false) => format!("at least {}", number(*low)),
                (false, true) => format!("at most {}", number(*high)),
                (false, false) => "any number".to_owned(),
            })
            .collect(),
        Space::Discrete { n, start, .. } => {
            (*start..start + *n as i64).map(|choice| format!("choice {choice}")).collect()
        }
        Space::MultiDiscrete { nvec, start, .. } => {
            // A number for each choice, as the channels are.
            let choices = nvec.iter().zip(start).flat_map(|(n, start)| *start..start + *n as i64);
            choices.map(|choice| format!("choice {choice}")).collect()
        }
        Space::MultiBinary { .. } => vec!["0 or 1".to_owned(); space.numbers()],
        Space::Dict(_) | Space::Tuple(_) => space.parts().into_iter().flat_map(|(_, part)| values(part)).collect(),
    }
}

/// Six places at most: bounds that came through single precision shall not show it. What is too small for them has its own power of ten.
fn number(x: f64) -> String {
    if x.abs() >= 1e6 {
        return format!("{x:.3e}");
    }
    if x.abs() < 1e-4 {
        let text = format!("{x:.3e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        return if x == 0.0 { "0".to_owned() } else { format!("{digits}e{power}") };
    }
    let text = format!("{x:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short_and_never_a_negative_zero() {
        let shown = [(f64::from(0.02_f32), "0.02"), (1e-7, "1e-7"), (-1e-7, "-1e-7"), (f64::from(1e-5_f32), "1e-5")];
        for (x, text) in shown.into_iter().chain([(-0.0, "0"), (0.0, "0"), (1.0 / 3.0, "0.333333"), (-2.5, "-2.5")]) {
            assert_eq!(number(x), text);
        }
    }
}
