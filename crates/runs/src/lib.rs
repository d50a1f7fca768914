//! The loop: experiment, run folder, resume, report and bundle.
//!
//! - [`Choices`] are what a user asks for (a TOML file and `key=value` overrides); [`Lists::resolve`] completes them to an
//!   [`Experiment`], which says everything that a run depends on.
//! - [`learn`] runs an experiment into a [`RunFolder`], from the start or from where an earlier process was cut;
//!   [`Summary`] and [`Diagnostics`] are the two files that people and reports read from it, and `metrics.jsonl` (a [`Row`]
//!   a line) is the truth that every curve is drawn from.
//! - [`Observer`]s follow a run by its [`Event`]s: the metrics file, TensorBoard events, the terminal view.
//! - [`branch`] begins a run with what another has learned, under other settings.
//! - [`load_bundle`] takes up what a run left for use; [`evaluate`], [`collect`] and [`plan`] use it, and [`estimate`] tells what it would earn.
//! - [`solve_problem`] solves what has a planner of its own; [`study`](fn@study) carries out an experiment about learning itself.
//! - [`List`] is the catalogue of environments, models, planners, problems and algorithms; [`Interface`] is what one environment gives and takes.

mod accounts;
mod branch;
mod bundle;
mod catalogue;
mod checkpoint;
mod choices;
mod collect;
mod counted;
mod design;
mod diagnose;
mod diagnostics;
mod estimate;
mod evaluate;
mod event;
mod experiment;
mod film_roll;
mod folder;
mod interface;
mod json_number;
mod learn;
mod lists;
mod lock;
mod machine;
mod metrics;
mod offline;
mod opening;
mod pages;
mod problem;
pub mod progress;
pub mod report;
mod settings_text;
mod state_file;
mod study;
mod summary;
pub mod tensorboard;
mod workshop;

pub use accounts::{Accounts, Budgets};
pub use branch::branch;
pub use bundle::{Card, Loaded, load_bundle};
pub use catalogue::{Item, List};
pub use choices::Choices;
pub use collect::{Collected, collect, plan};
pub use design::{DesignObserver, design_context, design_for_environment, design_for_episodes, design_from, explore};
pub use diagnostics::{CalibrationPoint, Channel, Diagnostics, KStepError, Rollout};
pub use estimate::{EstimateOptions, Estimated, LOG_PROBABILITY, estimate};
pub use evaluate::{AfterEpisode, EvaluatedEpisode, Evaluation, EvaluationOptions, Hand, More, evaluate, mean_and_std};
pub use event::{Event, Observer, Row, RowKind};
pub use experiment::{COUNT, EvaluationPlan, Experiment, Part, RewardPlan};
pub use film_roll::FilmRoll;
pub use folder::{RunFolder, write_whole};
pub use interface::{Interface, Range};
pub use learn::{CheckpointEvery, LearnOptions, Outcome, STEP_LIMIT, learn};
pub use lists::{Lists, Make};
pub use machine::know_the_machine;
pub use metrics::open_at;
pub use offline::{RECORDED, recorded_world, world};
pub use problem::{SolvedProblem, solve_problem};
pub use state_file::{digest, read_state, write_state};
pub use study::{Studied, assigned, setting_json, study};
pub use summary::{ModelErrors, Summary};
pub use workshop::{Workshop, elements, instances};
