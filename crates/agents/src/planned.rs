//! What an agent that plans keeps of an episode: its planner, what it believes, and where its plan stands; and the arena that all places share.

use self_cell::self_cell;
use worldwright_core::{
    Action, Array, Budget, Call, Imagination, Key, LearnedModel, Observation, PlanReport, Planner, Result, Rng, Rows,
    Space, State, Value, is_bounded,
};

use crate::closing::Closing;
use crate::guided::Lead;
use crate::tether::Tether;

type Arena<'a> = Box<dyn Imagination + 'a>;

self_cell!(
    /// A model that is fitted to data, with the arena that is open in it, kept between decisions so that a decision allocates nothing.
    pub(crate) struct LearnedArena {
        owner: Box<dyn LearnedModel>,
        #[not_covariant]
        dependent: Arena,
    }
);

/// A model with an arena for a planner's rows and for the beliefs at so many places.
pub(crate) fn learned_arena(model: Box<dyn LearnedModel>, planned: usize, places: usize) -> LearnedArena {
    let rows = planned + places * RefilteredBelief::rows(model.spec().capabilities.memory);
    LearnedArena::new(model, |model| model.imagination(rows))
}

/// What an episode of an agent that plans starts anew.
pub(crate) struct PlanningPlace {
    pub(crate) planner: Box<dyn Planner>,
    pub(crate) explore_rng: Rng,
    pub(crate) decision_key: Key,
    pub(crate) belief_key: Key,
    pub(crate) decisions: u64,
    pub(crate) since_plan: usize,
    pub(crate) action: Action,
    pub(crate) belief: RefilteredBelief,
}

/// What was done and seen in the episode, and the row of the arena that holds what is believed of it: for models with memory. Kept whole, since
/// a model that was fitted anew believes something else of the same past, and is filtered through it again. One that is not is a
/// [`CarriedBelief`](crate::carried_belief::CarriedBelief).
pub(crate) struct RefilteredBelief {
    /// Whether the model has memory; all that follows is empty where it has none.
    pub(crate) kept: bool,
    /// Observations, each with the action that led to it.
    pub(crate) past: Vec<(Option<Action>, Observation)>,
    /// How many of them the row holds.
    pub(crate) filtered: usize,
    /// The row, and another for the next belief; behind the planner's rows.
    pub(crate) rows: [usize; 2],
    /// What was done last.
    pub(crate) last: Option<Action>,
}

impl RefilteredBelief {
    /// Nothing is believed yet; its rows begin at `first`.
    pub(crate) fn new(kept: bool, first: usize) -> Self {
        Self { kept, past: Vec::new(), filtered: 0, rows: [first, first + 1], last: None }
    }

    /// Rows that the arena needs for it.
    pub(crate) fn rows(kept: bool) -> usize {
        if kept { 2 } else { 0 }
    }

    pub(crate) fn begin(&mut self) {
        self.past.clear();
        self.filtered = 0;
        self.last = None;
    }

    pub(crate) fn see(&mut self, observation: &Observation) {
        if self.kept {
            self.past.push((self.last.take(), observation.clone()));
        }
    }

    pub(crate) fn did(&mut self, action: &Action) {
        if self.kept {
            self.last = Some(action.clone());
        }
    }

    /// Takes in what was seen since; the row that then holds the belief.
    pub(crate) fn catch_up(&mut self, arena: &mut dyn Imagination, key: Key) -> Result<usize> {
        while let Some((action, observation)) = self.past.get(self.filtered) {
            let [now, next] = self.rows;
            let previous = action.as_ref().map(|action| (now, action));
            arena.observe(next, previous, observation, key.fold(self.filtered as u64))?;
            self.rows = [next, now];
            self.filtered += 1;
        }
        Ok(self.rows[0])
    }
}

impl PlanningPlace {
    /// What is believed now, filtered at every step, whether there is a plan to follow or not.
    pub(crate) fn filter(&mut self, world: &mut LearnedArena) -> Result<()> {
        let (belief, key) = (&mut self.belief, self.belief_key);
        world.with_dependent_mut(|_, arena| belief.catch_up(arena.as_mut(), key).map(|_| ()))
    }

    /// Improves the plan from where the episode stands; it ends in learned values where there are some, and is led by a policy then, or tethered to it.
    pub(crate) fn improve(
        &mut self,
        (world, closing, tether, lead): (&mut LearnedArena, Option<&mut Closing>, Option<&mut Tether>, Lead<'_>),
        budget: &Budget,
        observation: &Observation,
        explore: bool,
    ) -> Result<PlanReport> {
        let key = self.decision_key.fold(self.decisions);
        self.decisions += 1;
        let (planner, belief) = (&mut self.planner, &self.belief);
        let report = world.with_dependent_mut(|_, arena| {
            arena.explore(explore);
            if belief.filtered > 0 {
                arena.copy(belief.rows[0], Rows::Span(0..1));
            } else {
                arena.observe(0, None, observation, key)?;
            }
            match (closing, tether, lead) {
                (Some(closing), _, lead) => closing.improve(planner.as_mut(), arena.as_mut(), lead, (budget, explore)),
                (None, Some(tether), Some(policy)) => tether.improve(planner.as_mut(), arena.as_mut(), policy, budget),
                _ => planner.improve(arena.as_mut(), 0, budget),
            }
        })?;
        // What was planned so far is of no use to a run that goes on from its last checkpoint.
        budget.interrupt.check("planning")?;
        budget.interrupt.count(Call::ModelStep, report.model_steps);
        Ok(report)
    }

    pub(crate) fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("planner", self.planner.save());
        state.put("place", Array::U64(vec![self.decisions, self.since_plan as u64]));
        state.put("explore_rng", self.explore_rng.save());
        state
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        let place = state.u64s("place", 2)?;
        self.planner.restore(&state.part("planner"))?;
        (self.decisions, self.since_plan) = (place[0], place[1] as usize);
        self.explore_rng.restore(state, "explore_rng")
    }
}

/// A random change of an action, inside its space: numbers by a normal one of `noise` times half their range, choices with the probability `noise` by any.
pub(crate) fn perturb(action: &mut Action, space: &Space, noise: f64, rng: &mut Rng) {
    match (space, action) {
        (Space::Box { low, high, element, .. }, Value::Floats(numbers)) => {
            for (i, number) in numbers.iter_mut().enumerate() {
                let half_range = if is_bounded(low[i], high[i]) { 0.5 * (high[i] - low[i]) } else { 1.0 };
                *number = (*number + noise * half_range * rng.normal()).clamp(low[i], high[i]);
                if !element.is_float() {
                    *number = element.nearest(*number);
                }
            }
        }
        (space, action) => {
            if rng.uniform() < noise {
                *action = space.sample(rng);
            }
        }
    }
}
