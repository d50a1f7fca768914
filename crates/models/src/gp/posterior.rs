//! The posterior of one output: its mean, its variance, and functions drawn from it.
//!
//! ```text
//! mean      m(x) = Σ_j k(x, x_j) α_j,                    α = K⁻¹y
//! variance  v(x) = k(x, x) − |L⁻¹ k(X, x)|²,             K = L Lᵀ
//! draw      f(x) = φ(x)ᵀw + Σ_j k(x, x_j) β_j,           β = K⁻¹(y − φ(X)ᵀw − ε)
//! ```
//!
//! Mean and variance are Rasmussen and Williams' equations 2.25 and 2.26. Draws are Matheron's rule with [`FEATURES`] random
//! Fourier features for the prior (Wilson et al., "Efficiently Sampling Functions from Gaussian Process Posteriors", ICML 2020): a
//! draw costs as much to evaluate as a mean, and is one function wherever it is asked, so a lane follows one plausible system.

use worldwright_core::{Columns, Result, Rng};
use worldwright_numerics::{
    cholesky,
    dense::{self, vectorized},
};

use super::kernel::{GROUP, Hyper, Kernel, Points, sums_len, totals};

/// Fourier features of a drawn function; the error of the prior's covariance falls with their square root.
pub(super) const FEATURES: usize = 256;
/// Rows whose variance is computed together.
const ROWS: usize = 64;

/// What predictions of one output need.
pub(super) struct Posterior {
    kernel: Kernel,
    signal_variance: f64,
    points: Points,
    /// Without draws α, else β of each lane: `[lane][points, padded]`, times the signal variance.
    weights: Vec<f64>,
    /// `L⁻¹`, rows padded as the points are; empty where no variance is asked for.
    inverse_factor: Vec<f64>,
    draws: Option<Draws>,
    /// Mean squared residual, and mean squared leave-one-out residual `α_i / (K⁻¹)_ii`.
    pub(super) errors: (f64, f64),
}

/// Fourier features of the prior: `φ_i(x) = s √(2/F) cos(2π (ω_iᵀx + b_i))`, with one weight a lane.
struct Draws {
    /// `[group of 8][dimension][8]`, turns for a unit of the normalised input.
    frequencies: Vec<f64>,
    phases: Vec<f64>,
    /// `[lane][FEATURES]`, times `s √(2/F)`.
    weights: Vec<f64>,
}

/// Buffers of predictions.
pub(super) struct Workspace {
    query: Vec<f64>,
    /// `[row][points, padded]`, zeros in the padding.
    covariances: Vec<f64>,
    /// Room for sums of derivatives, made at first use.
    sums: Vec<f64>,
}

impl Workspace {
    /// For posteriors of up to `points` points; without `variance` the large buffers stay empty.
    pub(super) fn new(dims: usize, points: usize, variance: bool) -> Self {
        let rows = if variance { ROWS } else { 0 };
        let covariances = vec![0.0; rows * points.next_multiple_of(GROUP)];
        Self { query: vec![0.0; dims], covariances, sums: Vec::new() }
    }
}

/// Numbers that a lane keeps for an output with so many inputs, without those for each point.
pub(super) fn lane_numbers(inputs: usize) -> f64 {
    FEATURES as f64 * (inputs as f64 + 3.0)
}

