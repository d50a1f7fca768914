//! One problem's search by sampling: draw candidates, have them imagined, rank them, update the distribution, within a budget.
//!
//! A planner of this kind is a [`Rule`]: two hooks and a few numbers. Random keys come from (seed, decision, iteration), so
//! the same seed gives the same bytes, on any number of threads and after a restore. An iteration in which every candidate
//! diverged changes nothing. Who has the candidates imagined — alone, or with those of other problems in the same batch — is no
//! concern of the search: it goes begin, (propose, absorb)*, finish.
//!
//! Where extra iterations are allowed, they are spent on decisions whose values are still in doubt: planning goes on past its
//! configured iterations while `√(Var_elites G + mean_elites Var_lanes G)` is above the given share of the standard deviation of
//! the first candidates' returns.

use worldwright_core::{Budget, Key, Parameter, PlanReport, PlanStatus, Result, Settings, Space};

use crate::PlannerContext;
use crate::actions::{ActionKind, Sequence};
use crate::common::{Shared, decision_cost};
use crate::objective::Objective;
use crate::sampling::candidates::Candidates;
use crate::sampling::distribution::Distribution;
use crate::sampling::noise::Noise;
use crate::sampling::plan::{Answer, Plan};
use crate::sampling::ranking::{Ranking, better};
use crate::sampling::regulariser::Regularised;
use crate::sampling::rollout::{Rollout, Wanted};
use crate::sampling::segment::Segment;

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

    /// Whether the update reads what candidates earned before each step.
    fn wants_earned(&self) -> bool {
        false
    }

    /// Starts a decision around the present plan.
    fn begin(&mut self, _plan: &Plan) {}

    /// Writes all candidates, in knots; `scratch` is a sequence to use on the way.
    fn draw(
        &mut self,
        round: Round,
        plan: &mut Plan,
        noise: &mut Noise,
        candidates: &mut Candidates,
        scratch: &mut Sequence,
    );

    /// Moves the plan's distribution by what the candidates are worth; at least one did not diverge.
    fn update(&mut self, round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan);
}

/// Everything about a planner that is neither its rule nor shared.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) answer: Answer,
    /// Spread below which planning has converged; zero never.
    pub(crate) tolerance: f64,
    /// Elites to keep between iterations and decisions.
    pub(crate) keep: usize,
}

/// Reads a rule from settings; the shared ones have been read already.
pub(crate) type Assemble = fn(&ActionKind, &Shared, &Settings) -> Result<(Setup, Box<dyn Rule>)>;

/// A sampling planner in the list: what its entry and the batch of problems are made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampler {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) assemble: Assemble,
}

/// How far a decision has come.
#[derive(Debug, Clone)]
struct Progress {
    budget: Budget,
    report: PlanReport,
    /// Model steps of one candidate, and those kept back for the answer.
    candidate_steps: u64,
    reserve: u64,
    /// Iterations allowed, and those after which disagreement alone goes on.
    limit: usize,
    configured: usize,
    iteration: usize,
    key: Key,
    round: Round,
    tried: bool,
    /// Violation and score of the best candidate.
    best: (f64, f64),
    /// Standard deviation of the first candidates' scores.
    scale: f64,
    status: PlanStatus,
}

/// One problem being searched.
pub(crate) struct Search {
    pub(crate) name: &'static str,
    setup: Setup,
    shared: Shared,
    rule: Box<dyn Rule>,
    pub(crate) action_space: Space,
    pub(crate) kind: ActionKind,
    pub(crate) seed: u64,
    pub(crate) plan: Plan,
    /// The plan before the present decision, to go back to.
    before: Plan,
    /// The best candidate of the decision, an action a step.
    pub(crate) best: Sequence,
    scratch: Sequence,
    knots: Candidates,
    /// The knots' actions; without steps where every step is a knot.
    expanded: Candidates,
    noise: Noise,
    pub(crate) ranking: Ranking,
    progress: Progress,
}

