//! One tree as a planner: decisions, plans along the likeliest line, saving and restoring.
//!
//! The plan is the principal variation: what the rule decides at the root, then the favourite of each node; beyond the tree its last
//! action is repeated. An iteration is a round of simulations. A planner has room for `nodes` nodes; when they are used up it is done,
//! whatever is left of a budget.

use worldwright_core::{
    Action, Array, Budget, Error, Imagination, Key, ModelSpec, Persist, PlanReport, PlanStatus, Planner, Result, Rows,
    State, Weighed,
};

use super::arena::Tree;
use super::rule::Rule;
use super::search::{DECIDE, Search};
use crate::PlannerContext;
use crate::actions::Sequence;

/// A tree search from one root.
pub(super) struct TreePlanner<R> {
    search: Search<R>,
    seed: u64,
    decision: u64,
    plan: Sequence,
    /// The tree of the last decision, where it is kept; empty otherwise.
    kept: Tree,
    /// What was done since then.
    done: Vec<u32>,
}

impl<R: Rule> TreePlanner<R> {
    pub(super) fn new(search: Search<R>, context: &PlannerContext) -> Self {
        let horizon = search.options.horizon;
        Self {
            seed: context.seed,
            decision: 0,
            plan: Sequence::new(&search.kind, horizon),
            kept: if search.options.reuse { search.trees[0].clone() } else { Tree::default() },
            done: Vec::with_capacity(horizon),
            search,
        }
    }

    fn decide(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        if root != 0 {
            world.copy(root, Rows::Span(0..1));
        }
        let key = Key::new(self.seed).fold(self.decision);
        self.search.trees[0].clear(1);
        let mut replayed = 0;
        if self.search.options.reuse && self.kept.nodes > 0 {
            replayed = self.search.regrow(world, &self.kept, &self.done, budget, key)?;
        }
        let left =
            Budget { model_steps: budget.model_steps.map(|steps| steps.saturating_sub(replayed)), ..budget.clone() };
        let mut report = self.search.run(world, &left, key)?;
        report.model_steps += replayed;
        if report.iterations == 0 {
            return Ok(report);
        }
        let tree = &self.search.trees[0];
        match self.search.rule.decide(tree, key.fold(0).fold(DECIDE)) {
            Some(edge) => {
                report.value = tree.mean(edge);
                write_plan(tree, edge, &mut self.plan.choices);
                if self.search.options.reuse {
                    std::mem::swap(&mut self.kept, &mut self.search.trees[0]);
                    self.done.clear();
                }
            }
            None => report.status = PlanStatus::AllDiverged,
        }
        Ok(report)
    }
}

/// Follows the favourites from an edge of the root on.
fn write_plan(tree: &Tree, edge: usize, plan: &mut [u32]) {
    let mut next = Some(edge);
    let mut action = tree.action[edge];
    for slot in plan {
        if let Some(edge) = next {
            action = tree.action[edge];
            next = tree.likely_child(edge).and_then(|child| tree.favourite(child));
        }
        *slot = action;
    }
}

impl<R: Rule> Planner for TreePlanner<R> {
    fn rows(&self) -> usize {
        self.search.rows()
    }

    fn check(&self, spec: &ModelSpec) -> Result<()> {
        self.search.check(spec)
    }

    fn improve(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        self.check(world.spec())?;
        if world.rows() < self.rows() || root >= world.rows() {
            return Err(Error::shape("rows of the model's arena", &[self.rows().max(root + 1)], &[world.rows()]));
        }
        let report = self.decide(world, root, budget)?;
        self.decision += 1;
        Ok(report)
    }

    fn act(&self, t: usize, out: &mut Action) {
        self.search.kind.write(&self.plan, t.min(self.horizon() - 1), out);
    }

    fn horizon(&self) -> usize {
        self.search.options.horizon
    }

    fn shift(&mut self, steps: usize) {
        let horizon = self.horizon();
        if self.done.len() + steps <= horizon {
            self.done.extend_from_slice(&self.plan.choices[..steps]);
        } else {
            // Further than any line of the tree.
            self.kept.nodes = 0;
        }
        self.plan.shift(horizon, steps);
    }

    fn stop_exploring(&mut self) {
        self.search.rule.stop_exploring();
    }

    fn reset(&mut self, seed: u64) {
        self.seed = seed;
        self.decision = 0;
        self.plan.choices.fill(0);
        self.kept.nodes = 0;
        self.done.clear();
    }

    fn weighed(&self) -> Vec<Weighed> {
        let tree = if self.search.options.reuse { &self.kept } else { &self.search.trees[0] };
        if tree.nodes == 0 {
            return Vec::new();
        }
        let mut one = Sequence::new(&self.search.kind, 1);
        let mut policy = vec![0.0; self.search.kind.choices()];
        self.search.rule.policy(tree, &mut policy);
        let weighed = tree.edges_made(0).map(|edge| {
            one.choices[0] = tree.action[edge];
            let mut action = Action::Integer(0);
            self.search.kind.write(&one, 0, &mut action);
            let share = policy[tree.action[edge] as usize];
            Weighed { action, visits: u64::from(tree.edge_visits[edge]), value: tree.mean(edge), share }
        });
        weighed.collect()
    }
}

impl<R: Rule> Persist for TreePlanner<R> {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put("seed", Array::U64(vec![self.seed, self.decision]));
        state.put("plan", Array::U64(self.plan.choices.iter().map(|choice| u64::from(*choice)).collect()));
        if self.search.options.reuse {
            state.put("done", Array::U64(self.done.iter().map(|choice| u64::from(*choice)).collect()));
            state.put_all("tree", self.kept.save());
        }
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let choices = self.search.kind.choices() as u64;
        let read = |numbers: &[u64]| -> Result<Vec<u32>> {
            let known = numbers.iter().all(|choice| *choice < choices);
            let wrong = || Error::external("saved state", "the plan holds an action that does not exist");
            if known { Ok(numbers.iter().map(|choice| *choice as u32).collect()) } else { Err(wrong()) }
        };
        let seed = state.u64s("seed", 2)?;
        let plan = read(state.u64s("plan", self.horizon())?)?;
        if self.search.options.reuse {
            let Array::U64(done) = state.array("done")? else {
                return Err(Error::external("saved state", "what was done is not a list of actions"));
            };
            let done = read(done)?;
            self.kept.restore(&state.part("tree"))?;
            self.done.clear();
            self.done.extend_from_slice(&done[..done.len().min(self.horizon())]);
        }
        (self.seed, self.decision) = (seed[0], seed[1]);
        self.plan.choices = plan;
        Ok(())
    }
}
