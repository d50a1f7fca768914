//! Imagining every candidate to its end and folding its lanes to one number.
//!
//! Lane m of candidate i earns `G = Σ_t D_t (r_t − κ e_t) + D_H V`, `D_t = Π_{s<t} c_s`, with the model's continuation c (discount
//! × not terminal), its epistemic spread e, the penalty κ and the terminal value V where the model has one. Nothing counts
//! after a lane's end (`D = 0`). The lanes are folded once a trajectory: their mean, their worst, or the mean of the worst
//! share α (CVaR; Rockafellar and Uryasev, "Optimization of Conditional Value-at-Risk", 2000), the lane on the boundary by
//! its fraction. Constraint violations (sums of positive parts) are folded in the same way.

use std::time::Instant;

use worldwright_core::{Imagination, Imagined, Key, Priors, Result, Rows, Values};

use crate::actions::ActionKind;
use crate::candidates::Candidates;
use crate::ranking::Ranking;

/// How the returns of the lanes become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Risk {
    Mean,
    Worst,
    /// Mean of the worst share.
    Cvar(f64),
}

/// What is worth what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Objective {
    pub(crate) risk: Risk,
    /// κ, in reward per unit of epistemic spread.
    pub(crate) epistemic_penalty: f64,
    pub(crate) terminal_value: bool,
    /// Share of the candidates that follow the model's policy prior.
    pub(crate) prior_share: f64,
}

/// Preallocated room for the returns of all lanes.
#[derive(Debug)]
pub(crate) struct Rollout {
    objective: Objective,
    kind: ActionKind,
    capacity: usize,
    /// Members and constraints that the arrays are made for.
    shape: (usize, usize),
    imagined: Imagined,
    values: Values,
    priors: Priors,
    /// `[M][n]`
    returns: Vec<f64>,
    /// `[M][n]`, D of the equation.
    weights: Vec<f64>,
    /// `[M][n]`
    violations: Vec<f64>,
    /// `[M]`
    lanes: Vec<f64>,
    uniforms: Vec<f32>,
}

impl Rollout {
    /// Room for `capacity` candidates of a model with `members` lanes.
    pub(crate) fn new(objective: Objective, kind: &ActionKind, capacity: usize, members: usize) -> Self {
        let lanes = members * capacity;
        Self {
            objective,
            kind: kind.clone(),
            capacity,
            shape: (0, 0),
            imagined: Imagined::default(),
            values: Values { value: Vec::with_capacity(lanes) },
            priors: Priors {
                mean: Vec::with_capacity(capacity * (kind.dims() + kind.choices())),
                std: Vec::with_capacity(capacity * kind.dims()),
            },
            returns: vec![0.0; lanes],
            weights: vec![0.0; lanes],
            violations: vec![0.0; lanes],
            lanes: vec![0.0; members],
            uniforms: vec![0.0; capacity * kind.dims().max(1)],
        }
    }

    /// Sizes the arrays for the model; allocates only when it has other lanes or constraints than the one before.
    pub(crate) fn prepare(&mut self, world: &dyn Imagination) {
        let spec = world.spec();
        if self.shape == (spec.members, spec.constraints) {
            return;
        }
        self.shape = (spec.members, spec.constraints);
        self.imagined = Imagined::new(spec, self.capacity);
        let lanes = spec.members * self.capacity;
        self.returns.resize(lanes, 0.0);
        self.weights.resize(lanes, 0.0);
        self.violations.resize(lanes, 0.0);
        self.lanes.resize(spec.members, 0.0);
    }

