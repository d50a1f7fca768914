//! `rbf`: a network of radial functions, which is the mean of a Gaussian process over targets that are learned.
//!
//! ```text
//! p(x) = Σ_i w_i exp(−½ Σ_d (x_d − c_id)² / ℓ_d²),   w = (K + σ² I)⁻¹ t,   K_ij = exp(−½ Σ_d (c_id − c_jd)² / ℓ_d²)
//! ```
//!
//! Centres c are shared by all actions; lengths ℓ and targets t each action has of its own (Deisenroth and Rasmussen, ICML 2011, equation 11). Targets say what the
//! policy does at its centres, so that near centres do not grow opposite weights as they would where weights were learned themselves. With `G = −(∂w̃ wᵀ)` and
//! `∂w̃ = (K + σ²I)⁻¹ ∂w`, derivatives by t are ∂w̃, and by what K depends on `Σ_ij G_ij ∂K_ij`.

use worldwright_core::{Columns, Entry, Key, Parameter, Result, Rng, SettingDefault as Default, Settings, cost};
use worldwright_numerics::cholesky;
use worldwright_numerics::moments::{Gaussian, Moments, RadialSlopes, RadialSums, RadialTape};

use super::{Preliminary, Saturated, Scale, ranges};
use crate::{Build, MomentPolicy, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "rbf",
    summary: "a network of radial functions with a sine behind, which knows what it does where its inputs are uncertain",
    source: "Deisenroth and Rasmussen, PILCO, ICML 2011",
    parameters: &[Parameter { name: "centres", default: Default::Integer(50), summary: "radial functions" }],
    build: Build::Moments(build),
};

/// σ² of what targets are told by: a tenth of the function's own deviation.
const NOISE_VARIANCE: f64 = 0.01;
/// How far targets spread where nothing is learned, in radians of the sine.
const FIRST_TARGETS: f64 = 0.1;
/// How far centres lie from what was seen, in units of it.
const AROUND: f64 = 0.5;

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn MomentPolicy>> {
    let centres = settings.count_in("centres", 1, 1 << 12)?;
    cost::memory(&[("centres", centres)], 8.0 * (centres * centres) as f64 * 3.0)?;
    let (middle, half) = ranges(ENTRY.name, context)?;
    let mut rng = Key::new(context.seed).fold(0x4bf).rng();
    let network = Network::new([context.inputs, middle.len(), centres], &mut rng);
    Ok(Box::new(Saturated::new(ENTRY.name, context.inputs, (middle, half), network)?))
}

struct Network {
    inputs: usize,
    actions: usize,
    centres: usize,
    /// Centres `[N][D]` and the logarithms of lengths `[A][D]` in units of the scale, and targets `[A][N]`: in this order, targets last.
    parameters: Vec<f64>,
    sums: RadialSums,
    tape: RadialTape,
    kept: RadialSlopes,
    room: Moments,
    /// `[A]`: factors of K + σ²I, and w.
    factors: Vec<Vec<f64>>,
    weights: Vec<Vec<f64>>,
}

impl Network {
    fn new([inputs, actions, centres]: [usize; 3], rng: &mut Rng) -> Self {
        let mut parameters: Vec<f64> = (0..centres * inputs).map(|_| rng.normal()).collect();
        parameters.extend(vec![0.0; actions * inputs]);
        parameters.extend((0..actions * centres).map(|_| FIRST_TARGETS * rng.normal()));
        let sums = RadialSums::new(inputs, vec![0.0; centres * inputs]);
        Self {
            inputs,
            actions,
            centres,
            parameters,
            tape: RadialTape::new(&sums),
            kept: RadialSlopes::zeros(&sums),
            sums,
            room: Moments::zeros(inputs, actions),
            factors: vec![vec![0.0; centres * centres]; actions],
            weights: vec![vec![0.0; centres]; actions],
        }
    }

    /// Where lengths and targets begin among the parameters.
    fn begins(&self) -> [usize; 2] {
        let lengths = self.centres * self.inputs;
        [lengths, lengths + self.actions * self.inputs]
    }

