//! Many problems at once: B plans improved together, all their candidates in one batch of model steps.
//!
//! What a step of a network or a simulator costs beside its rows is paid once for all problems, and small populations fill wide
//! batches. Each problem has its own seed, plan and budget and comes to the same bytes as a planner of its own would: the model must
//! be deterministic, for the randomness of a stochastic one goes by the rows of a batch.

use std::collections::BTreeMap;

use worldwright_core::{
    Action, Budget, Deadline, Error, Imagination, ModelSpec, PlanReport, Result, Setting, Settings,
};

use super::sampler;
use crate::PlannerContext;
use crate::objective::Constraints;
use crate::sampling::base::check;
use crate::sampling::candidates::Candidates;
use crate::sampling::rollout::Rollout;
use crate::sampling::search::{Sampler, Search};
use crate::sampling::segment::Segment;

/// A sampling planner for B problems over the same model.
///
/// Rows `0..B` of the arena are the roots, `B..rows()` are the candidates'.
pub struct BatchPlanner {
    sampler: Sampler,
    problems: Vec<Search>,
    rollout: Rollout,
    joint: Candidates,
    segments: Vec<Segment>,
    /// The problems that the segments belong to.
    active: Vec<usize>,
    reports: Vec<PlanReport>,
}

impl BatchPlanner {
    /// The sampling planner called `name`, once for each of `seeds`; settings and context as for [`make`](crate::make).
    ///
    /// # Errors
    /// As [`make`](crate::make), and [`Error::Unsupported`] for a planner that does not sample, for a model that is not deterministic and for
    /// constraints by projection.
    pub fn new(
        name: &str,
        context: &PlannerContext,
        overrides: &BTreeMap<String, Setting>,
        seeds: &[u64],
    ) -> Result<Self> {
        let sampler = *sampler(name)?;
        if !context.deterministic {
            return Err(Error::unsupported(
                sampler.name,
                "a batch of problems in a stochastic model, whose randomness goes by rows: plan for each on its own",
            ));
        }
        if seeds.is_empty() {
            return Err(Error::config("seeds", "give one for each problem"));
        }
        let settings = Settings::resolve(name, sampler.parameters, overrides)?;
        let problem = |seed: &u64| Search::new(&sampler, &PlannerContext { seed: *seed, ..context.clone() }, &settings);
        let problems = seeds.iter().map(problem).collect::<Result<Vec<Search>>>()?;
        let one = &problems[0];
        if one.objective().constraints == Constraints::Projection {
            return Err(Error::unsupported(
                sampler.name,
                "constraints = \"projection\" for a batch of problems: use \"lexicographic\" or \"penalty\"",
            ));
        }
        let capacity = problems.len() * one.capacity();
        Ok(Self {
            rollout: one.rollout(problems.len(), None),
            joint: Candidates::new(&one.kind, one.horizon(), capacity),
            segments: Vec::with_capacity(problems.len()),
            active: Vec::with_capacity(problems.len()),
            reports: vec![PlanReport::default(); problems.len()],
            sampler,
            problems,
        })
    }

    /// How many problems: B.
    pub fn problems(&self) -> usize {
        self.problems.len()
    }

    /// Rows needed in the arena: B roots and the candidates of all.
    pub fn rows(&self) -> usize {
        self.problems.len() * (1 + self.problems[0].capacity())
    }

    /// Steps that each plan reaches.
    pub fn horizon(&self) -> usize {
        self.problems[0].horizon()
    }

    /// Whether it can plan with a model of this spec.
    ///
    /// # Errors
    /// [`Error::Unsupported`] that names what is missing.
    pub fn check(&self, spec: &ModelSpec) -> Result<()> {
        if !spec.deterministic {
            return Err(Error::unsupported(self.sampler.name, "a batch of problems in a stochastic model"));
        }
        check(&self.problems[0], spec)
    }

