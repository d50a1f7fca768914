//! The one loop of the planners that follow derivatives: expand around the plan, find a direction, try step lengths side by side.
//!
//! A planner of this kind is a [`Direction`]: from the derivatives of every step it makes a change of the plan, with or without
//! feedback. The first plan of a decision is the best of several starts (the plan from before, rest, the bounds, smooth random
//! ones), since a locally optimal plan is only as good as the valley it starts in. Step lengths are candidates of one batch, each
//! rolled out under the feedback law; the best joins the plan if its return is higher. An error of the model leaves the plan as it
//! was; diverged candidates rank last and are counted.

mod rollouts;

use std::time::Instant;

use worldwright_core::{
    Action, Actions, Array, Batch, Budget, Differences, Error, Imagination, Key, Linearizations, ModelSpec, Parameter,
    Persist, PlanReport, PlanStatus, Planner, Result, Rows, SettingDefault as Default, Settings, Space, State, Values,
};

use crate::PlannerContext;
use crate::actions::{ActionKind, Sequence};
use rollouts::{Law, Rollouts};

pub(crate) const STARTS: Parameter = Parameter {
    name: "starts",
    default: Default::Integer(8),
    summary: "plans tried at the start of a decision: the one from before, rest, the bounds, then smooth random ones",
};
pub(crate) const DIFFERENCE: Parameter = Parameter {
    name: "difference",
    default: Default::Float(3e-3),
    summary: "step of finite differences, in units of 1 + |number|",
};
pub(crate) const SCRATCH: Parameter = Parameter {
    name: "scratch",
    default: Default::Integer(1024),
    summary: "rows of the model's arena for finite differences: the largest batch",
};
pub(crate) const CONVERGED: Parameter = Parameter {
    name: "tolerance",
    default: Default::Float(1e-9),
    summary: "stop as converged when the return rises by less than this share of 1 + |return|",
};

/// Step lengths tried side by side.
const LENGTHS: usize = 10;

/// The derivatives of every step of the plan, as costs: rewards are negated and discounted here, once.
#[derive(Debug)]
pub(crate) struct Expanded {
    pub(crate) horizon: usize,
    pub(crate) latent_dim: usize,
    pub(crate) action_dim: usize,
    pub(crate) steps: Linearizations,
    /// `[H]`: what each step's reward is worth, discount × not ended.
    pub(crate) weights: Vec<f64>,
    /// `[Z]` and `[Z][Z]`, of the cost at the end.
    pub(crate) end_gradient: Vec<f64>,
    pub(crate) end_hessian: Vec<f64>,
    /// The plan `[H][A]` and its latents `[H + 1][Z]`.
    pub(crate) controls: Vec<f64>,
    pub(crate) states: Vec<f64>,
}

/// What tells one of these planners from another.
pub(crate) trait Direction: Send {
    /// Whether the reward's, and whether the latent's second derivatives are needed.
    fn curvature(&self) -> (bool, bool);

    /// Writes a change of the plan; false when there is none that promises anything.
    fn find(&mut self, around: &Expanded, bounds: (&[f64], &[f64])) -> bool;

    /// `[H][A]`, and `[H][Z columns][A]` or empty.
    fn law(&self) -> (&[f64], &[f64]);

    /// Hears whether a step was accepted; true when it is worth finding another direction around the same plan.
    fn accepted(&mut self, length: f64) -> bool;

    /// Forgets what it learned of earlier iterations; called at every decision.
    fn restart(&mut self);
}

/// A planner that follows derivatives.
pub(crate) struct Shooting<D> {
    name: &'static str,
    direction: D,
    kind: ActionKind,
    action_space: Space,
    low: Vec<f64>,
    high: Vec<f64>,
    horizon: usize,
    iterations: usize,
    starts: usize,
    tolerance: f64,
    difference: f64,
    scratch: usize,
    seed: u64,
    decision: u64,
    plan: Sequence,
    before: Sequence,
    start: Sequence,
    around: Expanded,
    rollouts: Rollouts,
    lengths: Vec<f64>,
    batch: Batch,
    values: Values,
}

