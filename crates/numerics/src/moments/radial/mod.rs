//! Sums of squared-exponential functions of a normal distribution: the posterior mean and spread of a Gaussian process, a network of radial functions.
//!
//! ```text
//! f_a(x) = Σ_i w_ai exp(−½ ν_iᵀ Λ_a⁻¹ ν_i),  ν_i = c_i − x          Λ_a = diag ℓ_a²,  one ℓ an input
//!
//! mean        M_a  = Σ q_i,   q_i = |I + ΣΛ⁻¹|^{−½} w_i exp(−½ ν_iᵀ G ν_i),   G = (Σ + Λ)⁻¹,   ν about μ
//! slope       V_a  = G Σ q_i ν_i
//! covariance  S_ab = Σ_ij B_ij E φ_i φ_j − M_a M_b,   B = w_a w_bᵀ, or a matrix of its own where a = b
//! E φ_i φ_j        = |R|^{−½} exp(−½ ν_iᵀΛ_a⁻¹ν_i − ½ ν_jᵀΛ_b⁻¹ν_j + ½ zᵀTz),   z = Λ_a⁻¹ν_i + Λ_b⁻¹ν_j,
//!                    R = I + ΣP,   P = Λ_a⁻¹ + Λ_b⁻¹,   T = R⁻¹Σ
//! ```
//!
//! Deisenroth (2010), section 2.3.2, equations 2.34 to 2.55. With `B = wwᵀ − s⁴(K + σ²I)⁻¹` and s² added, S holds the process's own uncertainty. The exponent is the
//! largest of a quadratic form that is nowhere positive, so that nothing overflows.
//!
//! Derivatives are simpler than the thesis': by Stein's lemma a derivative by μ is an expectation of a derivative by x, and one by Σ half of a second one. A pair's
//! `∂S/∂μ` and `∂S/∂Σ` do not depend on what is asked of S, so that the one pass over N² pairs that gives S gives them too; backwards costs N alone.

mod parameters;
mod sweep;

use super::{Gaussian, Moments, add_product, add_transposed_product, invert};
use crate::dense::LANES;
use sweep::{Pairs, Sums, Weights, sweep};

pub use parameters::RadialSlopes;

/// One function over the shared centres.
#[derive(Debug, Clone, PartialEq)]
struct Output {
    /// `[D]`: 1/ℓ².
    precision: Vec<f64>,
    /// `[padded]`
    weights: Vec<f64>,
    /// B of its variance `[N][padded]`, where it is not the weights' product; then what its variance is greater by.
    second: Option<Vec<f64>>,
    added: f64,
}

/// Functions over the same centres.
#[derive(Debug, Clone, PartialEq)]
pub struct RadialSums {
    dims: usize,
    count: usize,
    /// `[N][D]`
    centres: Vec<f64>,
    outputs: Vec<Output>,
}

/// What [`RadialSums::moments`] leaves for [`RadialSums::pull`], with room for both.
#[derive(Debug, Clone)]
pub struct RadialTape {
    at: Gaussian,
    mean: Vec<f64>,
    /// `[pairs][D + D²]`: what each `Σ B E φφ` changes by with μ and Σ.
    pairs: Vec<f64>,
    room: Room,
}

/// Room for one function or one pair.
#[derive(Debug, Clone)]
struct Room {
    /// Four of `[D][D]`.
    matrices: [Vec<f64>; 4],
    /// `[N][D]`: u, T u, and `Σ_j W v_j`.
    left: Vec<f64>,
    turned: Vec<f64>,
    toward: Vec<f64>,
    /// `[group][D][8]`
    packed: Vec<f64>,
    /// α and β.
    offsets: [Vec<f64>; 2],
    /// Rows and columns with all their weights, rows without their own.
    sums: [Vec<f64>; 3],
    /// `[D]` each.
    vectors: [Vec<f64>; 4],
}

