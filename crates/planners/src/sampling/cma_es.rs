//! CMA-ES: a Gaussian over whole plans whose covariance and step length adapt, with spline knots to keep its dimension small.
//!
//! Hansen, "The CMA Evolution Strategy: A Tutorial", 2016, with the factored update of Krause, Arbonès and Igel, "CMA-ES with
//! Optimal Covariance Update and Storage Complexity", NeurIPS 2016. In coordinates scaled by the first standard deviations, candidates
//! are `x = m + σ A z` with `C = A Aᵀ`, A lower triangular. With the best μ of λ candidates, weights w and `y = (x − m)/σ`:
//! `m ← m + σ Σ w y`; paths `p_σ` of `A⁻¹ Σ w y` and `p_c` of `Σ w y`; `C ← (1 − c₁ − c_μ) C + c₁ p_c p_cᵀ + c_μ Σ w y yᵀ`;
//! `σ ← σ exp((c_σ/d_σ)(‖p_σ‖/E‖N(0, I)‖ − 1))`. Each rank-one term updates A in D² operations, without a decomposition.
//!
//! Deviations: candidates beyond the bounds are put back and count as what they became; every decision starts from `σ = 1` and the
//! covariance of the coloured noise, around the plan from before; in the first iteration and the last the mean itself is a candidate.

use worldwright_core::{Entry, Error, Parameter, Result, SettingDefault as Default, Settings};

use crate::Build;
use crate::actions::{ActionKind, Sequence};
use crate::common::{self, Shared};
use crate::sampling::base::Sampling;
use crate::sampling::candidates::Candidates;
use crate::sampling::noise::{Noise, colouring_matrix};
use crate::sampling::plan::Plan;
use crate::sampling::ranking::Ranking;
use crate::sampling::search::{Round, Rule, Sampler, Setup};
use worldwright_numerics::cholesky::{factor, rank_one, solve_lower};

/// The longest plan, in knots × action dimensions: an update costs its square for each elite.
const MOST_DIMENSIONS: usize = 1024;
/// The step length stays below so many times the first one: bounds hide from it that it has become too long.
const LONGEST_STEP: f64 = 5.0;

const OWN: &[Parameter] = &[
    common::HORIZON,
    Parameter { default: Default::Integer(64), ..common::POPULATION },
    Parameter { default: Default::Integer(8), ..common::ITERATIONS },
    Parameter { default: Default::Integer(8), ..common::KNOTS },
    common::TOLERANCE,
    Parameter { default: Default::Text("best"), ..common::ANSWER },
];

/// Its own settings, those shared, and how its rule is read from them.
pub(crate) const SAMPLER: Sampler =
    Sampler { name: "cma-es", parameters: &common::with_shared::<{ common::count_with_shared(OWN) }>(OWN), assemble };

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: SAMPLER.name,
    summary: "covariance matrix adaptation over a plan's spline knots; for numbers only",
    source: "Hansen 2016; Krause et al. 2016",
    parameters: SAMPLER.parameters,
    build: |context, settings| Sampling::boxed(&SAMPLER, context, settings),
};

fn assemble(kind: &ActionKind, shared: &Shared, settings: &Settings) -> Result<(Setup, Box<dyn Rule>)> {
    let (dims, knots) = (kind.dims(), shared.basis.knots());
    if dims == 0 {
        return Err(Error::unsupported(SAMPLER.name, "discrete actions: use cem, icem or mppi, which draw choices"));
    }
    if dims * knots > MOST_DIMENSIONS {
        let text = format!("{knots} knots of {dims} numbers: at most {MOST_DIMENSIONS} in all; set fewer knots");
        return Err(Error::config("knots", text));
    }
    let setup = Setup { answer: common::answer(settings)?, tolerance: settings.float("tolerance", 0.0, 1.0)?, keep: 0 };
    let first = first_factor(shared.noise_beta, knots, dims)?;
    Ok((setup, Box::new(CmaEs::new(settings.count("population", 4)?, first))))
}

