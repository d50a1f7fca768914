//! Random shooting: draw action sequences evenly, do the best of them. The baseline that others must beat.
//!
//! Rao, "A Survey of Numerical Methods for Optimal Control", 2009; in learned models Nagabandi et al., "Neural Network Dynamics
//! for Model-Based Deep RL with Model-Free Fine-Tuning", ICRA 2018. Over warm starts the plan from before, shifted, is one of the candidates.
//! Dimensions without bounds are drawn from a normal distribution of `action_std` around zero.

use worldwright_core::{Entry, Parameter, Planner, Result, SettingDefault as Default, Settings};

use crate::actions::Sequence;
use crate::candidates::Candidates;
use crate::common;
use crate::noise::Noise;
use crate::plan::{Answer, Plan};
use crate::ranking::Ranking;
use crate::sampling::{Round, Rule, Sampling, Setup};
use crate::{Build, PlannerContext};

const PARAMETERS: &[Parameter] = &[
    common::HORIZON,
    Parameter { default: Default::Integer(1000), ..common::POPULATION },
    Parameter { default: Default::Integer(1), ..common::ITERATIONS },
    common::ACTION_STD,
    common::NOISE_BETA,
    common::RISK,
    common::CVAR_ALPHA,
    common::EPISTEMIC_PENALTY,
    common::TERMINAL_VALUE,
    common::PRIOR_SHARE,
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "random-shooting",
    summary: "the best of many random action sequences; the baseline",
    source: "Rao 2009; Nagabandi et al. 2018",
    parameters: PARAMETERS,
    build,
};

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let rule = RandomShooting { population: settings.count("population", 2)? };
    let setup = Setup {
        name: "random-shooting",
        iterations: settings.count("iterations", 1)?,
        answer: Answer::Best,
        tolerance: 0.0,
        noise_beta: settings.float("noise_beta", 0.0, 10.0)?,
        keep: 1,
    };
    Ok(Box::new(Sampling::new(setup, rule, context, settings)?))
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
        &self,
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
