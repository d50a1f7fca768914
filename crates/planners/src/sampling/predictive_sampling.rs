//! Predictive sampling: perturb the plan, do the best of what was tried, plan or perturbation.
//!
//! Howell et al., "Predictive Sampling: Real-time Behaviour Synthesis with MuJoCo", 2022, algorithm 1: the nominal plan is a
//! spline; candidates are the plan itself and copies of it with Gaussian noise of fixed spread on the knots; the best becomes the
//! plan. The simplest search that is anytime: one iteration a decision is enough, and the warm start does the rest. Choices have
//! no noise to add: their probabilities move half of the way to the best candidate's.

use worldwright_core::{Entry, Parameter, Result, SettingDefault as Default, Settings};

use crate::Build;
use crate::actions::{ActionKind, Sequence};
use crate::common::{self, Shared};
use crate::sampling::base::Sampling;
use crate::sampling::candidates::Candidates;
use crate::sampling::noise::Noise;
use crate::sampling::plan::{Answer, Plan};
use crate::sampling::ranking::Ranking;
use crate::sampling::search::{Round, Rule, Sampler, Setup};

/// How much of the probabilities stays in an update.
const MOMENTUM_OF_CHOICES: f64 = 0.5;

const OWN: &[Parameter] = &[
    common::HORIZON,
    Parameter { default: Default::Integer(128), ..common::POPULATION },
    Parameter { default: Default::Integer(4), ..common::ITERATIONS },
    Parameter { default: Default::Integer(6), ..common::KNOTS },
    Parameter { default: Default::Text("cubic"), ..common::SPLINE },
];

/// Its own settings, those shared, and how its rule is read from them.
pub(crate) const SAMPLER: Sampler = Sampler {
    name: "predictive-sampling",
    parameters: &common::with_shared::<{ common::count_with_shared(OWN) }>(OWN),
    assemble,
};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: SAMPLER.name,
    summary: "perturb the plan's spline and keep the best: the simplest anytime search",
    source: "Howell et al. 2022 (MuJoCo MPC)",
    parameters: SAMPLER.parameters,
    build: |context, settings| Sampling::boxed(&SAMPLER, context, settings),
};

fn assemble(kind: &ActionKind, _shared: &Shared, settings: &Settings) -> Result<(Setup, Box<dyn Rule>)> {
    let rule = PredictiveSampling {
        population: settings.count("population", 2)?,
        momentum: if kind.choices() > 0 { MOMENTUM_OF_CHOICES } else { 0.0 },
    };
    Ok((Setup { answer: Answer::Best, tolerance: 0.0, keep: 1 }, Box::new(rule)))
}

struct PredictiveSampling {
    population: usize,
    momentum: f64,
}

impl Rule for PredictiveSampling {
    fn population(&self, _iteration: usize) -> usize {
        self.population
    }

    fn leading(&self) -> usize {
        1
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
        candidates.set(0, plan.kept[..plan.kept_count].first().unwrap_or(scratch));
    }

    fn update(&mut self, _round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan) {
        let Some(best) = ranking.best() else { return };
        plan.distribution.update(candidates, Some(&[best as u32]), &[1.0], self.momentum, false);
        if let Some(kept) = plan.kept.first_mut() {
            candidates.get(best, kept);
            plan.kept_count = 1;
        }
    }
}