impl Posterior {
    /// Conditions on data. `lanes` draws of a function, or the mean where there is none; `variance` keeps what it needs.
    pub(super) fn new(
        kernel: Kernel,
        hyper: &Hyper,
        inputs: Columns<'_>,
        y: &[f64],
        lanes: Option<usize>,
        variance: bool,
        rng: &mut Rng,
    ) -> Result<Self> {
        let (n, dims) = (inputs.rows(), inputs.dims());
        let signal_variance = hyper.signal_variance();
        let points = Points::new(inputs, hyper.inverse_lengths());
        let mut factor = vec![0.0; n * n];
        points.covariances(kernel, signal_variance, inputs, 0, n, &mut vec![0.0; dims], &mut factor, None);
        (0..n).for_each(|i| factor[i * n + i] += hyper.noise_variance());
        cholesky::factor(&mut factor, n)?;
        let mut inverse_factor = vec![0.0; n * n];
        cholesky::invert_lower(&factor, n, &mut inverse_factor);
        let mut alpha = y.to_vec();
        cholesky::solve(&factor, n, &mut alpha);
        let errors = errors(&alpha, &inverse_factor, hyper.noise_variance());
        let draws = lanes.map(|lanes| Draws::new(kernel, hyper, lanes, rng));
        let mut weights = vec![0.0; lanes.unwrap_or(1) * points.padded()];
        for (lane, weights) in weights.chunks_exact_mut(points.padded()).enumerate() {
            let weights = &mut weights[..n];
            weights.copy_from_slice(&alpha);
            if let Some(draws) = &draws {
                let mut prior = vec![0.0; n];
                draws.evaluate(lane, inputs, 0, &mut vec![0.0; dims], &mut prior);
                let noise_std = hyper.noise_variance().sqrt();
                for ((weight, y), prior) in weights.iter_mut().zip(y).zip(prior) {
                    *weight = y - prior - noise_std * rng.normal();
                }
                cholesky::solve(&factor, n, weights);
            }
            weights.iter_mut().for_each(|weight| *weight *= signal_variance);
        }
        inverse_factor = if variance { pad(&inverse_factor, n, points.padded()) } else { Vec::new() };
        Ok(Self { kernel, signal_variance, points, weights, inverse_factor, draws, errors })
    }

    /// The mean, or the function drawn for `lane`, at the rows of `inputs` from `first` on.
    pub(super) fn predict(
        &self,
        lane: usize,
        inputs: Columns<'_>,
        first: usize,
        work: &mut Workspace,
        out: &mut [f64],
    ) {
        let weights = &self.weights[lane * self.points.padded()..][..self.points.padded()];
        self.points.weighted_sums(self.kernel, inputs, first, weights, &mut work.query, out);
        if let Some(draws) = &self.draws {
            draws.evaluate(lane, inputs, first, &mut work.query, out);
        }
    }

