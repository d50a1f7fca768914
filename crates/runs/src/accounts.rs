//! What a run asked of the world, of models and of gradients, and how much of each it may.
//!
//! Learners differ in what they ask for: one that computes its gradients in a model takes few real steps and many imagined ones. To compare them, every run
//! counts all of it, and a budget can be set on each; a run whose budget is spent ends as one does whose steps are taken.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use worldwright_core::{Calls, Error, Parameter, Result, SettingDefault};

use crate::choices::Choices;
use crate::json_number;

/// The section of an experiment that holds budgets.
const SECTION: &str = "budget";

/// What a training run asked for, evaluation left out.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Accounts {
    /// Resets of the environments.
    pub resets: u64,
    /// Rewards: of each real step, and of each transition that a reward known as a function was asked of.
    pub rewards: u64,
    /// Steps of rows of a model, learned or known.
    pub model_steps: u64,
    /// Gradients of a loss over a batch.
    pub gradients: u64,
    /// Bytes of what acts, as a bundle keeps it.
    pub policy_bytes: u64,
    /// What an optimal policy would have earned more in the episodes that came to their end; none where the optimum is not known.
    #[serde(default, with = "json_number::option")]
    pub regret: Option<f64>,
}

impl Accounts {
    /// What was asked for in `steps` real steps and `resets`, with these calls.
    pub(crate) fn of(steps: u64, resets: u64, calls: Calls) -> Self {
        let Calls { model_steps, gradients, rewards } = calls;
        Self { resets, rewards: rewards + steps, model_steps, gradients, ..Self::default() }
    }
}

/// What a budget is set on: its key within the section, what it says, and the account.
struct Line {
    key: &'static str,
    summary: &'static str,
    spent: fn(&Accounts) -> u64,
}

/// The key of the budget on what acts, which is not used up.
const POLICY_BYTES: &str = "policy_bytes";

const LINES: &[Line] = &[
    Line { key: "gradients", summary: "gradients of a loss over a batch", spent: |of| of.gradients },
    Line { key: "model_steps", summary: "steps of rows of a model, learned or known", spent: |of| of.model_steps },
    Line { key: POLICY_BYTES, summary: "bytes of what acts, as a bundle keeps it", spent: |of| of.policy_bytes },
    Line { key: "resets", summary: "resets of the environments", spent: |of| of.resets },
    Line {
        key: "rewards",
        summary: "rewards of real steps, and of transitions that a known reward is asked of",
        spent: |of| of.rewards,
    },
];

/// How much a run may ask for, by account; it may ask for any of what is not named. Steps have a setting of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budgets(BTreeMap<&'static str, u64>);

impl Budgets {
    /// The settings, for lists of them.
    pub fn parameters() -> Vec<Parameter> {
        let parameter =
            |line: &Line| Parameter { name: line.key, default: SettingDefault::Integer(0), summary: line.summary };
        LINES.iter().map(parameter).collect()
    }

    /// Whether a dotted key is a budget's.
    pub(crate) fn is_key(key: &str) -> bool {
        key.strip_prefix(SECTION)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|rest| LINES.iter().any(|line| line.key == rest))
    }

    /// Their dotted keys.
    pub(crate) fn keys() -> impl Iterator<Item = String> {
        LINES.iter().map(|line| format!("{SECTION}.{}", line.key))
    }

    /// What was chosen; 0 sets none.
    ///
    /// # Errors
    /// [`Error::Config`] for what is no whole number.
    pub(crate) fn chosen(choices: &Choices) -> Result<Self> {
        let mut budgets = BTreeMap::new();
        for line in LINES {
            match choices.whole(&format!("{SECTION}.{}", line.key), 0)? {
                None | Some(0) => {}
                Some(most) => _ = budgets.insert(line.key, most),
            }
        }
        Ok(Self(budgets))
    }

    /// By dotted key.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (String, u64)> {
        self.0.iter().map(|(key, most)| (format!("{SECTION}.{key}"), *most))
    }

    /// Whether what acts has a budget.
    pub(crate) fn weighs(&self) -> bool {
        self.0.contains_key(POLICY_BYTES)
    }

    /// The first one that is spent, in words.
    pub(crate) fn spent(&self, on: &Accounts) -> Option<String> {
        let each = LINES.iter().filter_map(|line| self.0.get(line.key).map(|most| (line, *most)));
        // What acts may be as large as that; of all else the last one is spent with it.
        let over = |line: &Line, most: u64| {
            let spent = (line.spent)(on);
            spent > most || spent == most && line.key != POLICY_BYTES
        };
        each.filter(|(line, most)| over(line, *most))
            .map(|(line, most)| format!("{SECTION}.{}={most} is spent ({})", line.key, (line.spent)(on)))
            .next()
    }

    /// Refuses what acts where it is beyond its budget before anything is learned.
    ///
    /// # Errors
    /// [`Error::Config`] then.
    pub(crate) fn admit(&self, bytes: u64) -> Result<()> {
        match self.0.get(POLICY_BYTES) {
            Some(most) if bytes > *most => Err(Error::config(
                format!("{SECTION}.{POLICY_BYTES}"),
                format!(
                    "what acts takes {bytes} bytes before it has learned anything, and may take {most}: make its networks smaller"
                ),
            )),
            _ => Ok(()),
        }
    }
}
