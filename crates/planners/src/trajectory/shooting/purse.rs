//! What a decision may still spend.

use worldwright_core::{Budget, Deadline, Imagination, PlanReport};

/// What a decision may still spend.
pub(crate) struct Purse {
    pub(crate) deadline: Deadline,
    /// Iterations from one start at most …
    pub(crate) limit: usize,
    /// … and from all of them.
    pub(crate) total: usize,
    steps: u64,
    pub(crate) members: u64,
    /// Whether the model knows its derivatives.
    pub(crate) derivatives: bool,
}

impl Purse {
    /// Opens a budget; `iterations` is how many a decision takes where no limit says otherwise.
    pub(crate) fn new(budget: &Budget, iterations: usize, world: &dyn Imagination) -> Self {
        let unlimited = budget.time.is_none() && budget.model_steps.is_none();
        Self {
            deadline: budget.deadline(),
            limit: budget.iterations.unwrap_or(if unlimited { iterations } else { usize::MAX }),
            total: budget.iterations.unwrap_or(usize::MAX),
            steps: budget.model_steps.unwrap_or(u64::MAX),
            members: world.spec().members as u64,
            derivatives: world.spec().capabilities.derivatives,
        }
    }

    /// Whether there is time, and `steps` more model steps.
    pub(crate) fn affords(&self, report: &PlanReport, steps: u64) -> bool {
        report.model_steps + steps <= self.steps && !self.deadline.passed()
    }
}
