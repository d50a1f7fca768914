//! Model predictive path integral control: every candidate pulls the plan with a weight exponential in its return.
//!
//! Williams et al., "Information Theoretic MPC for Model-Based Reinforcement Learning", ICRA 2017: with returns G and
//! temperature λ, `w_i ∝ exp((G_i − max G) / λ)` and `μ ← Σ w_i u_i`. One candidate is the mean itself. Here λ is by default
//! in units of the returns' standard deviation over the candidates, so that one value serves all scales of reward;
//! `normalise = false` takes it in units of reward. The spread is fixed, or follows the weighted samples with `adapt_std`
//! (as TD-MPC does: Hansen et al., ICML 2022). Deviation from the paper: no control-cost term `λ uᵀ Σ⁻¹ ε`, for a reward may
//! price actions itself. For choices the weights move the probabilities of each step.
//!
//! With `per_step` the weights of each knot come from what is earned from its first step on, as in path integral policy improvement
//! (PI²: Theodorou, Buchli and Schaal, "A Generalized Path Integral Control Approach to Reinforcement Learning", JMLR 2010): what
//! a candidate won or lost before tells nothing of the actions after.

use worldwright_core::{Entry, Parameter, Result, SettingDefault as Default, Settings};

use crate::Build;
use crate::actions::{ActionKind, Sequence};
use crate::common::{self, Shared};
use crate::sampling::base::Sampling;
use crate::sampling::candidates::Candidates;
use crate::sampling::noise::Noise;
use crate::sampling::plan::Plan;
use crate::sampling::ranking::Ranking;
use crate::sampling::search::{Round, Rule, Sampler, Setup};
use crate::sampling::spline::Basis;
use worldwright_numerics::exp_nonpositive;

const OWN: &[Parameter] = &[
    common::HORIZON,
    Parameter { default: Default::Integer(512), ..common::POPULATION },
    Parameter { default: Default::Integer(3), ..common::ITERATIONS },
    Parameter {
        name: "temperature",
        default: Default::Float(0.1),
        summary: "how much worse a candidate may be and still count: small follows the best, large averages",
    },
    Parameter {
        name: "normalise",
        default: Default::Bool(true),
        summary: "the temperature is in standard deviations of the candidates' returns instead of in units of reward",
    },
    Parameter {
        name: "adapt_std",
        default: Default::Bool(false),
        summary: "the spread follows the weighted samples within a decision",
    },
    Parameter {
        name: "per_step",
        default: Default::Bool(false),
        summary: "weigh each knot's candidates by what they earn from there on (PI²) instead of by their whole return",
    },
    Parameter { default: Default::Float(0.0), ..common::MOMENTUM },
    common::TOLERANCE,
    common::ANSWER,
];

/// Its own settings, those shared, and how its rule is read from them.
pub(crate) const SAMPLER: Sampler =
    Sampler { name: "mppi", parameters: &common::with_shared::<{ common::count_with_shared(OWN) }>(OWN), assemble };

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: SAMPLER.name,
    summary: "model predictive path integral control: candidates weighted by the exponential of their return",
    source: "Williams et al. 2017 (information-theoretic MPC); Theodorou et al. 2010 (PI²)",
    parameters: SAMPLER.parameters,
    build: |context, settings| Sampling::boxed(&SAMPLER, context, settings),
};

fn assemble(_kind: &ActionKind, shared: &Shared, settings: &Settings) -> Result<(Setup, Box<dyn Rule>)> {
    let population = settings.count("population", 2)?;
    let rule = Mppi {
        population,
        temperature: settings.float("temperature", 1e-12, f64::MAX)?,
        normalise: settings.bool("normalise")?,
        adapt_std: settings.bool("adapt_std")?,
        momentum: settings.float("momentum", 0.0, 0.999)?,
        per_step: settings.bool("per_step")?.then(|| shared.basis.clone()),
        weights: vec![0.0; population],
    };
    let setup = Setup { answer: common::answer(settings)?, tolerance: settings.float("tolerance", 0.0, 1.0)?, keep: 0 };
    Ok((setup, Box::new(rule)))
}

struct Mppi {
    population: usize,
    temperature: f64,
    normalise: bool,
    adapt_std: bool,
    momentum: f64,
    /// Where each knot has weights of its own: the knots.
    per_step: Option<Basis>,
    /// `[population]`
    weights: Vec<f64>,
}

impl Rule for Mppi {
    fn population(&self, _iteration: usize) -> usize {
        self.population
    }

