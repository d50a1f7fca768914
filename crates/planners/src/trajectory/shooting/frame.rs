//! What all planners that follow derivatives are as planners: a plan of bounded actions, kept, moved on, saved and restored, and what
//! they refuse.

use worldwright_core::{
    Action, Array, Budget, Capabilities, Error, Imagination, Key, ModelSpec, Persist, PlanReport, Planner, Result,
    Settings, Space, State, cost,
};

use crate::PlannerContext;
use crate::actions::{ActionKind, Sequence};

/// A plan and what it was made for.
pub(crate) struct Frame {
    name: &'static str,
    kind: ActionKind,
    spec: ModelSpec,
    pub(crate) low: Vec<f64>,
    pub(crate) high: Vec<f64>,
    pub(crate) horizon: usize,
    seed: u64,
    decision: u64,
    pub(crate) plan: Sequence,
    before: Sequence,
}

impl Frame {
    /// Allocates the plan. `settings` must declare `horizon`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for discrete actions, random models and latents that cannot be read.
    pub(crate) fn new(name: &'static str, context: &PlannerContext, settings: &Settings) -> Result<Self> {
        let kind = ActionKind::real(name, &context.action_space, "it follows derivatives by the action")?;
        let ActionKind::Continuous { low, high, .. } = &kind else {
            return Err(Error::unsupported(name, "actions that are not real numbers"));
        };
        if context.latent_dim == 0 || !context.deterministic {
            return Err(Error::unsupported(
                name,
                "a model that is random or whose latents cannot be read: it needs derivatives of the model's steps; use a \
                 deterministic model, an ensemble with propagation = \"expectation\", or cem, icem or mppi",
            ));
        }
        let (low, high) = (low.clone(), high.clone());
        let horizon = settings.count("horizon", 1)?;
        let count = |key: &str, least: usize| match settings.iter().any(|(name, _)| name == key) {
            true => settings.count(key, least),
            false => Ok(1),
        };
        let (starts, scratch, iterations) = (count("starts", 2)?, count("scratch", 2)?, count("iterations", 1)?);
        let d = (context.latent_dim + low.len()) as f64;
        let (h, candidates) = (horizon as f64, starts.max(10) as f64);
        let numbers = h * (8.0 * d * d + 32.0 * d) + candidates * h * 4.0 * d + 16.0 * d * scratch as f64;
        let room = [("horizon", horizon), ("starts", starts), ("scratch", scratch), ("iterations", iterations)];
        cost::memory(&room, 8.0 * numbers)?;
        let steps = (iterations as f64 * (10.0 + d * d) + 1.0) * candidates * h * context.members.max(1) as f64;
        cost::work(&room, "steps of the model a decision", steps, cost::MOST_MODEL_STEPS)?;
        let mut plan = Sequence::new(&kind, horizon);
        rest(&low, &high, &mut plan.values);
        let spec = ModelSpec {
            name: name.to_owned(),
            observation_space: Space::unbounded(context.latent_dim),
            action_space: context.action_space.clone(),
            members: context.members,
            constraints: 0,
            latent_dim: context.latent_dim,
            deterministic: true,
            capabilities: Capabilities { value: context.has_value, prior: false, ..Capabilities::default() },
        };
        Ok(Self { name, kind, spec, low, high, horizon, seed: context.seed, decision: 0, before: plan.clone(), plan })
    }

    /// Z and A.
    pub(crate) fn dims(&self) -> (usize, usize) {
        (self.spec.latent_dim, self.low.len())
    }

    /// The shape of the models that it plans in.
    pub(crate) fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// The key of this decision's random numbers.
    pub(crate) fn key(&self) -> Key {
        Key::new(self.seed).fold(self.decision)
    }

    /// Whether nothing was decided yet since the start or a reset.
    pub(crate) fn is_first(&self) -> bool {
        self.decision == 0
    }

    fn check(&self, spec: &ModelSpec) -> Result<()> {
        if spec.action_space != self.spec.action_space {
            return Err(Error::unsupported(
                self.name,
                format!(
                    "the action space of model '{}': it was built for {}, the model has {}",
                    spec.name, self.spec.action_space, spec.action_space
                ),
            ));
        }
        if spec.constraints > 0 {
            return Err(Error::unsupported(self.name, "constraints of a model: use cem, icem or mppi"));
        }
        if !spec.deterministic || spec.latent_dim != self.spec.latent_dim {
            return Err(Error::unsupported(
                self.name,
                format!(
                    "model '{}' with {} numbers a latent: it was built for a deterministic one with {}",
                    spec.name, spec.latent_dim, self.spec.latent_dim
                ),
            ));
        }
        Ok(())
    }
}

/// Writes the action nearest to zero within the bounds, step after step.
pub(crate) fn rest(low: &[f64], high: &[f64], actions: &mut [f64]) {
    for row in actions.chunks_exact_mut(low.len()) {
        for (j, slot) in row.iter_mut().enumerate() {
            *slot = 0.0_f64.max(low[j]).min(high[j]);
        }
    }
}

/// How a plan is found.
pub(crate) trait Search: Send {
    /// Rows of the arena, row 0 among them.
    fn rows(&self, frame: &Frame) -> usize;

    /// Improves the plan from row 0.
    fn search(&mut self, frame: &mut Frame, world: &mut dyn Imagination, budget: &Budget) -> Result<PlanReport>;
}

/// A search as a planner.
pub(crate) struct Framed<S> {
    pub(crate) frame: Frame,
    pub(crate) search: S,
}

impl<S: Search> Planner for Framed<S> {
    fn rows(&self) -> usize {
        self.search.rows(&self.frame)
    }

    fn check(&self, spec: &ModelSpec) -> Result<()> {
        self.frame.check(spec)
    }

    fn improve(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        self.check(world.spec())?;
        if world.rows() < self.rows() || root >= world.rows() {
            return Err(Error::shape("rows of the model's arena", &[self.rows().max(root + 1)], &[world.rows()]));
        }
        if root != 0 {
            world.copy(root, worldwright_core::Rows::Span(0..1));
        }
        self.frame.before.copy_from(&self.frame.plan);
        let report = self.search.search(&mut self.frame, world, budget);
        match &report {
            Ok(_) => self.frame.decision += 1,
            Err(_) => self.frame.plan.copy_from(&self.frame.before),
        }
        report
    }

    fn act(&self, t: usize, out: &mut Action) {
        self.frame.kind.write(&self.frame.plan, t.min(self.frame.horizon - 1), out);
    }

    fn horizon(&self) -> usize {
        self.frame.horizon
    }

    fn shift(&mut self, steps: usize) {
        self.frame.plan.shift(self.frame.horizon, steps);
    }

    fn reset(&mut self, seed: u64) {
        let Frame { low, high, plan, .. } = &mut self.frame;
        rest(low, high, &mut plan.values);
        (self.frame.seed, self.frame.decision) = (seed, 0);
    }
}

impl<S: Search> Persist for Framed<S> {
    fn save(&self) -> State {
        let values = &self.frame.plan.values;
        let mut state = State::new();
        state.put("plan", Array::F64(vec![values.len()], values.clone()));
        state.put("counters", Array::U64(vec![self.frame.seed, self.frame.decision]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let counters = state.u64s("counters", 2)?;
        let plan = state.f64s("plan", self.frame.plan.values.len())?;
        self.frame.plan.values.copy_from_slice(plan);
        [self.frame.seed, self.frame.decision] = [counters[0], counters[1]];
        Ok(())
    }
}
