//! `summary.json`: what a finished run came to, in one small file. A number that is not finite is written as the text `"NaN"`,
//! `"Infinity"` or `"-Infinity"`, and the last entry, `sha256`, is the SHA-256 of all that stands before it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Accounts, json_number};

/// One-step and many-step errors of the final model on evaluation episodes, which it never saw. Each is a root mean square over
/// dimensions, in units of the standard deviation of those episodes' observations; `null` without a model.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelErrors {
    /// One step ahead.
    #[serde(with = "json_number::option")]
    pub one_step: Option<f64>,
    /// `horizon` steps ahead, open loop.
    #[serde(with = "json_number::option")]
    pub at_horizon: Option<f64>,
    /// How many steps that is.
    pub horizon: usize,
    /// Reward, one step ahead, in the reward's own unit.
    #[serde(with = "json_number::option")]
    pub reward: Option<f64>,
    /// Whether some of the observation's numbers are the zeros and ones of choices or bits.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub choices: bool,
}

impl ModelErrors {
    /// What the errors of observations are measured in, for people.
    pub fn unit(&self) -> &'static str {
        error_unit(self.choices)
    }
}

/// What errors of observations are measured in, for people. Zeros and ones of choices
/// have no scale that a standard deviation would be one of; the number is the same.
pub(crate) fn error_unit(choices: bool) -> &'static str {
    if choices { "relative to guessing the mean" } else { "std of the data" }
}

/// What a finished run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of this file's layout.
    pub format: u32,
    /// The environment's name.
    pub environment: String,
    /// The algorithm's name.
    pub algorithm: String,
    /// Who played the algorithm's roles: names by section.
    #[serde(default)]
    pub parts: BTreeMap<String, String>,
    /// The run's seed.
    pub seed: u64,
    /// SHA-256 of the resolved configuration.
    pub config_sha256: String,
    /// Mean return over the final evaluation episodes.
    #[serde(with = "json_number::one")]
    pub return_mean: f64,
    /// Standard deviation of it between episodes (divided by n − 1; 0 for a single episode).
    #[serde(with = "json_number::one")]
    pub return_std: f64,
    /// The final evaluation episodes' returns.
    #[serde(with = "json_number::list")]
    pub returns: Vec<f64>,
    /// Updates made on recorded episodes.
    #[serde(default)]
    pub updates: u64,
    /// Steps taken in the real (training) environment.
    pub real_steps: u64,
    /// Training episodes.
    pub episodes: u64,
    /// Seconds of work in all, pauses between processes left out.
    #[serde(with = "json_number::one")]
    pub wall_secs: f64,
    /// Seconds of training: acting, stepping the environment, learning and saving. Evaluation is left out.
    #[serde(with = "json_number::one")]
    pub train_secs: f64,
    /// Seconds of evaluation, on the way and at the end.
    #[serde(with = "json_number::one")]
    pub evaluation_secs: f64,
    /// Training decisions a second of acting, random actions left out; `null` where all were random.
    #[serde(with = "json_number::option")]
    pub decisions_per_sec: Option<f64>,
    /// Seconds of training that were spent learning.
    #[serde(with = "json_number::one")]
    pub learn_secs: f64,
    /// Errors of the final model.
    pub model_errors: ModelErrors,
    /// The bundle's folder, relative to the run folder.
    pub bundle: String,
    /// SHA-256 over names, types, shapes and bytes of the final weights.
    pub weights_digest: String,
    /// What was asked for while it learned.
    #[serde(default)]
    pub accounts: Accounts,
    /// What a person should know of it: what was left out of it and why, what diverged, which limit is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// SHA-256 of `metrics.jsonl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_sha256: Option<String>,
}

impl Summary {
    /// Whether the run ended before anything was learned: every action was random, and there is no model.
    pub fn is_untrained(&self) -> bool {
        self.updates == 0 && self.decisions_per_sec.is_none() && self.model_errors.one_step.is_none()
    }

    /// The layout that this version writes.
    pub const FORMAT: u32 = 1;
}