    fn leading(&self) -> usize {
        1
    }

    fn wants_earned(&self) -> bool {
        self.per_step.is_some()
    }

    fn draw(
        &mut self,
        round: Round,
        plan: &mut Plan,
        noise: &mut Noise,
        candidates: &mut Candidates,
        scratch: &mut Sequence,
    ) {
        plan.distribution.draw(round.key, noise, candidates);
        plan.distribution.mode(scratch);
        candidates.set(0, scratch);
    }

    fn update(&mut self, _round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan) {
        let n = candidates.count();
        let weights = &mut self.weights[..n];
        let Some(basis) = &self.per_step else {
            exponential_weights(ranking, None, self.temperature, self.normalise, weights);
            return plan.distribution.update(candidates, None, weights, self.momentum, self.adapt_std);
        };
        for knot in 0..basis.knots() {
            let first = basis.first_step(knot);
            let earned = &ranking.earned[first * n..(first + 1) * n];
            exponential_weights(ranking, Some(earned), self.temperature, self.normalise, weights);
            plan.distribution.update_knot(knot, candidates, None, weights, self.momentum, self.adapt_std);
        }
    }
}

/// Weights that sum to one. While any candidate is feasible only feasible ones count, by return; otherwise small
/// violations count most. Diverged candidates weigh nothing. What was `earned` before does not count.
fn exponential_weights(
    ranking: &Ranking,
    earned: Option<&[f64]>,
    temperature: f64,
    normalise: bool,
    weights: &mut [f64],
) {
    let Some(best) = ranking.best() else { return };
    let feasible = ranking.violation[best] == 0.0;
    // What is compared; minus infinity where a candidate does not count.
    for (i, weight) in weights.iter_mut().enumerate() {
        *weight = match (feasible, ranking.violation[i] == 0.0) {
            (true, true) => ranking.score[i] - earned.map_or(0.0, |earned| earned[i]),
            (true, false) => f64::NEG_INFINITY,
            (false, _) => -ranking.violation[i],
        };
    }
    let largest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut scale = temperature;
    if normalise {
        let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for gap in weights.iter().map(|worth| worth - largest).filter(|gap| gap.is_finite()) {
            count += 1.0;
            sum += gap;
            squares += gap * gap;
        }
        let variance = squares / count - (sum / count) * (sum / count);
        scale *= variance.max(0.0).sqrt();
    }
    pulp::Arch::new().dispatch(|| {
        for weight in weights.iter_mut() {
            let gap = *weight - largest;
            // All equal leaves no scale: those equal to the best share the weight.
            let raised = exp_nonpositive(gap / scale);
            *weight = if gap == 0.0 { 1.0 } else { raised };
        }
        let total = weights.iter().sum::<f64>();
        weights.iter_mut().for_each(|weight| *weight /= total);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(scores: &[f64], violations: &[f64], temperature: f64, normalise: bool) -> Vec<f64> {
        let mut ranking = Ranking::new(scores.len());
        ranking.score.copy_from_slice(scores);
        ranking.violation.copy_from_slice(violations);
        ranking.rank(scores.len(), 1);
        let mut weights = vec![0.0; scores.len()];
        exponential_weights(&ranking, None, temperature, normalise, &mut weights);
        weights
    }

    #[test]
    fn weights_are_a_softmax_of_returns() {
        let (z, e) = ((-2.0_f64).exp(), (-1.0_f64).exp());
        let got = weights(&[1.0, 3.0, 2.0], &[0.0; 3], 1.0, false);
        for (got, want) in got.iter().zip([z, 1.0, e]) {
            assert!((got - want / (1.0 + z + e)).abs() < 1e-15);
        }
        // Normalised weights do not see the scale or place of the returns.
        let (a, b) =
            (weights(&[1.0, 3.0, 2.0], &[0.0; 3], 0.3, true), weights(&[-70.0, 130.0, 30.0], &[0.0; 3], 0.3, true));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn infeasible_and_diverged_candidates_weigh_nothing() {
        let (none, far) = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(weights(&[9.0, 1.0, none, 1.0], &[0.1, 0.0, far, 0.0], 1.0, true), [0.0, 0.5, 0.0, 0.5]);
        let all_infeasible = weights(&[9.0, 1.0, none], &[2.0, 1.0, far], 1.0, false);
        assert!(all_infeasible[1] > all_infeasible[0] && all_infeasible[0] > 0.0 && all_infeasible[2] == 0.0);
    }
}
