//! Imagining every candidate to its end and folding its lanes to one number.
//!
//! Lane m of candidate i earns `G = Σ_t D_t (r_t − p_t) + D_H V`, `D_t = Π_{s<t} c_s`, with the model's continuation c (discount
//! × not terminal), the terminal value V where the model has one, and penalties `p = κ e + λ d + ρ` of the model's epistemic
//! spread e, the action's distance d from the policy prior and a [regulariser](crate::Regulariser) ρ. Nothing counts after a
//! lane's end (`D = 0`). Constraint violations (sums of positive parts) are folded as returns are, see
//! [`Objective`](crate::objective::Objective).

use worldwright_core::{Deadline, Imagination, Imagined, Result, Rows, Values};

use crate::actions::ActionKind;
use crate::objective::{Constraints, Objective, fold_lanes, lane_std};
use crate::sampling::candidates::Candidates;
use crate::sampling::prior::Guide;
use crate::sampling::regulariser::Regularised;
use crate::sampling::segment::Segment;

/// What is wanted beside scores.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// What was earned before each step.
    pub(crate) earned: bool,
    /// How far the lanes of each candidate disagree.
    pub(crate) spread: bool,
}

/// Preallocated room for the returns of all lanes, and what the last rollout gave.
pub(crate) struct Rollout {
    objective: Objective,
    wanted: Wanted,
    capacity: usize,
    /// Members and constraints that the arrays are made for.
    shape: (usize, usize),
    imagined: Imagined,
    values: Values,
    guide: Guide,
    regularised: Option<Regularised>,
    /// `[M][n]`
    returns: Vec<f64>,
    /// `[M][n]`, D of the equation.
    weights: Vec<f64>,
    /// `[M][n]`
    violations: Vec<f64>,
    /// `[M][n]`, p of the equation; not used where nothing is penalised.
    penalties: Vec<f64>,
    /// `[M]`
    lanes: Vec<f64>,
    /// `[n]`: return under the risk measure; minus infinity where the candidate diverged.
    pub(crate) score: Vec<f64>,
    /// `[n]`: zero where feasible, infinite where the candidate diverged.
    pub(crate) violation: Vec<f64>,
    /// `[n]`, where wanted: standard deviation of the return over the lanes.
    pub(crate) spread: Vec<f64>,
    /// `[H][n]`, where wanted: mean over the lanes of what was earned before step h.
    pub(crate) earned: Vec<f64>,
}

