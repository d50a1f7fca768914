//! Models as the search builds and fits them.

use worldwright_agents::{AgentContext, Overrides, Resolved, algorithm_of, build_model, resolve};
use worldwright_core::{Dataset, Key, LearnedModel, Result};

use crate::candidate::{self, ModelChoice, PlanChoice};

/// Complete settings of the algorithm that goes with a model.
pub(crate) fn resolved(model: &ModelChoice, plan: &PlanChoice, agent: &Overrides) -> Result<Resolved> {
    resolve(algorithm_of(&model.name), "", &candidate::parts(model, plan, agent))
}

/// A model that is not fitted.
pub(crate) fn build(model: &ModelChoice, context: &AgentContext, agent: &Overrides) -> Result<Box<dyn LearnedModel>> {
    // Any planner does: the model does not see it.
    let plan = PlanChoice::new("none", "random-shooting", 1, &[]);
    build_model(&resolved(model, &plan, agent)?, context)
}

/// A model fitted to data, and what it said of the fit.
pub(crate) fn fit(
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
