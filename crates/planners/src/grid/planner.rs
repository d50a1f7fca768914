//! `grid`: the value of the whole space on an interpolated grid, then greedy with one step of lookahead.
//!
//! The first decision asks the model about every (point, action) and sweeps; later ones only look ahead, one step for each action of
//! the plan shown. With a budget both go on from decision to decision, and the plan is greedy for the value so far. A sweep that a deadline
//! would cut is not begun after it. See the module's text for the equations; Munos and Moore 2002.

use worldwright_core::{
    Action, Array, Budget, Deadline, Error, Imagination, Key, ModelSpec, Persist, PlanReport, PlanStatus, Planner,
    Result, Space, State,
};

use super::lookahead::WALK;
use super::value::GridValue;
use crate::PlannerContext;
use crate::actions::Sequence;

/// How far the planner goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Actions that the plan shows.
    pub(super) horizon: usize,
    /// Sweeps after which the value is finished in any case.
    pub(super) sweeps: usize,
    /// Change of a sweep at which it is finished.
    pub(super) tolerance: f64,
    /// Decisions after which it is computed anew; zero never.
    pub(super) refresh: u64,
}

/// The planner.
pub(super) struct GridPlanner {
    value: GridValue,
    /// The values before the present decision.
    before: Vec<f64>,
    /// What `act` answers from.
    chosen: Sequence,
    /// The plan before the present decision.
    kept: Sequence,
    action_space: Space,
    seed: u64,
    decision: u64,
    limits: Limits,
    /// Whether the value is finished.
    settled: bool,
}

/// What the budget leaves.
struct Purse {
    deadline: Deadline,
    steps: Option<u64>,
    sweeps: usize,
}

impl Purse {
    fn late(&self) -> bool {
        self.deadline.passed()
    }
}

impl GridPlanner {
    /// Plans by a value that knows nothing yet; allocates everything.
    pub(super) fn new(value: GridValue, limits: Limits, context: &PlannerContext) -> Self {
        Self {
            chosen: value.actions.unplanned(limits.horizon),
            kept: value.actions.unplanned(limits.horizon),
            before: value.values.clone(),
            value,
            action_space: context.action_space.clone(),
            seed: context.seed,
            decision: 0,
            limits,
            settled: false,
        }
    }

    /// Asks the model and sweeps as far as the budget goes.
    fn work(&mut self, world: &mut dyn Imagination, purse: &Purse, report: &mut PlanReport) -> Result<()> {
        let points = self.value.grid().points();
        let asked = self.value.progress.diverged;
        while self.value.progress.explored < points {
            let each = self.value.steps_a_point();
            let reserve = report.model_steps + self.value.steps_a_lookahead();
            let most = purse.steps.map_or(usize::MAX, |steps| (steps.saturating_sub(reserve) / each) as usize);
            if most == 0 || purse.late() {
                break;
            }
            report.model_steps += self.value.explore_some(world, most)?;
        }
        report.diverged += self.value.progress.diverged - asked;
        if self.value.progress.explored < points {
            return Ok(());
        }
        if self.value.progress.worst.reward == f64::INFINITY {
            // The model said nothing at all: it is asked again next time.
            self.value.restart();
            return Ok(());
        }
        while !self.settled && report.iterations < purse.sweeps && !purse.late() {
            self.settled = self.value.progress.sweeps >= self.limits.sweeps;
            if !self.settled {
                self.settled =
                    self.value.sweep() <= self.limits.tolerance || self.value.progress.sweeps >= self.limits.sweeps;
                report.iterations += 1;
            }
        }
        Ok(())
    }

    fn search(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        let deadline = budget.deadline();
        let purse = Purse { deadline, steps: budget.model_steps, sweeps: budget.iterations.unwrap_or(usize::MAX) };
        let mut report =
            PlanReport { value: f64::NEG_INFINITY, status: PlanStatus::BudgetSpent, ..PlanReport::default() };
        let look = self.value.steps_a_lookahead();
        if purse.late() || purse.sweeps == 0 || purse.steps.is_some_and(|steps| steps < look) {
            return Ok(report);
        }
        if !self.settled {
            self.work(world, &purse, &mut report)?;
        }
        let mut from = root;
        let key = Key::new(self.seed).fold(self.decision);
        for t in 0..self.limits.horizon {
            if t > 0 && purse.steps.is_some_and(|steps| steps < report.model_steps + look) {
                self.hold(t);
                return Ok(report);
            }
            report.model_steps += look;
            let choice = self.value.try_all(world, from, key.fold(t as u64), &mut report.diverged)?;
            let Some(choice) = choice else {
                if t == 0 {
                    report.status = PlanStatus::AllDiverged;
                    return Ok(report);
                }
                self.hold(t);
                break;
            };
            self.value.actions.write(choice.action, t, &mut self.chosen);
            if t == 0 {
                report.value = choice.value;
                // A decision is an improvement even when the value was finished before.
                report.iterations = report.iterations.max(1);
            }
            if t + 1 < self.limits.horizon {
                self.value.go(world, &choice);
                from = WALK;
            }
        }
        if self.settled {
            report.status = PlanStatus::Completed;
        }
        Ok(report)
    }

