//! Divide-and-conquer Monte Carlo tree search (Parascandolo et al., "Divide-and-Conquer Monte Carlo tree search for goal-directed
//! planning", 2020, algorithm 1): a query (s, g) is left to the low level or divided at a subgoal m into (s, m) and (m, g), which
//! are divided in turn.
//!
//! Dividing is a choice (OR) and both halves must be planned (AND). A simulation chooses m by
//! `argmax Q̂(m) + c π(m) √N / (1 + n_m)`, `Q(m) = best(s, m) + best(m, g)` scaled to [0, 1] among the node's choices, and goes down
//! both halves. Legs are deterministic here, so a node backs up the best value it has seen rather than the mean, and every
//! finite value is that of a plan that exists. Nodes are shared by all queries that meet the same pair.

use std::collections::BTreeMap;

use worldwright_core::{Error, Result};

use super::value::GoalValue;

/// Where to divide: the prior π.
pub trait Proposals {
    /// Writes subgoals for a query with positive weights, which need not sum to one.
    fn propose(&self, from: usize, to: usize, out: &mut Vec<(u32, f64)>);
}

/// All states alike.
#[derive(Debug, Clone, Copy)]
pub struct UniformProposals {
    /// How many states there are.
    pub states: usize,
}

impl Proposals for UniformProposals {
    fn propose(&self, from: usize, to: usize, out: &mut Vec<(u32, f64)>) {
        out.extend((0..self.states).filter(|m| *m != from && *m != to).map(|m| (m as u32, 1.0)));
    }
}

/// The planner's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DcMcts {
    /// Descents from the query.
    pub simulations: usize,
    /// Divisions one below another: at most 2^depth legs.
    pub depth: usize,
    /// c of the formula.
    pub exploration: f64,
}

impl Default for DcMcts {
    fn default() -> Self {
        Self { simulations: 1000, depth: 5, exploration: 1.0 }
    }
}

/// Divisions one below another that a search may make: with more it would not end.
const MOST_DIVISIONS: usize = 24;

/// What a search gave.
#[derive(Debug, Clone, PartialEq)]
pub struct DcReport {
    /// The states from start to goal, both among them; none when no plan was found.
    pub path: Option<Vec<usize>>,
    /// The plan's value, minus infinity without one.
    pub value: f64,
    /// Pairs that were met.
    pub nodes: usize,
    /// Values asked of the low level that were not numbers.
    pub diverged: u64,
}

struct Choice {
    middle: u32,
    prior: f64,
    visits: u32,
    /// The nodes of both halves, once visited.
    halves: Option<[usize; 2]>,
    /// `best(s, m) + best(m, g)` when last seen.
    value: f64,
}

struct Node {
    from: usize,
    to: usize,
    visits: u32,
    direct: f64,
    best: f64,
    expanded: bool,
    choices: Vec<Choice>,
}

struct Search<'v> {
    settings: DcMcts,
    value: &'v dyn GoalValue,
    proposals: &'v dyn Proposals,
    nodes: Vec<Node>,
    places: BTreeMap<(u32, u32), usize>,
    scratch: Vec<(u32, f64)>,
    diverged: u64,
}

impl DcMcts {
    /// Plans from one state to another.
    ///
    /// # Errors
    /// [`Error::Config`] for a state that does not exist, or a proposal of one, and for more than 24 divisions one below another.
    pub fn plan(&self, value: &dyn GoalValue, proposals: &dyn Proposals, from: usize, to: usize) -> Result<DcReport> {
        if from >= value.states() || to >= value.states() {
            return Err(Error::config("states", format!("{from} or {to} is not below {}", value.states())));
        }
        if self.depth > MOST_DIVISIONS {
            let why =
                format!("must be at most {MOST_DIVISIONS}, got {}: each doubles the legs that are tried", self.depth);
            return Err(Error::config("depth", why));
        }
        let mut search = Search {
            settings: *self,
            value,
            proposals,
            nodes: Vec::new(),
            places: BTreeMap::new(),
            scratch: Vec::new(),
            diverged: 0,
        };
        let root = search.node(from, to);
        for _ in 0..self.simulations {
            search.simulate(root, self.depth)?;
        }
        let best = search.nodes[root].best;
        let mut path = vec![from];
        if best > f64::NEG_INFINITY {
            search.collect(root, &mut path);
        }
        let path = (best > f64::NEG_INFINITY).then_some(path);
        Ok(DcReport { path, value: best, nodes: search.nodes.len(), diverged: search.diverged })
    }
}

