//! `hold`: draw actions evenly, hold each to the horizon, do the best of them, as the example of a planner.
//!
//! For slow systems, where hardly anything is gained by changing one's mind on the way. The search has as many dimensions as one action,
//! whatever the horizon. After random shooting (Rao, "A Survey of Numerical Methods for Optimal Control", 2009).

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
    Parameter { default: Default::Integer(64), ..common::POPULATION },
    Parameter { default: Default::Integer(1), ..common::ITERATIONS },
];

/// Its own settings, those shared, and how its rule is read from them.
const SAMPLER: Sampler =
    Sampler { name: "hold", parameters: &common::with_shared::<{ common::count_with_shared(OWN) }>(OWN), assemble };

/// The line in the list of planners.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: SAMPLER.name,
    summary: "the best of many actions that are held to the horizon: for slow systems",
    source: "after Rao 2009",
    parameters: SAMPLER.parameters,
    build: |context, settings| Sampling::boxed(&SAMPLER, context, settings),
};

fn assemble(_kind: &ActionKind, _shared: &Shared, settings: &Settings) -> Result<(Setup, Box<dyn Rule>)> {
    let rule = Hold { population: settings.count("population", 2)? };
    Ok((Setup { answer: Answer::Best, tolerance: 0.0, keep: 1 }, Box::new(rule)))
}

struct Hold {
    population: usize,
}

impl Rule for Hold {
    fn population(&self, _iteration: usize) -> usize {
        self.population
    }

    fn leading(&self) -> usize {
        1
    }

    /// What to try: random sequences, of which only the first action counts, and the best one so far.
    fn draw(
        &mut self,
        round: Round,
        plan: &mut Plan,
        noise: &mut Noise,
        candidates: &mut Candidates,
        scratch: &mut Sequence,
    ) {
        plan.distribution.draw_uniform(round.key, noise, candidates);
        if let Some(kept) = plan.kept[..plan.kept_count].first() {
            candidates.set(0, kept);
        }
        for i in 0..candidates.count() {
            candidates.get(i, scratch);
            scratch.hold(candidates.horizon());
            candidates.set(i, scratch);
        }
    }

    /// What was learned from trying: the best one is a candidate of the next iteration.
    fn update(&mut self, _round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan) {
        if let (Some(best), Some(kept)) = (ranking.best(), plan.kept.first_mut()) {
            candidates.get(best, kept);
            plan.kept_count = 1;
        }
    }
}

impl Sequence {
    /// Writes the first of `horizon` actions over all that follow.
    fn hold(&mut self, horizon: usize) {
        let width = self.values.len() / horizon;
        for h in 1..horizon {
            self.values.copy_within(..width, h * width);
        }
        let first = self.choices.first().copied().unwrap_or_default();
        self.choices.fill(first);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use worldwright_core::{Action, Budget, Key, Value, WorldModel};
    use worldwright_testkit::lqr::Problem;
    use worldwright_testkit::{DynamicsModel, LinearQuadratic, check_planner};

    use super::*;
    use crate::PlannerContext;

    #[test]
    fn it_keeps_to_the_contract_and_pushes_towards_the_goal() {
        let model = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), 4.0));
        let settings = Settings::resolve(ENTRY.name, ENTRY.parameters, &BTreeMap::new()).unwrap();
        let build = |seed| (ENTRY.build)(&PlannerContext::for_model(model.spec(), seed), &settings).unwrap();
        let start = Value::Floats(vec![1.0, 0.0]);
        check_planner(ENTRY.name, &build, &model, &start);

        let mut planner = build(7);
        let mut world = model.imagination(planner.rows());
        world.observe(0, None, &start, Key::new(7)).unwrap();
        planner.improve(&mut *world, 0, &Budget::default()).unwrap();
        let (mut now, mut later) = (Action::Integer(0), Action::Integer(0));
        planner.act(0, &mut now);
        planner.act(planner.horizon() - 1, &mut later);
        assert!(matches!(&now, Value::Floats(push) if push[0] < 0.0) && now == later, "{now} and {later}");
    }
}
