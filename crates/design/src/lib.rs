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
mod designed;
mod domain;
mod fitting;
mod options;
mod prediction;
mod reasons;
mod record;
mod search;
mod split;
mod stream;
mod trial;

use worldwright_agents::{AgentContext, Overrides};
use worldwright_core::{Dataset, LearnedModel, Result};

pub use candidate::{ModelChoice, PlanChoice, models, plans};
pub use designed::Design;
pub use domain::Domain;
pub use options::{DesignOptions, Progress, Row};
pub use prediction::Prediction;
pub use record::{Record, record, to_text};
pub use search::design;
pub use trial::{EnvironmentTrial, Played, Trial, random_transitions};

/// A candidate's model fitted to `dataset` as the search fits it before real trials, for those who measure what a search is worth.
///
/// # Errors
/// What the model says of its settings and of the data.
pub fn fit_as_tried(model: &ModelChoice, context: &AgentContext, dataset: &Dataset) -> Result<Box<dyn LearnedModel>> {
    fitting::fit(model, context, dataset, &Overrides::new(), search::fits(context)).map(|(model, _)| model)
}
