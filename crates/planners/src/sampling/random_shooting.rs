//! Random shooting: draw action sequences evenly, do the best of them. The baseline that others must beat.
//!
//! Rao, "A Survey of Numerical Methods for Optimal Control", 2009; in learned models Nagabandi et al., "Neural Network Dynamics
//! for Model-Based Deep RL with Model-Free Fine-Tuning", ICRA 2018. Over warm starts the plan from before, shifted, is one of the candidates.
//! Dimensions without bounds are drawn from a normal distribution of `action_std` around zero.

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

const OWN: &[Parameter] = &[
    common::HORIZON,
    Parameter { default: Default::Integer(1000), ..common::POPULATION },
    Parameter { default: Default::Integer(1), ..common::ITERATIONS },
];

/// Its own settings, those shared, and how its rule is read from them.
pub(crate) const SAMPLER: Sampler = Sampler {
    name: "random-shooting",
    parameters: &common::with_shared::<{ common::count_with_shared(OWN) }>(OWN),
    assemble,
};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: SAMPLER.name,
    summary: "the best of many random action sequences; the baseline",
    source: "Rao 2009; Nagabandi et al. 2018",
    parameters: SAMPLER.parameters,
    build: |context, settings| Sampling::boxed(&SAMPLER, context, settings),
};

fn assemble(_kind: &ActionKind, _shared: &Shared, settings: &Settings) -> Result<(Setup, Box<dyn Rule>)> {
    let rule = RandomShooting { population: settings.count("population", 2)? };
    Ok((Setup { answer: Answer::Best, tolerance: 0.0, keep: 1 }, Box::new(rule)))
}

struct RandomShooting {
    population: usize,
}

impl Rule for RandomShooting {
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
        _scratch: &mut Sequence,
    ) {
        plan.distribution.draw_uniform(round.key, noise, candidates);
        if let Some(kept) = plan.kept[..plan.kept_count].first() {
            candidates.set(0, kept);
        }
    }

    fn update(&mut self, _round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan) {
        // The best one stays the best candidate of the next iteration, for it is drawn again there.
        if let (Some(best), Some(kept)) = (ranking.best(), plan.kept.first_mut()) {
            candidates.get(best, kept);
            plan.kept_count = 1;
        }
    }
}
