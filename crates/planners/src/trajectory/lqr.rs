//! `lqr`: the linear-quadratic regulator about a set point, in any model whose steps can be differentiated.
//!
//! At the set point (x*, u*) the model is expanded once: `x' − x* ≈ A δx + B δu + c` and the negated reward to second order. The law is
//! `u = u* + k + K (x − x*)`, stationary (see [`Regulator`]) or, for a finite horizon, of the Riccati recursion over `(δx, 1)`, which
//! carries drift and linear costs along; discounts γ scale A and B by √γ. The plan is the law's rollout in the model itself, actions
//! within their bounds, unless the plan from before or resting at u* returns more. Sources: Kalman 1960; Anderson and Moore, "Optimal
//! Control: Linear Quadratic Methods", 1990, chapters 2 and 3.

use worldwright_core::{
    Budget, Entry, Error, Imagination, Key, Parameter, PlanReport, PlanStatus, Planner, Result,
    SettingDefault as Default, Settings,
};

use crate::trajectory::shooting::{DIFFERENCE, Expander, Frame, Framed, Law, Purse, Rollouts, SCRATCH, Search, rest};
use crate::{Build, PlannerContext, common};
use worldwright_control::{Dynamic, LinearQuadratic, Regulator, Sweeper, clip_eigenvalues};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "lqr",
    summary: "linear-quadratic regulator about a set point, of the model linearised there",
    source: "Kalman 1960; Anderson and Moore 1990",
    parameters: &[
        Parameter { default: Default::Integer(50), ..common::HORIZON },
        Parameter {
            name: "set_point",
            default: Default::Numbers(&[]),
            summary: "latent to hold, one number a dimension; empty is zero",
        },
        Parameter {
            name: "set_action",
            default: Default::Numbers(&[]),
            summary: "action that holds it; empty is the one nearest to zero",
        },
        Parameter {
            name: "stationary",
            default: Default::Bool(true),
            summary: "whether the law is that of an infinite horizon; otherwise it ends with the plan's",
        },
        DIFFERENCE,
        SCRATCH,
        common::TERMINAL_VALUE,
    ],
    build,
};

/// Curvature of the reward by action, beside its largest curvature, below which it counts as none.
const FLAT: f64 = 1e-8;
/// Candidates beside the law: the plan from before, and rest.
const OTHERS: usize = 2;
const CANDIDATES: usize = 1;

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let frame = Frame::new(ENTRY.name, context, settings)?;
    let (z, a) = frame.dims();
    let mut expander = Expander::new(&frame, settings, 1, (true, false))?;
    let mut hold = vec![0.0; a];
    rest(&frame.low, &frame.high, &mut hold);
    for (key, into, inside) in [("set_point", &mut expander.around.states[..z], false), ("set_action", &mut hold, true)]
    {
        let numbers = settings.numbers(key)?;
        if numbers.is_empty() {
            continue;
        }
        if numbers.len() != into.len() || !numbers.iter().all(|number| number.is_finite()) {
            return Err(Error::config(key, format!("it needs {} finite numbers", into.len())));
        }
        into.copy_from_slice(numbers);
        if inside && (0..a).any(|j| into[j] < frame.low[j] || into[j] > frame.high[j]) {
            return Err(Error::config(key, "it lies outside the action's bounds"));
        }
    }
    let (point, end) = expander.around.states.split_at_mut(z);
    end.copy_from_slice(point);
    expander.around.controls.copy_from_slice(&hold);
    let horizon = frame.horizon;
    let search = Lqr {
        stationary: settings.bool("stationary")?,
        rollouts: Rollouts::new((z, a, context.members), horizon, OTHERS, expander.terminal_value()),
        regulator: Regulator::new(z, a),
        problem: LinearQuadratic::zeros(z, a, 1),
        carried: LinearQuadratic::zeros(z + 1, a, horizon),
        sweeper: Sweeper::new(Dynamic { nx: z + 1, nu: a }, horizon),
        still: (vec![0.0; (horizon + 1) * (z + 1)], vec![0.0; horizon * a]),
        hessian: vec![0.0; (z + a) * (z + a)],
        room: vec![0.0; 2 * (z + a) * (z + a)],
        feedforward: vec![0.0; horizon * a],
        feedback: vec![0.0; horizon * a * z],
        controls: hold.repeat(horizon),
        states: expander.around.states[..z].repeat(horizon + 1),
        expander,
    };
    Ok(Box::new(Framed { frame, search }))
}

