//! The one loop of all sampling planners: draw candidates, imagine them, rank them, update the distribution, within a budget.
//!
//! A planner of this kind is a [`Rule`]: two hooks and a few numbers. Random keys come from (seed, decision, iteration), so
//! the same seed gives the same bytes, on any number of threads and after a restore. An error of the model leaves the plan
//! as it was before the call; an iteration in which every candidate diverged changes nothing.

use std::time::Instant;

use worldwright_core::{
    Action, Array, Budget, Error, Imagination, Key, ModelSpec, Persist, PlanReport, PlanStatus, Planner, Result,
    Settings, Space, State,
};

use crate::PlannerContext;
use crate::actions::{ActionKind, Sequence};
use crate::candidates::Candidates;
use crate::common;
use crate::noise::Noise;
use crate::plan::{Answer, Plan};
use crate::ranking::{Ranking, better};
use crate::rollout::Rollout;

const DRAW: u64 = 1;
const IMAGINE: u64 = 2;
const ANSWER: u64 = 3;

/// Where in a decision we are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// Whether no further iteration is planned.
    pub(crate) last: bool,
    pub(crate) key: Key,
}

/// What tells one sampling planner from another.
pub(crate) trait Rule: Send {
    /// Candidates wanted in an iteration, at most [`population(0)`](Self::population).
    fn population(&self, iteration: usize) -> usize;

    /// How many of the best the update needs in order.
    fn leading(&self) -> usize;

    /// Writes all candidates; `scratch` is a sequence to use on the way.
    fn draw(
        &self,
        round: Round,
        plan: &mut Plan,
        noise: &mut Noise,
        candidates: &mut Candidates,
        scratch: &mut Sequence,
    );

    /// Moves the plan's distribution by what the candidates are worth; at least one did not diverge.
    fn update(&mut self, round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan);
}

/// Everything about a planner that is not its rule.
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) iterations: usize,
    pub(crate) answer: Answer,
    /// Spread below which planning has converged; zero never.
    pub(crate) tolerance: f64,
    pub(crate) noise_beta: f64,
    /// Elites to keep between iterations and decisions.
    pub(crate) keep: usize,
}

/// A sampling planner.
pub(crate) struct Sampling<R> {
    setup: Setup,
    rule: R,
    action_space: Space,
    kind: ActionKind,
    horizon: usize,
    seed: u64,
    plan: Plan,
    /// The plan before the present decision, to go back to.
    before: Plan,
    best: Sequence,
    scratch: Sequence,
    candidates: Candidates,
    noise: Noise,
    rollout: Rollout,
    ranking: Ranking,
}

impl<R: Rule> Sampling<R> {
    /// Allocates everything. `settings` must declare the shared parameters that `common` reads.
    pub(crate) fn new(setup: Setup, rule: R, context: &PlannerContext, settings: &Settings) -> Result<Self> {
        let horizon = settings.count("horizon", 1)?;
        let kind = ActionKind::new(setup.name, &context.action_space)?;
        let distribution = common::distribution(&kind, horizon, settings)?;
        let capacity = rule.population(0);
        let plan = Plan::new(&kind, horizon, setup.keep, distribution);
        Ok(Self {
            best: Sequence::new(&kind, horizon),
            scratch: Sequence::new(&kind, horizon),
            candidates: Candidates::new(&kind, horizon, capacity),
            noise: Noise::new(setup.noise_beta, horizon, kind.dims().max(1), capacity),
            rollout: Rollout::new(common::objective(settings)?, &kind, capacity, context.members.max(1)),
            ranking: Ranking::new(capacity),
            before: plan.clone(),
            plan,
            action_space: context.action_space.clone(),
            kind,
            horizon,
            seed: context.seed,
            setup,
            rule,
        })
    }

