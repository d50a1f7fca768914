//! `diagnostics.json`: how well the final model predicts, measured on evaluation episodes that it never saw.
//!
//! All predictions are open loop: from a real observation the episode's own actions are fed to the model for `k` steps. The
//! predictive distribution is taken over the lanes of the model and several sampled rows. A number that is not finite is written as the text
//! `"NaN"`, `"Infinity"` or `"-Infinity"`, and the last entry, `sha256`, is the SHA-256 of all that stands before it.

use serde::{Deserialize, Serialize};

use crate::json_number;

/// Error `k` steps ahead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KStepError {
    /// Steps ahead.
    pub k: usize,
    /// Root mean square of (predicted mean − real) over starts and dimensions, in units of the real data's standard deviation.
    #[serde(with = "json_number::one")]
    pub rmse: f64,
    /// Root mean square of the predicted standard deviation, in the same unit. A model that knows its errors has it close to
    /// `rmse`.
    #[serde(with = "json_number::one")]
    pub predicted_std: f64,
    /// Root mean square error of the reward of the `k`-th step, in the reward's unit.
    #[serde(with = "json_number::one")]
    pub reward_rmse: f64,
    /// Root mean square error of predicting no change, in the unit of `rmse`: what a model must beat.
    #[serde(with = "json_number::one")]
    pub persistence_rmse: f64,
    /// Starts that it was measured over.
    pub starts: usize,
}

/// A point of the calibration curve of one-step predictions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPoint {
    /// Probability of the central interval.
    #[serde(with = "json_number::one")]
    pub nominal: f64,
    /// Share of real values that fell into it.
    #[serde(with = "json_number::one")]
    pub observed: f64,
}

/// One channel of a rollout: real values and the prediction from the first of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Real values, `[horizon + 1]` (for the reward `[horizon]`).
    #[serde(with = "json_number::list")]
    pub real: Vec<f64>,
    /// Predicted mean, of the same length.
    #[serde(with = "json_number::list")]
    pub mean: Vec<f64>,
    /// Predicted standard deviation, of the same length.
    #[serde(with = "json_number::list")]
    pub std: Vec<f64>,
    /// Some single imagined trajectories, each of the same length.
    #[serde(with = "json_number::lists")]
    pub samples: Vec<Vec<f64>>,
}

/// An open-loop prediction beside what really happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// The evaluation episode it comes from.
    pub episode: usize,
    /// The step of that episode where it begins.
    pub start: usize,
    /// The observation's dimensions.
    pub observation: Vec<Channel>,
    /// The reward.
    pub reward: Channel,
}

/// How well the final model predicts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Diagnostics {
    /// Version of this file's layout.
    pub format: u32,
    /// The model's name; empty when the agent has none.
    pub model: String,
    /// Seconds of the world's time a step.
    #[serde(with = "json_number::one")]
    pub dt_secs: f64,
    /// Whether some of the observation's numbers are the zeros and ones of choices or bits.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub choices: bool,
    /// Error against steps ahead, by rising `k`.
    pub k_step: Vec<KStepError>,
    /// Coverage of central intervals, by rising probability; empty when the model predicts no spread.
    pub calibration: Vec<CalibrationPoint>,
    /// A few rollouts to look at.
    pub rollouts: Vec<Rollout>,
    /// Predicted trajectories that became infinite or undefined, of all that were imagined; they are in no number above.
    pub diverged: usize,
    /// Why there is nothing here, or not everything; empty where all was measured.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}
