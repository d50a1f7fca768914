//! LEAP (Nasiriany, Pong, Lin and Levine, "Planning with goal-conditioned policies", NeurIPS 2019): K subgoals between start and goal
//! that make every leg feasible, optimised together by the cross-entropy method.
//!
//! `max over z_1 … z_K of fold(V(s, z_1), V(z_1, z_2), …, V(z_K, g))`, folded by the worst leg (the paper's ℓ∞ norm of the feasibility
//! vector) or by their sum. The spread of the elites is taken around the old mean, as in CMA-ES, so that it does not shrink while the
//! mean still moves (around the new one it settles on slopes: walls make such). The first mean is the straight line; samples stay in
//! the box. A sequence with a value that is not finite ranks last and is counted.

use worldwright_core::{Batch, Error, Key, Result};

use super::value::StateGoalValue;

/// How the values of the legs become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Legs {
    /// The worst: as even as possible.
    Worst,
    /// Their sum: the whole as good as possible.
    Sum,
}

/// The planner's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Leap {
    /// K.
    pub subgoals: usize,
    /// Sequences an iteration.
    pub population: usize,
    /// Best sequences that the distribution moves to.
    pub elites: usize,
    /// Improvements.
    pub iterations: usize,
    /// First standard deviation, as a share of the box.
    pub spread: f64,
    /// Share of the old standard deviation that an update keeps, in [0, 1): the more, the later it settles.
    pub momentum: f64,
    /// How legs are folded.
    pub legs: Legs,
}

impl Default for Leap {
    fn default() -> Self {
        Self { subgoals: 3, population: 300, elites: 20, iterations: 40, spread: 0.3, momentum: 0.5, legs: Legs::Worst }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct LeapReport {
    /// The subgoals in order, without start and goal.
    pub subgoals: Vec<Vec<f64>>,
    /// Their folded value; minus infinity when no sequence had a finite one.
    pub value: f64,
    /// Pairs evaluated.
    pub evaluations: u64,
    /// Sequences with a value that was not finite.
    pub diverged: u64,
}

impl Leap {
    /// Plans from `start` to `goal` in the box from `low` to `high`.
    ///
    /// # Errors
    /// [`Error::Shape`] for vectors of different lengths, [`Error::Config`] for settings out of range, and what the value gives.
    pub fn plan(
        &self,
        value: &mut dyn StateGoalValue,
        (low, high): (&[f64], &[f64]),
        start: &[f64],
        goal: &[f64],
        key: Key,
    ) -> Result<LeapReport> {
        let dims = start.len();
        for (what, other) in [("goal", goal), ("low", low), ("high", high)] {
            if other.len() != dims {
                return Err(Error::shape(what, &[dims], &[other.len()]));
            }
        }
        if self.elites == 0 || self.elites > self.population || self.spread <= 0.0 || self.spread.is_nan() {
            return Err(Error::config("elites", "there must be 1 to `population` of them, and a positive spread"));
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return Err(Error::config("momentum", "it must be at least 0 and below 1"));
        }
        let mut search = Search::new(self, low, high, start, goal);
        for iteration in 0..self.iterations {
            search.draw(key.fold(iteration as u64));
            search.evaluate(value, start, goal)?;
            search.update();
        }
        Ok(search.report())
    }
}

struct Search<'s> {
    settings: &'s Leap,
    low: &'s [f64],
    high: &'s [f64],
    /// `[K × dims]`
    mean: Vec<f64>,
    std: Vec<f64>,
    /// `[population][K × dims]`; the last is the best so far once there is one.
    samples: Vec<f64>,
    scores: Vec<f64>,
    order: Vec<usize>,
    best: (f64, Vec<f64>),
    from: Batch,
    to: Batch,
    values: Vec<f64>,
    normals: Vec<f32>,
    evaluations: u64,
    diverged: u64,
}

impl<'s> Search<'s> {
    fn new(settings: &'s Leap, low: &'s [f64], high: &'s [f64], start: &[f64], goal: &[f64]) -> Self {
        let (dims, k, n) = (start.len(), settings.subgoals, settings.population);
        let line = |i: usize| {
            let share = (i / dims + 1) as f64 / (k + 1) as f64;
            start[i % dims] + share * (goal[i % dims] - start[i % dims])
        };
        Self {
            settings,
            low,
            high,
            mean: (0..k * dims).map(line).collect(),
            std: (0..k * dims).map(|i| settings.spread * (high[i % dims] - low[i % dims])).collect(),
            samples: vec![0.0; n * k * dims],
            scores: vec![f64::NEG_INFINITY; n],
            order: (0..n).collect(),
            best: (f64::NEG_INFINITY, Vec::new()),
            from: Batch::zeros(dims, n * (k + 1)),
            to: Batch::zeros(dims, n * (k + 1)),
            values: vec![0.0; n * (k + 1)],
            normals: vec![0.0; k * dims],
            evaluations: 0,
            diverged: 0,
        }
    }

