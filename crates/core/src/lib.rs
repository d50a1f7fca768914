//! The shared words of Worldwright: spaces, columns of numbers, transitions, errors, randomness and the traits.
//!
//! Every other room speaks in these. This one does no input or output and knows no tensor library, so that a model,
//! a planner and an environment can meet without knowing each other.
//!
//! Start with [`WorldModel`] and [`Imagination`]: the one meeting place of every model and every planner.

mod action_head;
mod agent;
mod arena_wrapper;
mod bounded;
mod channels;
mod choices;
mod columns;
pub mod cost;
mod dataset;
mod element;
mod entry;
mod environment;
mod error;
mod experience;
mod imagination;
mod interrupt;
mod learner;
mod linearization;
mod meter;
mod model;
mod normals;
mod persist;
mod philox;
mod planner;
mod policy;
pub mod pomdp;
mod priorities;
mod random;
mod refusal;
mod reward;
mod settings;
mod shown;
mod simulator;
mod space;
mod spec;
mod text;
mod uninterrupted;
mod value;

pub use action_head::ActionHead;
pub use agent::{Agent, Metrics, Plan};
pub use arena_wrapper::ArenaWrapper;
pub use bounded::is_bounded;
pub use channels::distinct_channels;
pub use choices::check_choices;
pub use columns::{Batch, Columns, ColumnsMut, RowIter, Rows};
pub use dataset::{Dataset, Transition};
pub use element::{ElementType, LARGEST_WHOLE};
pub use entry::{Entry, find};
pub use environment::{Environment, Frame, Step};
pub use error::{Error, Result};
pub use experience::{Experience, Numbers, Sample, StepColumn, Want};
pub use imagination::{Actions, Applicable, Imagination, Imagined, Priors, Values};
pub use interrupt::Interrupt;
pub use learner::Learner;
pub use linearization::{Differences, Linearizations, Pulled, by_differences, pull, pull_by_linearizing};
pub use meter::{Call, Calls};
pub use model::{FitReport, KnownModel, Learn, LearnedModel, WorldModel};
pub use persist::{Array, Persist, State};
pub use planner::{Budget, Deadline, PlanReport, PlanStatus, Planner, Weighed};
pub use policy::{Mode, Policy, Rollout};
pub use priorities::{Priorities, SumTree};
pub use random::{Key, Rng};
pub use reward::{Bell, RewardFunction, Transitions};
pub use settings::{Default as SettingDefault, Parameter, Setting, Settings};
pub use simulator::{Filter, Simulator};
pub use space::Space;
pub use spec::{Capabilities, ModelSpec};
pub use text::{compressed, utf8};
pub use uninterrupted::uninterrupted;
pub use value::{Action, Observation, Value};