impl<D: Direction> Shooting<D> {
    /// Allocates everything. `settings` must declare the shared parameters.
    pub(crate) fn new(
        name: &'static str,
        context: &PlannerContext,
        settings: &Settings,
        direction: impl FnOnce(usize, usize, usize) -> Result<D>,
    ) -> Result<Self> {
        let kind = ActionKind::new(name, &context.action_space)?;
        let ActionKind::Continuous { low, high } = &kind else {
            return Err(Error::unsupported(
                name,
                "discrete actions: it follows derivatives by the action; use cem, icem or mppi",
            ));
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
        let starts = settings.count("starts", 2)?;
        let (z, a) = (context.latent_dim, low.len());
        let direction = direction(horizon, z, a)?;
        let scratch = settings.count("scratch", 2)?.max(1 + 2 * z);
        let terminal_value = settings.bool("terminal_value")?;
        let spec = ModelSpec {
            name: name.to_owned(),
            observation_space: Space::unbounded(z),
            action_space: context.action_space.clone(),
            members: context.members,
            constraints: 0,
            latent_dim: z,
            deterministic: true,
            has_value: context.has_value,
            has_prior: false,
        };
        let (reward, latent) = direction.curvature();
        let around = Expanded {
            horizon,
            latent_dim: z,
            action_dim: a,
            steps: Linearizations::new(&spec, horizon, scratch, reward || latent),
            weights: vec![0.0; horizon],
            end_gradient: vec![0.0; z],
            end_hessian: vec![0.0; z * z],
            controls: vec![0.0; horizon * a],
            states: vec![0.0; (horizon + 1) * z],
        };
        let mut plan = Sequence::new(&kind, horizon);
        rest(&low, &high, &mut plan.values);
        Ok(Self {
            name,
            direction,
            low,
            high,
            horizon,
            iterations: settings.count("iterations", 1)?,
            starts,
            tolerance: settings.float("tolerance", 0.0, 1.0)?,
            difference: settings.float("difference", 1e-12, 1.0)?,
            scratch,
            seed: context.seed,
            decision: 0,
            before: plan.clone(),
            start: plan.clone(),
            plan,
            around,
            rollouts: Rollouts::new((z, a, context.members), horizon, starts.max(LENGTHS), terminal_value),
            lengths: (0..LENGTHS as i32).map(|i| 0.5_f64.powi(i)).collect(),
            batch: Batch::zeros(a, horizon),
            values: Values { value: Vec::with_capacity(context.members * (1 + 2 * z)) },
            action_space: context.action_space.clone(),
            kind,
        })
    }

    /// Rows: the root, the plan's steps, candidates and scratch.
    fn candidate_row(&self) -> usize {
        1 + self.horizon
    }

    fn scratch_row(&self) -> usize {
        self.candidate_row() + self.starts.max(LENGTHS)
    }

    /// The plans that a decision starts from.
    fn draw_starts(&mut self, key: Key) {
        let dims = self.low.len();
        self.rollouts.begin(self.starts);
        for i in 0..self.starts {
            let values = &mut self.start.values;
            match i {
                0 => rest(&self.low, &self.high, values),
                1 => values.copy_from_slice(&self.plan.values),
                2 | 3 => {
                    rest(&self.low, &self.high, values);
                    for row in values.chunks_exact_mut(dims) {
                        for (j, slot) in row.iter_mut().enumerate() {
                            let bound = if i == 2 { self.low[j] } else { self.high[j] };
                            *slot = if bound.is_finite() { bound } else { *slot };
                        }
                    }
                }
                _ => {
                    // A cosine of random period and phase in each dimension.
                    let mut rng = key.fold(i as u64).rng();
                    for j in 0..dims {
                        let periods = rng.uniform_in(0.5, 3.0);
                        let phase = rng.uniform_in(0.0, std::f64::consts::TAU);
                        let (low, high) = (self.low[j], self.high[j]);
                        let (middle, swing) = if low.is_finite() && high.is_finite() {
                            (0.5 * (low + high), 0.5 * (high - low))
                        } else {
                            (low.max(0.0).min(high), 1.0)
                        };
                        for t in 0..self.horizon {
                            let angle = std::f64::consts::TAU * periods * t as f64 / self.horizon as f64 + phase;
                            values[t * dims + j] = (middle + swing * angle.cos()).max(low).min(high);
                        }
                    }
                }
            }
            self.rollouts.set_actions(i, &self.start.values);
        }
    }

    fn search(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        let deadline = budget.time.map(|time| Instant::now() + time);
        if root != 0 {
            world.copy(root, Rows::Span(0..1));
        }
        let unlimited = budget.time.is_none() && budget.model_steps.is_none();
        let limit = budget.iterations.unwrap_or(if unlimited { self.iterations } else { usize::MAX });
        let steps_limit = budget.model_steps.unwrap_or(u64::MAX);
        let members = world.spec().members as u64;
        let key = Key::new(self.seed).fold(self.decision);
        let mut report =
            PlanReport { value: f64::NEG_INFINITY, status: PlanStatus::BudgetSpent, ..PlanReport::default() };
        let start_steps = (self.starts * self.horizon) as u64 * members;
        if limit == 0 || start_steps > steps_limit || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(report);
        }
        self.rollouts.prepare(world.spec());
        self.draw_starts(key);
        let row = self.candidate_row();
        if !self.rollouts.run(world, row, self.starts, None, Key::new(0), deadline)? {
            return Ok(report);
        }
        report.model_steps += start_steps;
        report.diverged += self.rollouts.diverged(self.starts);
        let Some(best) = self.rollouts.best(self.starts) else {
            report.status = PlanStatus::AllDiverged;
            return Ok(report);
        };
        report.value = self.rollouts.returns[best];
        self.rollouts.get(best, &mut self.around.controls, &mut self.around.states);
        self.direction.restart();
        let trial_steps = (LENGTHS * self.horizon) as u64 * members;
        let (reward, latent) = self.direction.curvature();
        let d = (self.around.latent_dim + self.around.action_dim) as u64;
        let probes = if reward || latent { 2 + d + d * d } else { 1 + 2 * d };
        let expand_steps = probes * self.horizon as u64 * members;
        report.status = if limit < self.iterations { PlanStatus::BudgetSpent } else { PlanStatus::Completed };
        let mut expanded = false;
        for _ in 0..limit {
            let cost = trial_steps + if expanded { 0 } else { expand_steps };
            if report.model_steps + cost > steps_limit || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                report.status = PlanStatus::BudgetSpent;
                break;
            }
            if !expanded {
                self.expand(world)?;
                report.model_steps += self.around.steps.model_steps;
                report.diverged += self.around.steps.diverged;
            }
            if !self.direction.find(&self.around, (&self.low, &self.high)) {
                report.status = PlanStatus::Converged;
                break;
            }
            let (feedforward, feedback) = self.direction.law();
            let law = Law {
                feedforward,
                feedback,
                controls: &self.around.controls,
                states: &self.around.states,
                lengths: &self.lengths,
                low: &self.low,
                high: &self.high,
            };
            if !self.rollouts.run(world, row, LENGTHS, Some(&law), Key::new(0), deadline)? {
                report.status = PlanStatus::BudgetSpent;
                break;
            }
            report.model_steps += trial_steps;
            report.diverged += self.rollouts.diverged(LENGTHS);
            report.iterations += 1;
            let better = self.rollouts.best(LENGTHS).filter(|best| self.rollouts.returns[*best] > report.value);
            let gain = better.map_or(0.0, |best| self.rollouts.returns[best] - report.value);
            if let Some(best) = better {
                report.value = self.rollouts.returns[best];
                self.rollouts.get(best, &mut self.around.controls, &mut self.around.states);
            }
            expanded = better.is_none();
            let again = self.direction.accepted(better.map_or(0.0, |best| self.lengths[best]));
            if gain <= self.tolerance * (1.0 + report.value.abs()) && (better.is_some() || !again) {
                report.status = PlanStatus::Converged;
                break;
            }
        }
        self.plan.values.copy_from_slice(&self.around.controls);
        Ok(report)
    }

    /// The derivatives around the present plan.
    fn expand(&mut self, world: &mut dyn Imagination) -> Result<()> {
        let (z, a) = (self.around.latent_dim, self.around.action_dim);
        world.copy(0, Rows::Span(1..1 + self.horizon));
        for t in 0..self.horizon {
            world.write_latent(1 + t, &self.around.states[t * z..][..z])?;
            self.batch.columns_mut().set_row(t, &self.around.controls[t * a..][..a]);
        }
        let scratch = self.scratch_row()..self.scratch_row() + self.scratch;
        let (reward_curvature, latent_curvature) = self.direction.curvature();
        let differences = Differences { scratch, step: self.difference, reward_curvature, latent_curvature };
        let steps = &mut self.around.steps;
        (steps.model_steps, steps.diverged) = (0, 0);
        let actions = Actions::Continuous(self.batch.columns());
        world.linearize(Rows::Span(1..1 + self.horizon), actions, &differences, steps)?;
        let mut weight = 1.0;
        for (slot, continuation) in self.around.weights.iter_mut().zip(&steps.continuation) {
            *slot = weight;
            weight *= if continuation.is_finite() { *continuation } else { 1.0 };
        }
        self.expand_end(world, weight)
    }

    /// Gradient and diagonal-and-pairs Hessian of the value at the end.
    fn expand_end(&mut self, world: &mut dyn Imagination, weight: f64) -> Result<()> {
        let z = self.around.latent_dim;
        self.around.end_gradient.fill(0.0);
        self.around.end_hessian.fill(0.0);
        if !self.rollouts.values_count() || !world.spec().has_value || weight == 0.0 {
            return Ok(());
        }
        let row = self.scratch_row();
        let members = world.spec().members;
        world.copy(0, Rows::Span(row..row + 1));
        let end = self.horizon * z;
        let latent = &mut self.around.states[end..end + z];
        let mut at = |latent: &[f64]| -> Result<f64> {
            world.write_latent(row, latent)?;
            self.values.value.resize(members, 0.0);
            world.value(Rows::Span(row..row + 1), &mut self.values)?;
            Ok(-weight * self.values.value.iter().sum::<f64>() / members as f64)
        };
        let middle = at(latent)?;
        let difference = self.difference;
        for p in 0..z {
            let kept_p = latent[p];
            let size_p = difference * (1.0 + kept_p.abs());
            latent[p] = kept_p + size_p;
            let plus = at(latent)?;
            latent[p] = kept_p - size_p;
            let minus = at(latent)?;
            latent[p] = kept_p;
            self.around.end_gradient[p] = sound((plus - minus) / (2.0 * size_p));
            self.around.end_hessian[p * z + p] = sound((plus + minus - 2.0 * middle) / (size_p * size_p));
            for q in 0..p {
                let kept_q = latent[q];
                let size_q = difference * (1.0 + kept_q.abs());
                let mut corner = 0.0;
                for (sign_p, sign_q) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                    (latent[p], latent[q]) = (kept_p + sign_p * size_p, kept_q + sign_q * size_q);
                    corner += sign_p * sign_q * at(latent)?;
                }
                (latent[p], latent[q]) = (kept_p, kept_q);
                let bend = sound(corner / (4.0 * size_p * size_q));
                self.around.end_hessian[p * z + q] = bend;
                self.around.end_hessian[q * z + p] = bend;
            }
        }
        Ok(())
    }
}

