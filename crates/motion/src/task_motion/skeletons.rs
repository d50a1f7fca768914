//! Skeletons in order of cost, with what geometry ruled out left out.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use worldwright_core::{Error, Result};

use super::strips::{FactSet, Strips};

/// A symbolic plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Skeleton {
    /// Operators of the task, by number.
    pub operators: Vec<usize>,
    /// What they cost together.
    pub cost: f64,
}

/// A symbolic planner that can go on after its first plan.
pub trait SkeletonSearch {
    /// The cheapest skeleton that was not given yet and that nothing excludes; none when there is no other.
    ///
    /// # Errors
    /// [`Error::Config`] when its own limit ended the search.
    fn next_skeleton(&mut self) -> Result<Option<Skeleton>>;

    /// From now on leaves out skeletons that apply `operator` in a state where all of `facts` hold. No facts: in any state.
    fn exclude(&mut self, operator: usize, facts: &[usize]);

    /// Begins anew with the cheapest, and forgets what was excluded.
    fn restart(&mut self);
}

/// A search of its own: A* over sequences that visit no state twice, with the number of missing goals over the most that one
/// operator can add, times the cheapest such cost, as the (admissible) bound of what is left.
#[derive(Debug, Clone)]
pub struct CheapestSkeletons<'t> {
    task: &'t Strips,
    /// The most sequences that it holds.
    limit: usize,
    /// Least cost of one goal fact.
    goal_cost: f64,
    excluded: Vec<(usize, FactSet)>,
    nodes: Vec<Node>,
    open: BinaryHeap<Reverse<Entry>>,
}

#[derive(Debug, Clone)]
struct Node {
    parent: usize,
    operator: usize,
    state: FactSet,
    cost: f64,
}

/// By bound, then the deeper, then the older.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    bound: f64,
    depth: usize,
    node: usize,
}

impl Eq for Entry {}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.total_cmp(&other.bound).then(other.depth.cmp(&self.depth)).then(self.node.cmp(&other.node))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'t> CheapestSkeletons<'t> {
    /// A search that holds at most `limit` sequences.
    ///
    /// # Errors
    /// [`Error::Config`] for a cost that is negative or no number.
    pub fn new(task: &'t Strips, limit: usize) -> Result<Self> {
        task.check()?;
        let per_goal = task.operators.iter().filter_map(|operator| {
            let none = FactSet::new(task.facts.len(), &[]);
            let goals = none.missing(&task.goal) - operator.adds.missing(&task.goal);
            (goals > 0).then(|| operator.cost / goals as f64)
        });
        let goal_cost = per_goal.fold(f64::INFINITY, f64::min);
        let goal_cost = if goal_cost.is_finite() { goal_cost } else { 0.0 };
        let mut search =
            Self { task, limit, goal_cost, excluded: Vec::new(), nodes: Vec::new(), open: BinaryHeap::new() };
        search.restart();
        Ok(search)
    }

    fn push(&mut self, node: Node, depth: usize) {
        let bound = node.cost + self.goal_cost * node.state.missing(&self.task.goal) as f64;
        self.open.push(Reverse(Entry { bound, depth, node: self.nodes.len() }));
        self.nodes.push(node);
    }

    fn is_excluded(&self, operator: usize, state: &FactSet) -> bool {
        self.excluded.iter().any(|(other, facts)| *other == operator && state.includes(facts))
    }

    /// The nodes from the first to `node`.
    fn line(&self, mut node: usize) -> Vec<usize> {
        let mut line = vec![node];
        while node > 0 {
            node = self.nodes[node].parent;
            line.push(node);
        }
        line.reverse();
        line
    }
}

impl SkeletonSearch for CheapestSkeletons<'_> {
    fn next_skeleton(&mut self) -> Result<Option<Skeleton>> {
        while let Some(Reverse(Entry { depth, node, .. })) = self.open.pop() {
            let line = self.line(node);
            // What was excluded after a sequence had been queued counts as well.
            let steps = line.windows(2);
            if steps.into_iter().any(|pair| self.is_excluded(self.nodes[pair[1]].operator, &self.nodes[pair[0]].state))
            {
                continue;
            }
            let (state, cost) = (self.nodes[node].state.clone(), self.nodes[node].cost);
            if state.includes(&self.task.goal) {
                let operators = line[1..].iter().map(|node| self.nodes[*node].operator).collect();
                return Ok(Some(Skeleton { operators, cost }));
            }
            for (i, operator) in self.task.operators.iter().enumerate() {
                if !operator.applies(&state) || self.is_excluded(i, &state) {
                    continue;
                }
                let next = operator.apply(&state);
                if line.iter().any(|node| self.nodes[*node].state == next) {
                    continue;
                }
                if self.nodes.len() >= self.limit {
                    let why = format!("{} sequences of actions were not enough: raise it", self.limit);
                    return Err(Error::config("limit", why));
                }
                self.push(Node { parent: node, operator: i, state: next, cost: cost + operator.cost }, depth + 1);
            }
        }
        Ok(None)
    }

    fn exclude(&mut self, operator: usize, facts: &[usize]) {
        self.excluded.push((operator, FactSet::new(self.task.facts.len(), facts)));
    }

    fn restart(&mut self) {
        self.excluded.clear();
        self.nodes.clear();
        self.open.clear();
        self.push(Node { parent: 0, operator: 0, state: self.task.initial.clone(), cost: 0.0 }, 0);
    }
}