    /// Adds the gradient, and unless `bends` is empty the second derivatives, of what [`predict`](Self::predict) gives at one row.
    pub(super) fn add_slopes(
        &self,
        lane: usize,
        at: (Columns<'_>, usize),
        work: &mut Workspace,
        (gradient, bends): (&mut [f64], &mut [f64]),
    ) {
        let weights = &self.weights[lane * self.points.padded()..][..self.points.padded()];
        let Workspace { query, sums, .. } = work;
        sums.resize(sums_len(query.len()), 0.0);
        self.points.add_slopes(self.kernel, at, weights, query, sums, (gradient, bends));
        if let Some(draws) = &self.draws {
            draws.add_slopes(lane, at, query, sums, (gradient, bends));
        }
    }

    /// Adds the function's standard deviation at every row, times `scale`.
    pub(super) fn add_std(&self, inputs: Columns<'_>, scale: f64, work: &mut Workspace, out: &mut [f64]) {
        let (n, stride) = (self.points.len(), self.points.padded());
        for (block, out) in out.chunks_mut(ROWS).enumerate() {
            let covariances = &mut work.covariances[..out.len() * stride];
            let (first, query) = (block * ROWS, &mut work.query);
            self.points.covariances(self.kernel, self.signal_variance, inputs, first, stride, query, covariances, None);
            let mut explained = [0.0; ROWS];
            dense::squared_norms(&self.inverse_factor, n, stride, covariances, &mut explained[..out.len()]);
            for (slot, explained) in out.iter_mut().zip(explained) {
                // Rounding may take the difference below zero; a NaN must stay one.
                let variance = self.signal_variance - explained;
                *slot += scale * if variance < 0.0 { 0.0 } else { variance.sqrt() };
            }
        }
    }
}

/// Rows of `n` numbers filled up with zeros to `stride`.
fn pad(rows: &[f64], n: usize, stride: usize) -> Vec<f64> {
    let mut padded = vec![0.0; n * stride];
    for (to, from) in padded.chunks_exact_mut(stride).zip(rows.chunks_exact(n)) {
        to[..n].copy_from_slice(from);
    }
    padded
}

/// Mean squared residual `σ²α` and leave-one-out residual `α_i / (K⁻¹)_ii` (Rasmussen and Williams, equation 5.12).
fn errors(alpha: &[f64], inverse_factor: &[f64], noise_variance: f64) -> (f64, f64) {
    let n = alpha.len();
    let mut diagonal = vec![0.0; n];
    for row in inverse_factor.chunks_exact(n) {
        diagonal.iter_mut().zip(row).for_each(|(sum, number)| *sum += number * number);
    }
    let residual = alpha.iter().map(|alpha| (noise_variance * alpha).powi(2)).sum::<f64>();
    let left_out = alpha.iter().zip(&diagonal).map(|(alpha, inverse)| (alpha / inverse).powi(2)).sum::<f64>();
    (residual / n as f64, left_out / n as f64)
}

impl Draws {
    fn new(kernel: Kernel, hyper: &Hyper, lanes: usize, rng: &mut Rng) -> Self {
        let inverse_lengths = hyper.inverse_lengths();
        let dims = inverse_lengths.len();
        let mut frequencies = vec![0.0; FEATURES * dims];
        for feature in 0..FEATURES {
            // The spectral density: normal for the squared exponential, Student's t with 5 degrees of freedom for Matérn 5/2.
            let tail = match kernel {
                Kernel::SquaredExponential => 1.0,
                Kernel::Matern52 => (5.0 / (0..5).map(|_| rng.normal().powi(2)).sum::<f64>()).sqrt(),
            };
            for (dim, scale) in inverse_lengths.iter().enumerate() {
                frequencies[(feature / GROUP * dims + dim) * GROUP + feature % GROUP] =
                    tail * rng.normal() * scale / std::f64::consts::TAU;
            }
        }
        let phases = (0..FEATURES).map(|_| rng.uniform()).collect();
        let scale = (hyper.signal_variance() * 2.0 / FEATURES as f64).sqrt();
        let weights = (0..lanes * FEATURES).map(|_| scale * rng.normal()).collect();
        Self { frequencies, phases, weights }
    }

    /// Adds the function of `lane` at the rows of `inputs` from `first` on.
    fn evaluate(&self, lane: usize, inputs: Columns<'_>, first: usize, query: &mut [f64], out: &mut [f64]) {
        let weights = &self.weights[lane * FEATURES..(lane + 1) * FEATURES];
        vectorized(
            #[inline(always)]
            || {
                for (i, slot) in out.iter_mut().enumerate() {
                    for (dim, number) in query.iter_mut().enumerate() {
                        *number = inputs.get(first + i, dim);
                    }
                    let mut sums = [0.0; GROUP];
                    let groups = self.frequencies.chunks_exact(GROUP * query.len());
                    let groups = groups.zip(self.phases.as_chunks::<GROUP>().0).zip(weights.as_chunks::<GROUP>().0);
                    for ((group, phases), weights) in groups {
                        let mut turns = *phases;
                        for (frequencies, number) in group.as_chunks::<GROUP>().0.iter().zip(&*query) {
                            for feature in 0..GROUP {
                                turns[feature] += frequencies[feature] * number;
                            }
                        }
                        for feature in 0..GROUP {
                            sums[feature] += weights[feature] * cosine_of_turns(turns[feature]);
                        }
                    }
                    *slot += sums.iter().sum::<f64>();
                }
            },
        );
    }

