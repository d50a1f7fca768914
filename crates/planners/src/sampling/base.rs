//! The one loop of all sampling planners: a [`Search`] whose candidates are imagined in rows `1..` of the arena.
//!
//! An error of the model leaves the plan as it was before the call.

use worldwright_core::{
    Action, Array, Budget, Deadline, Error, Imagination, ModelSpec, Persist, PlanReport, Planner, Result, Rows,
    Settings, State,
};

use crate::PlannerContext;
use crate::objective::Constraints;
use crate::sampling::projection::Projection;
use crate::sampling::regulariser::Regularised;
use crate::sampling::rollout::Rollout;
use crate::sampling::search::{Sampler, Search};

/// A sampling planner.
pub(crate) struct Sampling {
    search: Search,
    rollout: Rollout,
    projection: Option<Projection>,
}

impl Sampling {
    /// Allocates everything. `settings` must declare the shared parameters that `common` reads.
    pub(crate) fn new(
        sampler: &Sampler,
        context: &PlannerContext,
        settings: &Settings,
        regularised: Option<Regularised>,
    ) -> Result<Self> {
        let search = Search::new(sampler, context, settings)?;
        let rollout = search.rollout(1, regularised);
        let projects = search.objective().constraints == Constraints::Projection;
        let projection = projects.then(|| Projection::new(&search.kind, search.horizon(), search.capacity()));
        Ok(Self { search, rollout, projection })
    }

    /// The same as a planner.
    pub(crate) fn boxed(sampler: &Sampler, context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
        Ok(Box::new(Self::new(sampler, context, settings, None)?))
    }

    fn decide(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        let deadline = budget.deadline();
        if root != 0 {
            world.copy(root, Rows::Span(0..1));
        }
        self.rollout.prepare(world);
        let search = &mut self.search;
        search.begin(world.spec().members, budget);
        while search.propose() {
            let segment = search.segment(0);
            let done = self.rollout.run(world, 1, &[segment], search.actions(), true, &deadline)?;
            if !done {
                search.cut_short();
                break;
            }
            let count = segment.count;
            search.rewritten(count - self.rollout.guided(world, count));
            search.ranking.take(&self.rollout, count, 0, count);
            let mut steps = count as u64 * search.candidate_steps();
            if let Some(projection) = &mut self.projection {
                steps += projection.run(world, search, &mut self.rollout, steps, &deadline)?;
            }
            search.absorb(steps);
        }
        let answered = search.propose_answer();
        if answered {
            let segment = search.segment(0);
            self.rollout.run(world, 1, &[segment], search.actions(), false, &Deadline::none())?;
            search.ranking.take(&self.rollout, 1, 0, 1);
        }
        Ok(search.finish(answered))
    }
}

/// What a search with these settings needs of a model.
///
/// # Errors
/// [`Error::Unsupported`] that names what is missing.
pub(crate) fn check(search: &Search, spec: &ModelSpec) -> Result<()> {
    let name = search.name;
    if spec.action_space != search.action_space {
        return Err(Error::unsupported(
            name,
            format!(
                "the action space of model '{}': it was built for {}, the model has {}",
                spec.name, search.action_space, spec.action_space
            ),
        ));
    }
    if search.objective().policy_distance > 0.0 && !spec.capabilities.prior {
        return Err(Error::unsupported(
            name,
            format!(
                "policy_distance with model '{}', which has no policy prior: use a model with a policy head, or 0",
                spec.name
            ),
        ));
    }
    Ok(())
}

impl Planner for Sampling {
    fn rows(&self) -> usize {
        1 + self.search.capacity()
    }

    fn check(&self, spec: &ModelSpec) -> Result<()> {
        check(&self.search, spec)
    }

    fn improve(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        self.check(world.spec())?;
        if world.rows() < self.rows() || root >= world.rows() {
            return Err(Error::shape("rows of the model's arena", &[self.rows().max(root + 1)], &[world.rows()]));
        }
        let report = self.decide(world, root, budget);
        if report.is_err() {
            self.search.undo();
        }
        report
    }

    fn act(&self, t: usize, out: &mut Action) {
        self.search.kind.write(&self.search.plan.chosen, t.min(self.search.horizon() - 1), out);
    }

    fn horizon(&self) -> usize {
        self.search.horizon()
    }

    fn shift(&mut self, steps: usize) {
        self.search.plan.shift(steps);
    }

    fn widen(&mut self, std: &[f64]) {
        self.search.plan.distribution.widen(std);
    }

    fn reset(&mut self, seed: u64) {
        self.search.seed = seed;
        self.search.plan.reset();
    }
}

impl Persist for Sampling {
    fn save(&self) -> State {
        let mut state = State::new();
        self.search.plan.save(&mut state);
        state.put("seed", Array::U64(vec![self.search.seed]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let seed = state.u64s("seed", 1)?[0];
        let before = self.search.plan.clone();
        if let Err(error) = self.search.plan.restore(state) {
            self.search.plan.copy_from(&before);
            return Err(error);
        }
        self.search.seed = seed;
        Ok(())
    }
}