    /// Improves the plan of problem b from row b of the arena, for all b. Each has the whole of `budget`, except that a deadline is
    /// one for all. One report a problem.
    ///
    /// # Errors
    /// What the model's own step gives; all plans are then what they were before.
    pub fn improve(&mut self, world: &mut dyn Imagination, budget: &Budget) -> Result<&[PlanReport]> {
        self.check(world.spec())?;
        if world.rows() < self.rows() {
            return Err(Error::shape("rows of the model's arena", &[self.rows()], &[world.rows()]));
        }
        self.rollout.prepare(world);
        self.problems.iter_mut().for_each(|problem| problem.begin(world.spec().members, budget));
        match self.decide(world, budget) {
            Ok(()) => Ok(&self.reports),
            Err(error) => {
                self.problems.iter_mut().for_each(Search::undo);
                Err(error)
            }
        }
    }

    fn decide(&mut self, world: &mut dyn Imagination, budget: &Budget) -> Result<()> {
        let deadline = budget.deadline();
        loop {
            self.collect(Search::propose);
            if self.active.is_empty() {
                break;
            }
            if !self.imagine(world, true, &deadline)? {
                self.active.iter().for_each(|b| self.problems[*b].cut_short());
                break;
            }
            let (n, mut first) = (self.joint.count(), 0);
            for (b, segment) in self.active.iter().zip(&self.segments) {
                let (problem, count) = (&mut self.problems[*b], segment.count);
                let guided = self.rollout.guided(world, count);
                self.joint.hand_back(first, guided, problem.actions());
                problem.rewritten(count - guided);
                problem.ranking.take(&self.rollout, n, first, count);
                problem.absorb(count as u64 * problem.candidate_steps());
                first += count;
            }
        }
        self.collect(Search::propose_answer);
        if !self.active.is_empty() {
            self.imagine(world, false, &Deadline::none())?;
        }
        let (n, mut answered) = (self.active.len(), 0);
        for (b, problem) in self.problems.iter_mut().enumerate() {
            let mine = self.active.get(answered) == Some(&b);
            if mine {
                problem.ranking.take(&self.rollout, n, answered, 1);
                answered += 1;
            }
            self.reports[b] = problem.finish(mine);
        }
        Ok(())
    }

    /// Notes the problems that have something to imagine.
    fn collect(&mut self, propose: fn(&mut Search) -> bool) {
        self.active.clear();
        self.segments.clear();
        for (b, problem) in self.problems.iter_mut().enumerate() {
            if propose(problem) {
                self.active.push(b);
                self.segments.push(problem.segment(b));
            }
        }
    }

    /// Imagines what the active problems proposed, side by side.
    fn imagine(&mut self, world: &mut dyn Imagination, guide: bool, deadline: &Deadline) -> Result<bool> {
        self.joint.begin(self.segments.iter().map(|segment| segment.count).sum());
        let mut first = 0;
        for b in &self.active {
            let actions = self.problems[*b].actions();
            self.joint.place(first, actions);
            first += actions.count();
        }
        self.rollout.run(world, self.problems.len(), &self.segments, &mut self.joint, guide, deadline)
    }

    /// The action that problem `problem` plans `t` steps from now, written over `out`.
    ///
    /// # Panics
    /// When there is no such problem (likewise below).
    pub fn act(&self, problem: usize, t: usize, out: &mut Action) {
        let search = &self.problems[problem];
        search.kind.write(&search.plan.chosen, t.min(search.horizon() - 1), out);
    }

    /// Moves a problem on by `steps`: the plan's tail becomes the warm start.
    pub fn shift(&mut self, problem: usize, steps: usize) {
        self.problems[problem].plan.shift(steps);
    }

    /// Has a problem forget its plan and take a new seed.
    pub fn reset(&mut self, problem: usize, seed: u64) {
        self.problems[problem].seed = seed;
        self.problems[problem].plan.reset();
    }
}