/// The factor of the first covariance `[D][D]`: that of noise with the given spectrum over the knots, each dimension on its own.
fn first_factor(beta: f64, knots: usize, dims: usize) -> Result<Vec<f64>> {
    let d = knots * dims;
    let colouring = if beta > 0.0 && knots > 1 { colouring_matrix(beta, knots) } else { Vec::new() };
    let mut covariance = vec![0.0; d * d];
    for i in 0..d {
        for j in (i % dims..d).step_by(dims) {
            let (a, b) = (i / dims, j / dims);
            covariance[i * d + j] = match &colouring[..] {
                [] => f64::from(a == b),
                rows => (0..knots).map(|k| rows[a * knots + k] * rows[b * knots + k]).sum(),
            };
        }
        // Steep spectra are all but singular.
        covariance[i * d + i] += 1e-6;
    }
    factor(&mut covariance, d).map_err(|_| Error::config("noise_beta", "too steep a spectrum for so many knots"))?;
    (0..d).for_each(|i| covariance[i * d + i + 1..(i + 1) * d].fill(0.0));
    Ok(covariance)
}

struct CmaEs {
    population: usize,
    d: usize,
    /// Scales of the coordinates `[D]`.
    scale: Vec<f64>,
    first: Vec<f64>,
    /// A, `[D][D]`.
    factor: Vec<f64>,
    sigma: f64,
    path_sigma: Vec<f64>,
    path_c: Vec<f64>,
    generation: u32,
    /// `[λ/2]`, falling, sum one.
    weights: Vec<f64>,
    /// 1 / Σ w².
    mass: f64,
    step: Vec<f64>,
    scratch: Vec<f64>,
    white: Vec<f32>,
}

impl CmaEs {
    fn new(population: usize, first: Vec<f64>) -> Self {
        let d = first.len().isqrt();
        let parents = population / 2;
        let mut weights: Vec<f64> = (0..parents).map(|i| (parents as f64 + 0.5).ln() - (i as f64 + 1.0).ln()).collect();
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        Self {
            population,
            d,
            scale: vec![1.0; d],
            factor: first.clone(),
            first,
            sigma: 1.0,
            path_sigma: vec![0.0; d],
            path_c: vec![0.0; d],
            generation: 0,
            mass: 1.0 / weights.iter().map(|weight| weight * weight).sum::<f64>(),
            weights,
            step: vec![0.0; d],
            scratch: vec![0.0; d],
            white: vec![0.0; d * population],
        }
    }

    /// `σ · scale · √C_ii` of each coordinate.
    fn write_std(&self, std: &mut [f64]) {
        for (i, std) in std.iter_mut().enumerate() {
            let row = &self.factor[i * self.d..i * self.d + i + 1];
            *std = self.sigma * self.scale[i] * row.iter().map(|a| a * a).sum::<f64>().sqrt();
        }
    }
}

impl Rule for CmaEs {
    fn population(&self, _iteration: usize) -> usize {
        self.population
    }

    fn leading(&self) -> usize {
        self.weights.len()
    }

    fn begin(&mut self, plan: &Plan) {
        self.scale.copy_from_slice(&plan.distribution.std);
        self.factor.copy_from_slice(&self.first);
        self.path_sigma.fill(0.0);
        self.path_c.fill(0.0);
        self.sigma = 1.0;
        self.generation = 0;
    }

    fn draw(
        &mut self,
        round: Round,
        plan: &mut Plan,
        _noise: &mut Noise,
        candidates: &mut Candidates,
        scratch: &mut Sequence,
    ) {
        let (n, d) = (candidates.count(), self.d);
        let white = &mut self.white[..n * d];
        for (i, column) in white.chunks_exact_mut(n).enumerate() {
            round.key.fold(i as u64).rng().fill_normal(column);
        }
        let dims = d / plan.distribution.knots();
        for i in 0..d {
            let column = candidates.column_mut(i / dims, i % dims);
            column.fill(plan.distribution.mean[i]);
            for (j, a) in self.factor[i * d..i * d + i + 1].iter().enumerate() {
                let weight = self.sigma * self.scale[i] * a;
                if weight != 0.0 {
                    let each = column.iter_mut().zip(&white[j * n..(j + 1) * n]);
                    each.for_each(|(slot, z)| *slot += weight * f64::from(*z));
                }
            }
            plan.distribution.clip_column(i % dims, column);
        }
        if round.last || self.generation == 0 {
            plan.distribution.mode(scratch);
            candidates.set(0, scratch);
        }
    }

