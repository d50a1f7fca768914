//! The loop over skeletons: propose, bind, learn what is impossible, propose again; in rounds of growing effort.
//!
//! Within a round an action that failed in every try is excluded for all states in which the objects that were in its way stand at
//! home. That rests on finitely many samples, so each round forgets it and tries twice as hard: a plan that exists is found
//! with a probability that goes to one.

use worldwright_core::{Error, Key, Result};

use crate::RrtConnect;

use super::binding::{Binder, Verdict};
use super::pick_place::PickPlace;
use super::plan::Plan;
use super::skeletons::SkeletonSearch;

/// The planner's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskMotion {
    /// Grasps or placements tried for each action in the first round; doubled in each following one.
    pub samples: usize,
    /// Motions planned for each skeleton in the first round; doubled in each following one.
    pub motions: usize,
    /// Skeletons of a round.
    pub skeletons: usize,
    /// Rounds.
    pub rounds: usize,
    /// The motion planner of the first round; its iterations are doubled in each following one.
    pub motion: RrtConnect,
    /// The seed of all random numbers.
    pub seed: u64,
}

/// Rounds after which the effort of one is beyond any patience.
const MOST_ROUNDS: usize = 20;

impl Default for TaskMotion {
    fn default() -> Self {
        let motion = RrtConnect { step: 0.5, iterations: 600, shortcuts: 60 };
        Self { samples: 6, motions: 150, skeletons: 60, rounds: 3, motion, seed: 0 }
    }
}

/// What a search did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// The plan, where one was found.
    pub plan: Option<Plan>,
    /// Skeletons that were bound or failed to be.
    pub skeletons: usize,
    /// Motions planned.
    pub motions: u64,
    /// What was excluded in the last round: an operator's name and the facts that it cannot be applied with.
    pub excluded: Vec<(String, Vec<String>)>,
    /// Whether the last round had no skeleton left: then no plan exists as far as that round could tell.
    pub exhausted: bool,
}

impl TaskMotion {
    /// Looks for a plan along the skeletons that `search` proposes for the problem's task.
    ///
    /// # Errors
    /// What the search gives, and [`Error::Config`] for more than 20 rounds; motion planning gives none for a checked world.
    pub fn solve(&self, problem: &PickPlace, search: &mut dyn SkeletonSearch) -> Result<Report> {
        if self.rounds > MOST_ROUNDS {
            let why = format!("must be at most {MOST_ROUNDS}, got {}: each tries twice as hard", self.rounds);
            return Err(Error::config("rounds", why));
        }
        let mut report = Report::default();
        for round in 0..self.rounds {
            search.restart();
            (report.excluded, report.exhausted) = (Vec::new(), false);
            let effort = 1 << round;
            let key = Key::new(self.seed).fold(round as u64);
            for proposal in 0..self.skeletons {
                let Some(skeleton) = search.next_skeleton()? else {
                    report.exhausted = true;
                    break;
                };
                report.skeletons += 1;
                let mut binder = Binder {
                    problem,
                    operators: &skeleton.operators,
                    planner: RrtConnect { iterations: self.motion.iterations * effort, ..self.motion },
                    samples: self.samples * effort,
                    motions: self.motions * effort,
                    verdicts: vec![Verdict::default(); skeleton.operators.len()],
                    planned: 0,
                };
                let steps = binder.bind(problem.world.first(), &mut key.fold(proposal as u64).rng())?;
                report.motions += binder.planned;
                if let Some(steps) = steps {
                    report.plan = Some(Plan { steps, cost: skeleton.cost });
                    return Ok(report);
                }
                for (operator, verdict) in skeleton.operators.iter().zip(&binder.verdicts) {
                    if verdict.tried && !verdict.succeeded && !verdict.depends_on_samples {
                        let n = problem.world.objects.len();
                        let facts: Vec<usize> = verdict.blamed.iter().map(|i| PickPlace::home_fact(n, *i)).collect();
                        search.exclude(*operator, &facts);
                        let names = facts.iter().map(|fact| problem.task.facts[*fact].clone()).collect();
                        report.excluded.push((problem.task.operators[*operator].name.clone(), names));
                    }
                }
            }
        }
        Ok(report)
    }
}