    fn draw(&mut self, key: Key) {
        let (width, dims) = (self.mean.len(), self.low.len());
        for (i, sample) in self.samples.chunks_exact_mut(width.max(1)).enumerate() {
            key.fold(i as u64).rng().fill_normal(&mut self.normals);
            for (j, slot) in sample.iter_mut().enumerate() {
                let drawn = self.mean[j] + self.std[j] * f64::from(self.normals[j]);
                *slot = drawn.clamp(self.low[j % dims], self.high[j % dims]);
            }
        }
        // The mean and the best so far are candidates too.
        if width > 0 {
            self.samples[..width].copy_from_slice(&self.mean);
            if self.best.0 > f64::NEG_INFINITY && self.settings.population > 1 {
                self.samples[width..2 * width].copy_from_slice(&self.best.1);
            }
        }
    }

    fn evaluate(&mut self, value: &mut dyn StateGoalValue, start: &[f64], goal: &[f64]) -> Result<()> {
        let (dims, k, n) = (self.low.len(), self.settings.subgoals, self.settings.population);
        let width = k * dims;
        let (mut from, mut to) = (self.from.columns_mut(), self.to.columns_mut());
        for i in 0..n {
            let sample = &self.samples[i * width..(i + 1) * width];
            let point = |j: usize| &sample[j * dims..(j + 1) * dims];
            for leg in 0..=k {
                from.set_row(i * (k + 1) + leg, if leg == 0 { start } else { point(leg - 1) });
                to.set_row(i * (k + 1) + leg, if leg == k { goal } else { point(leg) });
            }
        }
        value.values(self.from.columns(), self.to.columns(), &mut self.values)?;
        self.evaluations += self.values.len() as u64;
        for (score, legs) in self.scores.iter_mut().zip(self.values.chunks_exact(k + 1)) {
            let finite = legs.iter().all(|leg| leg.is_finite());
            self.diverged += u64::from(!finite);
            *score = match self.settings.legs {
                _ if !finite => f64::NEG_INFINITY,
                Legs::Worst => legs.iter().copied().fold(f64::INFINITY, f64::min),
                Legs::Sum => legs.iter().sum(),
            };
        }
        Ok(())
    }

    fn update(&mut self) {
        let width = self.mean.len();
        self.order.sort_unstable_by(|a, b| self.scores[*b].total_cmp(&self.scores[*a]).then(a.cmp(b)));
        let first = self.order[0];
        if self.scores[first] > self.best.0 {
            self.best = (self.scores[first], self.samples[first * width..(first + 1) * width].to_vec());
        }
        let elites = &self.order[..self.settings.elites];
        let elites: Vec<usize> = elites.iter().copied().filter(|i| self.scores[*i] > f64::NEG_INFINITY).collect();
        if elites.is_empty() {
            return;
        }
        let n = elites.len() as f64;
        for j in 0..width {
            let column = || elites.iter().map(|i| self.samples[i * width + j]);
            let std = (column().map(|x| (x - self.mean[j]).powi(2)).sum::<f64>() / n).sqrt();
            self.mean[j] = column().sum::<f64>() / n;
            self.std[j] = self.settings.momentum * self.std[j] + (1.0 - self.settings.momentum) * std;
        }
    }

    fn report(self) -> LeapReport {
        let dims = self.low.len();
        let (value, flat) = self.best;
        let flat = if value > f64::NEG_INFINITY { flat } else { self.mean };
        let subgoals = flat.chunks_exact(dims.max(1)).map(<[f64]>::to_vec).collect();
        LeapReport { subgoals, value, evaluations: self.evaluations, diverged: self.diverged }
    }
}