impl Rollout {
    /// Room for `capacity` candidates of `horizon` steps.
    pub(crate) fn new(
        objective: Objective,
        kind: &ActionKind,
        horizon: usize,
        capacity: usize,
        wanted: Wanted,
        regularised: Option<Regularised>,
    ) -> Self {
        Self {
            objective,
            wanted,
            capacity,
            shape: (0, 0),
            imagined: Imagined::default(),
            values: Values::default(),
            guide: Guide::new(kind, capacity),
            regularised,
            returns: Vec::new(),
            weights: Vec::new(),
            violations: Vec::new(),
            penalties: Vec::new(),
            lanes: Vec::new(),
            score: vec![0.0; capacity],
            violation: vec![0.0; capacity],
            spread: vec![0.0; if wanted.spread { capacity } else { 0 }],
            earned: vec![0.0; if wanted.earned { horizon * capacity } else { 0 }],
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
        for numbers in [&mut self.returns, &mut self.weights, &mut self.violations, &mut self.values.value] {
            numbers.resize(lanes, 0.0);
        }
        let penalised = self.objective.epistemic_penalty > 0.0 || self.objective.policy_distance > 0.0;
        self.penalties.resize(if penalised || self.regularised.is_some() { lanes } else { 0 }, 0.0);
        self.lanes.resize(spec.members, 0.0);
        if let Some(regularised) = &mut self.regularised {
            regularised.prepare(spec.members, self.capacity, spec.observation_space.flat_dim());
        }
    }

    /// How many of `count` candidates follow the prior: the last ones.
    pub(crate) fn guided(&self, world: &dyn Imagination, count: usize) -> usize {
        if world.spec().capabilities.prior { (self.objective.prior_share * count as f64).floor() as usize } else { 0 }
    }

    /// Imagines all candidates from their roots, in the arena's rows from `first_row` on, and keeps what they are worth. The last of
    /// each segment follow the prior where the model has one, and `guide` allows. False when `deadline` passed before the end.
    ///
    /// # Errors
    /// What the model gives.
    pub(crate) fn run(
        &mut self,
        world: &mut dyn Imagination,
        first_row: usize,
        segments: &[Segment],
        candidates: &mut Candidates,
        guide: bool,
        deadline: &Deadline,
    ) -> Result<bool> {
        let n = candidates.count();
        let lanes = self.shape.0 * n;
        let rows = || Rows::Span(first_row..first_row + n);
        // A deterministic model reads no key, and only in such a one are there several problems.
        let (first_key, deterministic) = (segments[0].key, world.spec().deterministic);
        let key = |h: usize| if deterministic { first_key } else { first_key.fold(h as u64).fold(0) };
        self.returns[..lanes].fill(0.0);
        self.weights[..lanes].fill(1.0);
        self.violations[..lanes].fill(0.0);
        let mut first = first_row;
        for segment in segments {
            world.copy(segment.root, Rows::Span(first..first + segment.count));
            first += segment.count;
        }
        if let Some(regularised) = &mut self.regularised {
            regularised.begin(world, segments)?;
        }
        for h in 0..candidates.horizon() {
            if deadline.passed() {
                return Ok(false);
            }
            if self.wanted.earned {
                self.note_earned(h, n);
            }
            let mut first = 0;
            for segment in segments {
                let end = first + segment.count;
                let guided = if guide { self.guided(world, segment.count) } else { 0 };
                if guided > 0 {
                    let key = segment.key.fold(h as u64).fold(1);
                    self.guide.follow(world, candidates, h, end - guided..end, first_row, key)?;
                }
                first = end;
            }
            let penalised = !self.penalties.is_empty();
            let penalties = &mut self.penalties[..if penalised { lanes } else { 0 }];
            penalties.fill(0.0);
            if self.objective.policy_distance > 0.0 {
                let weight = self.objective.policy_distance;
                self.guide.add_distance(world, candidates, h, first_row, weight, penalties)?;
            }
            self.imagined.begin(n);
            let actions = candidates.actions(h)?;
            world.step(rows(), actions, rows(), key(h), &mut self.imagined)?;
            if let Some(regularised) = &mut self.regularised {
                regularised.add_price(world, rows(), actions, penalties)?;
            }
            self.accumulate(lanes);
        }
        if self.objective.terminal_value && world.spec().capabilities.value {
            self.values.value.resize(lanes, 0.0);
            world.value(rows(), &mut self.values)?;
            let each = self.returns[..lanes].iter_mut().zip(&self.weights[..lanes]).zip(&self.values.value);
            for ((sum, weight), value) in each {
                *sum += if *weight == 0.0 { 0.0 } else { weight * value };
            }
        }
        self.fold(n);
        Ok(true)
    }

    /// Adds one step to the returns of all lanes.
    fn accumulate(&mut self, lanes: usize) {
        let weights = &mut self.weights[..lanes];
        for constraint in 0..self.shape.1 {
            let values = &self.imagined.constraints[constraint * lanes..(constraint + 1) * lanes];
            for ((sum, weight), value) in self.violations[..lanes].iter_mut().zip(weights.iter()).zip(values) {
                // `max` would swallow NaN, which has to reach the sum.
                let over = if *value <= 0.0 { 0.0 } else { *value };
                *sum += if *weight == 0.0 { 0.0 } else { over };
            }
        }
        let step = Step {
            returns: &mut self.returns[..lanes],
            weights,
            reward: &self.imagined.reward[..lanes],
            continuation: &self.imagined.continuation[..lanes],
        };
        if self.penalties.is_empty() {
            return pulp::Arch::new().dispatch(step);
        }
        let penalty = self.objective.epistemic_penalty;
        if penalty > 0.0 {
            let each = self.penalties[..lanes].iter_mut().zip(&self.imagined.epistemic[..lanes]);
            each.for_each(|(sum, spread)| *sum += penalty * spread);
        }
        for ((sum, weight), price) in step.returns.iter_mut().zip(step.weights.iter()).zip(&self.penalties[..lanes]) {
            *sum -= if *weight == 0.0 { 0.0 } else { weight * price };
        }
        pulp::Arch::new().dispatch(step);
    }

    /// Notes what each candidate has earned before step `h`.
    fn note_earned(&mut self, h: usize, n: usize) {
        let members = self.shape.0;
        for (i, slot) in self.earned[h * n..(h + 1) * n].iter_mut().enumerate() {
            *slot = self.returns[i..].iter().step_by(n).take(members).sum::<f64>() / members as f64;
        }
    }

    /// Writes each candidate's folded return and violation.
    fn fold(&mut self, n: usize) {
        let (members, constraints) = self.shape;
        if members == 1 && constraints == 0 && !self.wanted.spread {
            // Every measure of risk over one lane is the lane itself.
            let each = self.returns[..n].iter().zip(&self.weights[..n]).zip(&mut self.score).zip(&mut self.violation);
            for (((sum, weight), score), violation) in each {
                // Infinite and undefined numbers spread through sums and products, so the ends tell of every step.
                let finite = (sum.abs() < f64::INFINITY) & (weight.abs() < f64::INFINITY);
                *score = if finite { *sum } else { f64::NEG_INFINITY };
                *violation = if finite { 0.0 } else { f64::INFINITY };
            }
            return;
        }
        for i in 0..n {
            // Infinite and undefined numbers spread through sums and products, so the ends tell of every step.
            let finite = (0..members).all(|m| {
                let at = m * n + i;
                self.returns[at].is_finite() && self.weights[at].is_finite() && self.violations[at].is_finite()
            });
            if !finite {
                self.score[i] = f64::NEG_INFINITY;
                self.violation[i] = f64::INFINITY;
                continue;
            }
            if self.wanted.spread {
                self.spread[i] = lane_std(&self.returns, i, n, members);
            }
            let risk = self.objective.risk;
            self.score[i] = fold_lanes(risk, &self.returns, i, n, &mut self.lanes);
            self.violation[i] = 0.0;
            if constraints > 0 {
                for m in 0..members {
                    self.violations[m * n + i] *= -1.0;
                }
                // Adding zero turns −0 into 0, which a total order tells apart.
                let violation = 0.0 - fold_lanes(risk, &self.violations, i, n, &mut self.lanes);
                match self.objective.constraints {
                    Constraints::Penalty(price) => self.score[i] -= price * violation,
                    _ => self.violation[i] = violation,
                }
            }
        }
    }
}

/// `G ← G + D r`, `D ← D c` where `D ≠ 0`, for all lanes, by the widest vector instructions there are.
struct Step<'a> {
    returns: &'a mut [f64],
    weights: &'a mut [f64],
    reward: &'a [f64],
    continuation: &'a [f64],
}

impl pulp::NullaryFnOnce for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.returns.len();
        let (returns, weights) = (&mut self.returns[..n], &mut self.weights[..n]);
        let (reward, continuation) = (&self.reward[..n], &self.continuation[..n]);
        for i in 0..n {
            // Both products first, then the choice: no branch, so vector instructions.
            let weight = weights[i];
            let (gain, left) = (weight * reward[i], weight * continuation[i]);
            returns[i] += if weight == 0.0 { 0.0 } else { gain };
            weights[i] = if weight == 0.0 { 0.0 } else { left };
        }
    }
}