impl RadialTape {
    /// For functions like these.
    pub fn new(of: &RadialSums) -> Self {
        let (d, n, e, padded) = (of.dims, of.count, of.outputs.len(), of.padded());
        let square = || vec![0.0; d * d];
        Self {
            at: Gaussian::zeros(d),
            mean: vec![0.0; e],
            pairs: vec![0.0; e * (e + 1) / 2 * (d + d * d)],
            room: Room {
                matrices: [square(), square(), square(), square()],
                left: vec![0.0; n * d],
                turned: vec![0.0; n * d],
                toward: vec![0.0; n * d],
                packed: vec![0.0; padded * d],
                offsets: [vec![0.0; n], vec![0.0; padded]],
                sums: [vec![0.0; n], vec![0.0; padded], vec![0.0; n]],
                vectors: [vec![0.0; d], vec![0.0; d], vec![0.0; d], vec![0.0; d]],
            },
        }
    }
}

impl RadialSums {
    /// No function yet over the centres `[N][D]`.
    pub fn new(dims: usize, centres: Vec<f64>) -> Self {
        Self { dims, count: centres.len() / dims.max(1), centres, outputs: Vec::new() }
    }

    /// Adds a function with these lengths `[D]` and weights `[N]`.
    pub fn push(&mut self, lengths: &[f64], weights: &[f64]) {
        let mut padded = vec![0.0; self.padded()];
        padded[..self.count].copy_from_slice(&weights[..self.count]);
        let precision = lengths.iter().map(|length| (length * length).recip()).collect();
        self.outputs.push(Output { precision, weights: padded, second: None, added: 0.0 });
    }

    /// Gives the last function a symmetric matrix `[N][N]` in place of its weights' product where its variance is asked for, and adds so much to it.
    pub fn spread(&mut self, second: &[f64], added: f64) {
        let (n, padded) = (self.count, self.padded());
        let mut rows = vec![0.0; n * padded];
        rows.chunks_exact_mut(padded).zip(second.chunks_exact(n)).for_each(|(to, from)| to[..n].copy_from_slice(from));
        if let Some(output) = self.outputs.last_mut() {
            (output.second, output.added) = (Some(rows), added);
        }
    }

    /// D, numbers that each function sees.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// N, the centres.
    pub fn count(&self) -> usize {
        self.count
    }

    /// E, the functions.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Moves number `i` of the centres.
    #[cfg(test)]
    pub(super) fn move_centre(&mut self, i: usize, by: f64) {
        self.centres[i] += by;
    }

    /// Adds to a weight.
    #[cfg(test)]
    pub(super) fn weigh(&mut self, a: usize, i: usize, by: f64) {
        self.outputs[a].weights[i] += by;
    }

    /// Adds to the logarithm of a length.
    #[cfg(test)]
    pub(super) fn stretch(&mut self, a: usize, k: usize, by: f64) {
        self.outputs[a].precision[k] *= (-2.0 * by).exp();
    }

    fn padded(&self) -> usize {
        self.count.next_multiple_of(LANES)
    }

    /// The functions of numbers that are known.
    pub fn at(&self, x: &[f64], y: &mut [f64]) {
        for (slot, output) in y.iter_mut().zip(&self.outputs) {
            let terms = self.centres.chunks_exact(self.dims).zip(&output.weights).map(|(centre, weight)| {
                let squares = centre.iter().zip(x).zip(&output.precision).map(|((c, x), p)| (c - x) * (c - x) * p);
                weight * (-0.5 * squares.sum::<f64>()).exp()
            });
            *slot = terms.sum();
        }
    }

    /// Mean and slope alone, as far as `out` has room for functions; its covariance is left as it is.
    pub fn means(&self, x: &Gaussian, tape: &mut RadialTape, out: &mut Moments) {
        let (d, e) = (self.dims, self.outputs.len());
        tape.at.clone_from(x);
        for (a, output) in self.outputs.iter().enumerate() {
            let scale = self.inverse(output, x, &mut tape.room);
            let Room { matrices, vectors, .. } = &mut tape.room;
            let (g, [nu, pulled, total, _]) = (&matrices[1], vectors);
            total.fill(0.0);
            let mut mean = 0.0;
            for (centre, weight) in self.centres.chunks_exact(d).zip(&output.weights) {
                let q = weight * about(centre, (x, g), scale, nu, pulled);
                mean += q;
                total.iter_mut().zip(&*pulled).for_each(|(sum, g)| *sum += q * g);
            }
            (tape.mean[a], out.output.mean[a]) = (mean, mean);
            total.iter().enumerate().for_each(|(i, sum)| out.slope[i * e + a] = *sum);
        }
    }