    /// Repeats the action before step `t` to the end of the plan.
    fn hold(&mut self, t: usize) {
        for later in t..self.limits.horizon {
            self.value.actions.repeat(t - 1, later, &mut self.chosen);
        }
    }
}

impl Planner for GridPlanner {
    fn rows(&self) -> usize {
        self.value.rows()
    }

    fn check(&self, spec: &ModelSpec) -> Result<()> {
        if spec.action_space != self.action_space {
            return Err(Error::unsupported(
                "grid",
                format!(
                    "the action space of model '{}': it was built for {}, the model has {}",
                    spec.name, self.action_space, spec.action_space
                ),
            ));
        }
        self.value.check(spec)
    }

    fn improve(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        self.check(world.spec())?;
        if world.rows() < self.rows() || root >= world.rows() {
            return Err(Error::shape("rows of the model's arena", &[self.rows().max(root + 1)], &[world.rows()]));
        }
        if root != 0 {
            world.copy(root, worldwright_core::Rows::Span(0..1));
        }
        let anew = self.settled
            && self.limits.refresh > 0
            && self.decision > 0
            && self.decision.is_multiple_of(self.limits.refresh);
        let marks = (self.value.progress, self.settled);
        if !self.settled || anew {
            self.before.copy_from_slice(&self.value.values);
        }
        if anew {
            self.value.restart();
            self.settled = false;
        }
        let working = !self.settled;
        self.kept.copy_from(&self.chosen);
        let report = self.search(world, 0, budget);
        if report.is_ok() {
            self.decision += 1;
            return report;
        }
        self.chosen.copy_from(&self.kept);
        if working {
            self.value.values.copy_from_slice(&self.before);
            (self.value.progress, self.settled) = marks;
        }
        report
    }

    fn act(&self, t: usize, out: &mut Action) {
        self.value.actions.kind.write(&self.chosen, t.min(self.limits.horizon - 1), out);
    }

    fn horizon(&self) -> usize {
        self.limits.horizon
    }

    fn shift(&mut self, steps: usize) {
        self.chosen.shift(self.limits.horizon, steps);
    }

    fn reset(&mut self, seed: u64) {
        self.seed = seed;
        self.decision = 0;
        self.settled = false;
        self.value.key = Key::new(seed);
        self.value.restart();
        self.chosen = self.value.actions.unplanned(self.limits.horizon);
    }
}

impl Persist for GridPlanner {
    fn save(&self) -> State {
        let mut state = self.value.save(!self.settled);
        state.put("seed", Array::U64(vec![self.seed]));
        state.put("decision", Array::U64(vec![self.decision, u64::from(self.settled)]));
        state.put("plan", Array::F64(vec![self.chosen.values.len()], self.chosen.values.clone()));
        state.put("plan_choices", Array::U64(self.chosen.choices.iter().map(|choice| u64::from(*choice)).collect()));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let seed = state.u64s("seed", 1)?[0];
        let decision = state.u64s("decision", 2)?;
        let plan = state.f64s("plan", self.chosen.values.len())?;
        let choices = state.u64s("plan_choices", self.chosen.choices.len())?;
        let most = self.value.actions.count() as u64;
        if let Some(wrong) = choices.iter().find(|choice| **choice >= most) {
            return Err(Error::external("saved state", format!("plans choice {wrong} of {most}: it is damaged")));
        }
        self.value.restore(state, decision[1] == 0)?;
        (self.seed, self.decision, self.settled) = (seed, decision[0], decision[1] != 0);
        self.value.key = Key::new(seed);
        self.chosen.values.copy_from_slice(plan);
        self.chosen.choices.iter_mut().zip(choices).for_each(|(slot, choice)| *slot = *choice as u32);
        Ok(())
    }
}
