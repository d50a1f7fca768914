//! The loop: experiment, run folder, resume, report and bundle.
//!
//! - [`Experiment`] says what to run; [`Choices`] are what a user asks for, a TOML file and `key=value` overrides.
//! - [`RunFolder`] is where a run leaves what it did; [`Summary`] and [`Diagnostics`] are the two files that people and
//!   reports read from it, and `metrics.jsonl` (a [`Row`] a line) is the truth that every curve is drawn from.
//! - [`Observer`]s follow a run by its [`Event`]s: the metrics file, TensorBoard events, the terminal view.

#![allow(dead_code)]

mod choices;
mod diagnostics;
mod event;
mod experiment;
mod folder;
pub mod progress;
pub mod report;
mod settings_text;
mod summary;
pub mod tensorboard;

pub use choices::Choices;
pub use diagnostics::{CalibrationPoint, Channel, Diagnostics, KStepError, Rollout};
pub use event::{Event, Observer, Row, RowKind};
pub use experiment::{EvaluationPlan, Experiment, Part, RewardPlan};
pub use folder::{RunFolder, write_whole};
pub use summary::{ModelErrors, Summary};
pub use worldwright_envs as envs;
