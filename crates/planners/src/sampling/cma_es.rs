//! CMA-ES: a Gaussian over whole plans whose covariance and step length adapt, with spline knots to keep its dimension small.
//!
//! The adaptation itself is [`CovarianceAdaptation`] (Hansen, "The CMA Evolution Strategy: A Tutorial", 2016), in coordinates scaled by the first standard
//! deviations.
//!
//! Deviations: candidates beyond the bounds are put back and count as what they became; every decision starts from `σ = 1` and the
//! covariance of the coloured noise, around the plan from before; in the first iteration and the last the mean itself is a candidate.

use worldwright_core::{Entry, Error, Parameter, Result, SettingDefault as Default, Settings};

use crate::Build;
use crate::actions::{ActionKind, Sequence};
use crate::adaptation::CovarianceAdaptation;
use crate::common::{self, Shared};
use crate::sampling::base::Sampling;
use crate::sampling::candidates::Candidates;
use crate::sampling::noise::{Noise, colouring_matrix};
use crate::sampling::plan::Plan;
use crate::sampling::ranking::Ranking;
use crate::sampling::search::{Round, Rule, Sampler, Setup};
use worldwright_numerics::cholesky::factor;

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
    adaptation: CovarianceAdaptation,
    white: Vec<f32>,
}

impl CmaEs {
    fn new(population: usize, first: Vec<f64>) -> Self {
        let d = first.len().isqrt();
        Self {
            population,
            d,
            scale: vec![1.0; d],
            adaptation: CovarianceAdaptation::full(population, first.clone(), 1.0),
            first,
            white: vec![0.0; d * population],
        }
    }
}

impl Rule for CmaEs {
    fn population(&self, _iteration: usize) -> usize {
        self.population
    }

    fn leading(&self) -> usize {
        self.adaptation.parents()
    }

    fn begin(&mut self, plan: &Plan) {
        self.scale.copy_from_slice(&plan.distribution.std);
        self.adaptation.begin(&self.first);
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
            for (j, a) in self.adaptation.row(i).iter().enumerate() {
                let weight = self.adaptation.sigma() * self.scale[i] * a;
                if weight != 0.0 {
                    let each = column.iter_mut().zip(&white[j * n..(j + 1) * n]);
                    each.for_each(|(slot, z)| *slot += weight * f64::from(*z));
                }
            }
            plan.distribution.clip_column(i % dims, column);
        }
        if round.last || self.adaptation.generation() == 0 {
            plan.distribution.mode(scratch);
            candidates.set(0, scratch);
        }
    }

    fn update(&mut self, _round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan) {
        let (d, elites) = (self.d, ranking.elites());
        let dims = d / plan.distribution.knots();
        let (mean, scale, sigma) = (&plan.distribution.mean, &self.scale, self.adaptation.sigma());
        let y = |place: usize, i: usize| {
            let number = candidates.column(i / dims, i % dims)[elites[place] as usize];
            (number - mean[i]) / (sigma * scale[i])
        };
        let drawn_with = self.adaptation.adapt(elites.len(), y);
        self.adaptation.limit_sigma(LONGEST_STEP);
        let steps = self.adaptation.step().iter().zip(&self.scale);
        for (mean, (step, scale)) in plan.distribution.mean.iter_mut().zip(steps) {
            *mean += drawn_with * scale * step;
        }
        plan.distribution.clip_mean();
        for (i, std) in plan.distribution.std.iter_mut().enumerate() {
            *std = self.scale[i] * self.adaptation.std(i);
        }
    }
}