    /// Imagines all candidates from row 0 and writes what they are worth. False when `deadline` passed before the end.
    ///
    /// # Errors
    /// What the model gives.
    pub(crate) fn run(
        &mut self,
        world: &mut dyn Imagination,
        candidates: &mut Candidates,
        key: Key,
        deadline: Option<Instant>,
        ranking: &mut Ranking,
    ) -> Result<bool> {
        let n = candidates.count();
        let (members, constraints) = self.shape;
        let lanes = members * n;
        let rows = || Rows::Span(1..n + 1);
        let has_prior = world.spec().has_prior;
        let guided = if has_prior { (self.objective.prior_share * n as f64).floor() as usize } else { 0 };
        self.returns[..lanes].fill(0.0);
        self.weights[..lanes].fill(1.0);
        self.violations[..lanes].fill(0.0);
        world.copy(0, rows());
        for h in 0..candidates.horizon() {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(false);
            }
            let step_key = key.fold(h as u64);
            if guided > 0 {
                self.follow_prior(world, candidates, h, n - guided, step_key.fold(1))?;
            }
            self.imagined.begin(n);
            world.step(rows(), candidates.actions(h)?, rows(), step_key.fold(0), &mut self.imagined)?;
            self.accumulate(lanes, constraints);
        }
        if self.objective.terminal_value && world.spec().has_value {
            self.values.value.resize(lanes, 0.0);
            world.value(rows(), &mut self.values)?;
            let each = self.returns[..lanes].iter_mut().zip(&self.weights[..lanes]).zip(&self.values.value);
            for ((sum, weight), value) in each {
                *sum += if *weight == 0.0 { 0.0 } else { weight * value };
            }
        }
        self.fold(n, constraints, ranking);
        Ok(true)
    }

    /// Adds one step to the returns of all lanes.
    fn accumulate(&mut self, lanes: usize, constraints: usize) {
        let penalty = self.objective.epistemic_penalty;
        let (returns, weights) = (&mut self.returns[..lanes], &mut self.weights[..lanes]);
        for constraint in 0..constraints {
            let values = &self.imagined.constraints[constraint * lanes..(constraint + 1) * lanes];
            for ((sum, weight), value) in self.violations[..lanes].iter_mut().zip(weights.iter()).zip(values) {
                // `max` would swallow NaN, which has to reach the sum.
                let over = if *value <= 0.0 { 0.0 } else { *value };
                *sum += if *weight == 0.0 { 0.0 } else { over };
            }
        }
        if penalty != 0.0 {
            let each = returns.iter_mut().zip(weights.iter()).zip(&self.imagined.epistemic[..lanes]);
            for ((sum, weight), spread) in each {
                *sum -= if *weight == 0.0 { 0.0 } else { weight * penalty * spread };
            }
        }
        let each = returns.iter_mut().zip(weights).zip(&self.imagined.reward[..lanes]);
        for (((sum, weight), reward), continuation) in each.zip(&self.imagined.continuation[..lanes]) {
            let ended = *weight == 0.0;
            *sum += if ended { 0.0 } else { *weight * reward };
            *weight = if ended { 0.0 } else { *weight * continuation };
        }
    }

    /// Writes each candidate's folded return and violation.
    fn fold(&mut self, n: usize, constraints: usize, ranking: &mut Ranking) {
        let members = self.shape.0;
        for i in 0..n {
            // Infinite and undefined numbers spread through sums and products, so the ends tell of every step.
            let finite = (0..members).all(|m| {
                let at = m * n + i;
                self.returns[at].is_finite() && self.weights[at].is_finite() && self.violations[at].is_finite()
            });
            if !finite {
                ranking.score[i] = f64::NEG_INFINITY;
                ranking.violation[i] = f64::INFINITY;
                continue;
            }
            ranking.score[i] = fold_lanes(self.objective.risk, &self.returns, i, n, &mut self.lanes);
            ranking.violation[i] = 0.0;
            if constraints > 0 {
                for m in 0..members {
                    self.violations[m * n + i] *= -1.0;
                }
                // Adding zero turns −0 into 0, which a total order tells apart.
                ranking.violation[i] = 0.0 - fold_lanes(self.objective.risk, &self.violations, i, n, &mut self.lanes);
            }
        }
    }

    /// Overwrites the actions of the candidates from `first` on at step `h` by draws from the model's policy prior.
    fn follow_prior(
        &mut self,
        world: &mut dyn Imagination,
        candidates: &mut Candidates,
        h: usize,
        first: usize,
        key: Key,
    ) -> Result<()> {
        let n = candidates.count();
        let guided = n - first;
        let mut rng = key.rng();
        match &self.kind {
            ActionKind::Continuous { low, high } => {
                let dims = low.len();
                self.priors.mean.resize(guided * dims, 0.0);
                self.priors.std.resize(guided * dims, 0.0);
                world.prior(Rows::Span(1 + first..1 + n), &mut self.priors)?;
                let normals = &mut self.uniforms[..guided * dims];
                rng.fill_normal(normals);
                for dim in 0..dims {
                    for (i, slot) in candidates.column_mut(h, dim)[first..].iter_mut().enumerate() {
                        let at = i * dims + dim;
                        let drawn = self.priors.mean[at] + self.priors.std[at] * f64::from(normals[at]);
                        *slot = drawn.max(low[dim]).min(high[dim]);
                    }
                }
            }
            ActionKind::Discrete { choices, .. } => {
                self.priors.mean.resize(guided * choices, 0.0);
                self.priors.std.clear();
                world.prior(Rows::Span(1 + first..1 + n), &mut self.priors)?;
                let uniforms = &mut self.uniforms[..guided];
                rng.fill_uniform(uniforms);
                let rows = self.priors.mean.chunks_exact(*choices).zip(uniforms.iter());
                for (slot, (logits, uniform)) in candidates.choices_mut(h)[first..].iter_mut().zip(rows) {
                    *slot = draw_softmax(logits, f64::from(*uniform));
                }
            }
        }
        Ok(())
    }
}