    fn update(&mut self, _round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan) {
        let (d, elites) = (self.d, ranking.elites());
        let dims = d / plan.distribution.knots();
        let (n, mass) = (d as f64, self.mass);
        // Fewer elites where candidates diverged share the weight; more where many are equally good have equal ones.
        let ranked = elites.len().min(self.weights.len());
        let total: f64 = self.weights[..ranked].iter().sum();
        let level = 1.0 / elites.len() as f64;
        let weights = &self.weights;
        let weight = |place: usize| if elites.len() > weights.len() { level } else { weights[place] / total };

        let c_sigma = (mass + 2.0) / (n + mass + 5.0);
        let d_sigma = 1.0 + c_sigma + 2.0 * (((mass - 1.0) / (n + 1.0)).max(0.0).sqrt() - 1.0).max(0.0);
        let c_c = (4.0 + mass / n) / (n + 4.0 + 2.0 * mass / n);
        let c_1 = 2.0 / ((n + 1.3).powi(2) + mass);
        let c_mu = (2.0 * (mass - 2.0 + 1.0 / mass) / ((n + 2.0).powi(2) + mass)).clamp(0.0, 1.0 - c_1);
        let expected = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));

        let mean = &mut plan.distribution.mean;
        for i in 0..d {
            let column = candidates.column(i / dims, i % dims);
            let unit = 1.0 / (self.sigma * self.scale[i]);
            let each = elites.iter().enumerate().map(|(place, e)| weight(place) * (column[*e as usize] - mean[i]));
            self.step[i] = unit * each.sum::<f64>();
        }
        self.scratch.copy_from_slice(&self.step);
        solve_lower(&self.factor, d, &mut self.scratch);
        let rate = (c_sigma * (2.0 - c_sigma) * mass).sqrt();
        for (path, whitened) in self.path_sigma.iter_mut().zip(&self.scratch) {
            *path = (1.0 - c_sigma) * *path + rate * whitened;
        }
        let length = self.path_sigma.iter().map(|p| p * p).sum::<f64>().sqrt();
        self.generation += 1;
        let settled = (1.0 - (1.0 - c_sigma).powi(2 * self.generation.min(10_000) as i32)).sqrt();
        let moving = if length / settled < (1.4 + 2.0 / (n + 1.0)) * expected { 1.0 } else { 0.0 };
        let rate = moving * (c_c * (2.0 - c_c) * mass).sqrt();
        for (path, step) in self.path_c.iter_mut().zip(&self.step) {
            *path = (1.0 - c_c) * *path + rate * step;
        }
        let stay = (1.0 - c_1 - c_mu + (1.0 - moving) * c_1 * c_c * (2.0 - c_c)).sqrt();
        self.factor.iter_mut().for_each(|a| *a *= stay);
        self.scratch.copy_from_slice(&self.path_c);
        rank_one(&mut self.factor, d, c_1, &mut self.scratch);
        for (place, e) in elites.iter().enumerate() {
            for i in 0..d {
                let number = candidates.column(i / dims, i % dims)[*e as usize];
                self.scratch[i] = (number - mean[i]) / (self.sigma * self.scale[i]);
            }
            rank_one(&mut self.factor, d, c_mu * weight(place), &mut self.scratch);
        }
        for i in 0..d {
            mean[i] += self.sigma * self.scale[i] * self.step[i];
        }
        plan.distribution.clip_mean();
        let growth = c_sigma / d_sigma * (length / expected - 1.0);
        self.sigma = (self.sigma * growth.min(1.0).exp()).min(LONGEST_STEP);
        self.write_std(&mut plan.distribution.std);
    }
}