impl Search<'_> {
    fn ask(&mut self, from: usize, to: usize) -> f64 {
        let value = if from == to { 0.0 } else { self.value.value(from, to) };
        self.diverged += u64::from(value.is_nan());
        value.max(f64::NEG_INFINITY)
    }

    fn node(&mut self, from: usize, to: usize) -> usize {
        if let Some(place) = self.places.get(&(from as u32, to as u32)) {
            return *place;
        }
        let direct = self.ask(from, to);
        self.places.insert((from as u32, to as u32), self.nodes.len());
        self.nodes.push(Node { from, to, visits: 0, direct, best: direct, expanded: false, choices: Vec::new() });
        self.nodes.len() - 1
    }

    fn expand(&mut self, node: usize) -> Result<()> {
        let (from, to) = (self.nodes[node].from, self.nodes[node].to);
        let mut proposed = std::mem::take(&mut self.scratch);
        proposed.clear();
        self.proposals.propose(from, to, &mut proposed);
        let total: f64 = proposed.iter().map(|(_, weight)| weight).sum();
        for (middle, weight) in &proposed {
            if *middle as usize >= self.value.states() || *weight <= 0.0 || !weight.is_finite() {
                return Err(Error::config("proposals", format!("state {middle} with weight {weight} is no proposal")));
            }
            let value = self.ask(from, *middle as usize) + self.ask(*middle as usize, to);
            let prior = weight / total;
            self.nodes[node].choices.push(Choice { middle: *middle, prior, visits: 0, halves: None, value });
        }
        self.nodes[node].expanded = true;
        self.scratch = proposed;
        Ok(())
    }

    /// The choice to try next. Of equal ones the first.
    fn select(&self, node: &Node) -> Option<usize> {
        let finite = || node.choices.iter().map(|choice| choice.value).filter(|value| value.is_finite());
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        let range = (high - low).max(1e-12);
        let root = f64::from(node.visits).sqrt();
        let mut best = (f64::NEG_INFINITY, None);
        for (i, choice) in node.choices.iter().enumerate() {
            // Among finite ones the worst still ranks above what is not known to be possible.
            let quality = if choice.value.is_finite() { 0.5 + 0.5 * (choice.value - low) / range } else { 0.0 };
            let bonus = self.settings.exploration * choice.prior * root / f64::from(1 + choice.visits);
            if quality + bonus > best.0 {
                best = (quality + bonus, Some(i));
            }
        }
        best.1
    }

    fn simulate(&mut self, node: usize, depth: usize) -> Result<()> {
        self.nodes[node].visits += 1;
        if depth == 0 || self.nodes[node].from == self.nodes[node].to {
            return Ok(());
        }
        if !self.nodes[node].expanded {
            self.expand(node)?;
        }
        let Some(chosen) = self.select(&self.nodes[node]) else { return Ok(()) };
        let (from, to) = (self.nodes[node].from, self.nodes[node].to);
        let middle = self.nodes[node].choices[chosen].middle as usize;
        let halves = match self.nodes[node].choices[chosen].halves {
            Some(halves) => halves,
            None => [self.node(from, middle), self.node(middle, to)],
        };
        for half in halves {
            self.simulate(half, depth - 1)?;
        }
        let value = self.nodes[halves[0]].best + self.nodes[halves[1]].best;
        let node = &mut self.nodes[node];
        let choice = &mut node.choices[chosen];
        (choice.halves, choice.value, choice.visits) = (Some(halves), value, choice.visits + 1);
        node.best = node.best.max(value);
        Ok(())
    }

    /// Appends the best plan of a node, its first state left out. Nodes are shared, so that plans may be divided more often than one descent
    /// does.
    fn collect(&self, root: usize, path: &mut Vec<usize>) {
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            let Node { from, to, direct, best, .. } = self.nodes[node];
            if from == to {
                continue;
            }
            if direct >= best {
                path.push(to);
                continue;
            }
            // Halves may have become better since; the best choice by what they are now is worth at least `best`.
            let now = |choice: &Choice| choice.halves.map(|[a, b]| self.nodes[a].best + self.nodes[b].best);
            let choices = self.nodes[node].choices.iter().filter_map(|choice| Some((now(choice)?, choice.halves?)));
            if let Some((_, [first, second])) = choices.reduce(|a, b| if b.0 > a.0 { b } else { a }) {
                open.extend([second, first]);
            }
        }
    }
}