    fn search(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        let deadline = budget.time.map(|time| Instant::now() + time);
        if root != 0 {
            world.copy(root, worldwright_core::Rows::Span(0..1));
        }
        self.rollout.prepare(world);
        self.plan.distribution.restart();
        let unlimited = budget.time.is_none() && budget.model_steps.is_none();
        let configured = self.setup.iterations;
        let limit = budget.iterations.unwrap_or(if unlimited { configured } else { usize::MAX });
        let decision_key = Key::new(self.seed).fold(self.plan.decision);
        let candidate_steps = (self.horizon * world.spec().members) as u64;
        let reserve = if self.setup.answer == Answer::Mean { candidate_steps } else { 0 };

        let mut report = PlanReport { value: f64::NEG_INFINITY, ..PlanReport::default() };
        let mut tried = false;
        let mut best = (f64::INFINITY, f64::NEG_INFINITY);
        let mut status = if limit < configured { PlanStatus::BudgetSpent } else { PlanStatus::Completed };
        for iteration in 0..limit {
            let mut count = self.rule.population(iteration);
            if let Some(steps) = budget.model_steps {
                let affordable = steps.saturating_sub(report.model_steps + reserve) / candidate_steps;
                count = count.min(usize::try_from(affordable).unwrap_or(usize::MAX));
            }
            // Fewer candidates than a couple cannot tell better from worse.
            if count < 2.min(self.rule.population(iteration)) {
                status = PlanStatus::BudgetSpent;
                break;
            }
            let last = iteration + 1 >= limit.min(configured);
            let round = Round { last, key: decision_key.fold(iteration as u64) };
            self.candidates.begin(count);
            let draw = Round { key: round.key.fold(DRAW), ..round };
            self.rule.draw(draw, &mut self.plan, &mut self.noise, &mut self.candidates, &mut self.scratch);
            let key = round.key.fold(IMAGINE);
            if !self.rollout.run(world, &mut self.candidates, key, deadline, &mut self.ranking)? {
                status = PlanStatus::BudgetSpent;
                break;
            }
            tried = true;
            report.model_steps += count as u64 * candidate_steps;
            report.diverged += self.ranking.rank(count, self.rule.leading()) as u64;
            let Some(first) = self.ranking.best() else {
                continue;
            };
            let worth = self.ranking.worth(first);
            if better(worth, best).is_lt() {
                best = worth;
                self.candidates.get(first, &mut self.best);
            }
            self.rule.update(round, &self.ranking, &self.candidates, &mut self.plan);
            report.iterations += 1;
            if self.plan.distribution.spread() < self.setup.tolerance {
                status = PlanStatus::Converged;
                break;
            }
        }
        if report.iterations == 0 {
            // Nothing was learned: what was planned before stands, spread and all.
            self.plan.copy_from(&self.before);
            report.status = if tried { PlanStatus::AllDiverged } else { status };
            return Ok(report);
        }
        report.status = status;
        report.value = best.1;
        self.answer(world, decision_key.fold(u64::MAX).fold(ANSWER), best, candidate_steps, &mut report)?;
        Ok(report)
    }

    /// Settles what is done: see [`Answer`].
    fn answer(
        &mut self,
        world: &mut dyn Imagination,
        key: Key,
        best: (f64, f64),
        candidate_steps: u64,
        report: &mut PlanReport,
    ) -> Result<()> {
        if self.setup.answer == Answer::Mean {
            self.plan.distribution.mode(&mut self.plan.chosen);
            self.candidates.begin(1);
            self.candidates.set(0, &self.plan.chosen);
            self.rollout.run(world, &mut self.candidates, key, None, &mut self.ranking)?;
            report.model_steps += candidate_steps;
            report.diverged += self.ranking.rank(1, 1) as u64;
            let (violation, value) = self.ranking.worth(0);
            if value.is_finite() && (violation == 0.0 || violation <= best.0) {
                report.value = value;
                return Ok(());
            }
        }
        self.plan.chosen.copy_from(&self.best);
        Ok(())
    }
}

impl<R: Rule> Planner for Sampling<R> {
    fn rows(&self) -> usize {
        1 + self.rule.population(0)
    }

    fn check(&self, spec: &ModelSpec) -> Result<()> {
        if spec.action_space != self.action_space {
            return Err(Error::unsupported(
                self.setup.name,
                format!(
                    "the action space of model '{}': it was built for {:?}, the model has {:?}",
                    spec.name, self.action_space, spec.action_space
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
            Ok(_) => self.plan.decision = self.before.decision + 1,
            Err(_) => self.plan.copy_from(&self.before),
        }
        report
    }

    fn act(&self, t: usize, out: &mut Action) {
        self.kind.write(&self.plan.chosen, t.min(self.horizon - 1), out);
    }

    fn horizon(&self) -> usize {
        self.horizon
    }

    fn shift(&mut self, steps: usize) {
        self.plan.shift(steps);
    }

    fn reset(&mut self, seed: u64) {
        self.seed = seed;
        self.plan.reset();
    }
}

impl<R: Rule> Persist for Sampling<R> {
    fn save(&self) -> State {
        let mut state = State::new();
        self.plan.save(&mut state);
        state.put("seed", Array::U64(vec![self.seed]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let seed = state.u64s("seed", 1)?[0];
        self.before.copy_from(&self.plan);
        if let Err(error) = self.plan.restore(state) {
            self.plan.copy_from(&self.before);
            return Err(error);
        }
        self.seed = seed;
        Ok(())
    }
}