    /// `K_ij` of an action.
    fn correlation(&self, action: usize, i: usize, j: usize) -> f64 {
        let (d, [lengths, _]) = (self.inputs, self.begins());
        let squares = (0..d).map(|k| {
            let away = self.parameters[i * d + k] - self.parameters[j * d + k];
            away * away * (-2.0 * self.parameters[lengths + action * d + k]).exp()
        });
        (-0.5 * squares.sum::<f64>()).exp()
    }
}

impl Preliminary for Network {
    fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    fn take(&mut self, parameters: &[f64], scale: &Scale) -> Result<()> {
        self.parameters.copy_from_slice(parameters);
        let (d, n, [lengths, targets]) = (self.inputs, self.centres, self.begins());
        let centres = (0..n * d).map(|i| scale.mean[i % d] + scale.std[i % d] * parameters[i]).collect();
        self.sums = RadialSums::new(d, centres);
        for action in 0..self.actions {
            let mut factor = std::mem::take(&mut self.factors[action]);
            for i in 0..n {
                for j in 0..=i {
                    factor[i * n + j] = self.correlation(action, i, j);
                }
                factor[i * n + i] += NOISE_VARIANCE;
            }
            let factored = cholesky::factor(&mut factor, n);
            self.factors[action] = factor;
            factored?;
            let weights = &mut self.weights[action];
            weights.copy_from_slice(&parameters[targets + action * n..][..n]);
            cholesky::solve(&self.factors[action], n, weights);
            let length = |k: usize| scale.std[k] * parameters[lengths + action * d + k].exp();
            self.sums.push(&(0..d).map(length).collect::<Vec<_>>(), weights);
        }
        self.tape = RadialTape::new(&self.sums);
        self.kept = RadialSlopes::zeros(&self.sums);
        Ok(())
    }

    fn begin(&mut self, seen: Columns<'_>, scale: &Scale, rng: &mut Rng) -> Result<()> {
        let (d, [lengths, targets]) = (self.inputs, self.begins());
        let mut parameters = vec![0.0; self.parameters.len()];
        for centre in parameters[..lengths].chunks_exact_mut(d) {
            let row = rng.below(seen.rows() as u64) as usize;
            for (k, slot) in centre.iter_mut().enumerate() {
                *slot = (seen.get(row, k) - scale.mean[k]) / scale.std[k] + AROUND * rng.normal();
            }
        }
        parameters[targets..].fill_with(|| FIRST_TARGETS * rng.normal());
        self.take(&parameters, scale)
    }

    fn at(&self, x: &[f64], p: &mut [f64]) {
        self.sums.at(x, p);
    }

    fn moments(&mut self, x: &Gaussian, out: &mut Moments) {
        self.sums.moments(x, &mut self.tape, out);
    }

    fn pull(&mut self, x: &Gaussian, adjoint: &Moments, into: &mut Gaussian) {
        self.sums.moments(x, &mut self.tape, &mut self.room);
        self.sums.pull_parameters(&mut self.tape, adjoint, into, &mut self.kept);
    }

    fn slopes(&mut self, scale: &Scale, out: &mut [f64]) {
        let (d, n, [lengths, targets]) = (self.inputs, self.centres, self.begins());
        (0..n * d).for_each(|i| out[i] = scale.std[i % d] * self.kept.centres[i]);
        out[lengths..targets].copy_from_slice(&self.kept.log_lengths);
        for action in 0..self.actions {
            let mut by_targets = self.kept.weights[action * n..(action + 1) * n].to_vec();
            cholesky::solve(&self.factors[action], n, &mut by_targets);
            let weights = &self.weights[action];
            for i in 0..n {
                for j in 0..i {
                    // Both places of the pair.
                    let both =
                        -(by_targets[i] * weights[j] + by_targets[j] * weights[i]) * self.correlation(action, i, j);
                    for k in 0..d {
                        let length = lengths + action * d + k;
                        let precision = (-2.0 * self.parameters[length]).exp();
                        let away = self.parameters[i * d + k] - self.parameters[j * d + k];
                        out[i * d + k] -= both * away * precision;
                        out[j * d + k] += both * away * precision;
                        out[length] += both * away * away * precision;
                    }
                }
            }
            out[targets + action * n..][..n].copy_from_slice(&by_targets);
        }
        self.kept.clear();
    }
}
