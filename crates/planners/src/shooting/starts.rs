//! The plans that a decision starts from: a locally optimal plan is only as good as the valley that its start lies in.

use std::time::Instant;

use worldwright_core::{
    Budget, Imagination, Key, Parameter, PlanReport, PlanStatus, Result, SettingDefault as Default, Settings,
};

use super::expander::Expanded;
use super::frame::{Frame, rest};
use super::rollouts::Rollouts;

pub(crate) const STARTS: Parameter = Parameter {
    name: "starts",
    default: Default::Integer(8),
    summary: "plans tried at the start of a decision: the one from before, rest, the bounds, then smooth random ones",
};

/// Writes `count` of them: rest, the plan from before, both bounds, then cosines of random period and phase in each dimension.
/// `room` holds one plan.
fn draw(frame: &Frame, rollouts: &mut Rollouts, count: usize, room: &mut [f64]) {
    let (low, high, key) = (&frame.low[..], &frame.high[..], frame.key());
    let dims = low.len();
    rollouts.begin(count);
    for i in 0..count {
        let values = &mut *room;
        match i {
            0 => rest(low, high, values),
            1 => values.copy_from_slice(&frame.plan.values),
            2 | 3 => {
                rest(low, high, values);
                for row in values.chunks_exact_mut(dims) {
                    for (j, slot) in row.iter_mut().enumerate() {
                        let bound = if i == 2 { low[j] } else { high[j] };
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
                    let (low, high) = (low[j], high[j]);
                    let (middle, swing) = if low.is_finite() && high.is_finite() {
                        (0.5 * (low + high), 0.5 * (high - low))
                    } else {
                        (low.max(0.0).min(high), 1.0)
                    };
                    for t in 0..frame.horizon {
                        let angle = std::f64::consts::TAU * periods * t as f64 / frame.horizon as f64 + phase;
                        values[t * dims + j] = (middle + swing * angle.cos()).max(low).min(high);
                    }
                }
            }
        }
        rollouts.set_actions(i, room);
    }
}

/// What a decision may still spend.
pub(crate) struct Purse {
    pub(crate) deadline: Option<Instant>,
    /// Iterations at most.
    pub(crate) limit: usize,
    steps: u64,
    pub(crate) members: u64,
}

impl Purse {
    /// Opens a budget; `iterations` is how many a decision takes where no limit says otherwise.
    pub(crate) fn new(budget: &Budget, iterations: usize, world: &dyn Imagination) -> Self {
        let unlimited = budget.time.is_none() && budget.model_steps.is_none();
        Self {
            deadline: budget.time.map(|time| Instant::now() + time),
            limit: budget.iterations.unwrap_or(if unlimited { iterations } else { usize::MAX }),
            steps: budget.model_steps.unwrap_or(u64::MAX),
            members: world.spec().members as u64,
        }
    }

    /// Whether there is time, and `steps` more model steps.
    pub(crate) fn affords(&self, report: &PlanReport, steps: u64) -> bool {
        report.model_steps + steps <= self.steps && self.deadline.is_none_or(|deadline| Instant::now() < deadline)
    }
}

/// Room for starts.
pub(crate) struct Starts {
    pub(crate) count: usize,
    room: Vec<f64>,
}

impl Starts {
    pub(crate) fn new(frame: &Frame, settings: &Settings) -> Result<Self> {
        Ok(Self { count: settings.count("starts", 2)?, room: vec![0.0; frame.plan.values.len()] })
    }

    /// Imagines all starts in the rows from `row` on and leaves the best with its latents in `around`. False when that cannot be
    /// afforded or all diverged, as the report then says.
    pub(crate) fn best(
        &mut self,
        frame: &Frame,
        rollouts: &mut Rollouts,
        world: &mut dyn Imagination,
        row: usize,
        purse: &Purse,
        around: &mut Expanded,
    ) -> Result<(bool, PlanReport)> {
        let mut report =
            PlanReport { value: f64::NEG_INFINITY, status: PlanStatus::BudgetSpent, ..PlanReport::default() };
        let steps = (self.count * frame.horizon) as u64 * purse.members;
        if purse.limit == 0 || !purse.affords(&report, steps) {
            return Ok((false, report));
        }
        rollouts.prepare(world.spec());
        draw(frame, rollouts, self.count, &mut self.room);
        if !rollouts.run(world, row, self.count, None, Key::new(0), purse.deadline)? {
            return Ok((false, report));
        }
        report.model_steps += steps;
        report.diverged += rollouts.diverged(self.count);
        let Some(best) = rollouts.best(self.count) else {
            report.status = PlanStatus::AllDiverged;
            return Ok((false, report));
        };
        report.value = rollouts.returns[best];
        rollouts.get(best, &mut around.controls, &mut around.states);
        Ok((true, report))
    }
}
