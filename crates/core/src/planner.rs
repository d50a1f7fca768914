//! Planners: given a world model and where we are, find what to do. Anytime, within a budget.

use std::time::{Duration, Instant};

use crate::{Action, Imagination, Interrupt, ModelSpec, Persist, Result};

/// What a planner may spend; the first limit reached ends it. With no limit set it runs its configured iterations.
///
/// Results repeat exactly for limits in iterations or model steps; a limit in time cannot promise that.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Budget {
    /// Improvements of the plan.
    pub iterations: Option<usize>,
    /// Model steps: rows × members advanced by one.
    pub model_steps: Option<u64>,
    /// Wall-clock time.
    pub time: Option<Duration>,
    /// A request to stop ends planning as if the time had run out; whoever made it does not use the plan.
    pub interrupt: Interrupt,
}

impl Budget {
    /// When planning that begins now must end.
    pub fn deadline(&self) -> Deadline {
        Deadline { at: self.time.and_then(|time| Instant::now().checked_add(time)), interrupt: self.interrupt.clone() }
    }
}

/// When planning must end: at a point in time, or when somebody asks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Deadline {
    at: Option<Instant>,
    interrupt: Interrupt,
}

impl Deadline {
    /// Never.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether it has come.
    pub fn passed(&self) -> bool {
        self.interrupt.requested() || self.at.is_some_and(|at| Instant::now() >= at)
    }
}

/// Why planning ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PlanStatus {
    /// All configured iterations ran.
    #[default]
    Completed,
    /// The plan stopped changing.
    Converged,
    /// The budget ended it; the plan is the best so far.
    BudgetSpent,
    /// No candidate had a finite return; the plan is the one from before.
    AllDiverged,
}

/// What a call of [`Planner::improve`] did.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PlanReport {
    /// Why it ended.
    pub status: PlanStatus,
    /// Improvements made.
    pub iterations: usize,
    /// Model steps taken: rows × members advanced by one.
    pub model_steps: u64,
    /// Predicted return of the plan under the planner's risk measure.
    pub value: f64,
    /// Candidate trajectories that became infinite or undefined; they ranked last.
    pub diverged: u64,
}

/// A first action that a search weighed, and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// The action.
    pub action: Action,
    /// Simulations that began with it.
    pub visits: u64,
    /// Their mean return under the planner's risk measure; not a number where none came back.
    pub value: f64,
    /// Its probability in the policy that the search makes of all of this: what a prior can learn from.
    pub share: f64,
}

/// A decision-time planner.
pub trait Planner: Send + Persist {
    /// Rows that it needs in the arena, its root (row 0) among them.
    fn rows(&self) -> usize;

    /// Whether it can plan with a model of this spec.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) that names what is missing.
    fn check(&self, spec: &ModelSpec) -> Result<()>;

    /// Improves the plan from row `root`.
    ///
    /// # Errors
    /// What the model's own step gives; a diverging model is no error, its rows are counted in the report.
    fn improve(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport>;

    /// The planned action `t` steps from now, written over `out` (whose allocation is reused).
    fn act(&self, t: usize, out: &mut Action);

    /// Steps that the plan reaches.
    fn horizon(&self) -> usize;

    /// Moves on by `steps`: the plan's tail becomes the warm start.
    fn shift(&mut self, steps: usize);

    /// Tells how far actions in the data spread, one standard deviation a dimension of the flat action. It is how far a plan first
    /// looks along dimensions that no bounds limit; planners without such a spread have no use for it.
    fn widen(&mut self, _std: &[f64]) {}

    /// From now on it does what it holds to be best: its settings by which an action is drawn so that others are tried too (noise at a root, a
    /// temperature of visits) are as if they were zero. What is drawn to look around within a search stays, so that planners without such settings
    /// have nothing to do.
    fn stop_exploring(&mut self) {}

    /// Forgets the plan and takes a new seed.
    fn reset(&mut self, seed: u64);

    /// The first actions that the last decision weighed one by one, as a tree search does; none for planners of whole sequences.
    /// For people who look into a search: it allocates.
    fn weighed(&self) -> Vec<Weighed> {
        Vec::new()
    }
}
