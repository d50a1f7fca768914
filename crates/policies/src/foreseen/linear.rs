//! `linear`: a weighted sum of what is seen, whose moments need no approximation.
//!
//! ```text
//! p(x) = W (x − mean) / std + b,   Cov p = W Σ Wᵀ,   V = Wᵀ
//! ```
//!
//! Deisenroth and Rasmussen (ICML 2011), equation 10: enough where there is a point to be kept to, too little to swing up by.

use worldwright_core::{Columns, Entry, Key, Result, Rng, Settings};
use worldwright_numerics::moments::{Gaussian, Moments, add_product, add_transposed_product};

use super::{Preliminary, Saturated, Scale, ranges};
use crate::{Build, MomentPolicy, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "linear",
    summary: "a weighted sum with a sine behind, which knows what it does where its inputs are uncertain",
    source: "Deisenroth and Rasmussen, PILCO, ICML 2011",
    parameters: &[],
    build: Build::Moments(build),
};

/// How far weights spread where nothing is learned.
const FIRST_WEIGHTS: f64 = 0.1;

fn build(context: &PolicyContext, _settings: &Settings) -> Result<Box<dyn MomentPolicy>> {
    let (middle, half) = ranges(ENTRY.name, context)?;
    let (d, a) = (context.inputs, middle.len());
    let mut rng = Key::new(context.seed).fold(0x11e).rng();
    let map = Map {
        inputs: d,
        actions: a,
        parameters: (0..a * (d + 1)).map(|_| FIRST_WEIGHTS * rng.normal()).collect(),
        raw: vec![0.0; a * d],
        offset: vec![0.0; a],
        kept: vec![0.0; a * (d + 1)],
        product: vec![0.0; a * d],
    };
    Ok(Box::new(Saturated::new(ENTRY.name, d, (middle, half), map)?))
}

struct Map {
    inputs: usize,
    actions: usize,
    /// W `[A][D]` in units of the scale, then b `[A]`.
    parameters: Vec<f64>,
    /// The same in the units of what is seen.
    raw: Vec<f64>,
    offset: Vec<f64>,
    /// What numbers change by with raw weights and offsets.
    kept: Vec<f64>,
    product: Vec<f64>,
}

impl Preliminary for Map {
    fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    fn take(&mut self, parameters: &[f64], scale: &Scale) -> Result<()> {
        self.parameters.copy_from_slice(parameters);
        let d = self.inputs;
        for a in 0..self.actions {
            self.offset[a] = parameters[self.actions * d + a];
            for i in 0..d {
                self.raw[a * d + i] = parameters[a * d + i] / scale.std[i];
                self.offset[a] -= self.raw[a * d + i] * scale.mean[i];
            }
        }
        Ok(())
    }

    fn begin(&mut self, _seen: Columns<'_>, scale: &Scale, rng: &mut Rng) -> Result<()> {
        let parameters: Vec<f64> = self.parameters.iter().map(|_| FIRST_WEIGHTS * rng.normal()).collect();
        self.take(&parameters, scale)
    }

    fn at(&self, x: &[f64], p: &mut [f64]) {
        for ((slot, row), offset) in p.iter_mut().zip(self.raw.chunks_exact(self.inputs)).zip(&self.offset) {
            *slot = offset + row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        }
    }

    fn moments(&mut self, x: &Gaussian, out: &mut Moments) {
        let (d, a) = (self.inputs, self.actions);
        self.at(&x.mean, &mut out.output.mean);
        self.product.fill(0.0);
        add_product(&self.raw, &x.covariance, &mut self.product, [a, d, d]);
        for i in 0..a {
            let row = &self.product[i * d..(i + 1) * d];
            for j in 0..a {
                out.output.covariance[i * a + j] = row.iter().zip(&self.raw[j * d..]).map(|(p, w)| p * w).sum();
            }
            (0..d).for_each(|k| out.slope[k * a + i] = self.raw[i * d + k]);
        }
    }

    fn pull(&mut self, x: &Gaussian, adjoint: &Moments, into: &mut Gaussian) {
        let (d, a) = (self.inputs, self.actions);
        let by = &adjoint.output;
        add_transposed_product(&self.raw, &by.mean, &mut into.mean, [d, a, 1]);
        // Σ: Wᵀ S̄ W, and W: 2 S̄ W Σ for symmetric S̄.
        self.product.fill(0.0);
        add_product(&by.covariance, &self.raw, &mut self.product, [a, a, d]);
        add_transposed_product(&self.raw, &self.product, &mut into.covariance, [d, a, d]);
        self.product.iter_mut().for_each(|number| *number *= 2.0);
        let (weights, offsets) = self.kept.split_at_mut(a * d);
        add_product(&self.product, &x.covariance, weights, [a, d, d]);
        add_product(&by.mean, &x.mean, weights, [a, 1, d]);
        for i in 0..a {
            offsets[i] += by.mean[i];
            (0..d).for_each(|k| weights[i * d + k] += adjoint.slope[k * a + i]);
        }
    }

    fn slopes(&mut self, scale: &Scale, out: &mut [f64]) {
        let (d, a) = (self.inputs, self.actions);
        for i in 0..a {
            let by_offset = self.kept[a * d + i];
            out[a * d + i] = by_offset;
            for k in 0..d {
                out[i * d + k] = (self.kept[i * d + k] - by_offset * scale.mean[k]) / scale.std[k];
            }
        }
        self.kept.fill(0.0);
    }
}
