//! What a search found.

use worldwright_agents::{AgentContext, ModelBasedAgent, Overrides, Resolved};
use worldwright_core::{Dataset, LearnedModel, Result, Setting};

use crate::candidate::{ModelChoice, PlanChoice};
use crate::domain::Domain;
use crate::options::Row;

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
