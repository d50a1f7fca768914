//! What to run, completely: two equal experiments behave the same, and the canonical text of one is what a run folder keeps.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use worldwright_core::{Error, Parameter, Result, Setting, SettingDefault};

use crate::{Budgets, settings_text};

/// The setting for how many of an environment are acted in at once, which every environment has.
pub const COUNT: &str = "environment.count";
/// As the lists show it.
pub(crate) const COUNT_PARAMETER: Parameter = Parameter {
    name: "count",
    default: SettingDefault::Integer(1),
    summary: "how many of it are acted in at once, a step in each a round; Python's get a process each",
};
/// The most of them.
pub(crate) const MOST_AT_ONCE: u64 = 256;

/// An entry of a list with its complete settings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Part {
    /// The entry's name.
    pub name: String,
    /// Every setting of it.
    pub settings: BTreeMap<String, Setting>,
}

/// When and how often the agent is evaluated, without exploration, in an environment of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationPlan {
    /// Episodes of the final evaluation.
    pub episodes: usize,
    /// Training steps between evaluations on the way (at the next end of an episode); zero for none.
    pub interval: u64,
    /// Episodes of an evaluation on the way.
    pub interval_episodes: usize,
}

/// Where planning takes reward and termination from.
#[derive(Debug, Clone, PartialEq)]
pub struct RewardPlan {
    /// `known` (the environment's own function), `expression`, or `learned` from the environment's rewards.
    pub kind: String,
    /// The reward over named channels, for `expression`.
    pub expression: String,
    /// Where the task ends, over named channels, for `expression`; empty for nowhere.
    pub termination: String,
}

/// What to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// The environment.
    pub environment: Part,
    /// How many of it are acted in at once, at least 1.
    pub count: u64,
    /// The algorithm, with the settings of the agent around model and planner.
    pub agent: Part,
    /// Why this algorithm, where nobody named it, and why those that play its roles, a line each; else empty.
    pub because: String,
    /// Who plays the algorithm's roles, by section: a model, a planner, a policy.
    pub roles: BTreeMap<String, Part>,
    /// Reward and termination.
    pub reward: RewardPlan,
    /// How much it may ask for.
    pub budgets: Budgets,
    /// Evaluation.
    pub evaluation: EvaluationPlan,
    /// Recorded episodes that the agent begins with as if it had seen them: the folder of an episode store, or what else the workshop
    /// knows them by; empty for none.
    pub data: String,
    /// Updates on those episodes before the first step.
    pub updates: u64,
    /// Training steps in the environment; none where everything is learned from `data`.
    pub steps: u64,
    /// What all randomness comes from.
    pub seed: u64,
    /// How often an episode that the environment broke is tried again.
    pub retries: u64,
    /// Whether learning begins with finding how long each action is held, where neither the user nor a preset says it. What is found becomes
    /// `environment.action_repeat`; this itself is no setting.
    pub finds_action_repeat: bool,
}

impl Experiment {
    /// Every setting by its dotted key, in order.
    pub fn entries(&self) -> BTreeMap<String, Setting> {
        let text = |text: &str| Setting::Text(text.to_owned());
        let whole = |number: u64| Setting::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let mut entries = BTreeMap::from([
            ("steps".to_owned(), whole(self.steps)),
            ("seed".to_owned(), whole(self.seed)),
            ("retries".to_owned(), whole(self.retries)),
            ("reward.kind".to_owned(), text(&self.reward.kind)),
            ("reward.expression".to_owned(), text(&self.reward.expression)),
            ("reward.termination".to_owned(), text(&self.reward.termination)),
            ("evaluation.episodes".to_owned(), whole(self.evaluation.episodes as u64)),
            ("evaluation.interval".to_owned(), whole(self.evaluation.interval)),
            ("evaluation.interval_episodes".to_owned(), whole(self.evaluation.interval_episodes as u64)),
        ]);
        // Left out where there are none, so that the text of such a run is what it always was.
        if !self.data.is_empty() {
            entries.insert("data".to_owned(), text(&self.data));
        }
        if !self.because.is_empty() {
            entries.insert("because".to_owned(), text(&self.because));
        }
        if self.count > 1 {
            entries.insert(COUNT.to_owned(), whole(self.count));
        }
        entries.extend(self.budgets.entries().map(|(key, most)| (key, whole(most))));
        if self.updates > 0 {
            entries.insert("updates".to_owned(), whole(self.updates));
        }
        for (section, part) in self.parts() {
            entries.insert(format!("{section}.name"), text(&part.name));
            entries.extend(part.settings.iter().map(|(key, value)| (format!("{section}.{key}"), value.clone())));
        }
        entries
    }

    /// The parts with their section names.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &Part)> {
        let roles = self.roles.iter().map(|(section, part)| (section.as_str(), part));
        [("agent", &self.agent), ("environment", &self.environment)].into_iter().chain(roles)
    }

    /// Who plays the role of a section, where the algorithm has it.
    pub fn role(&self, section: &str) -> Option<&Part> {
        self.roles.get(section)
    }

    /// This experiment, if it acts in one environment at a time: all that `what` does.
    ///
    /// # Errors
    /// [`Error::Config`] for more.
    pub fn alone(self, what: &str) -> Result<Self> {
        if self.count > 1 {
            return Err(Error::config(COUNT, format!("{what} acts in one environment at a time: leave it out")));
        }
        Ok(self)
    }

    /// Whether nothing is learned but from recorded episodes.
    pub fn is_offline(&self) -> bool {
        self.steps == 0
    }

    /// The canonical text, as TOML: every setting, in a fixed order. It reads back as the same experiment.
    pub fn to_toml(&self) -> String {
        settings_text::to_toml(&self.entries())
    }

    /// SHA-256 of the canonical text, in hexadecimal.
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(self.to_toml().as_bytes()))
    }

    /// The folder name of a run of this experiment, unless one is given: `<environment>-<algorithm>-seed<seed>`.
    pub fn default_name(&self) -> String {
        let environment: String = self
            .environment
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' })
            .collect();
        format!("{environment}-{}-seed{}", self.agent.name, self.seed)
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_of_the_empty_text_is_the_published_digest() {
        assert_eq!(hex(&Sha256::digest(b"")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
