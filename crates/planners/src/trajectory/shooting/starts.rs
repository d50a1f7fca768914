//! The plans that a decision starts from: a locally optimal plan is only as good as the valley that its start lies in. All starts are
//! imagined in one batch and ranked by their returns; the best few are then improved, at the first decision each of them.

use worldwright_core::{
    Imagination, Key, Parameter, PlanReport, PlanStatus, Result, SettingDefault as Default, Settings, is_bounded,
};

use super::expander::Expanded;
use super::frame::{Frame, rest};
use super::purse::Purse;
use super::rollouts::Rollouts;

pub(crate) const STARTS: Parameter = Parameter {
    name: "starts",
    default: Default::Integer(8),
    summary: "plans tried at the start of a decision: the one from before, rest, the bounds, then smooth random ones",
};
pub(crate) const REFINED: Parameter = Parameter {
    name: "refined",
    default: Default::Integer(2),
    summary: "starts that are improved at a decision, those of the highest returns; at the first decision all are",
};

/// Shortest wave of a random start, in steps.
const SHORTEST: f64 = 8.0;

/// Writes start `i`: rest, the plan from before, both bounds, then cosines of random wavelength and phase in each dimension.
fn draw(frame: &Frame, i: usize, values: &mut [f64]) {
    let (low, high) = (&frame.low[..], &frame.high[..]);
    let dims = low.len();
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
            let mut rng = frame.key().fold(i as u64).rng();
            let longest = 2.0 * frame.horizon as f64;
            for j in 0..dims {
                // Each octave is as likely as the next.
                let wave = SHORTEST * (longest / SHORTEST).max(1.0).powf(rng.uniform_in(0.0, 1.0));
                let phase = rng.uniform_in(0.0, std::f64::consts::TAU);
                let (low, high) = (low[j], high[j]);
                let (middle, swing) = if is_bounded(low, high) {
                    (0.5 * (low + high), 0.5 * (high - low))
                } else {
                    (low.max(0.0).min(high), 1.0)
                };
                for t in 0..frame.horizon {
                    let angle = std::f64::consts::TAU * t as f64 / wave + phase;
                    values[t * dims + j] = (middle + swing * angle.cos()).max(low).min(high);
                }
            }
        }
    }
}

/// Room for starts.
pub(crate) struct Starts {
    pub(crate) count: usize,
    refined: usize,
    /// `[count][H][A]`
    plans: Vec<f64>,
    /// `[count][H + 1][Z]`
    states: Vec<f64>,
    returns: Vec<f64>,
    /// The highest return first, the diverged left out.
    order: Vec<usize>,
}

impl Starts {
    /// `settings` must declare `starts`; `refined` is how many of them the planner improves.
    pub(crate) fn new(frame: &Frame, settings: &Settings, refined: usize) -> Result<Self> {
        let count = settings.count("starts", 2)?;
        let (z, _) = frame.dims();
        Ok(Self {
            count,
            refined,
            plans: vec![0.0; count * frame.plan.values.len()],
            states: vec![0.0; count * (frame.horizon + 1) * z],
            returns: vec![0.0; count],
            order: Vec::with_capacity(count),
        })
    }

    /// Imagines all starts in the rows from `row` on, ranks them, and leaves the best in `around`. False when that cannot be afforded
    /// or all diverged, as the report then says.
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
        rollouts.begin(self.count);
        let each = frame.plan.values.len();
        for (i, plan) in self.plans.chunks_exact_mut(each).enumerate() {
            draw(frame, i, plan);
            rollouts.set_actions(i, plan);
        }
        if !rollouts.run(world, row, self.count, None, Key::new(0), &purse.deadline)? {
            return Ok((false, report));
        }
        report.model_steps += steps;
        report.diverged += rollouts.diverged(self.count);
        self.returns.copy_from_slice(&rollouts.returns[..self.count]);
        let length = self.states.len() / self.count;
        let states = self.states.chunks_exact_mut(length);
        for (i, (plan, states)) in self.plans.chunks_exact_mut(each).zip(states).enumerate() {
            rollouts.get(i, plan, states);
        }
        let returns = &self.returns;
        self.order.clear();
        self.order.extend((0..self.count).filter(|i| returns[*i] > f64::NEG_INFINITY));
        self.order.sort_unstable_by(|a, b| returns[*b].total_cmp(&returns[*a]).then(a.cmp(b)));
        if self.order.is_empty() {
            report.status = PlanStatus::AllDiverged;
            return Ok((false, report));
        }
        report.value = self.take(0, around);
        Ok((true, report))
    }

    /// How many starts to improve.
    pub(crate) fn chosen(&self, frame: &Frame) -> usize {
        let wanted = if frame.is_first() { self.count } else { self.refined };
        wanted.min(self.order.len())
    }

    /// Leaves the start of this rank in `around` and gives its return.
    pub(crate) fn take(&self, rank: usize, around: &mut Expanded) -> f64 {
        let i = self.order[rank];
        let (plan, states) = (around.controls.len(), around.states.len());
        around.controls.copy_from_slice(&self.plans[i * plan..][..plan]);
        around.states.copy_from_slice(&self.states[i * states..][..states]);
        self.returns[i]
    }
}