    /// Adds the gradient, and unless `bends` is empty the second derivatives, of the function of `lane` at one row: those of
    /// `w cos 2πt` by `t` are `−2π w sin 2πt` and `−4π² w cos 2πt`.
    fn add_slopes(
        &self,
        lane: usize,
        (inputs, row): (Columns<'_>, usize),
        query: &mut [f64],
        sums: &mut [f64],
        (gradient, bends): (&mut [f64], &mut [f64]),
    ) {
        let dims = query.len();
        inputs.copy_row(row, query);
        let weights = &self.weights[lane * FEATURES..(lane + 1) * FEATURES];
        let sums = &mut sums[dims * GROUP..];
        sums.fill(0.0);
        let curved = !bends.is_empty();
        vectorized(
            #[inline(always)]
            || {
                let sums = sums.as_chunks_mut::<GROUP>().0;
                let groups = self.frequencies.chunks_exact(GROUP * dims);
                let groups = groups.zip(self.phases.as_chunks::<GROUP>().0).zip(weights.as_chunks::<GROUP>().0);
                for ((group, phases), weights) in groups {
                    let group = group.as_chunks::<GROUP>().0;
                    let mut turns = *phases;
                    for (frequencies, number) in group.iter().zip(&*query) {
                        for feature in 0..GROUP {
                            turns[feature] += frequencies[feature] * number;
                        }
                    }
                    let mut slope = [0.0; GROUP];
                    for feature in 0..GROUP {
                        slope[feature] = weights[feature] * cosine_of_turns(turns[feature] - 0.25);
                    }
                    for (sum, frequencies) in sums.iter_mut().zip(group) {
                        for feature in 0..GROUP {
                            sum[feature] += slope[feature] * frequencies[feature];
                        }
                    }
                    if !curved {
                        continue;
                    }
                    let mut bend = [0.0; GROUP];
                    for feature in 0..GROUP {
                        bend[feature] = weights[feature] * cosine_of_turns(turns[feature]);
                    }
                    let mut pair = dims;
                    for d in 0..dims {
                        for e in d..dims {
                            for feature in 0..GROUP {
                                sums[pair][feature] += bend[feature] * group[d][feature] * group[e][feature];
                            }
                            pair += 1;
                        }
                    }
                }
            },
        );
        let turn = std::f64::consts::TAU;
        let mut totals = totals(sums);
        gradient.iter_mut().zip(&mut totals).for_each(|(slot, total)| *slot -= turn * total);
        if curved {
            for d in 0..dims {
                for e in d..dims {
                    let bend = -turn * turn * totals.next().unwrap_or(0.0);
                    bends[d * dims + e] += bend;
                    if d != e {
                        bends[e * dims + d] += bend;
                    }
                }
            }
        }
    }
}

/// `cos 2πt` without branches, error below 1e-11, by Taylor's polynomial on half a turn either way.
#[inline(always)]
fn cosine_of_turns(turns: f64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 × 2^52: adding it rounds to a whole number
    let y = (turns - ((turns + MAGIC) - MAGIC)) * std::f64::consts::TAU;
    let z = y * y;
    let mut p = 1.0 / 620_448_401_733_239_439_360_000.0;
    p = p * z - 1.0 / 1_124_000_727_777_607_680_000.0;
    p = p * z + 1.0 / 2_432_902_008_176_640_000.0;
    p = p * z - 1.0 / 6_402_373_705_728_000.0;
    p = p * z + 1.0 / 20_922_789_888_000.0;
    p = p * z - 1.0 / 87_178_291_200.0;
    p = p * z + 1.0 / 479_001_600.0;
    p = p * z - 1.0 / 3_628_800.0;
    p = p * z + 1.0 / 40_320.0;
    p = p * z - 1.0 / 720.0;
    p = p * z + 1.0 / 24.0;
    p = p * z - 0.5;
    p * z + 1.0
}
