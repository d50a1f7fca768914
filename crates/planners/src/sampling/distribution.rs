//! What a sampling planner believes about good actions: a Gaussian a step and dimension, or a categorical a step.
//!
//! Every update rule here comes down to weights on candidates (elites have equal ones, MPPI exponential ones), so both kinds
//! share it: means and standard deviations, or probabilities, move to the weighted moments with a momentum.

use worldwright_core::{Array, Error, Key, Result, State, is_bounded};

use crate::actions::{ActionKind, Flat, Sequence, Snap};
use crate::sampling::candidates::Candidates;
use crate::sampling::noise::Noise;
use crate::sampling::spline::Basis;

/// Share of the uniform distribution mixed into warm-started probabilities, as continuous plans get their full spread back.
const RESTART_UNIFORM: f64 = 0.5;
/// Standard deviation along a dimension without bounds of which nothing else is known.
const UNBOUNDED_STD: f64 = 1.0;
/// Where there are no bounds, a plan that has gone far from zero is searched with this share of its distance, so that each
/// decision can go further than the last by a factor, not by a step.
const REACH: f64 = 0.5;

/// The distribution that candidates are drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Distribution {
    /// K: knots, or steps where each is a knot.
    knots: usize,
    kind: ActionKind,
    /// `[A]`
    initial_mean: Vec<f64>,
    /// `[A]`
    initial_std: Vec<f64>,
    /// `[A]`: whether nothing bounds the dimension, so that its spread must grow where the plan goes.
    open: Vec<bool>,
    /// `[K][A]`, empty for choices.
    pub(crate) mean: Vec<f64>,
    /// `[K][A]`, empty for choices.
    pub(crate) std: Vec<f64>,
    /// `[K][choices]`, empty for numbers.
    pub(crate) probabilities: Vec<f64>,
    /// `[choices]`, to invert the distribution function and to count weights.
    scratch: Vec<f64>,
}

impl Distribution {
    /// The distribution before anything is known: the middle of the bounds with `action_std` (empty: a quarter of each range, and
    /// one where there are no bounds; one number: for all dimensions), or uniform choices.
    ///
    /// # Errors
    /// [`Error::Config`] for standard deviations that are none, or a wrong number of them.
    pub(crate) fn new(kind: &ActionKind, knots: usize, action_std: &[f64]) -> Result<Self> {
        let (mut initial_mean, mut initial_std, mut open) = (Vec::new(), Vec::new(), Vec::new());
        if let ActionKind::Continuous { low, high, form } = kind {
            if action_std.len() > 1 && action_std.len() != low.len() {
                return Err(Error::shape("action_std", &[low.len()], &[action_std.len()]));
            }
            if action_std.iter().any(|std| !(*std > 0.0 && std.is_finite())) {
                return Err(Error::config("action_std", format!("must be positive and finite, got {action_std:?}")));
            }
            for (dim, (low, high)) in low.iter().zip(high).enumerate() {
                let bounded = is_bounded(*low, *high);
                initial_mean.push(if bounded { 0.5 * (low + high) } else { 0.0_f64.clamp(*low, *high) });
                initial_std.push(match action_std {
                    [] if bounded => 0.25 * (high - low),
                    [] => UNBOUNDED_STD,
                    [one] => *one,
                    each => each[dim],
                });
                open.push(!bounded);
            }
            // Of the places of a choice, and of bits, any must be able to come first.
            if let Flat::Snapped { parts, .. } = form {
                for part in parts {
                    match *part {
                        Snap::OneOf { first, n } => {
                            initial_mean[first..first + n].fill(1.0 / n as f64);
                            initial_std[first..first + n].fill(0.5);
                        }
                        Snap::Whole { dim } => initial_std[dim] = initial_std[dim].max(0.5),
                    }
                }
            }
        }
        let choices = kind.choices();
        let mut distribution = Self {
            knots,
            kind: kind.clone(),
            mean: vec![0.0; knots * kind.dims()],
            std: vec![0.0; knots * kind.dims()],
            probabilities: vec![0.0; knots * choices],
            scratch: vec![0.0; choices],
            initial_mean,
            initial_std,
            open,
        };
        distribution.reset();
        Ok(distribution)
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self) {
        for (i, mean) in self.mean.iter_mut().enumerate() {
            *mean = self.initial_mean[i % self.initial_mean.len()];
        }
        self.probabilities.fill(1.0 / self.kind.choices().max(1) as f64);
        self.restart();
    }

