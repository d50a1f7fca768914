//! The model's policy prior in sampling: candidates that follow it, and the price of leaving it.
//!
//! The tail of each problem's candidates draws its actions from the prior at the states that they reach (as TD-MPC does: Hansen et al.,
//! ICML 2022). The distance of an action from the policy is what its density lacks to the policy's mode,
//! `½ Σ ((a − μ)/σ)²`, or for choices `−ln π(a)`, in nats: with a weight it keeps plans where the policy, and the data
//! behind it, have been (Argenson and Dulac-Arnold, "Model-Based Offline Planning", ICLR 2021, use the same policy to draw).

use std::ops::Range;

use worldwright_core::{Imagination, Key, Priors, Result, Rows};

use crate::actions::ActionKind;
use crate::sampling::candidates::Candidates;

/// The least standard deviation that a distance is measured in, so that a sure policy gives finite numbers.
const LEAST_STD: f64 = 1e-6;

/// Room for the priors of a batch.
#[derive(Debug)]
pub(crate) struct Guide {
    kind: ActionKind,
    priors: Priors,
    noise: Vec<f32>,
}

impl Guide {
    /// Room for `capacity` candidates.
    pub(crate) fn new(kind: &ActionKind, capacity: usize) -> Self {
        Self {
            kind: kind.clone(),
            priors: Priors {
                mean: Vec::with_capacity(capacity * (kind.dims() + kind.choices())),
                std: Vec::with_capacity(capacity * kind.dims()),
            },
            noise: vec![0.0; capacity * kind.dims().max(1)],
        }
    }

    fn ask(&mut self, world: &mut dyn Imagination, rows: Range<usize>) -> Result<()> {
        self.priors.mean.resize(rows.len() * (self.kind.dims() + self.kind.choices()), 0.0);
        self.priors.std.resize(rows.len() * self.kind.dims(), 0.0);
        world.prior(Rows::Span(rows), &mut self.priors)
    }

    /// Writes over the actions of the candidates `guided` at step `h` by draws from the prior; candidate 0 is row `first_row`.
    pub(crate) fn follow(
        &mut self,
        world: &mut dyn Imagination,
        candidates: &mut Candidates,
        h: usize,
        guided: Range<usize>,
        first_row: usize,
        key: Key,
    ) -> Result<()> {
        self.ask(world, first_row + guided.start..first_row + guided.end)?;
        let mut rng = key.rng();
        match &self.kind {
            ActionKind::Continuous { low, high, .. } => {
                let dims = low.len();
                let normals = &mut self.noise[..guided.len() * dims];
                rng.fill_normal(normals);
                for dim in 0..dims {
                    for (i, slot) in candidates.column_mut(h, dim)[guided.clone()].iter_mut().enumerate() {
                        let at = i * dims + dim;
                        let drawn = self.priors.mean[at] + self.priors.std[at] * f64::from(normals[at]);
                        *slot = drawn.max(low[dim]).min(high[dim]);
                    }
                }
            }
            ActionKind::Discrete { choices, .. } => {
                let uniforms = &mut self.noise[..guided.len()];
                rng.fill_uniform(uniforms);
                let rows = self.priors.mean.chunks_exact(*choices).zip(uniforms.iter());
                for (slot, (logits, uniform)) in candidates.choices_mut(h)[guided].iter_mut().zip(rows) {
                    *slot = draw_softmax(logits, f64::from(*uniform));
                }
            }
        }
        Ok(())
    }

    /// Adds `weight` times the distance of each candidate's action at step `h` to its number in every lane of `penalties`
    /// `[M][n]`.
    pub(crate) fn add_distance(
        &mut self,
        world: &mut dyn Imagination,
        candidates: &Candidates,
        h: usize,
        first_row: usize,
        weight: f64,
        penalties: &mut [f64],
    ) -> Result<()> {
        let n = candidates.count();
        self.ask(world, first_row..first_row + n)?;
        for i in 0..n {
            let nats = match &self.kind {
                ActionKind::Continuous { low, .. } => {
                    let dims = low.len();
                    let each = (0..dims).map(|dim| {
                        let (mean, std) = (self.priors.mean[i * dims + dim], self.priors.std[i * dims + dim]);
                        let gap = (candidates.column(h, dim)[i] - mean) / std.max(LEAST_STD);
                        0.5 * gap * gap
                    });
                    each.sum::<f64>()
                }
                ActionKind::Discrete { choices, .. } => {
                    let logits = &self.priors.mean[i * choices..(i + 1) * choices];
                    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let total: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
                    total.ln() + largest - logits[candidates.choices(h)[i] as usize]
                }
            };
            penalties[i..].iter_mut().step_by(n).for_each(|penalty| *penalty += weight * nats);
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

#[cfg(test)]
mod tests {
    use super::*;

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
