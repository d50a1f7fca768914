//! The search that designs a model for a domain: which kind in which size, on which latent, planned in how far, and why.
//!
//! Candidates are pairs of a [`ModelChoice`] and a [`PlanChoice`]. They are tried in two stages, the cheap one first:
//!
//! 1. **Prediction.** Every model is fitted to most of the episodes and foretells the others ([`Prediction`]). The best is tried once
//!    more on a latent where numbers that turn are points on the circle. What errs by far more than the best is out.
//! 2. **Planning.** The other models, fitted to all of the data, play whole episodes with each way to plan; after each round
//!    the worse half leaves, until one leads clearly or the budget of steps is spent. Episodes are played where the caller can
//!    try plans ([`Trial`]), else in the simulator, else in models fitted to the held-out episodes. Those no candidate has
//!    seen then: no model judges its own plans.
//!
//! A committed [`record`] of what the nearest domains needed says what is fitted and tried first, and what was so far behind on
//! similar domains that it is left out. The choice is the candidate of the greatest mean return; it is fitted anew to everything,
//! what the trials saw included. Results depend on the seed alone, unless a time limit is set.
//!
//! A prediction's score alone would not do: what matters for a plan is the error where plans go, and how far they go
//! (Lambert, Amos, Yadan and Calandra, "Objective Mismatch in Model-based Reinforcement Learning", L4DC 2020).

mod candidate;
mod checks;
mod committee;
mod domain;
mod prediction;
mod reasons;
mod record;
mod search;
mod split;
mod trial;

use std::time::Duration;

use worldwright_core::{Dataset, Key, LearnedModel, Result, Setting};

pub use candidate::{ModelChoice, PlanChoice, models, plans};
pub use domain::Domain;
pub use prediction::Prediction;
pub use record::{Record, record, to_text};
pub use search::design;
pub use trial::{EnvironmentTrial, Played, Trial, random_transitions};

use worldwright_agents::{AgentContext, ModelBasedAgent, Overrides, Resolved, build_model, resolve};

/// Streams of the search's seed.
mod stream {
    pub(super) const SPLIT: u64 = 11;
    pub(super) const FITS: u64 = 12;
    pub(super) const EXAMINATION: u64 = 13;
    pub(super) const TRIALS: u64 = 14;
    pub(super) const JUDGES: u64 = 15;
    pub(super) const RANDOM: u64 = 17;
}

/// How a search goes.
#[derive(Debug, Clone, PartialEq)]
pub struct DesignOptions {
    /// The models to try; empty for those of [`models`].
    pub models: Vec<ModelChoice>,
    /// The ways to plan; empty for those of [`plans`].
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

/// A designed model.
pub struct Design {
    /// The model chosen.
    pub model: ModelChoice,
    /// The way to plan in it.
    pub plan: PlanChoice,
    /// Complete settings of the agent that uses both.
    pub resolved: Resolved,
    /// The model fitted to [`dataset`](Self::dataset).
    pub fitted: Box<dyn LearnedModel>,
    /// All transitions: those given, and those that the trials saw.
    pub dataset: Dataset,
    /// What the domain is like.
    pub domain: Domain,
    /// What the plans were judged by.
    pub judge: String,
    /// The candidates, the best first, the diverged last.
    pub rows: Vec<Row>,
    /// Why, in sentences for users.
    pub reasons: Vec<String>,
}

impl Design {
    /// The choice as `key=value` settings of a run, complete enough that no preset changes them.
    pub fn assignments(&self) -> Vec<String> {
        let section = |section: &'static str, name: &str, settings: &Overrides| {
            let named = format!("{section}={name}");
            let rest = settings.iter().map(move |(key, value)| match value {
                Setting::Text(text) => format!("{section}.{key}={text}"),
                value => format!("{section}.{key}={}", value.to_string().replace(' ', "")),
            });
            std::iter::once(named).chain(rest).collect::<Vec<_>>()
        };
        let mut all = section("model", &self.model.name, &self.model.settings);
        all.extend(section("planner", &self.plan.name, &self.plan.settings));
        all
    }

    /// The agent that plans in the fitted model, and can go on learning from the data and what follows them.
    ///
    /// # Errors
    /// What the planner says of the model; `context` must be the one that the search was given.
    pub fn into_agent(self, context: &AgentContext) -> Result<ModelBasedAgent> {
        let mut agent = ModelBasedAgent::around(self.fitted, true, &self.resolved, context)?;
        agent.fitted_to(self.dataset.len() as u64);
        Ok(agent)
    }
}

/// Complete settings of the algorithm that goes with a model.
fn resolved(model: &ModelChoice, plan: &PlanChoice, agent: &Overrides) -> Result<Resolved> {
    let algorithm = match model.name.as_str() {
        "known" => "mpc",
        "gp" => "gp-mpc",
        _ => "pets",
    };
    resolve(algorithm, "", &candidate::parts(model, plan, agent))
}

/// A candidate's model fitted to `dataset` as the search fits it before real trials, for those who measure what a search is worth.
///
/// # Errors
/// What the model says of its settings and of the data.
pub fn fit_as_tried(model: &ModelChoice, context: &AgentContext, dataset: &Dataset) -> Result<Box<dyn LearnedModel>> {
    fit(model, context, dataset, &Overrides::new(), search::fits(context)).map(|(model, _)| model)
}

/// A model that is not fitted.
fn build(model: &ModelChoice, context: &AgentContext, agent: &Overrides) -> Result<Box<dyn LearnedModel>> {
    // Any planner does: the model does not see it.
    let plan = PlanChoice::new("none", "random-shooting", 1, &[]);
    build_model(&resolved(model, &plan, agent)?, context)
}

/// A model fitted to data, and what it said of the fit.
fn fit(
    model: &ModelChoice,
    context: &AgentContext,
    dataset: &Dataset,
    agent: &Overrides,
    key: Key,
) -> Result<(Box<dyn LearnedModel>, String)> {
    let mut built = build(model, context, agent)?;
    let report = built.fit(dataset, &mut key.rng(), &context.interrupt)?;
    Ok((built, report.note))
}