    /// All moments; all of `out` is written.
    pub fn moments(&self, x: &Gaussian, tape: &mut RadialTape, out: &mut Moments) {
        self.means(x, tape, out);
        let (d, e) = (self.dims, self.outputs.len());
        let mut pairs = std::mem::take(&mut tape.pairs);
        for (pair, slopes) in pairs.chunks_exact_mut(d + d * d).enumerate() {
            let [a, b] = pair_of(pair);
            let (by_mean, by_covariance) = slopes.split_at_mut(d);
            let product = self.product([a, b], x, &mut tape.room, (by_mean, by_covariance));
            let added = if a == b { self.outputs[a].added } else { 0.0 };
            let covariance = product - tape.mean[a] * tape.mean[b] + added;
            out.output.covariance[a * e + b] = covariance;
            out.output.covariance[b * e + a] = covariance;
        }
        tape.pairs = pairs;
    }

    /// Adds to `into` what `adjoint` of the moments means for those of x, at the x that the tape was made at.
    pub fn pull(&self, tape: &mut RadialTape, adjoint: &Moments, into: &mut Gaussian) {
        let (d, e) = (self.dims, self.outputs.len());
        for (pair, slopes) in tape.pairs.chunks_exact(d + d * d).enumerate() {
            let [a, b] = pair_of(pair);
            let weight = of_pair(adjoint, [a, b], e);
            let (by_mean, by_covariance) = slopes.split_at(d);
            into.mean.iter_mut().zip(by_mean).for_each(|(slot, slope)| *slot += weight * slope);
            into.covariance.iter_mut().zip(by_covariance).for_each(|(slot, slope)| *slot += weight * slope);
        }
        for a in 0..e {
            // What the products of means take away.
            let paired: f64 = (0..e)
                .map(|b| (adjoint.output.covariance[a * e + b] + adjoint.output.covariance[b * e + a]) * tape.mean[b])
                .sum();
            self.pull_one(a, tape, (adjoint, adjoint.output.mean[a] - paired), into);
        }
    }

    /// As [`pull`](Self::pull), for [`means`](Self::means).
    pub fn pull_means(&self, tape: &mut RadialTape, adjoint: &Moments, into: &mut Gaussian) {
        (0..self.outputs.len()).for_each(|a| self.pull_one(a, tape, (adjoint, adjoint.output.mean[a]), into));
    }

    /// The part of one function's mean and slope: with k_i = ∂/∂M + pᵀg_i and g = Gν,
    /// ∂/∂μ = Σ q k g − M G p,   ∂/∂Σ = ½ (Σ q k g gᵀ − (M ∂/∂M + pᵀV) G − Gp Vᵀ − V (Gp)ᵀ).
    fn pull_one(&self, a: usize, tape: &mut RadialTape, (adjoint, by_mean): (&Moments, f64), into: &mut Gaussian) {
        let (d, e, output) = (self.dims, self.outputs.len(), &self.outputs[a]);
        let scale = self.inverse(output, &tape.at, &mut tape.room);
        let Room { matrices: [_, g, second, _], vectors: [nu, pulled, slope, turned], .. } = &mut tape.room;
        let p = |i: usize| adjoint.slope[i * e + a];
        turned.iter_mut().zip(g.chunks_exact(d)).for_each(|(slot, row)| {
            *slot = row.iter().enumerate().map(|(i, g)| g * p(i)).sum();
        });
        second.fill(0.0);
        slope.fill(0.0);
        for (centre, weight) in self.centres.chunks_exact(d).zip(&output.weights) {
            let q = weight * about(centre, (&tape.at, g), scale, nu, pulled);
            let along: f64 = pulled.iter().enumerate().map(|(i, g)| g * p(i)).sum();
            let qk = q * (by_mean + along);
            for i in 0..d {
                slope[i] += q * pulled[i];
                into.mean[i] += qk * pulled[i];
                for j in 0..=i {
                    second[i * d + j] += qk * pulled[i] * pulled[j];
                }
            }
        }
        let mean = tape.mean[a];
        let told: f64 = mean * by_mean + slope.iter().enumerate().map(|(i, v)| v * p(i)).sum::<f64>();
        for i in 0..d {
            into.mean[i] -= mean * turned[i];
            for j in 0..=i {
                let half =
                    0.5 * (second[i * d + j] - told * g[i * d + j] - turned[i] * slope[j] - slope[i] * turned[j]);
                into.covariance[i * d + j] += half;
                if i != j {
                    into.covariance[j * d + i] += half;
                }
            }
        }
    }

