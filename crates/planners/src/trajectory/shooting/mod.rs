//! The one loop of the planners that follow derivatives: expand around the plan, find a direction, try step lengths side by side.
//!
//! A planner of this kind is a [`Direction`]: from the derivatives of every step it makes a change of the plan, with or without
//! feedback. Several starts are tried (rest, the plan from before, the bounds, smooth random ones), since a locally optimal plan is only
//! as good as the valley it starts in; those of the highest returns are improved one after the other, and the best of what they
//! become is the plan. Step lengths are candidates of one batch, each
//! rolled out under the feedback law; the best replaces the plan if its return is higher. An error of the model leaves the plan as it
//! was; diverged candidates rank last and are counted.

mod expander;
mod frame;
mod purse;
mod rollouts;
mod starts;
mod stored;

use worldwright_core::{
    Budget, Imagination, Key, Parameter, PlanReport, PlanStatus, Result, SettingDefault as Default, Settings,
};

use crate::PlannerContext;
pub(crate) use expander::{DIFFERENCE, Expanded, Expander, SCRATCH};
pub(crate) use frame::{Frame, Framed, Search, rest};
pub(crate) use purse::Purse;
pub(crate) use rollouts::{Law, Rollouts};
pub(crate) use starts::{REFINED, STARTS, Starts};
pub(crate) use stored::{Convex, Stored};

pub(crate) const CONVERGED: Parameter = Parameter {
    name: "tolerance",
    default: Default::Float(1e-9),
    summary: "stop as converged when the return rises by less than this share of 1 + |return|",
};

/// Step lengths tried side by side.
const LENGTHS: usize = 10;
/// Those tried first in a model that knows its derivatives, the others only where none of them helps: there a trial costs as much as an
/// expansion, beside differences it costs little.
const LONG: usize = 4;

/// What tells one of these planners from another.
pub(crate) trait Direction: Send {
    /// Whether the reward's, and whether the latent's second derivatives are needed.
    fn curvature(&self) -> (bool, bool);

    /// Writes a change of the plan, and gives by how much it promises to raise the return, as far as that is known; none when nothing is promised.
    fn find(&mut self, around: &Expanded, bounds: (&[f64], &[f64])) -> Option<f64>;

    /// `[H][A]`, and `[H][Z columns][A]` or empty.
    fn law(&self) -> (&[f64], &[f64]);

    /// Hears whether a step was accepted; true when it is worth finding another direction around the same plan.
    fn accepted(&mut self, length: f64) -> bool;

    /// Forgets what it learned of earlier iterations; called at every decision.
    fn restart(&mut self);
}

/// A planner that follows derivatives.
pub(crate) struct Shooting<D> {
    direction: D,
    iterations: usize,
    tolerance: f64,
    starts: Starts,
    expander: Expander,
    rollouts: Rollouts,
    lengths: Vec<f64>,
}

impl<D: Direction> Shooting<D> {
    /// Allocates everything. `settings` must declare the shared parameters; `direction` is made of H, Z and A.
    pub(crate) fn planner(
        name: &'static str,
        context: &PlannerContext,
        settings: &Settings,
        direction: impl FnOnce(usize, usize, usize) -> D,
    ) -> Result<Framed<Self>> {
        let frame = Frame::new(name, context, settings)?;
        let (z, a) = frame.dims();
        let direction = direction(frame.horizon, z, a);
        let expander = Expander::new(&frame, settings, frame.horizon, direction.curvature())?;
        let starts = Starts::new(&frame, settings, settings.count("refined", 1)?)?;
        let capacity = starts.count.max(LENGTHS);
        let search = Self {
            direction,
            iterations: settings.count("iterations", 1)?,
            tolerance: settings.float("tolerance", 0.0, 1.0)?,
            rollouts: Rollouts::new((z, a, context.members), frame.horizon, capacity, expander.terminal_value()),
            starts,
            expander,
            lengths: (0..LENGTHS as i32).map(|i| 0.5_f64.powi(i)).collect(),
        };
        Ok(Framed { frame, search })
    }
}

/// Rows: the root, candidates, then the plan's steps and scratch.
const CANDIDATES: usize = 1;