struct Lqr {
    stationary: bool,
    expander: Expander,
    rollouts: Rollouts,
    regulator: Regulator,
    /// The problem of δx, and with a constant 1 beneath it that carries drift and linear costs.
    problem: LinearQuadratic,
    carried: LinearQuadratic,
    sweeper: Sweeper<Dynamic>,
    /// The trajectory of zeros to sweep over.
    still: (Vec<f64>, Vec<f64>),
    hessian: Vec<f64>,
    room: Vec<f64>,
    feedforward: Vec<f64>,
    feedback: Vec<f64>,
    /// The set point, repeated: `[H][A]` and `[H + 1][Z]`.
    controls: Vec<f64>,
    states: Vec<f64>,
}

impl Lqr {
    /// Reads the expansion as a problem. False where the reward does not curve by every action.
    fn read(&mut self) -> bool {
        let around = &self.expander.around;
        let (z, a) = (around.latent_dim, around.action_dim);
        let d = z + a;
        let (problem, steps) = (&mut self.problem, &around.steps);
        problem.a.copy_from_slice(&steps.jacobian[..z * z]);
        problem.b.copy_from_slice(&steps.jacobian[z * z..d * z]);
        for i in 0..z {
            problem.drift[i] = steps.next[i] - around.states[i];
            problem.q_linear[i] = -steps.reward_gradient[i];
        }
        (0..a).for_each(|j| problem.r_linear[j] = -steps.reward_gradient[z + j]);
        self.hessian.iter_mut().zip(&steps.reward_hessian).for_each(|(slot, bend)| *slot = -bend);
        clip_eigenvalues(d, &mut self.hessian, &mut self.room);
        for q in 0..z {
            problem.q[q * z..][..z].copy_from_slice(&self.hessian[q * d..][..z]);
        }
        for q in 0..a {
            problem.cross[q * z..][..z].copy_from_slice(&self.hessian[(z + q) * d..][..z]);
            problem.r[q * a..][..a].copy_from_slice(&self.hessian[(z + q) * d + z..][..a]);
        }
        let largest = self.hessian.iter().fold(1.0_f64, |largest, bend| largest.max(bend.abs()));
        (0..a).all(|j| problem.r[j * a + j] > FLAT * largest)
    }

    /// Writes the laws of all steps. False where there is none.
    fn solve(&mut self, discount: f64) -> bool {
        let (z, a) = (self.problem.drift.len(), self.problem.r_linear.len());
        if self.stationary {
            let found = self.regulator.solve(&self.problem, discount);
            self.feedforward.chunks_exact_mut(a).for_each(|step| step.copy_from_slice(&self.regulator.feedforward));
            self.feedback.chunks_exact_mut(a * z).for_each(|step| step.copy_from_slice(&self.regulator.feedback));
            return found;
        }
        self.carry(discount);
        if self.sweeper.sweep(&self.carried, &self.still.0, &self.still.1, None, 0.0).is_none() {
            return false;
        }
        for (t, gain) in self.sweeper.gains().feedback.chunks_exact(a * (z + 1)).enumerate() {
            self.feedback[t * a * z..][..a * z].copy_from_slice(&gain[..a * z]);
            self.feedforward[t * a..][..a].copy_from_slice(&gain[a * z..]);
        }
        true
    }

