//! h^max, h^add (Bonet and Geffner, "Planning as heuristic search", Artificial Intelligence 129, 2001) and h^FF with the
//! supporters of h^add (Keyder and Geffner, ECAI 2008).
//!
//! The cost of a literal is 0 if it is true, else the least over its relaxed operators of the operator's cost plus the maximum or
//! the sum over its precondition: found by Dijkstra's algorithm. h^FF then walks back from the goal through the cheapest
//! supporters and adds up the operators it meets, each once; those of them that are applicable are the preferred ones.

use super::dominance::without_dominated;
use super::estimate::{Heuristic, Visit};
use super::queue::BucketQueue;
use super::relaxation::Relaxation;
use super::task::Task;

/// How the costs of several literals become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folding {
    Max,
    Sum,
    /// The sum to find supporters, and the plan that they make as the estimate.
    Plan,
}

/// Stands for a literal that was not reached yet, and for the supporter of a true one.
const NONE: u32 = u32::MAX;

/// A relaxed operator in the exploration.
#[derive(Debug, Clone, Copy)]
struct Exploring {
    /// Literals of the precondition that are not reached yet.
    unreached: u32,
    /// Its own cost, and that of the reached part of its precondition.
    cost: u32,
}

/// The estimates of the delete relaxation.
pub(crate) struct DeleteRelaxation {
    relaxation: Relaxation,
    folding: Folding,
    /// Of each operator of the task.
    costs: Vec<u32>,
    fresh: Vec<Exploring>,
    exploring: Vec<Exploring>,
    is_goal: Vec<bool>,
    /// Cost and supporter of each proposition.
    reached: Vec<(u32, u32)>,
    queue: BucketQueue,
    /// The round in which a proposition or an operator was last met on the way back.
    seen: Vec<u32>,
    used: Vec<u32>,
    round: u32,
    stack: Vec<u32>,
    preferred: Vec<u32>,
}

impl DeleteRelaxation {
    pub(crate) fn new(task: &Task, costs: &[u32], folding: Folding) -> Self {
        let relaxation = without_dominated(Relaxation::new(task), costs);
        let fresh: Vec<Exploring> = (0..relaxation.operators() as u32)
            .map(|operator| Exploring {
                unreached: relaxation.preconditions.row(operator).len() as u32,
                cost: costs[relaxation.origin[operator as usize] as usize],
            })
            .collect();
        let mut is_goal = vec![false; relaxation.propositions];
        relaxation.goal.iter().for_each(|&proposition| is_goal[proposition as usize] = true);
        Self {
            exploring: fresh.clone(),
            fresh,
            is_goal,
            reached: vec![(NONE, NONE); relaxation.propositions],
            queue: BucketQueue::default(),
            seen: vec![0; relaxation.propositions],
            used: vec![0; task.operators.len()],
            round: 0,
            stack: Vec::new(),
            preferred: Vec::new(),
            costs: costs.to_vec(),
            relaxation,
            folding,
        }
    }

    /// Finds the costs of the propositions until those of the goal are known; false if one cannot be reached.
    fn explore(&mut self, state: &[u64]) -> bool {
        let Self { relaxation, exploring, reached, queue, .. } = self;
        exploring.copy_from_slice(&self.fresh);
        reached.fill((NONE, NONE));
        queue.clear();
        relaxation.each_true(state, |proposition| {
            reached[proposition as usize].0 = 0;
            queue.push(0, proposition);
        });
        let reach = |reached: &mut [(u32, u32)], queue: &mut BucketQueue, operator: u32, cost: u32| {
            for &effect in relaxation.effects.row(operator) {
                let place = &mut reached[effect as usize];
                if cost < place.0 {
                    *place = (cost, operator);
                    queue.push(cost, effect);
                }
            }
        };
        for operator in 0..exploring.len() {
            if exploring[operator].unreached == 0 {
                reach(reached, queue, operator as u32, exploring[operator].cost);
            }
        }
        let sums = self.folding != Folding::Max;
        let mut goals_left = relaxation.goal.len();
        while let Some((cost, proposition)) = queue.pop() {
            if reached[proposition as usize].0 < cost {
                continue;
            }
            if self.is_goal[proposition as usize] {
                goals_left -= 1;
                if goals_left == 0 {
                    return true;
                }
            }
            for &operator in relaxation.needed_by.row(proposition) {
                let state = &mut exploring[operator as usize];
                state.unreached -= 1;
                if sums {
                    state.cost = state.cost.saturating_add(cost).min(NONE - 1);
                }
                if state.unreached == 0 {
                    // Propositions come by rising cost: the last of a precondition is the costliest.
                    let total = if sums { state.cost } else { state.cost.saturating_add(cost).min(NONE - 1) };
                    reach(reached, queue, operator, total);
                }
            }
        }
        goals_left == 0
    }

    /// The cost of the plan that the supporters make, and what of it is applicable now.
    fn extract(&mut self) -> u32 {
        self.round += 1;
        self.stack.clear();
        self.stack.extend_from_slice(&self.relaxation.goal);
        let mut total = 0_u32;
        while let Some(proposition) = self.stack.pop() {
            if std::mem::replace(&mut self.seen[proposition as usize], self.round) == self.round {
                continue;
            }
            let supporter = self.reached[proposition as usize].1;
            if supporter == NONE {
                continue;
            }
            let needed = self.relaxation.preconditions.row(supporter);
            self.stack.extend_from_slice(needed);
            let operator = self.relaxation.origin[supporter as usize];
            let first = std::mem::replace(&mut self.used[operator as usize], self.round) != self.round;
            if first {
                total = total.saturating_add(self.costs[operator as usize]);
            }
            let applicable =
                needed.iter().all(|&p| self.reached[p as usize].0 == 0 && self.reached[p as usize].1 == NONE);
            if applicable && !self.preferred.contains(&operator) {
                self.preferred.push(operator);
            }
        }
        self.preferred.sort_unstable();
        total
    }
}

impl Heuristic for DeleteRelaxation {
    fn evaluate(&mut self, state: &[u64], _: Visit) -> Option<u32> {
        self.preferred.clear();
        if self.relaxation.goal.is_empty() {
            return Some(0);
        }
        if !self.explore(state) {
            return None;
        }
        let costs = self.relaxation.goal.iter().map(|&goal| self.reached[goal as usize].0);
        Some(match self.folding {
            Folding::Max => costs.max().unwrap_or(0),
            Folding::Sum => costs.fold(0, |sum: u32, cost| sum.saturating_add(cost).min(NONE - 1)),
            Folding::Plan => self.extract(),
        })
    }

    fn preferred(&self) -> &[u32] {
        &self.preferred
    }
}
