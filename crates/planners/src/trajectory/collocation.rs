//! `collocation`: direct transcription, states and actions searched together, the model's steps as constraints.
//!
//! ```text
//! minimise −Σ w_t r(x_t, u_t) − w_H V(x_H)   subject to   f(x_t, u_t) − x_{t+1} = 0,   low ≤ u_t ≤ high
//! ```
//!
//! by sequential quadratic programming (Betts, "Practical Methods for Optimal Control", 2010, chapters 3 and 4; Nocedal and Wright,
//! "Numerical Optimization", 2006, chapter 18): every step is expanded in one batch, the programme with its bounds is solved by an
//! interior point over the horizon (see [`Interior`]), and a step length is accepted that lowers the merit
//! `cost + ν Σ |f(x_t, u_t) − x_{t+1}|₁` with ν above the largest multiplier. All knots of a trial are imagined side by side, so that
//! no error grows along the horizon and an unstable model is no harder than a stable one. After each step the feedback law takes the
//! trajectory through the model itself; the plan is the best such rollout. The model's own step stands where a rule of integration
//! stands for systems in continuous time.

use worldwright_core::{
    Actions, Batch, Budget, Deadline, Entry, Imagination, Imagined, Key, Parameter, PlanReport, PlanStatus, Planner,
    Result, Rows, SettingDefault as Default, Settings,
};

use crate::trajectory::shooting::{
    CONVERGED, Convex, DIFFERENCE, Expanded, Expander, Frame, Framed, Law, Purse, Rollouts, SCRATCH, STARTS, Search,
    Starts, Stored,
};
use crate::{Build, PlannerContext, common};
use worldwright_control::{Dynamic, Interior};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "collocation",
    summary: "direct transcription: states and actions together by sequential quadratic programming",
    source: "Betts 2010; Rao, Wright and Rawlings 1998",
    parameters: &[
        Parameter { default: Default::Integer(30), ..common::HORIZON },
        Parameter { default: Default::Integer(20), ..common::ITERATIONS },
        STARTS,
        CONVERGED,
        DIFFERENCE,
        SCRATCH,
        common::TERMINAL_VALUE,
    ],
    build,
};

const CANDIDATES: usize = 1;
/// Step lengths tried: 1, ½, ¼, ….
const HALVINGS: usize = 8;
/// Share of the promised fall of the merit that a step must keep.
const ARMIJO: f64 = 1e-4;
const GROWTH: f64 = 10.0;
const LEAST: f64 = 1e-6;
const MOST: f64 = 1e6;

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let frame = Frame::new(ENTRY.name, context, settings)?;
    let ((z, a), horizon) = (frame.dims(), frame.horizon);
    let expander = Expander::new(&frame, settings, horizon, (true, false))?;
    let starts = Starts::new(&frame, settings, 1)?;
    let search = Collocation {
        iterations: settings.count("iterations", 1)?,
        tolerance: settings.float("tolerance", 0.0, 1.0)?,
        rollouts: Rollouts::new((z, a, context.members), horizon, starts.count, expander.terminal_value()),
        trial: Trial {
            states: vec![0.0; (horizon + 1) * z],
            controls: vec![0.0; horizon * a],
            batch: Batch::zeros(a, horizon),
            imagined: Imagined::new(frame.spec(), horizon),
            next: vec![0.0; z],
        },
        gaps: vec![0.0; (horizon + 1) * z],
        costate: vec![0.0; z],
        next_costate: vec![0.0; z],
        still: vec![0.0; horizon * a],
        interior: Interior::new(Dynamic { nx: z, nu: a }, horizon),
        convex: Convex::new(horizon, z, a),
        starts,
        expander,
    };
    Ok(Box::new(Framed { frame, search }))
}

struct Collocation {
    iterations: usize,
    tolerance: f64,
    starts: Starts,
    expander: Expander,
    rollouts: Rollouts,
    interior: Interior,
    convex: Convex,
    trial: Trial,
    /// `[H + 1][Z]`
    gaps: Vec<f64>,
    costate: Vec<f64>,
    next_costate: Vec<f64>,
    /// No feedforward, `[H][A]`.
    still: Vec<f64>,
}

/// A trajectory that may have gaps, and room to imagine its knots.
struct Trial {
    states: Vec<f64>,
    controls: Vec<f64>,
    batch: Batch,
    imagined: Imagined,
    next: Vec<f64>,
}