impl Search {
    /// Allocates everything.
    pub(crate) fn new(sampler: &Sampler, context: &PlannerContext, settings: &Settings) -> Result<Self> {
        let kind = ActionKind::new(sampler.name, &context.action_space)?;
        let shared = Shared::read(sampler.name, &kind, settings)?;
        decision_cost(context, &shared, settings.count("population", 2)?)?;
        let (setup, rule) = (sampler.assemble)(&kind, &shared, settings)?;
        let (knots, horizon, capacity) = (shared.basis.knots(), shared.horizon, rule.population(0));
        let distribution = Distribution::new(&kind, knots, &shared.action_std)?;
        let plan = Plan::new(&kind, horizon, shared.basis.clone(), setup.keep, distribution);
        let wanted = Self::wanted(&*rule, &shared);
        let key = Key::new(0);
        let expanded =
            if shared.basis.is_identity() { Candidates::default() } else { Candidates::new(&kind, horizon, capacity) };
        Ok(Self {
            best: Sequence::new(&kind, horizon),
            scratch: Sequence::new(&kind, knots),
            knots: Candidates::new(&kind, knots, capacity),
            expanded,
            noise: Noise::new(shared.noise_beta, knots, kind.dims().max(1), capacity),
            ranking: Ranking::new(capacity).with(wanted, horizon),
            before: plan.clone(),
            plan,
            action_space: context.action_space.clone(),
            kind,
            seed: context.seed,
            name: sampler.name,
            setup,
            shared,
            rule,
            progress: Progress {
                budget: Budget::default(),
                report: PlanReport::default(),
                candidate_steps: 0,
                reserve: 0,
                limit: 0,
                configured: 0,
                iteration: 0,
                key,
                round: Round { last: false, key },
                tried: false,
                best: (f64::INFINITY, f64::NEG_INFINITY),
                scale: 0.0,
                status: PlanStatus::Completed,
            },
        })
    }

    fn wanted(rule: &dyn Rule, shared: &Shared) -> Wanted {
        Wanted { earned: rule.wants_earned(), spread: shared.extra_iterations > 0 }
    }

    /// A rollout for the candidates of `problems` such searches.
    pub(crate) fn rollout(&self, problems: usize, regularised: Option<Regularised>) -> Rollout {
        let wanted = Self::wanted(&*self.rule, &self.shared);
        let capacity = problems * self.capacity();
        Rollout::new(self.shared.objective, &self.kind, self.shared.horizon, capacity, wanted, regularised)
    }

    /// The most candidates at once.
    pub(crate) fn capacity(&self) -> usize {
        self.rule.population(0)
    }

    /// Steps that a plan looks ahead.
    pub(crate) fn horizon(&self) -> usize {
        self.shared.horizon
    }

    /// What a trajectory is worth.
    pub(crate) fn objective(&self) -> &Objective {
        &self.shared.objective
    }

    /// The candidates proposed last, an action a step.
    pub(crate) fn actions(&mut self) -> &mut Candidates {
        if self.shared.basis.is_identity() { &mut self.knots } else { &mut self.expanded }
    }

    /// The segment that the candidates proposed last are imagined in.
    pub(crate) fn segment(&self, root: usize) -> Segment {
        Segment { root, count: self.knots.count(), key: self.progress.round.key.fold(IMAGINE) }
    }

    /// Starts a decision with a model of `members` lanes.
    pub(crate) fn begin(&mut self, members: usize, budget: &Budget) {
        self.before.copy_from(&self.plan);
        self.plan.distribution.restart();
        self.rule.begin(&self.plan);
        let unlimited = budget.time.is_none() && budget.model_steps.is_none();
        let configured = self.shared.iterations;
        let most = configured.saturating_add(self.shared.extra_iterations);
        let limit = budget.iterations.unwrap_or(if unlimited { most } else { usize::MAX });
        let key = Key::new(self.seed).fold(self.plan.decision);
        let candidate_steps = (self.shared.horizon * members) as u64;
        self.progress = Progress {
            budget: budget.clone(),
            report: PlanReport { value: f64::NEG_INFINITY, ..PlanReport::default() },
            candidate_steps,
            reserve: if self.setup.answer == Answer::Mean { candidate_steps } else { 0 },
            limit,
            configured,
            iteration: 0,
            key,
            round: Round { last: false, key },
            tried: false,
            best: (f64::INFINITY, f64::NEG_INFINITY),
            scale: 0.0,
            status: if limit < configured { PlanStatus::BudgetSpent } else { PlanStatus::Completed },
        };
    }

    /// Model steps that the budget still allows, what the answer needs kept back.
    pub(crate) fn affordable(&self) -> u64 {
        let spent = self.progress.report.model_steps + self.progress.reserve;
        self.progress.budget.model_steps.map_or(u64::MAX, |steps| steps.saturating_sub(spent))
    }

    /// Draws the next candidates; false where the decision is made.
    pub(crate) fn propose(&mut self) -> bool {
        let affordable = self.affordable();
        let progress = &mut self.progress;
        if progress.iteration >= progress.limit || progress.status == PlanStatus::Converged {
            return false;
        }
        let wanted = self.rule.population(progress.iteration);
        let count = wanted.min(usize::try_from(affordable / progress.candidate_steps).unwrap_or(usize::MAX));
        // Fewer candidates than a couple cannot tell better from worse.
        if count < 2.min(wanted) {
            progress.status = PlanStatus::BudgetSpent;
            return false;
        }
        let last = progress.iteration + 1 >= progress.limit.min(progress.configured);
        progress.round = Round { last, key: progress.key.fold(progress.iteration as u64) };
        progress.iteration += 1;
        self.knots.begin(count);
        let draw = Round { key: progress.round.key.fold(DRAW), ..progress.round };
        self.rule.draw(draw, &mut self.plan, &mut self.noise, &mut self.knots, &mut self.scratch);
        if !self.shared.basis.is_identity() {
            self.shared.basis.expand_all(&self.kind, &self.knots, &mut self.expanded);
            self.expanded.snap(&self.kind);
        } else {
            self.knots.snap(&self.kind);
        }
        true
    }

