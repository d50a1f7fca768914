//! Covariance functions with a length for each input (automatic relevance determination), and sums over many points of them.
//!
//! ```text
//! r² = Σ_d (x_d − y_d)² / ℓ_d²
//! squared exponential   k = s² exp(−r²/2)
//! Matérn 5/2            k = s² (1 + √5 r + 5r²/3) exp(−√5 r)
//! ```
//!
//! (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, equations 4.9 and 4.17.) Points are packed
//! `[group of 8][dimension][8]`, already divided by their lengths, so that a query meets eight of them with each instruction
//! or two; the last group is filled up with points whose weight is zero.

use worldwright_core::Columns;
use worldwright_numerics::dense::{LANES, vectorized};
use worldwright_numerics::exp_nonpositive;

/// Points that one pass of the inner loop meets.
pub(super) const GROUP: usize = LANES;

/// The shape of a covariance function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    SquaredExponential,
    Matern52,
}

/// Lengths, signal and noise of one output, as logarithms.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hyper {
    pub(super) log_lengths: Vec<f64>,
    /// Standard deviation of the function.
    pub(super) log_signal: f64,
    /// Standard deviation of the noise.
    pub(super) log_noise: f64,
}

impl Hyper {
    /// Where PILCO's code begins: lengths as the inputs' spread, noise a tenth of the signal.
    pub(super) fn start(dims: usize) -> Self {
        Self { log_lengths: vec![0.0; dims], log_signal: 0.0, log_noise: 0.1_f64.ln() }
    }

    pub(super) fn from_vector(vector: &[f64]) -> Self {
        let dims = vector.len() - 2;
        Self { log_lengths: vector[..dims].to_vec(), log_signal: vector[dims], log_noise: vector[dims + 1] }
    }

    pub(super) fn to_vector(&self) -> Vec<f64> {
        let mut vector = self.log_lengths.clone();
        vector.extend([self.log_signal, self.log_noise]);
        vector
    }

    pub(super) fn signal_variance(&self) -> f64 {
        (2.0 * self.log_signal).exp()
    }

    pub(super) fn noise_variance(&self) -> f64 {
        (2.0 * self.log_noise).exp()
    }

    pub(super) fn inverse_lengths(&self) -> Vec<f64> {
        self.log_lengths.iter().map(|log| (-log).exp()).collect()
    }
}

impl Kernel {
    /// Covariance at unit signal from r².
    #[inline(always)]
    fn at(self, squared: f64) -> f64 {
        match self {
            Self::SquaredExponential => exp_nonpositive(-0.5 * squared),
            Self::Matern52 => {
                let r = (5.0 * squared).sqrt();
                (1.0 + r + (5.0 / 3.0) * squared) * exp_nonpositive(-r)
            }
        }
    }

    /// The factor `g` in `∂k/∂ln ℓ_d = g (x_d − y_d)²/ℓ_d²`, at unit signal.
    #[inline(always)]
    fn slope(self, squared: f64) -> f64 {
        match self {
            Self::SquaredExponential => exp_nonpositive(-0.5 * squared),
            Self::Matern52 => {
                let r = (5.0 * squared).sqrt();
                (5.0 / 3.0) * (1.0 + r) * exp_nonpositive(-r)
            }
        }
    }

    /// The factor `b = −2 ∂g/∂r²` in `∂²k/∂x_d∂x_e = (b δ_d δ_e − g [d = e]) / (ℓ_d ℓ_e)` with `δ = (x − y)/ℓ`, at unit signal;
    /// the first derivative is `∂k/∂x_d = −g δ_d / ℓ_d`.
    #[inline(always)]
    fn bend(self, squared: f64) -> f64 {
        match self {
            Self::SquaredExponential => exp_nonpositive(-0.5 * squared),
            Self::Matern52 => (25.0 / 3.0) * exp_nonpositive(-(5.0 * squared).sqrt()),
        }
    }
}

/// Numbers that derivatives of one point by `dims` inputs are summed in.
pub(super) fn sums_len(dims: usize) -> usize {
    (1 + 2 * dims + dims * (dims + 1) / 2) * GROUP
}