/// A derivative, or none where the model diverged.
fn sound(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

/// Writes the action nearest to zero, or the middle of the bounds where zero is outside.
fn rest(low: &[f64], high: &[f64], actions: &mut [f64]) {
    for row in actions.chunks_exact_mut(low.len()) {
        for (j, slot) in row.iter_mut().enumerate() {
            *slot = 0.0_f64.max(low[j]).min(high[j]);
        }
    }
}

impl<D: Direction> Planner for Shooting<D> {
    fn rows(&self) -> usize {
        self.scratch_row() + self.scratch
    }

    fn check(&self, spec: &ModelSpec) -> Result<()> {
        if spec.action_space != self.action_space {
            return Err(Error::unsupported(
                self.name,
                format!(
                    "the action space of model '{}': it was built for {:?}, the model has {:?}",
                    spec.name, self.action_space, spec.action_space
                ),
            ));
        }
        if spec.constraints > 0 {
            return Err(Error::unsupported(self.name, "constraints of a model: use cem, icem or mppi"));
        }
        if !spec.deterministic || spec.latent_dim != self.around.latent_dim {
            return Err(Error::unsupported(
                self.name,
                format!(
                    "model '{}' with {} numbers a latent: it was built for a deterministic one with {}",
                    spec.name, spec.latent_dim, self.around.latent_dim
                ),
            ));
        }
        Ok(())
    }

    fn improve(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        self.check(world.spec())?;
        if world.rows() < self.rows() || root >= world.rows() {
            return Err(Error::shape("rows of the model's arena", &[self.rows().max(root + 1)], &[world.rows()]));
        }
        self.before.copy_from(&self.plan);
        let report = self.search(world, root, budget);
        match &report {
            Ok(_) => self.decision += 1,
            Err(_) => self.plan.copy_from(&self.before),
        }
        report
    }

    fn act(&self, t: usize, out: &mut Action) {
        self.kind.write(&self.plan, t.min(self.horizon - 1), out);
    }

    fn horizon(&self) -> usize {
        self.horizon
    }

    fn shift(&mut self, steps: usize) {
        self.plan.shift(self.horizon, steps);
    }

    fn reset(&mut self, seed: u64) {
        self.seed = seed;
        self.decision = 0;
        rest(&self.low, &self.high, &mut self.plan.values);
    }
}

impl<D: Direction> Persist for Shooting<D> {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put("plan", Array::F64(vec![self.plan.values.len()], self.plan.values.clone()));
        state.put("counters", Array::U64(vec![self.seed, self.decision]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let counters = state.u64s("counters", 2)?;
        let plan = state.f64s("plan", self.plan.values.len())?;
        self.plan.values.copy_from_slice(plan);
        [self.seed, self.decision] = [counters[0], counters[1]];
        Ok(())
    }
}