    /// Candidates from `first` on were given other actions in the rollout; their knots follow.
    pub(crate) fn rewritten(&mut self, first: usize) {
        if !self.shared.basis.is_identity() && first < self.knots.count() {
            self.shared.basis.fit(&self.kind, &self.expanded, first, &mut self.knots);
        }
    }

    /// Ranks the candidates by what `ranking` was given and moves the distribution. `steps` is what imagining them took.
    pub(crate) fn absorb(&mut self, steps: u64) {
        let count = self.knots.count();
        self.progress.tried = true;
        self.progress.report.model_steps += steps;
        let adaptive = self.shared.extra_iterations > 0;
        // Rules that need no elites have a tenth of the candidates tell of disagreement.
        let leading = if adaptive { self.rule.leading().max(count / 10) } else { self.rule.leading() };
        self.progress.report.diverged += self.ranking.rank(count, leading) as u64;
        let Some(first) = self.ranking.best() else { return };
        let worth = self.ranking.worth(first);
        if better(worth, self.progress.best).is_lt() {
            self.progress.best = worth;
            let actions = if self.shared.basis.is_identity() { &self.knots } else { &self.expanded };
            actions.get(first, &mut self.best);
        }
        self.rule.update(self.progress.round, &self.ranking, &self.knots, &mut self.plan);
        let progress = &mut self.progress;
        progress.report.iterations += 1;
        if self.plan.distribution.spread() < self.setup.tolerance {
            progress.status = PlanStatus::Converged;
        }
        if adaptive {
            if progress.scale == 0.0 {
                progress.scale = self.ranking.score_std(count);
            }
            let bounded = progress.budget.iterations.is_none();
            let settled = self.ranking.disagreement() <= self.shared.disagreement * progress.scale;
            if bounded && progress.iteration >= progress.configured && settled {
                progress.limit = progress.iteration;
            }
        }
    }

    /// The deadline passed before the candidates were imagined to the end.
    pub(crate) fn cut_short(&mut self) {
        self.progress.status = PlanStatus::BudgetSpent;
    }

    /// Whether the answer is the distribution's centre, which is then proposed to be imagined once more.
    pub(crate) fn propose_answer(&mut self) -> bool {
        if self.progress.report.iterations == 0 || self.setup.answer == Answer::Best {
            return false;
        }
        self.plan.choose_centre();
        let key = self.progress.key.fold(u64::MAX).fold(ANSWER);
        self.progress.round = Round { last: true, key };
        self.knots.begin(1);
        let actions = if self.shared.basis.is_identity() { &mut self.knots } else { &mut self.expanded };
        actions.begin(1);
        actions.set(0, &self.plan.chosen);
        true
    }

    /// Settles what is done, see [`Answer`], and says how it went. `answered` where an answer was proposed, and is ranked now.
    pub(crate) fn finish(&mut self, answered: bool) -> PlanReport {
        self.plan.decision = self.before.decision + 1;
        let progress = &mut self.progress;
        let mut report = progress.report;
        if report.iterations == 0 {
            // Nothing was learned: what was planned before stands, spread and all.
            self.plan.copy_from(&self.before);
            self.plan.decision = self.before.decision + 1;
            report.status = if progress.tried { PlanStatus::AllDiverged } else { progress.status };
            return report;
        }
        report.status = progress.status;
        report.value = progress.best.1;
        if answered {
            report.model_steps += progress.candidate_steps;
            report.diverged += self.ranking.rank(1, 1) as u64;
            let (violation, value) = self.ranking.worth(0);
            if value.is_finite() && (violation == 0.0 || violation <= progress.best.0) {
                report.value = value;
                return report;
            }
        }
        self.plan.chosen.copy_from(&self.best);
        report
    }

    /// Goes back to the plan before the decision, after an error of the model.
    pub(crate) fn undo(&mut self) {
        self.plan.copy_from(&self.before);
    }

    /// Violation and score of the best candidate so far.
    pub(crate) fn best_worth(&self) -> (f64, f64) {
        self.progress.best
    }

    /// Model steps of one candidate.
    pub(crate) fn candidate_steps(&self) -> u64 {
        self.progress.candidate_steps
    }
}
