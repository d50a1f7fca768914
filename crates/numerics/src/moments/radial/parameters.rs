//! What moments of radial functions change by with the functions themselves: centres, lengths, weights.
//!
//! With q, g, k and p as in a function's own derivatives, W, u, v, z and T as in a pair's, and φ what the pair's covariance counts:
//!
//! ```text
//! mean and slope   ∂/∂w_i = (q_i / w_i) k_i      ∂/∂c_i = q_i (Gp − k_i g_i)      ∂/∂ℓ²_d = (∂/∂Σ)_dd + ½ (M ∂/∂M + pᵀV) / ℓ²_d
//! a pair           ∂/∂c_i = φ Λ_a⁻¹ Σ_j W (T z − ν_i)                             ∂/∂ℓ⁻²_d = −½ φ Σ_ij W ((ν_i − T z)²_d + T_dd)
//! ```
//!
//! Functions with a matrix of their own have no such derivatives: they are data.

use super::{Gaussian, Moments, RadialSums, RadialTape, Room, about, of_pair, pair_of};
use crate::dense::LANES;

/// What a number changes by with functions.
#[derive(Debug, Clone, PartialEq)]
pub struct RadialSlopes {
    /// `[N][D]`
    pub centres: Vec<f64>,
    /// `[E][D]`, by the logarithms of lengths.
    pub log_lengths: Vec<f64>,
    /// `[E][N]`
    pub weights: Vec<f64>,
}

impl RadialSlopes {
    /// Zeros for functions like these.
    pub fn zeros(of: &RadialSums) -> Self {
        let (d, n, e) = (of.dims(), of.count(), of.outputs());
        Self { centres: vec![0.0; n * d], log_lengths: vec![0.0; e * d], weights: vec![0.0; e * n] }
    }

    /// All numbers to zero.
    pub fn clear(&mut self) {
        self.centres.fill(0.0);
        self.log_lengths.fill(0.0);
        self.weights.fill(0.0);
    }
}

impl RadialSums {
    /// As [`pull`](Self::pull), and adds to `slopes` what `adjoint` means for the functions.
    pub fn pull_parameters(
        &self,
        tape: &mut RadialTape,
        adjoint: &Moments,
        into: &mut Gaussian,
        slopes: &mut RadialSlopes,
    ) {
        self.pull(tape, adjoint, into);
        let e = self.outputs();
        for a in 0..e {
            let paired: f64 = (0..e)
                .map(|b| (adjoint.output.covariance[a * e + b] + adjoint.output.covariance[b * e + a]) * tape.mean[b])
                .sum();
            self.pull_function(a, tape, (adjoint, adjoint.output.mean[a] - paired), slopes);
        }
        for pair in 0..e * (e + 1) / 2 {
            let [a, b] = pair_of(pair);
            let weight = of_pair(adjoint, [a, b], e);
            // Each side of a pair is looked at from its rows; those of one function are alike.
            if a == b {
                self.pull_side([a, a], 2.0 * weight, tape, slopes);
            } else {
                self.pull_side([a, b], weight, tape, slopes);
                self.pull_side([b, a], weight, tape, slopes);
            }
        }
    }

    fn pull_function(
        &self,
        a: usize,
        tape: &mut RadialTape,
        (adjoint, by_mean): (&Moments, f64),
        slopes: &mut RadialSlopes,
    ) {
        let (d, e, n, output) = (self.dims, self.outputs.len(), self.count, &self.outputs[a]);
        let scale = self.inverse(output, &tape.at, &mut tape.room);
        let Room { matrices: [_, g, ..], vectors: [nu, pulled, slope, turned], .. } = &mut tape.room;
        let p = |i: usize| adjoint.slope[i * e + a];
        for (slot, row) in turned.iter_mut().zip(g.chunks_exact(d)) {
            *slot = row.iter().enumerate().map(|(i, g)| g * p(i)).sum();
        }
        slope.fill(0.0);
        let lengths = &mut slopes.log_lengths[a * d..(a + 1) * d];
        // By ℓ² first.
        for (i, centre) in self.centres.chunks_exact(d).enumerate() {
            let (weight, bare) = (output.weights[i], about(centre, (&tape.at, g), scale, nu, pulled));
            let k = by_mean + pulled.iter().enumerate().map(|(i, g)| g * p(i)).sum::<f64>();
            slopes.weights[a * n + i] += bare * k;
            let q = weight * bare;
            for j in 0..d {
                slope[j] += q * pulled[j];
                slopes.centres[i * d + j] += q * (turned[j] - k * pulled[j]);
                lengths[j] += q * k * pulled[j] * pulled[j] / output.precision[j];
            }
        }
        let told = tape.mean[a] * by_mean + slope.iter().enumerate().map(|(i, v)| v * p(i)).sum::<f64>();
        for j in 0..d {
            // ∂/∂ ln ℓ = 2 ℓ² ∂/∂ℓ², and twice the half of all that stands here is whole.
            let rest = told * g[j * d + j] + 2.0 * turned[j] * slope[j];
            lengths[j] += told - rest / output.precision[j];
        }
    }

    fn pull_side(&self, [a, b]: [usize; 2], weight: f64, tape: &mut RadialTape, slopes: &mut RadialSlopes) {
        let (d, n) = (self.dims, self.count);
        let (own, other) = (&self.outputs[a], &self.outputs[b]);
        let weight = weight * self.prepare([own, other], &tape.at, &mut tape.room);
        self.sum_pair([a, b], &mut tape.room);
        let Room { matrices: [_, _, _, t], left, turned, toward, packed, sums: [rows, columns, bare], vectors, .. } =
            &mut tape.room;
        let [moved, v, ..] = vectors;
        let turn = |v: &[f64], out: &mut [f64]| {
            for (slot, row) in out.iter_mut().zip(t.chunks_exact(d)) {
                *slot = row.iter().zip(v).map(|(t, v)| t * v).sum();
            }
        };
        let lengths = &mut slopes.log_lengths[a * d..(a + 1) * d];
        let total: f64 = rows.iter().sum();
        for i in 0..n {
            let (u, tu) = (&left[i * d..(i + 1) * d], &turned[i * d..(i + 1) * d]);
            turn(&toward[i * d..(i + 1) * d], moved);
            slopes.weights[a * n + i] += weight * bare[i];
            for k in 0..d {
                let nu = u[k] / own.precision[k];
                let beyond = nu - tu[k];
                slopes.centres[i * d + k] += weight * own.precision[k] * (moved[k] - rows[i] * beyond);
                let squares = rows[i] * beyond * beyond - 2.0 * beyond * moved[k];
                lengths[k] += weight * own.precision[k] * squares;
            }
            (0..d).for_each(|k| v[k] = packed[(i / LANES * d + k) * LANES + i % LANES]);
            turn(v, moved);
            for k in 0..d {
                lengths[k] += weight * own.precision[k] * columns[i] * moved[k] * moved[k];
            }
        }
        for k in 0..d {
            lengths[k] += weight * own.precision[k] * total * t[k * d + k];
        }
    }
}
