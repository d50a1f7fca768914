//! Whether the task goes on, learned from the data: logistic regression on the next observation.
//!
//! ```text
//! p(terminated | next o) = σ(c + bᵀz + zᵀQz),   z = next o normalised
//! ```
//!
//! The quadratic form lets the edge be a slab, an ellipsoid or a half-space, which is what tasks end at. The fit is Newton's
//! method on the log-likelihood with a Gaussian prior on the weights (Bishop, Pattern Recognition and Machine Learning, 2006,
//! section 4.3.3), with the step halved while it does not improve.

use worldwright_core::{Array, Batch, Columns, Dataset, Result, State};
use worldwright_numerics::{cholesky, dense};

use super::Normalizer;

/// Observations longer than this get squares without cross terms: weights grow with the square of the length.
const FULL_FORM: usize = 12;
/// Precision of the prior on each weight but the offset: keeps the weights of separable data finite.
const PRECISION: f64 = 0.01;
const ITERATIONS: usize = 50;

/// The head: without weights, the task never ends.
pub(super) struct ContinuationHead {
    normalizer: Normalizer,
    /// Offset, then one weight a feature; empty where no termination was ever seen.
    weights: Vec<f64>,
    seen: usize,
}

impl ContinuationHead {
    /// A task that never ends.
    pub(super) fn constant(observation_dim: usize) -> Self {
        let normalizer = Normalizer { mean: vec![0.0; observation_dim], std: vec![1.0; observation_dim] };
        Self { normalizer, weights: Vec::new(), seen: 0 }
    }

    /// Fits to the terminations in the data; constant if there is none.
    pub(super) fn fit(dataset: &Dataset) -> Result<Self> {
        let dims = dataset.observation_dim();
        let seen = dataset.terminated().iter().filter(|ended| **ended).count();
        if seen == 0 {
            return Ok(Self::constant(dims));
        }
        let mut next = Batch::zeros(dims, dataset.len());
        for i in 0..dataset.len() {
            next.columns_mut().set_row(i, dataset.next_observation(i));
        }
        let normalizer = Normalizer::fit(next.columns());
        normalizer.normalize(&mut next.columns_mut());
        let count = features(dims);
        let mut rows = vec![0.0; count * dataset.len()];
        for (i, row) in rows.chunks_exact_mut(count).enumerate() {
            let mut place = 0;
            each_feature(
                dims,
                |dim| next.columns().get(i, dim),
                |feature| {
                    row[place] = feature;
                    place += 1;
                },
            );
        }
        let weights = newton(&rows, count, dataset.terminated())?;
        Ok(Self { normalizer, weights, seen })
    }

    /// What was learned, in words; nothing while no termination was seen.
    pub(super) fn note(&self) -> Option<String> {
        (!self.weights.is_empty()).then(|| format!("continuation learned from {} terminations", self.seen))
    }

    /// Writes the probability that the task goes on.
    pub(super) fn evaluate(&self, next: Columns<'_>, out: &mut [f64]) {
        if self.weights.is_empty() {
            out.fill(1.0);
            return;
        }
        let Normalizer { mean, std } = &self.normalizer;
        for (row, slot) in out.iter_mut().enumerate() {
            let (mut logit, mut place) = (0.0, 0);
            each_feature(
                next.dims(),
                |dim| (next.get(row, dim) - mean[dim]) / std[dim],
                |feature| {
                    logit += self.weights[place] * feature;
                    place += 1;
                },
            );
            *slot = sigmoid(-logit);
        }
    }

    pub(super) fn save(&self) -> State {
        let mut state = self.normalizer.save();
        state.put("weights", Array::F64(vec![self.weights.len()], self.weights.clone()));
        state.put("seen", Array::U64(vec![self.seen as u64]));
        state
    }

    pub(super) fn restore(state: &State, observation_dim: usize) -> Result<Self> {
        let normalizer = Normalizer::restore(state, observation_dim)?;
        let seen = state.u64s("seen", 1)?[0] as usize;
        let weights = state.f64s("weights", if seen == 0 { 0 } else { features(observation_dim) })?.to_vec();
        Ok(Self { normalizer, weights, seen })
    }
}

fn features(dims: usize) -> usize {
    1 + dims + if dims <= FULL_FORM { dims * (dims + 1) / 2 } else { dims }
}

/// Gives 1, then every number, then every product, always in the same order.
fn each_feature(dims: usize, z: impl Fn(usize) -> f64, mut give: impl FnMut(f64)) {
    give(1.0);
    (0..dims).for_each(|i| give(z(i)));
    for i in 0..dims {
        let last = if dims <= FULL_FORM { dims } else { i + 1 };
        (i..last).for_each(|j| give(z(i) * z(j)));
    }
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// The weights of greatest posterior density.
fn newton(rows: &[f64], count: usize, ended: &[bool]) -> Result<Vec<f64>> {
    let precision = |place: usize| if place == 0 { 1e-6 } else { PRECISION };
    let loss = |weights: &[f64]| -> f64 {
        let likelihood: f64 = rows
            .chunks_exact(count)
            .zip(ended)
            .map(|(row, ended)| {
                let logit = dense::dot(row, weights);
                // ln(1 + e^logit), written so that it cannot overflow.
                logit.max(0.0) + (-logit.abs()).exp().ln_1p() - if *ended { logit } else { 0.0 }
            })
            .sum();
        likelihood + weights.iter().enumerate().map(|(place, w)| 0.5 * precision(place) * w * w).sum::<f64>()
    };
    let mut weights = vec![0.0; count];
    let mut best = loss(&weights);
    let (mut hessian, mut step) = (vec![0.0; count * count], vec![0.0; count]);
    for _ in 0..ITERATIONS {
        hessian.fill(0.0);
        for (place, weight) in weights.iter().enumerate() {
            hessian[place * count + place] = precision(place);
            step[place] = precision(place) * weight;
        }
        for (row, ended) in rows.chunks_exact(count).zip(ended) {
            let p = sigmoid(dense::dot(row, &weights));
            let (slope, curvature) = (p - f64::from(u8::from(*ended)), p * (1.0 - p));
            for i in 0..count {
                step[i] += slope * row[i];
                for j in 0..=i {
                    hessian[i * count + j] += curvature * row[i] * row[j];
                }
            }
        }
        cholesky::factor(&mut hessian, count)?;
        cholesky::solve(&hessian, count, &mut step);
        let mut scale = 1.0;
        let improved = loop {
            let candidate: Vec<f64> = weights.iter().zip(&step).map(|(w, s)| w - scale * s).collect();
            let value = loss(&candidate);
            if value < best {
                let gain = best - value;
                (weights, best) = (candidate, value);
                break gain > 1e-9 * (1.0 + best);
            }
            scale *= 0.5;
            if scale < 1e-6 {
                break false;
            }
        };
        if !improved {
            break;
        }
    }
    Ok(weights)
}