impl<D: Direction> Search for Shooting<D> {
    fn rows(&self, _frame: &Frame) -> usize {
        CANDIDATES + self.starts.count.max(LENGTHS) + self.expander.rows()
    }

    fn search(&mut self, frame: &mut Frame, world: &mut dyn Imagination, budget: &Budget) -> Result<PlanReport> {
        let purse = Purse::new(budget, self.iterations, world);
        let around = &mut self.expander.around;
        let (found, mut report) = self.starts.best(frame, &mut self.rollouts, world, CANDIDATES, &purse, around)?;
        if !found {
            return Ok(report);
        }
        frame.plan.values.copy_from_slice(&around.controls);
        for rank in 0..self.starts.chosen(frame) {
            let value = self.starts.take(rank, &mut self.expander.around);
            let (value, status) = self.improve(frame, world, &purse, value, &mut report)?;
            if rank == 0 || value > report.value {
                report.value = value;
                report.status = status;
                frame.plan.values.copy_from_slice(&self.expander.around.controls);
            }
            if status == PlanStatus::BudgetSpent {
                report.status = status;
                break;
            }
        }
        Ok(report)
    }
}

impl<D: Direction> Shooting<D> {
    /// Improves the plan in the expander, whose return is `value`, and gives its return and why it ended.
    fn improve(
        &mut self,
        frame: &Frame,
        world: &mut dyn Imagination,
        purse: &Purse,
        mut value: f64,
        report: &mut PlanReport,
    ) -> Result<(f64, PlanStatus)> {
        let Self { direction, expander, rollouts, lengths, starts, .. } = self;
        direction.restart();
        let trial_steps = (LENGTHS * frame.horizon) as u64 * purse.members;
        let expand_steps = expander.model_steps(purse);
        let mut expanded = false;
        for _ in 0..purse.limit {
            let steps = trial_steps + if expanded { 0 } else { expand_steps };
            if report.iterations >= purse.total || !purse.affords(report, steps) {
                return Ok((value, PlanStatus::BudgetSpent));
            }
            if !expanded {
                expander.expand(world, CANDIDATES + starts.count.max(LENGTHS), report)?;
            }
            let around = &mut expander.around;
            let Some(promised) = direction.find(around, (&frame.low, &frame.high)) else {
                return Ok((value, PlanStatus::Converged));
            };
            // Differences promise what their error lets them; where derivatives are known, a trial need not show what they rule out.
            if purse.derivatives && promised <= self.tolerance * (1.0 + value.abs()) {
                return Ok((value, PlanStatus::Converged));
            }
            let (feedforward, feedback) = direction.law();
            let mut tried = 0..if purse.derivatives { LONG } else { LENGTHS };
            let better = loop {
                let trial = &lengths[tried.clone()];
                let law = Law {
                    feedforward,
                    feedback,
                    controls: &around.controls,
                    states: &around.states,
                    lengths: trial,
                    low: &frame.low,
                    high: &frame.high,
                };
                if !rollouts.run(world, CANDIDATES, trial.len(), Some(&law), Key::new(0), &purse.deadline)? {
                    return Ok((value, PlanStatus::BudgetSpent));
                }
                report.model_steps += (trial.len() * frame.horizon) as u64 * purse.members;
                report.diverged += rollouts.diverged(trial.len());
                let best = rollouts.best(trial.len()).filter(|best| rollouts.returns[*best] > value);
                if best.is_some() || tried.end == LENGTHS {
                    break best.map(|best| (best, trial[best]));
                }
                tried = tried.end..LENGTHS;
            };
            report.iterations += 1;
            let gain = better.map_or(0.0, |(best, _)| rollouts.returns[best] - value);
            if let Some((best, _)) = better {
                value = rollouts.returns[best];
                rollouts.get(best, &mut around.controls, &mut around.states);
            }
            expanded = better.is_none();
            let again = direction.accepted(better.map_or(0.0, |(_, length)| length));
            if gain <= self.tolerance * (1.0 + value.abs()) && (better.is_some() || !again) {
                return Ok((value, PlanStatus::Converged));
            }
        }
        let spent = purse.limit < self.iterations;
        Ok((value, if spent { PlanStatus::BudgetSpent } else { PlanStatus::Completed }))
    }
}