    /// Spreads out again around the present plan.
    pub(crate) fn restart(&mut self) {
        for (i, std) in self.std.iter_mut().enumerate() {
            let dim = i % self.initial_std.len();
            let reach = if self.open[dim] { REACH * self.mean[i].abs() } else { 0.0 };
            *std = self.initial_std[dim].max(reach);
        }
        if let ActionKind::Continuous { low, form: Flat::Snapped { parts, .. }, .. } = &self.kind {
            for action in self.mean.chunks_exact_mut(low.len()) {
                for part in parts {
                    let Snap::OneOf { first, n } = *part else { continue };
                    let uniform = RESTART_UNIFORM / n as f64;
                    action[first..first + n].iter_mut().for_each(|p| *p = (1.0 - RESTART_UNIFORM) * *p + uniform);
                }
            }
        }
        let uniform = RESTART_UNIFORM / self.kind.choices().max(1) as f64;
        for probability in &mut self.probabilities {
            *probability = (1.0 - RESTART_UNIFORM) * *probability + uniform;
        }
    }

    /// Takes spreads seen in data for dimensions without bounds, from the next decision on.
    pub(crate) fn widen(&mut self, std: &[f64]) {
        for ((initial, open), std) in self.initial_std.iter_mut().zip(&self.open).zip(std) {
            if *open && std.is_finite() && *std > 0.0 {
                *initial = *std;
            }
        }
    }

    /// K.
    pub(crate) fn knots(&self) -> usize {
        self.knots
    }

    /// Puts numbers of one action dimension back into its bounds.
    pub(crate) fn clip_column(&self, dim: usize, column: &mut [f64]) {
        if let ActionKind::Continuous { low, high, .. } = &self.kind {
            column.iter_mut().for_each(|x| *x = x.max(low[dim]).min(high[dim]));
        }
    }

    /// Puts the mean back into the bounds.
    pub(crate) fn clip_mean(&mut self) {
        self.kind.clip(&mut self.mean);
    }