    /// G into the room's second matrix; gives `|I + ΣΛ⁻¹|^{−½}`.
    fn inverse(&self, output: &Output, x: &Gaussian, room: &mut Room) -> f64 {
        let d = self.dims;
        let [widened, g, ..] = &mut room.matrices;
        let log_determinant = whitened(&output.precision, x, widened, g);
        for i in 0..d {
            for j in 0..d {
                g[i * d + j] *= (output.precision[i] * output.precision[j]).sqrt();
            }
        }
        (-0.5 * log_determinant).exp()
    }

    /// What a pair's exponents are made of: R⁻¹ in the third matrix, T in the fourth, u, T u, packed v and both offsets. Gives `|R|^{−½}`.
    fn prepare(&self, [a, b]: [&Output; 2], x: &Gaussian, room: &mut Room) -> f64 {
        let d = self.dims;
        let Room { matrices: [widened, inverse, r, t], left, turned, packed, offsets, vectors, .. } = room;
        let [sum, v, turned_v, _] = vectors;
        (0..d).for_each(|i| sum[i] = a.precision[i] + b.precision[i]);
        let log_determinant = whitened(sum, x, widened, inverse);
        for i in 0..d {
            for j in 0..d {
                r[i * d + j] = inverse[i * d + j] * (sum[j] / sum[i]).sqrt();
            }
        }
        t.fill(0.0);
        add_product(r, &x.covariance, t, [d, d, d]);
        for i in 0..d {
            for j in 0..i {
                let mean = 0.5 * (t[i * d + j] + t[j * d + i]);
                (t[i * d + j], t[j * d + i]) = (mean, mean);
            }
        }
        let turn = |v: &[f64], out: &mut [f64]| {
            for (slot, row) in out.iter_mut().zip(t.chunks_exact(d)) {
                *slot = row.iter().zip(v).map(|(t, v)| t * v).sum();
            }
        };
        for (i, centre) in self.centres.chunks_exact(d).enumerate() {
            let (u, tu) = (&mut left[i * d..(i + 1) * d], &mut turned[i * d..(i + 1) * d]);
            (0..d).for_each(|k| u[k] = a.precision[k] * (centre[k] - x.mean[k]));
            turn(u, tu);
            let half = |which: &[f64], by: &[f64], turned: &[f64]| -> f64 {
                let terms = (0..d).map(|k| which[k] * (turned[k] - which[k] / by[k]));
                0.5 * terms.sum::<f64>()
            };
            offsets[0][i] = half(u, &a.precision, tu);
            (0..d).for_each(|k| v[k] = b.precision[k] * (centre[k] - x.mean[k]));
            turn(v, turned_v);
            offsets[1][i] = half(v, &b.precision, turned_v);
            (0..d).for_each(|k| packed[(i / LANES * d + k) * LANES + i % LANES] = v[k]);
        }
        (-0.5 * log_determinant).exp()
    }

    /// Fills the room's sums for a pair.
    fn sum_pair(&self, [a, b]: [usize; 2], room: &mut Room) {
        let (left, right) = (&self.outputs[a], &self.outputs[b]);
        let weights = match &left.second {
            Some(second) if a == b => Weights::Matrix(second),
            _ => Weights::Product(&left.weights, &right.weights),
        };
        let [alphas, betas] = &room.offsets;
        let pairs = Pairs { turned: &room.turned, offsets: [alphas, betas], packed: &room.packed, weights };
        let [rows, columns, bare] = &mut room.sums;
        sweep(self.dims, &pairs, &mut Sums { rows, toward: &mut room.toward, columns });
        bare.copy_from_slice(rows);
        let n = self.count;
        match weights {
            Weights::Matrix(_) => columns[..n].copy_from_slice(rows),
            Weights::Product(m, others) => {
                rows.iter_mut().zip(m).for_each(|(sum, weight)| *sum *= weight);
                columns.iter_mut().zip(others).for_each(|(sum, weight)| *sum *= weight);
                let toward = room.toward.chunks_exact_mut(self.dims).zip(m);
                toward.for_each(|(sum, weight)| sum.iter_mut().for_each(|sum| *sum *= weight));
            }
        }
    }