/// The choice that `uniform` falls on under softmax probabilities.
fn draw_softmax(logits: &[f64], uniform: f64) -> u32 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    let mut left = uniform * total;
    for (choice, logit) in logits.iter().enumerate() {
        left -= (logit - largest).exp();
        if left < 0.0 {
            return choice as u32;
        }
    }
    logits.len() as u32 - 1
}

/// Folds column `i` of finite `[M][n]` numbers by the risk measure; `lanes` is scratch.
pub(crate) fn fold_lanes(risk: Risk, numbers: &[f64], i: usize, n: usize, lanes: &mut [f64]) -> f64 {
    let members = lanes.len();
    let column = || numbers[i..].iter().step_by(n).take(members).copied();
    match risk {
        Risk::Mean => column().sum::<f64>() / members as f64,
        Risk::Worst => column().fold(f64::INFINITY, f64::min),
        Risk::Cvar(alpha) => {
            lanes.iter_mut().zip(column()).for_each(|(slot, number)| *slot = number);
            lanes.sort_unstable_by(f64::total_cmp);
            let share = alpha * members as f64;
            let whole = (share.floor() as usize).min(members);
            let mut sum: f64 = lanes[..whole].iter().sum();
            if whole < members {
                sum += (share - whole as f64) * lanes[whole];
            }
            sum / share
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cvar_lies_between_the_worst_and_the_mean_with_fractions() {
        // Two candidates, four lanes.
        let numbers = [4.0, 0.0, 1.0, 0.0, 3.0, 0.0, 2.0, 8.0];
        let mut lanes = [0.0; 4];
        let mut fold = |risk, i| fold_lanes(risk, &numbers, i, 2, &mut lanes);
        assert_eq!(fold(Risk::Mean, 0), 2.5);
        assert_eq!(fold(Risk::Worst, 0), 1.0);
        assert_eq!(fold(Risk::Cvar(0.25), 0), 1.0);
        assert_eq!(fold(Risk::Cvar(0.5), 0), 1.5);
        // (1 + 0.5 × 2) / 1.5
        assert!((fold(Risk::Cvar(0.375), 0) - 4.0 / 3.0).abs() < 1e-15);
        // Less than one lane is the worst lane.
        assert_eq!(fold(Risk::Cvar(0.1), 0), 1.0);
        assert_eq!(fold(Risk::Cvar(1.0), 0), 2.5);
        assert_eq!(fold(Risk::Cvar(1.0), 1), 2.0);
    }

    #[test]
    fn softmax_draws_have_their_frequencies() {
        let logits = [0.0, 2.0_f64.ln(), 5.0_f64.ln()];
        assert_eq!(draw_softmax(&logits, 0.0), 0);
        assert_eq!(draw_softmax(&logits, 0.124), 0);
        assert_eq!(draw_softmax(&logits, 0.126), 1);
        assert_eq!(draw_softmax(&logits, 0.374), 1);
        assert_eq!(draw_softmax(&logits, 0.376), 2);
        assert_eq!(draw_softmax(&logits, 0.999_999), 2);
    }
}