/// The total of each group of lanes.
pub(super) fn totals(sums: &[f64]) -> impl Iterator<Item = f64> {
    sums.as_chunks::<GROUP>().0.iter().map(|lanes| lanes.iter().sum())
}

/// Points divided by their lengths, packed.
#[derive(Debug, Clone)]
pub(super) struct Points {
    packed: Vec<f64>,
    inverse_lengths: Vec<f64>,
    len: usize,
}

impl Points {
    pub(super) fn new(inputs: Columns<'_>, inverse_lengths: Vec<f64>) -> Self {
        let (dims, len) = (inputs.dims(), inputs.rows());
        let mut packed = vec![0.0; len.div_ceil(GROUP) * GROUP * dims];
        for (dim, scale) in inverse_lengths.iter().enumerate() {
            for (i, number) in inputs.column(dim).iter().enumerate() {
                packed[(i / GROUP * dims + dim) * GROUP + i % GROUP] = number * scale;
            }
        }
        Self { packed, inverse_lengths, len }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Numbers in a vector with one for each point, filled up to whole groups.
    pub(super) fn padded(&self) -> usize {
        self.len.div_ceil(GROUP) * GROUP
    }

    /// Row `row` of `inputs`, divided by the lengths.
    #[inline(always)]
    fn scale(&self, inputs: Columns<'_>, row: usize, query: &mut [f64]) {
        for (dim, (slot, scale)) in query.iter_mut().zip(&self.inverse_lengths).enumerate() {
            *slot = inputs.get(row, dim) * scale;
        }
    }

    /// `out[row] = Σ_j k(x_row, y_j) weights[j]` at unit signal, for the rows from `first` on. `query` holds one point.
    pub(super) fn weighted_sums(
        &self,
        kernel: Kernel,
        inputs: Columns<'_>,
        first: usize,
        weights: &[f64],
        query: &mut [f64],
        out: &mut [f64],
    ) {
        // The choice of kernel stands outside the loops, so that each is compiled without a branch.
        match kernel {
            Kernel::SquaredExponential => self.sums::<0>(inputs, first, weights, query, out),
            Kernel::Matern52 => self.sums::<1>(inputs, first, weights, query, out),
        }
    }

    fn sums<const KERNEL: u8>(
        &self,
        inputs: Columns<'_>,
        first: usize,
        weights: &[f64],
        query: &mut [f64],
        out: &mut [f64],
    ) {
        vectorized(
            #[inline(always)]
            || {
                for (i, slot) in out.iter_mut().enumerate() {
                    self.scale(inputs, first + i, query);
                    let mut sums = [0.0; GROUP];
                    let groups = self.packed.chunks_exact(GROUP * query.len());
                    for (group, weights) in groups.zip(weights.as_chunks::<GROUP>().0) {
                        let squared = distances(group, query);
                        for lane in 0..GROUP {
                            sums[lane] += const { chosen(KERNEL) }.at(squared[lane]) * weights[lane];
                        }
                    }
                    *slot = sums.iter().sum();
                }
            },
        );
    }

    /// Adds the gradient, and unless `bends` is empty the second derivatives `[inputs][inputs]`, of `Σ_j k(x_row, y_j) weights[j]` at
    /// unit signal. `sums` has room for [`sums_len`] numbers.
    pub(super) fn add_slopes(
        &self,
        kernel: Kernel,
        (inputs, row): (Columns<'_>, usize),
        weights: &[f64],
        query: &mut [f64],
        sums: &mut [f64],
        (gradient, bends): (&mut [f64], &mut [f64]),
    ) {
        let dims = query.len();
        self.scale(inputs, row, query);
        let (away, sums) = sums[..sums_len(dims)].split_at_mut(dims * GROUP);
        sums.fill(0.0);
        let curved = !bends.is_empty();
        vectorized(
            #[inline(always)]
            || {
                let away = away.as_chunks_mut::<GROUP>().0;
                let sums = sums.as_chunks_mut::<GROUP>().0;
                let groups = self.packed.chunks_exact(GROUP * dims);
                for (group, weights) in groups.zip(weights.as_chunks::<GROUP>().0) {
                    let mut squared = [0.0; GROUP];
                    for ((away, points), number) in away.iter_mut().zip(group.as_chunks::<GROUP>().0).zip(&*query) {
                        for lane in 0..GROUP {
                            away[lane] = number - points[lane];
                            squared[lane] += away[lane] * away[lane];
                        }
                    }
                    let (mut slope, mut bend) = ([0.0; GROUP], [0.0; GROUP]);
                    for lane in 0..GROUP {
                        slope[lane] = kernel.slope(squared[lane]) * weights[lane];
                        sums[0][lane] += slope[lane];
                    }
                    for (sum, away) in sums[1..].iter_mut().zip(&*away) {
                        for lane in 0..GROUP {
                            sum[lane] += slope[lane] * away[lane];
                        }
                    }
                    if !curved {
                        continue;
                    }
                    for lane in 0..GROUP {
                        bend[lane] = kernel.bend(squared[lane]) * weights[lane];
                    }
                    let mut pair = 1 + dims;
                    for d in 0..dims {
                        for e in d..dims {
                            for lane in 0..GROUP {
                                sums[pair][lane] += bend[lane] * away[d][lane] * away[e][lane];
                            }
                            pair += 1;
                        }
                    }
                }
            },
        );
        let scales = &self.inverse_lengths;
        let mut totals = totals(sums);
        let all = totals.next().unwrap_or(0.0);
        for ((slot, scale), total) in gradient.iter_mut().zip(scales).zip(&mut totals) {
            *slot -= scale * total;
        }
        if curved {
            for d in 0..dims {
                for e in d..dims {
                    let total = totals.next().unwrap_or(0.0) - if d == e { all } else { 0.0 };
                    let bend = scales[d] * scales[e] * total;
                    bends[d * dims + e] += bend;
                    if d != e {
                        bends[e * dims + d] += bend;
                    }
                }
            }
        }
    }

    /// `out[i * stride + j] = k(x_i, y_j)` times `signal_variance` for the rows from `first` on, `out.len() / stride` of them,
    /// and every point; with `slopes`, the factors of [`Kernel::slope`] in the same places.
    #[expect(
        clippy::too_many_arguments,
        reason = "one inner loop serves prediction and the gradient of the likelihood"
    )]
    pub(super) fn covariances(
        &self,
        kernel: Kernel,
        signal_variance: f64,
        inputs: Columns<'_>,
        first: usize,
        stride: usize,
        query: &mut [f64],
        out: &mut [f64],
        mut slopes: Option<&mut [f64]>,
    ) {
        vectorized(
            #[inline(always)]
            || {
                for (i, row) in out.chunks_exact_mut(stride).enumerate() {
                    self.scale(inputs, first + i, query);
                    for (place, group) in self.packed.chunks_exact(GROUP * query.len()).enumerate() {
                        let squared = distances(group, query);
                        let (start, end) = (place * GROUP, self.len.min((place + 1) * GROUP));
                        for (slot, squared) in row[start..end].iter_mut().zip(squared) {
                            *slot = signal_variance * kernel.at(squared);
                        }
                        if let Some(slopes) = &mut slopes {
                            for (slot, squared) in slopes[i * stride..][start..end].iter_mut().zip(squared) {
                                *slot = signal_variance * kernel.slope(squared);
                            }
                        }
                    }
                }
            },
        );
    }
}

const fn chosen(kernel: u8) -> Kernel {
    if kernel == 0 { Kernel::SquaredExponential } else { Kernel::Matern52 }
}

/// Squared distances of a query from a group of points.
#[inline(always)]
fn distances(group: &[f64], query: &[f64]) -> [f64; GROUP] {
    let mut squared = [0.0; GROUP];
    for (points, number) in group.as_chunks::<GROUP>().0.iter().zip(query) {
        for lane in 0..GROUP {
            let difference = number - points[lane];
            squared[lane] += difference * difference;
        }
    }
    squared
}