    /// The finite problem of (δx, 1).
    fn carry(&mut self, discount: f64) {
        // The expansion's end lies one step on and is worth a discount less.
        let (n, root, end) = (self.problem.drift.len() + 1, discount.sqrt(), 1.0 / discount);
        let (small, large) = (&self.problem, &mut self.carried);
        let (z, a) = (n - 1, small.r_linear.len());
        for q in 0..z {
            for p in 0..z {
                large.a[q * n + p] = root * small.a[q * z + p];
                large.q[q * n + p] = small.q[q * z + p];
                large.q_final[q * n + p] = end * self.expander.around.end_hessian[q * z + p];
            }
            large.a[z * n + q] = root * small.drift[q];
            let end_slope = end * self.expander.around.end_gradient[q];
            for (matrix, slope) in [(&mut large.q, small.q_linear[q]), (&mut large.q_final, end_slope)] {
                matrix[z * n + q] = slope;
                matrix[q * n + z] = slope;
            }
        }
        large.a[z * n + z] = root;
        for j in 0..a {
            for p in 0..z {
                large.b[j * n + p] = root * small.b[j * z + p];
                large.cross[j * n + p] = small.cross[j * z + p];
            }
            large.cross[j * n + z] = small.r_linear[j];
        }
        large.r.copy_from_slice(&small.r);
    }
}

impl Search for Lqr {
    fn rows(&self, _frame: &Frame) -> usize {
        CANDIDATES + OTHERS + self.expander.rows()
    }

    fn search(&mut self, frame: &mut Frame, world: &mut dyn Imagination, budget: &Budget) -> Result<PlanReport> {
        let purse = Purse::new(budget, 1, world);
        let mut report =
            PlanReport { value: f64::NEG_INFINITY, status: PlanStatus::BudgetSpent, ..PlanReport::default() };
        let rollout_steps = frame.horizon as u64 * purse.members;
        let steps = self.expander.model_steps(&purse) + (1 + OTHERS as u64) * rollout_steps;
        if purse.limit == 0 || !purse.affords(&report, steps) {
            return Ok(report);
        }
        self.expander.expand(world, CANDIDATES + OTHERS, &mut report)?;
        let sound = report.diverged == 0;
        let discount = self.expander.around.steps.continuation[0];
        let discount = if discount > 0.0 { discount.min(1.0) } else { 1.0 };
        let curved = self.read();
        if sound && !curved {
            return Err(Error::unsupported(
                ENTRY.name,
                "a reward that does not fall quadratically by every action at the set point: use ilqr or gradient",
            ));
        }
        let found = curved && self.solve(discount);
        if sound && !found {
            return Err(Error::unsupported(
                ENTRY.name,
                "a set point that no linear law holds at finite cost: set stationary = false, or use ilqr",
            ));
        }
        self.rollouts.prepare(world.spec());
        self.rollouts.begin(OTHERS);
        self.rollouts.set_actions(0, &self.controls);
        self.rollouts.set_actions(1, &frame.plan.values);
        let mut plan = |rollouts: &mut Rollouts, count, law: Option<&Law<'_>>| -> Result<bool> {
            if !rollouts.run(world, CANDIDATES, count, law, Key::new(0), &purse.deadline)? {
                return Ok(false);
            }
            report.model_steps += count as u64 * rollout_steps;
            report.diverged += rollouts.diverged(count);
            if let Some(best) = rollouts.best(count).filter(|best| rollouts.returns[*best] > report.value) {
                report.value = rollouts.returns[best];
                rollouts.get_actions(best, &mut frame.plan.values);
            }
            Ok(true)
        };
        let mut timely = plan(&mut self.rollouts, OTHERS, None)?;
        if timely && found {
            let law = Law {
                feedforward: &self.feedforward,
                feedback: &self.feedback,
                controls: &self.controls,
                states: &self.states,
                lengths: &[1.0],
                low: &frame.low,
                high: &frame.high,
            };
            timely = plan(&mut self.rollouts, 1, Some(&law))?;
        }
        report.iterations = usize::from(timely);
        report.status = match (timely, report.value > f64::NEG_INFINITY) {
            (false, _) => PlanStatus::BudgetSpent,
            (true, true) => PlanStatus::Completed,
            (true, false) => PlanStatus::AllDiverged,
        };
        Ok(report)
    }
}
