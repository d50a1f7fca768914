//! The loss of a latent model over windows of experience: its passes, what it is fed with, and the latents that it leaves behind.

use worldwright_core::{Error, Metrics, Result};
use worldwright_nn::{Feed, Graph, Objective, Runner, Starts, Store};

use super::Learned;

/// A graph whose loss is the sum of named terms.
pub(crate) struct Loss<const N: usize> {
    pub(crate) runner: Runner,
    terms: [(&'static str, Objective); N],
    batch: usize,
}

impl<const N: usize> Loss<N> {
    /// Room for batches of so many windows.
    pub(crate) fn new(graph: Graph, terms: [(&'static str, Objective); N], batch: usize) -> Self {
        Self { runner: Runner::new(graph, batch), terms, batch }
    }

    /// Both passes over a batch.
    pub(crate) fn pass<const F: usize>(&mut self, stores: &[&Store], feeds: [&Vec<f32>; F]) -> Result<()> {
        self.runner.forward_backward(stores, self.batch, &feeds.map(|feed| Feed::Shared(feed)))
    }

    /// Takes a step against the gradient of the last pass, and tells the loss and its terms.
    pub(crate) fn learn(&self, learned: &mut Learned) -> Result<Metrics> {
        let loss = self.runner.loss(0);
        if !loss.is_finite() {
            return Err(Error::Diverged {
                who: "training".into(),
                why: format!("a loss of {loss}: lower model.learning_rate, or look for outliers in the data"),
            });
        }
        learned.adam.step(&mut learned.store, &self.runner)?;
        let terms = self.terms.map(|(name, objective)| (name, self.runner.objective(objective, 0)));
        Ok([("model_loss", loss)].into_iter().chain(terms).collect())
    }
}

/// Scales weights so that a mean over all rows, which an objective is, becomes one over those that count.
pub(crate) fn scale(weights: &mut [f32]) {
    let sum: f32 = weights.iter().sum();
    if sum > 0.0 {
        let scale = weights.len() as f32 / sum;
        weights.iter_mut().for_each(|weight| *weight *= scale);
    }
}

/// Writes numbers in single precision.
pub(crate) fn write_singles(from: &[f64], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from as f32);
}

/// How far a window of a batch is filled: transitions, and whether the task ended with the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Filled {
    pub(crate) length: usize,
    pub(crate) ended: bool,
}

/// Takes the latents of what was within windows of at most `most` transitions: `parts` are their numbers `[B][most + 1][width]`, with that width.
pub(crate) fn keep_starts(starts: &mut Starts, parts: &[(&[f32], usize)], most: usize, windows: &[Filled]) {
    starts.continues.clear();
    starts.parts.resize_with(parts.len(), Vec::new);
    starts.parts.iter_mut().for_each(Vec::clear);
    for (b, Filled { length, ended }) in windows.iter().enumerate() {
        let row = b * (most + 1);
        for (part, (from, width)) in starts.parts.iter_mut().zip(parts) {
            part.extend_from_slice(&from[row * width..(row + length + 1) * width]);
        }
        starts.continues.extend(std::iter::repeat_n(1.0, *length));
        starts.continues.push(if *ended { 0.0 } else { 1.0 });
    }
}