    /// Copies without allocating.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.mean.copy_from_slice(&other.mean);
        self.std.copy_from_slice(&other.std);
        self.initial_std.copy_from_slice(&other.initial_std);
        self.probabilities.copy_from_slice(&other.probabilities);
    }

    /// Moves `steps` on; the last step is repeated. The spread stays, for every decision spreads out again.
    pub(crate) fn shift(&mut self, basis: &Basis, scratch: &mut [f64], steps: usize) {
        basis.shift(&mut self.mean, scratch, steps);
        basis.shift(&mut self.probabilities, scratch, steps);
        self.kind.clip(&mut self.mean);
    }

    /// Draws every candidate: the mean plus noise put back into the bounds, or choices by inverting the distribution function.
    pub(crate) fn draw(&mut self, key: Key, noise: &mut Noise, candidates: &mut Candidates) {
        let n = candidates.count();
        match &self.kind {
            ActionKind::Continuous { low, high, .. } => {
                let dims = low.len();
                let (means, stds) = (&self.mean, &self.std);
                noise.each_normals(key, n, |row, first, normals| {
                    let (mean, std, low, high) = (means[row], stds[row], low[row % dims], high[row % dims]);
                    let column = &mut candidates.column_mut(row / dims, row % dims)[first..first + normals.len()];
                    pulp::Arch::new().dispatch(|| {
                        for (slot, normal) in column.iter_mut().zip(normals) {
                            // Nothing here is NaN, so that each choice is one instruction.
                            let drawn = mean + std * f64::from(*normal);
                            let above = if drawn > low { drawn } else { low };
                            *slot = if above < high { above } else { high };
                        }
                    });
                });
            }
            ActionKind::Discrete { choices, .. } => {
                let uniforms = noise.uniforms(key, n);
                for (h, uniforms) in uniforms.chunks_exact(n).enumerate() {
                    let mut sum = 0.0;
                    let row = &self.probabilities[h * choices..(h + 1) * choices];
                    for (cumulative, probability) in self.scratch.iter_mut().zip(row) {
                        sum += probability;
                        *cumulative = sum;
                    }
                    for (slot, uniform) in candidates.choices_mut(h).iter_mut().zip(uniforms) {
                        let point = f64::from(*uniform) * sum;
                        let place = self.scratch.partition_point(|cumulative| *cumulative <= point);
                        *slot = place.min(choices - 1) as u32;
                    }
                }
            }
        }
    }

    /// Draws every candidate evenly over the bounds where they are finite, else as [`draw`](Self::draw) does.
    pub(crate) fn draw_uniform(&mut self, key: Key, noise: &mut Noise, candidates: &mut Candidates) {
        let ActionKind::Continuous { low, high, .. } = &self.kind else {
            self.probabilities.fill(1.0 / self.kind.choices() as f64);
            return self.draw(key, noise, candidates);
        };
        if self.open.contains(&true) {
            return self.draw(key, noise, candidates);
        }
        let (dims, n) = (low.len(), candidates.count());
        for (row, uniforms) in noise.uniforms(key, n).chunks_exact(n).enumerate() {
            let (low, high) = (low[row % dims], high[row % dims]);
            for (slot, uniform) in candidates.column_mut(row / dims, row % dims).iter_mut().zip(uniforms) {
                *slot = (low + (high - low) * f64::from(*uniform)).max(low).min(high);
            }
        }
    }

    /// Moves to the moments of the candidates in `chosen` (all of them where none are named) weighted by `weights` (which sum
    /// to one): the new value is
    /// `momentum` × old + (1 − `momentum`) × weighted. The standard deviation stays where `adapt_std` is false.
    pub(crate) fn update(
        &mut self,
        candidates: &Candidates,
        chosen: Option<&[u32]>,
        weights: &[f64],
        momentum: f64,
        adapt_std: bool,
    ) {
        for knot in 0..self.knots {
            self.update_knot(knot, candidates, chosen, weights, momentum, adapt_std);
        }
    }

    /// The same for one knot.
    pub(crate) fn update_knot(
        &mut self,
        knot: usize,
        candidates: &Candidates,
        chosen: Option<&[u32]>,
        weights: &[f64],
        momentum: f64,
        adapt_std: bool,
    ) {
        let blend = |old: f64, new: f64| momentum * old + (1.0 - momentum) * new;
        match &self.kind {
            ActionKind::Continuous { low, high, .. } => {
                let dims = low.len();
                for dim in 0..dims {
                    let (row, column) = (knot * dims + dim, candidates.column(knot, dim));
                    let mean = weighted_sum(column, chosen, weights, |x| x);
                    if adapt_std {
                        let variance = weighted_sum(column, chosen, weights, |x| (x - mean) * (x - mean));
                        // The best candidates of a plan that must go further lie together at its edge: their own spread would
                        // stop it, so that the way they went counts too.
                        let way = if self.open[dim] { (mean - self.mean[row]).abs() } else { 0.0 };
                        self.std[row] = blend(self.std[row], variance.sqrt().max(way));
                    }
                    // Rounding of the weighted sum must not leave the bounds.
                    self.mean[row] = blend(self.mean[row], mean).max(low[dim]).min(high[dim]);
                }
            }
            ActionKind::Discrete { choices, .. } => {
                self.scratch.fill(0.0);
                let column = candidates.choices(knot);
                for (place, weight) in weights.iter().enumerate() {
                    let i = chosen.map_or(place, |chosen| chosen[place] as usize);
                    self.scratch[column[i] as usize] += weight;
                }
                let row = &mut self.probabilities[knot * choices..(knot + 1) * choices];
                for (probability, frequency) in row.iter_mut().zip(&self.scratch) {
                    *probability = blend(*probability, *frequency);
                }
            }
        }
    }

    /// The centre: means, or the likeliest choices (the first of equals).
    pub(crate) fn mode(&self, out: &mut Sequence) {
        out.values.copy_from_slice(&self.mean);
        if self.kind.choices() > 0 {
            for (slot, row) in out.choices.iter_mut().zip(self.probabilities.chunks_exact(self.kind.choices())) {
                let mut best = 0;
                for (choice, probability) in row.iter().enumerate() {
                    if *probability > row[best] {
                        best = choice;
                    }
                }
                *slot = best as u32;
            }
        }
    }

    /// How far it still spreads, 1 at the start: the largest standard deviation relative to the first one, or the largest
    /// probability left beside the likeliest choice.
    pub(crate) fn spread(&self) -> f64 {
        let continuous = self.std.iter().enumerate().map(|(i, std)| std / self.initial_std[i % self.initial_std.len()]);
        let choices = self.kind.choices();
        let discrete = (choices > 1)
            .then(|| self.probabilities.chunks_exact(choices).map(|row| 1.0 - row.iter().copied().fold(0.0, f64::max)));
        continuous.chain(discrete.into_iter().flatten()).fold(0.0, f64::max)
    }

    /// The numbers that change, under their names.
    pub(crate) fn save(&self, state: &mut State) {
        let shape = |width: usize| vec![self.knots, width];
        state.put("mean", Array::F64(shape(self.kind.dims()), self.mean.clone()));
        state.put("std", Array::F64(shape(self.kind.dims()), self.std.clone()));
        state.put("probabilities", Array::F64(shape(self.kind.choices()), self.probabilities.clone()));
        if self.open.contains(&true) {
            state.put("initial_std", Array::F64(vec![self.initial_std.len()], self.initial_std.clone()));
        }
    }

    /// # Errors
    /// When an array is missing or has another length.
    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        let mean = state.f64s("mean", self.mean.len())?;
        let std = state.f64s("std", self.std.len())?;
        let probabilities = state.f64s("probabilities", self.probabilities.len())?;
        if self.open.contains(&true) {
            let initial = state.f64s("initial_std", self.initial_std.len())?;
            self.initial_std.copy_from_slice(initial);
        }
        self.mean.copy_from_slice(mean);
        self.std.copy_from_slice(std);
        self.probabilities.copy_from_slice(probabilities);
        Ok(())
    }
}

/// `Σ w f(x)` in a fixed order; over all candidates in eight lanes, for vector instructions.
fn weighted_sum(column: &[f64], chosen: Option<&[u32]>, weights: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    if let Some(chosen) = chosen {
        return chosen.iter().zip(weights).map(|(i, weight)| weight * f(column[*i as usize])).sum();
    }
    let (values, rest) = column.as_chunks::<8>();
    let (factors, rest_factors) = weights.as_chunks::<8>();
    let lanes = pulp::Arch::new().dispatch(|| {
        // Its own, not borrowed, so that they stay in registers.
        let mut lanes = [0.0_f64; 8];
        for (values, factors) in values.iter().zip(factors) {
            for lane in 0..8 {
                lanes[lane] += factors[lane] * f(values[lane]);
            }
        }
        lanes
    });
    let tail: f64 = rest.iter().zip(rest_factors).map(|(x, weight)| weight * f(*x)).sum();
    lanes.iter().sum::<f64>() + tail
}
