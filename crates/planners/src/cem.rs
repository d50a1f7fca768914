//! The cross-entropy method: draw from a distribution, move it to the best candidates, repeat.
//!
//! Rubinstein, "The Cross-Entropy Method for Combinatorial and Continuous Optimization", 1999; as a planner in learned models:
//! Chua et al., "Deep Reinforcement Learning in a Handful of Trials using Probabilistic Dynamics Models" (PETS), NeurIPS
//! 2018. With K elites, momentum α: `μ ← α μ + (1 − α) mean(elites)`, `σ ← α σ + (1 − α) std(elites)`, each step and dimension
//! on its own; for choices the probabilities move to the elites' frequencies. Deviations from PETS: samples are put back
//! into the bounds instead of drawn from a truncated normal, and the momentum acts on σ instead of σ².

use worldwright_core::{Entry, Parameter, Planner, Result, Settings};

use crate::actions::Sequence;
use crate::candidates::Candidates;
use crate::common;
use crate::noise::Noise;
use crate::plan::Plan;
use crate::ranking::Ranking;
use crate::sampling::{Round, Rule, Sampling, Setup};
use crate::{Build, PlannerContext};

const PARAMETERS: &[Parameter] = &[
    common::HORIZON,
    common::POPULATION,
    common::ITERATIONS,
    common::ELITES,
    common::MOMENTUM,
    common::ACTION_STD,
    common::TOLERANCE,
    common::ANSWER,
    common::NOISE_BETA,
    common::RISK,
    common::CVAR_ALPHA,
    common::EPISTEMIC_PENALTY,
    common::TERMINAL_VALUE,
    common::PRIOR_SHARE,
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "cem",
    summary: "cross-entropy method: move a distribution over action sequences to its best samples",
    source: "Rubinstein 1999; Chua et al. 2018 (PETS)",
    parameters: PARAMETERS,
    build,
};

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let population = settings.count("population", 2)?;
    let elites = settings.count("elites", 1)?.min(population);
    let rule =
        Cem { population, elites, momentum: settings.float("momentum", 0.0, 0.999)?, weights: vec![0.0; population] };
    let setup = Setup {
        name: "cem",
        iterations: settings.count("iterations", 1)?,
        answer: common::answer(settings)?,
        tolerance: settings.float("tolerance", 0.0, 1.0)?,
        noise_beta: settings.float("noise_beta", 0.0, 10.0)?,
        keep: 0,
    };
    Ok(Box::new(Sampling::new(setup, rule, context, settings)?))
}

struct Cem {
    population: usize,
    elites: usize,
    momentum: f64,
    /// `[population]`, equal.
    weights: Vec<f64>,
}

impl Rule for Cem {
    fn population(&self, _iteration: usize) -> usize {
        self.population
    }

    fn leading(&self) -> usize {
        self.elites
    }

    fn draw(
        &self,
        round: Round,
        plan: &mut Plan,
        noise: &mut Noise,
        candidates: &mut Candidates,
        _scratch: &mut Sequence,
    ) {
        plan.distribution.draw(round.key, noise, candidates);
    }

    fn update(&mut self, _round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan) {
        let elites = ranking.elites();
        let weights = &mut self.weights[..elites.len()];
        weights.fill(1.0 / elites.len() as f64);
        plan.distribution.update(candidates, Some(elites), weights, self.momentum, true);
    }
}