impl Trial {
    /// The cost, and the sum of the absolute gaps, with the knots side by side in the rows from `row` on.
    fn measure(&mut self, world: &mut dyn Imagination, row: usize, expander: &mut Expander) -> Result<(f64, f64)> {
        let (z, a) = (self.next.len(), self.batch.columns().dims());
        let horizon = self.controls.len() / a;
        let rows = || Rows::Span(row..row + horizon);
        world.copy(0, rows());
        for t in 0..horizon {
            world.write_latent(row + t, &self.states[t * z..][..z])?;
            self.batch.columns_mut().set_row(t, &self.controls[t * a..][..a]);
        }
        self.imagined.begin(horizon);
        let actions = Actions::Continuous(self.batch.columns());
        world.step(rows(), actions, rows(), Key::new(0), &mut self.imagined)?;
        let members = world.spec().members;
        let (mut cost, mut gap, mut weight) = (0.0, 0.0, 1.0);
        for t in 0..horizon {
            let mean = |numbers: &[f64]| {
                (0..members).map(|member| numbers[self.imagined.at(member, t)]).sum::<f64>() / members as f64
            };
            cost -= weight * mean(&self.imagined.reward);
            weight *= mean(&self.imagined.continuation);
            world.read_latent(row + t, &mut self.next)?;
            let state = &self.states[(t + 1) * z..][..z];
            gap += self.next.iter().zip(state).map(|(next, state)| (next - state).abs()).sum::<f64>();
        }
        cost += expander.end_cost(world, row, &self.states[horizon * z..], weight)?;
        Ok((cost, gap))
    }
}

impl Collocation {
    /// Writes the gaps of the expansion; gives their sum, NaN where a step diverged.
    fn measure_gaps(&mut self) -> f64 {
        let around = &self.expander.around;
        let z = around.latent_dim;
        let reached = self.gaps[z..].iter_mut().zip(&around.steps.next).zip(&around.states[z..]);
        reached
            .map(|((gap, next), state)| {
                *gap = next - state;
                gap.abs()
            })
            .sum()
    }

    /// The cost's slope along the programme's solution, and the largest multiplier of a gap.
    fn slope(&mut self) -> (f64, f64) {
        let around = &self.expander.around;
        let (z, a) = (around.latent_dim, around.action_dim);
        let d = z + a;
        let (dx, du) = (&self.interior.dx, &self.interior.du);
        let end = &dx[around.horizon * z..];
        let (mut slope, mut largest) = (0.0, 0.0_f64);
        for p in 0..z {
            let bend: f64 = self.convex.end_hessian[p * z..][..z].iter().zip(end).map(|(h, x)| h * x).sum();
            self.next_costate[p] = around.end_gradient[p] + bend;
            slope += around.end_gradient[p] * end[p];
        }
        for t in (0..around.horizon).rev() {
            largest = self.next_costate.iter().fold(largest, |largest, force| largest.max(force.abs()));
            let (dx, du) = (&dx[t * z..][..z], &du[t * a..][..a]);
            let gradient = &around.steps.reward_gradient[t * d..][..d];
            let hessian = self.convex.step(t, d);
            for (p, number) in dx.iter().chain(du).enumerate() {
                slope -= around.weights[t] * gradient[p] * number;
            }
            for p in 0..z {
                let column = &around.steps.jacobian[(t * d + p) * z..][..z];
                let carried: f64 = column.iter().zip(&self.next_costate).map(|(slope, force)| slope * force).sum();
                let bend: f64 = hessian[p * d..][..d].iter().zip(dx.iter().chain(du)).map(|(h, x)| h * x).sum();
                self.costate[p] = carried + bend - around.weights[t] * gradient[p];
            }
            std::mem::swap(&mut self.costate, &mut self.next_costate);
        }
        (slope, largest)
    }

    /// Takes the trajectory through the model; true when it returns more than the plan.
    fn follow(
        &mut self,
        frame: &mut Frame,
        world: &mut dyn Imagination,
        report: &mut PlanReport,
        deadline: &Deadline,
    ) -> Result<bool> {
        let Expanded { controls, states, .. } = &self.expander.around;
        let law = Law {
            feedforward: &self.still,
            feedback: self.interior.feedback(),
            controls,
            states,
            lengths: &[1.0],
            low: &frame.low,
            high: &frame.high,
        };
        if !self.rollouts.run(world, CANDIDATES, 1, Some(&law), Key::new(0), deadline)? {
            return Ok(false);
        }
        report.model_steps += (frame.horizon * world.spec().members) as u64;
        report.diverged += self.rollouts.diverged(1);
        let better = self.rollouts.returns[0] > report.value;
        if better {
            report.value = self.rollouts.returns[0];
            self.rollouts.get_actions(0, &mut frame.plan.values);
        }
        Ok(better)
    }
}

