//! The derivatives of every step of a plan, asked of the model in one batch, as costs.

use worldwright_core::{
    Actions, Batch, Differences, Imagination, Linearizations, Parameter, PlanReport, Result, Rows,
    SettingDefault as Default, Settings, Values, cost,
};

use super::frame::Frame;
use super::purse::Purse;

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

/// Finds derivatives around a trajectory.
pub(crate) struct Expander {
    pub(crate) around: Expanded,
    reward_curvature: bool,
    latent_curvature: bool,
    terminal_value: bool,
    difference: f64,
    scratch: usize,
    batch: Batch,
    values: Values,
}

impl Expander {
    /// Room for trajectories of `horizon` steps. `settings` must declare `difference`, `scratch` and `terminal_value`.
    pub(crate) fn new(frame: &Frame, settings: &Settings, horizon: usize, curvature: (bool, bool)) -> Result<Self> {
        let (z, a) = frame.dims();
        let scratch = settings.count("scratch", 2)?;
        let (reward_curvature, latent_curvature) = curvature;
        let (h, d) = (horizon as f64, (z + a) as f64);
        let probes = if reward_curvature || latent_curvature { 2.0 * d * d } else { 3.0 * d };
        let sizes = [("horizon", horizon), ("numbers of a latent", z)];
        cost::memory(&sizes, 8.0 * h * (z as f64 + 1.0) * (probes + d))?;
        let around = Expanded {
            horizon,
            latent_dim: z,
            action_dim: a,
            steps: Linearizations::new(frame.spec(), horizon, scratch, reward_curvature || latent_curvature),
            weights: vec![0.0; horizon],
            end_gradient: vec![0.0; z],
            end_hessian: vec![0.0; z * z],
            controls: vec![0.0; horizon * a],
            states: vec![0.0; (horizon + 1) * z],
        };
        Ok(Self {
            around,
            reward_curvature,
            latent_curvature,
            terminal_value: settings.bool("terminal_value")?,
            difference: settings.float("difference", 1e-12, 1.0)?,
            scratch,
            batch: Batch::zeros(a, horizon),
            values: Values { value: Vec::with_capacity(frame.spec().members) },
        })
    }

    /// Whether the value at the end counts.
    pub(crate) fn terminal_value(&self) -> bool {
        self.terminal_value
    }

    /// Rows of the arena that it needs from its first one on: one a step, then scratch.
    pub(crate) fn rows(&self) -> usize {
        self.around.horizon + self.scratch
    }

    /// Model steps that an expansion takes.
    pub(crate) fn model_steps(&self, purse: &Purse) -> u64 {
        let d = (self.around.latent_dim + self.around.action_dim) as u64;
        let probes = match (purse.derivatives, self.reward_curvature || self.latent_curvature) {
            (true, _) => 1,
            (false, true) => 2 + d + d * d,
            (false, false) => 1 + 2 * d,
        };
        probes * self.around.horizon as u64 * purse.members
    }

    /// The derivatives around the trajectory in [`around`](Self::around), in rows of the arena from `row` on.
    pub(crate) fn expand(&mut self, world: &mut dyn Imagination, row: usize, report: &mut PlanReport) -> Result<()> {
        let (z, a, horizon) = (self.around.latent_dim, self.around.action_dim, self.around.horizon);
        let rows = row..row + horizon;
        world.copy(0, Rows::Span(rows.clone()));
        for t in 0..horizon {
            world.write_latent(row + t, &self.around.states[t * z..][..z])?;
            self.batch.columns_mut().set_row(t, &self.around.controls[t * a..][..a]);
        }
        let differences = Differences {
            scratch: rows.end..rows.end + self.scratch,
            step: self.difference,
            reward_curvature: self.reward_curvature,
            latent_curvature: self.latent_curvature,
        };
        let steps = &mut self.around.steps;
        (steps.model_steps, steps.diverged) = (0, 0);
        let actions = Actions::Continuous(self.batch.columns());
        world.linearize(Rows::Span(rows.clone()), actions, &differences, steps)?;
        report.model_steps += steps.model_steps;
        report.diverged += steps.diverged;
        let mut weight = 1.0;
        for (slot, continuation) in self.around.weights.iter_mut().zip(&steps.continuation) {
            *slot = weight;
            weight *= if continuation.is_finite() { *continuation } else { 1.0 };
        }
        self.expand_end(world, rows.end, weight)
    }

    /// The cost of ending at `latent`, whose row is overwritten.
    pub(crate) fn end_cost(
        &mut self,
        world: &mut dyn Imagination,
        row: usize,
        latent: &[f64],
        weight: f64,
    ) -> Result<f64> {
        if !self.terminal_value || !world.spec().capabilities.value || weight == 0.0 {
            return Ok(0.0);
        }
        let members = world.spec().members;
        world.write_latent(row, latent)?;
        self.values.value.resize(members, 0.0);
        world.value(Rows::Span(row..row + 1), &mut self.values)?;
        Ok(-weight * self.values.value.iter().sum::<f64>() / members as f64)
    }

    /// Gradient and Hessian of the value at the end, by differences in one row.
    fn expand_end(&mut self, world: &mut dyn Imagination, row: usize, weight: f64) -> Result<()> {
        let z = self.around.latent_dim;
        self.around.end_gradient.fill(0.0);
        self.around.end_hessian.fill(0.0);
        if !self.terminal_value || !world.spec().capabilities.value || weight == 0.0 {
            return Ok(());
        }
        let members = world.spec().members;
        world.copy(0, Rows::Span(row..row + 1));
        let end = self.around.horizon * z;
        let latent = &mut self.around.states[end..end + z];
        let values = &mut self.values;
        let mut at = |latent: &[f64]| -> Result<f64> {
            world.write_latent(row, latent)?;
            values.value.resize(members, 0.0);
            world.value(Rows::Span(row..row + 1), values)?;
            Ok(-weight * values.value.iter().sum::<f64>() / members as f64)
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
