//! How a search goes, and what is told of it on the way.

use std::time::Duration;

use crate::candidate::{ModelChoice, PlanChoice};
use crate::prediction::Prediction;
use crate::record::{Record, record};

/// How a search goes.
#[derive(Debug, Clone, PartialEq)]
pub struct DesignOptions {
    /// The models to try; empty for those of [`models`](crate::models).
    pub models: Vec<ModelChoice>,
    /// The ways to plan; empty for those of [`plans`](crate::plans).
    pub plans: Vec<PlanChoice>,
    /// Models fitted at the most, those first that similar domains needed; 0 for all.
    pub most_models: usize,
    /// Models whose plans are tried; 0 for all that prediction does not rule out.
    pub finalists: usize,
    /// Share of the episodes that candidates are examined on.
    pub held_out: f64,
    /// Steps of an episode at the most; 0 for the longest of the data.
    pub episode_steps: usize,
    /// Steps that all trials together may take; 0 for 64 times `episode_steps`.
    pub trial_steps: usize,
    /// Whether the chosen model also learns from what the trials saw.
    pub learn_from_trials: bool,
    /// What a reward one step later is worth.
    pub discount: f64,
    /// After which no further candidate is fitted or tried. With it, results depend on the machine's speed.
    pub time_limit: Option<Duration>,
    /// What similar domains needed; [`record`] unless told otherwise.
    pub record: Vec<Record>,
}

impl Default for DesignOptions {
    fn default() -> Self {
        Self {
            models: Vec::new(),
            plans: Vec::new(),
            most_models: 0,
            finalists: 0,
            held_out: 0.25,
            episode_steps: 0,
            trial_steps: 0,
            learn_from_trials: true,
            discount: 1.0,
            time_limit: None,
            record: record(),
        }
    }
}

/// A candidate, and what the search found out about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The model.
    pub model: ModelChoice,
    /// The way to plan; none where the model's plans were not tried.
    pub plan: Option<PlanChoice>,
    /// How well the model foretells held-out episodes; none where it could not be fitted.
    pub prediction: Option<Prediction>,
    /// Return of each trial, from the same starts for all candidates.
    pub returns: Vec<f64>,
    /// What went wrong with it; such candidates rank last.
    pub diverged: Option<String>,
    /// Seconds that fitting and examining the model took.
    pub fit_secs: f64,
    /// Seconds that its trials took.
    pub trial_secs: f64,
}

impl Row {
    /// Mean return over its trials; none without one.
    pub fn mean_return(&self) -> Option<f64> {
        (!self.returns.is_empty()).then(|| self.returns.iter().sum::<f64>() / self.returns.len() as f64)
    }
}

/// What just happened in a search.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A model is about to be fitted and examined, the `place`-th of `of`; it may take minutes.
    Examining {
        /// The model.
        model: &'a ModelChoice,
        /// Its place, counted from one.
        place: usize,
        /// Models that will be examined.
        of: usize,
    },
    /// A model was fitted and examined, the `done`-th of `of`.
    Examined {
        /// The model with its prediction.
        row: &'a Row,
        /// Models examined.
        done: usize,
        /// Models that will be.
        of: usize,
    },
    /// A candidate's plans are about to be tried in one more episode.
    Trying {
        /// The candidate with its returns so far.
        row: &'a Row,
        /// The round of trials, counted from one.
        round: u64,
    },
    /// A candidate's plans were tried in one more episode.
    Tried {
        /// The candidate with its returns.
        row: &'a Row,
        /// Steps that all trials took.
        steps: usize,
        /// Steps that they may take.
        of: usize,
    },
    /// The choice is made and fitted to everything.
    Chosen,
}
