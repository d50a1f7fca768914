//! The cross-entropy method: draw from a distribution, move it to the best candidates, repeat.
//!
//! Rubinstein, "The Cross-Entropy Method for Combinatorial and Continuous Optimization", 1999; as a planner in learned models:
//! Chua et al., "Deep Reinforcement Learning in a Handful of Trials using Probabilistic Dynamics Models" (PETS), NeurIPS
//! 2018. With K elites, momentum α: `μ ← α μ + (1 − α) mean(elites)`, `σ ← α σ + (1 − α) std(elites)`, each step and dimension
//! on its own; for choices the probabilities move to the elites' frequencies. Deviations from PETS: samples are put back
//! into the bounds instead of drawn from a truncated normal, and the momentum acts on σ instead of σ².

use worldwright_core::{Entry, Parameter, Result, Settings};

use crate::Build;
use crate::actions::{ActionKind, Sequence};
use crate::common::{self, Shared};
use crate::sampling::base::Sampling;
use crate::sampling::candidates::Candidates;
use crate::sampling::elites::Elites;
use crate::sampling::noise::Noise;
use crate::sampling::plan::Plan;
use crate::sampling::ranking::Ranking;
use crate::sampling::search::{Round, Rule, Sampler, Setup};

const OWN: &[Parameter] = &[
    common::HORIZON,
    common::POPULATION,
    common::ITERATIONS,
    common::ELITES,
    common::MOMENTUM,
    common::TOLERANCE,
    common::ANSWER,
];

/// Its own settings, those shared, and how its rule is read from them.
pub(crate) const SAMPLER: Sampler =
    Sampler { name: "cem", parameters: &common::with_shared::<{ common::count_with_shared(OWN) }>(OWN), assemble };

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: SAMPLER.name,
    summary: "cross-entropy method: move a distribution over action sequences to its best samples",
    source: "Rubinstein 1999; Chua et al. 2018 (PETS)",
    parameters: SAMPLER.parameters,
    build: |context, settings| Sampling::boxed(&SAMPLER, context, settings),
};

fn assemble(_kind: &ActionKind, _shared: &Shared, settings: &Settings) -> Result<(Setup, Box<dyn Rule>)> {
    let setup = Setup { answer: common::answer(settings)?, tolerance: settings.float("tolerance", 0.0, 1.0)?, keep: 0 };
    Ok((setup, Box::new(Cem { elites: Elites::read(settings)? })))
}

struct Cem {
    elites: Elites,
}

impl Rule for Cem {
    fn population(&self, _iteration: usize) -> usize {
        self.elites.population
    }

    fn leading(&self) -> usize {
        self.elites.count
    }

    fn draw(
        &mut self,
        round: Round,
        plan: &mut Plan,
        noise: &mut Noise,
        candidates: &mut Candidates,
        _scratch: &mut Sequence,
    ) {
        plan.distribution.draw(round.key, noise, candidates);
    }

    fn update(&mut self, _round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan) {
        self.elites.update(ranking, candidates, plan);
    }
}