impl Search for Collocation {
    fn rows(&self, _frame: &Frame) -> usize {
        CANDIDATES + self.starts.count + self.expander.rows()
    }

    fn search(&mut self, frame: &mut Frame, world: &mut dyn Imagination, budget: &Budget) -> Result<PlanReport> {
        let purse = Purse::new(budget, self.iterations, world);
        let around = &mut self.expander.around;
        let (found, mut report) = self.starts.best(frame, &mut self.rollouts, world, CANDIDATES, &purse, around)?;
        if !found {
            return Ok(report);
        }
        frame.plan.values.copy_from_slice(&around.controls);
        report.status = if purse.limit < self.iterations { PlanStatus::BudgetSpent } else { PlanStatus::Completed };
        let row = CANDIDATES + self.starts.count;
        let trial_steps = frame.horizon as u64 * purse.members;
        // A trial that is taken, and its rollout.
        let least_steps = self.expander.model_steps(&purse) + 3 * trial_steps;
        let (mut regularization, mut penalty) = (0.0_f64, 0.0_f64);
        for _ in 0..purse.limit {
            if !purse.affords(&report, least_steps) {
                report.status = PlanStatus::BudgetSpent;
                break;
            }
            self.expander.expand(world, row, &mut report)?;
            let gap = self.measure_gaps();
            self.convex.read(&self.expander.around);
            if !gap.is_finite() {
                break;
            }
            while regularization <= MOST {
                let around = &self.expander.around;
                let problem = Stored::<false> { around, convex: &self.convex, low: &frame.low, high: &frame.high };
                if self.interior.solve(&problem, (&around.states, &around.controls, &self.gaps), regularization) {
                    break;
                }
                regularization = (regularization * GROWTH).max(LEAST);
            }
            if regularization > MOST {
                break;
            }
            let (slope, largest) = self.slope();
            penalty = penalty.max(1.1 * largest);
            let promise = penalty * gap - slope;
            let small = self.tolerance * (1.0 + report.value.abs());
            if promise <= small && gap <= small {
                report.status = PlanStatus::Converged;
                break;
            }
            let mut length = 1.0;
            let (mut merit, mut accepted) = (f64::NAN, false);
            for tried in 0..=HALVINGS {
                if !purse.affords(&report, 2 * trial_steps) {
                    break;
                }
                let Expanded { states, controls, .. } = &self.expander.around;
                // The first trial is the present trajectory, whose merit the others must fall below.
                let share = if tried == 0 { 0.0 } else { length };
                blend(&mut self.trial.states, states, &self.interior.dx, share);
                blend(&mut self.trial.controls, controls, &self.interior.du, share);
                for (i, slot) in self.trial.controls.iter_mut().enumerate() {
                    let j = i % frame.low.len();
                    *slot = slot.max(frame.low[j]).min(frame.high[j]);
                }
                let (cost, gap) = self.trial.measure(world, row, &mut self.expander)?;
                report.model_steps += trial_steps;
                let now = cost + penalty * gap;
                if tried == 0 {
                    merit = now;
                    continue;
                }
                if now <= merit - ARMIJO * length * promise {
                    accepted = true;
                    break;
                }
                length *= 0.5;
            }
            report.iterations += 1;
            if !accepted {
                regularization = (regularization * GROWTH * GROWTH).max(LEAST);
                continue;
            }
            self.expander.around.states.copy_from_slice(&self.trial.states);
            self.expander.around.controls.copy_from_slice(&self.trial.controls);
            regularization = if regularization > LEAST { regularization / GROWTH } else { 0.0 };
            self.follow(frame, world, &mut report, &purse.deadline)?;
        }
        Ok(report)
    }
}

/// `out ← base + share · change`
fn blend(out: &mut [f64], base: &[f64], change: &[f64], share: f64) {
    for ((out, base), change) in out.iter_mut().zip(base).zip(change) {
        *out = base + share * change;
    }
}