    /// `Σ_ij B_ij E φ_i φ_j` and what it changes by: with Z = Σ W z zᵀ,
    /// ∂/∂μ = R⁻ᵀ Σ W z,   ∂/∂Σ = ½ R⁻ᵀ Z R⁻¹ − ½ P R⁻¹ Σ W.
    fn product(
        &self,
        pair: [usize; 2],
        x: &Gaussian,
        room: &mut Room,
        (by_mean, by_covariance): (&mut [f64], &mut [f64]),
    ) -> f64 {
        let d = self.dims;
        let outputs = pair.map(|place| &self.outputs[place]);
        let scale = self.prepare(outputs, x, room);
        self.sum_pair(pair, room);
        let Room { matrices: [z, product, r, _], left, toward, packed, sums: [rows, columns, _], vectors, .. } = room;
        let [sum, v, ..] = vectors;
        z.fill(0.0);
        sum.fill(0.0);
        for i in 0..self.count {
            let (u, toward) = (&left[i * d..(i + 1) * d], &toward[i * d..(i + 1) * d]);
            (0..d).for_each(|k| v[k] = packed[(i / LANES * d + k) * LANES + i % LANES]);
            for k in 0..d {
                sum[k] += rows[i] * u[k] + columns[i] * v[k];
                for l in 0..d {
                    z[k * d + l] +=
                        rows[i] * u[k] * u[l] + columns[i] * v[k] * v[l] + u[k] * toward[l] + toward[k] * u[l];
                }
            }
        }
        let total: f64 = rows.iter().sum();
        by_mean.fill(0.0);
        add_transposed_product(r, sum, by_mean, [d, d, 1]);
        by_mean.iter_mut().for_each(|slope| *slope *= scale);
        product.fill(0.0);
        add_product(z, r, product, [d, d, d]);
        for i in 0..d {
            let precision = outputs[0].precision[i] + outputs[1].precision[i];
            (0..d).for_each(|j| by_covariance[i * d + j] = -precision * r[i * d + j] * total);
        }
        add_transposed_product(r, product, by_covariance, [d, d, d]);
        by_covariance.iter_mut().for_each(|slope| *slope *= 0.5 * scale);
        scale * total
    }
}

/// The inverse of `I + pΣp` with p the roots of `precision`, and the logarithm of its determinant.
fn whitened(precision: &[f64], x: &Gaussian, widened: &mut [f64], inverse: &mut [f64]) -> f64 {
    let d = precision.len();
    for i in 0..d {
        for j in 0..d {
            widened[i * d + j] =
                (precision[i] * precision[j]).sqrt() * x.covariance[i * d + j] + f64::from(u8::from(i == j));
        }
    }
    invert(widened, inverse, d)
}

/// `scale · exp(−½ νᵀGν)` with ν and Gν written.
#[inline(always)]
fn about(centre: &[f64], (x, g): (&Gaussian, &[f64]), scale: f64, nu: &mut [f64], pulled: &mut [f64]) -> f64 {
    let d = centre.len();
    (0..d).for_each(|i| nu[i] = centre[i] - x.mean[i]);
    for (slot, row) in pulled.iter_mut().zip(g.chunks_exact(d)) {
        *slot = row.iter().zip(&*nu).map(|(g, nu)| g * nu).sum();
    }
    let exponent: f64 = nu.iter().zip(&*pulled).map(|(nu, g)| nu * g).sum();
    scale * (-0.5 * exponent).exp()
}

/// What the covariance of a pair counts, both of its places.
fn of_pair(adjoint: &Moments, [a, b]: [usize; 2], e: usize) -> f64 {
    let there = adjoint.output.covariance[a * e + b];
    if a == b { there } else { there + adjoint.output.covariance[b * e + a] }
}

/// The functions of a pair, in the order (0, 0), (1, 0), (1, 1), (2, 0) …
fn pair_of(pair: usize) -> [usize; 2] {
    let mut a = 0;
    while (a + 1) * (a + 2) / 2 <= pair {
        a += 1;
    }
    [a, pair - a * (a + 1) / 2]
}
