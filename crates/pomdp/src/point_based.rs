//! Point-based value iteration with bounds from both sides: heuristic search over the beliefs that can be reached.
//!
//! HSVI2 (Smith and Simmons, "Point-Based POMDP Algorithms: Improved Analysis and Implementation", UAI 2005) and SARSOP (Kurniawati, Hsu and
//! Lee, RSS 2008). The lower bound is the best of a set of alpha vectors, `L(b) = max_α b · α`; one backup at b adds
//! `α_b = argmax_a b · (R_a + γ Σ_o Π_ao argmax_α b_ao · α)`. The upper bound is the sawtooth below the corners and points (bᵢ, vᵢ),
//! `U(b) = c · b + min_i (vᵢ − c · bᵢ) min_{s: bᵢ(s) > 0} b(s) / bᵢ(s)`, and at the beliefs of the graph their own Bellman backup. A
//! trial walks from the first belief by the action of the highest upper bound and the observation of the largest weighted
//! excess `p (U − L − ε γ^−t)`, until there is none, and backs both bounds up on the way home.
//!
//! Where we go beyond the papers: beliefs are the nodes of a graph, not of a tree, so that orders of events that lead to the same belief
//! share it (equal to within 1e-9 an entry); each node remembers which vectors and points it was held against, and looks only
//! at newer ones; and beliefs live within the part of the state that is always known (`blocks.rs`).

mod graph;
mod lower;
mod upper;

use std::time::{Duration, Instant};

use worldwright_core::{Error, Result};

use self::graph::Graph;
use self::lower::Lower;
use self::upper::Upper;
use super::blocks::Blocks;
use super::bounds::{blind_until, informed_until};
use super::{Table, exact_update};

/// How long to search, and how closely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointBasedConfig {
    /// The gap between the bounds at the first belief at which the search ends.
    pub gap: f64,
    /// Backups at most.
    pub backups: usize,
    /// Beliefs at most; a trial that needs more ends early, and the search ends where trials without new ones gain nothing more.
    pub beliefs: usize,
    /// Bytes at most, counted for what grows: beliefs, vectors and points.
    pub memory: usize,
    /// Wall-clock time at most; results then depend on the machine.
    pub time: Option<Duration>,
    /// ε of a trial as a share of the present gap, in (0, 1].
    pub trial_share: f64,
}

impl Default for PointBasedConfig {
    fn default() -> Self {
        Self { gap: 1e-3, backups: 100_000, beliefs: 10_000_000, memory: 4 << 30, time: None, trial_share: 0.5 }
    }
}

/// Why the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointBasedEnd {
    /// The bounds are as close as was asked for.
    Gap,
    /// All backups were made.
    Backups,
    /// There are as many beliefs as there may be, and those that there are gain nothing more.
    Beliefs,
    /// The memory is used up.
    Memory,
    /// The time ran out.
    Time,
    /// No trial finds anything to improve: the rest of the gap is rounding.
    Settled,
}

impl PointBasedEnd {
    /// The reason in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gap => "the gap was reached",
            Self::Backups => "the backups were used up",
            Self::Beliefs => "no more beliefs were allowed",
            Self::Memory => "the memory was used up",
            Self::Time => "the time ran out",
            Self::Settled => "nothing improved any more",
        }
    }
}

/// Where the search stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointBasedReport {
    /// Why it ended last.
    pub ended: PointBasedEnd,
    /// Lower bound on the value of the first belief.
    pub lower: f64,
    /// Upper bound on it.
    pub upper: f64,
    /// Trials from the first belief.
    pub trials: usize,
    /// Backups of both bounds.
    pub backups: usize,
    /// Beliefs in the graph.
    pub beliefs: usize,
    /// Alpha vectors of the lower bound.
    pub alphas: usize,
    /// Points of the upper bound.
    pub points: usize,
}

/// A search in progress, and the policy that it has so far.
#[derive(Debug)]
pub struct PointBased<'t> {
    table: &'t Table,
    blocks: Blocks,
    graph: Graph,
    lower: Lower,
    upper: Upper,
    trials: usize,
    backups: usize,
    path: Vec<u32>,
    ended: PointBasedEnd,
    deadline: Option<Instant>,
}

const ROOT: u32 = 0;
/// Trials in a row that may gain less than a share [`GAIN`] of the gap and find no belief.
const IDLE: usize = 100;
const GAIN: f64 = 1e-6;
/// Accuracy of the first bounds: backups do the rest.
const FIRST: f64 = 1e-3;

impl<'t> PointBased<'t> {
    /// The bounds that cost little: blind policies below, the fast informed bound above.
    ///
    /// # Errors
    /// [`Error::Config`] for a discount of 1 without a horizon.
    pub fn new(table: &'t Table) -> Result<Self> {
        Self::within(table, None)
    }

    /// The same, with looser bounds where there is no time for closer ones.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn within(table: &'t Table, time: Option<Duration>) -> Result<Self> {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        let blocks = Blocks::new(table);
        let mut search = Self {
            lower: Lower::new(table, &blocks, &blind_until(table, FIRST, deadline)?),
            upper: Upper::new(table, &blocks, &informed_until(table, FIRST, deadline)?),
            graph: Graph::new(table.actions()),
            blocks,
            table,
            trials: 0,
            backups: 0,
            path: Vec::new(),
            ended: PointBasedEnd::Settled,
            deadline: None,
        };
        let mut local = Vec::new();
        let block = search.blocks.localise(table.initial(), &mut local);
        let block = block.ok_or_else(|| Error::config("pomdp", "the first belief is empty"))?;
        search.graph.intern(block, &local);
        search.refresh(ROOT);
        Ok(search)
    }

    /// Searches on until one of the limits is reached; limits count from the beginning of the search.
    ///
    /// # Errors
    /// [`Error::Config`] for a share outside (0, 1].
    pub fn improve(&mut self, config: &PointBasedConfig) -> Result<PointBasedReport> {
        if !(config.trial_share > 0.0 && config.trial_share <= 1.0) {
            return Err(Error::config("trial_share", format!("must lie in (0, 1], got {}", config.trial_share)));
        }
        self.deadline = config.time.and_then(|time| Instant::now().checked_add(time));
        let mut idle = 0;
        self.ended = loop {
            let before = (self.gap(ROOT), self.backups, self.graph.nodes.len());
            if let Some(end) = self.end(config) {
                break end;
            }
            self.trial(config);
            self.trials += 1;
            let is_full = self.graph.nodes.len() >= config.beliefs;
            if self.is_late() {
                // A trial that was cut says nothing about what there is to improve.
                continue;
            }
            if self.backups == before.1 {
                break if is_full { PointBasedEnd::Beliefs } else { PointBasedEnd::Settled };
            }
            // Without new beliefs the same trial comes again once its backups change nothing.
            let gained = self.graph.nodes.len() > before.2 || before.0 - self.gap(ROOT) > GAIN * before.0;
            idle = if gained { 0 } else { idle + 1 };
            if idle >= IDLE {
                break if is_full { PointBasedEnd::Beliefs } else { PointBasedEnd::Settled };
            }
        };
        Ok(self.report())
    }

    /// Why the search is to end, if it is.
    fn end(&self, config: &PointBasedConfig) -> Option<PointBasedEnd> {
        match () {
            () if self.gap(ROOT) <= config.gap => Some(PointBasedEnd::Gap),
            () if self.backups >= config.backups => Some(PointBasedEnd::Backups),
            () if self.is_late() => Some(PointBasedEnd::Time),
            () if self.bytes() >= config.memory => Some(PointBasedEnd::Memory),
            () => None,
        }
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Bytes that the search has taken for what grows.
    fn bytes(&self) -> usize {
        self.graph.bytes() + self.lower.bytes() + self.upper.bytes()
    }

    /// Where the search stands.
    pub fn report(&self) -> PointBasedReport {
        PointBasedReport {
            ended: self.ended,
            lower: self.graph.nodes[ROOT as usize].lower,
            upper: self.graph.nodes[ROOT as usize].upper,
            trials: self.trials,
            backups: self.backups,
            beliefs: self.graph.nodes.len(),
            alphas: self.lower.len(),
            points: self.upper.len(),
        }
    }

    /// Both bounds on the value of any belief over all states.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length, [`Error::Config`] for a belief that cannot arise from the first one.
    pub fn bounds(&self, belief: &[f64]) -> Result<(f64, f64)> {
        let (block, local) = self.localise(belief)?;
        Ok((self.lower.best(block, &local).1, self.upper.value(block, &local)))
    }

    /// What the lower bound's policy does in a belief.
    ///
    /// # Errors
    /// As for [`bounds`](Self::bounds).
    pub fn action(&self, belief: &[f64]) -> Result<usize> {
        let (block, local) = self.localise(belief)?;
        Ok(self.lower.action(self.lower.best(block, &local).0))
    }

    /// The expected discounted return of the lower bound's policy over `steps` steps from the first belief, exactly, by following
    /// every observation. It grows as observations to the power of steps: for tests of small problems.
    ///
    /// # Errors
    /// As for [`bounds`](Self::bounds).
    pub fn follow(&self, belief: &[f64], steps: usize) -> Result<f64> {
        if steps == 0 {
            return Ok(0.0);
        }
        let action = self.action(belief)?;
        let mut value: f64 = (0..belief.len()).map(|state| belief[state] * self.table.reward(state, action)).sum();
        let mut next = vec![0.0; belief.len()];
        for observation in 0..self.table.observations() {
            if let Ok(probability) = exact_update(self.table, belief, action, observation, &mut next) {
                value += self.table.discount() * probability * self.follow(&next, steps - 1)?;
            }
        }
        Ok(value)
    }

    fn localise(&self, belief: &[f64]) -> Result<(u32, Vec<f64>)> {
        if belief.len() != self.table.states() {
            return Err(Error::shape("belief", &[self.table.states()], &[belief.len()]));
        }
        let mut local = Vec::new();
        match self.blocks.localise(belief, &mut local) {
            Some(block) => Ok((block, local)),
            None => Err(Error::config("belief", "it cannot arise from the first belief: no bounds were made for it")),
        }
    }

    fn gap(&self, node: u32) -> f64 {
        let node = &self.graph.nodes[node as usize];
        node.upper - node.lower
    }

    /// Holds a node against the vectors and points that are newer than its last look.
    fn refresh(&mut self, node: u32) {
        self.lower.refresh(&mut self.graph, node);
        self.upper.refresh(&mut self.graph, node);
    }

    fn trial(&mut self, config: &PointBasedConfig) {
        let discount = self.table.discount();
        let mut allowed = (config.trial_share * self.gap(ROOT)).max(0.5 * config.gap);
        let mut path = std::mem::take(&mut self.path);
        path.clear();
        let mut node = ROOT;
        loop {
            path.push(node);
            // One node may have as many children as there are observations: limits are looked at before each.
            if !self.is_late() && self.bytes() < config.memory {
                self.expand(node, config.beliefs);
            }
            if !self.graph.nodes[node as usize].is_expanded() {
                path.pop();
                break;
            }
            allowed /= discount;
            let Some(child) = self.choose(node, allowed) else { break };
            node = child;
        }
        for node in path.iter().rev() {
            if self.backups < config.backups && !self.is_late() {
                self.backup(*node);
            }
        }
        self.path = path;
    }

    /// The child to walk to: the action of the highest upper bound, the observation of the largest excess; none where no excess is left.
    fn choose(&mut self, node: u32, allowed: f64) -> Option<u32> {
        let (action, _) = self.upper_backup(node);
        let mut best: Option<(f64, u32)> = None;
        for edge in self.graph.edges(node, action) {
            let (probability, child) = self.graph.children[edge];
            self.lower.refresh(&mut self.graph, child);
            let excess = probability * (self.gap(child) - allowed);
            if excess > best.map_or(0.0, |best| best.0) {
                best = Some((excess, child));
            }
        }
        best.map(|best| best.1)
    }

    /// Makes the children of a node, unless there would be too many beliefs.
    fn expand(&mut self, node: u32, limit: usize) {
        if !self.graph.nodes[node as usize].is_expanded() && self.graph.nodes.len() < limit {
            self.graph.expand(node, self.table, &self.blocks);
        }
    }

    /// The best action by the upper bound and its value, from children that are brought up to date on the way.
    fn upper_backup(&mut self, node: u32) -> (usize, f64) {
        let discount = self.table.discount();
        let mut best = (0, f64::NEG_INFINITY);
        for action in 0..self.table.actions() {
            let mut value = self.graph.reward(node, action);
            for edge in self.graph.edges(node, action) {
                let (probability, child) = self.graph.children[edge];
                self.upper.refresh(&mut self.graph, child);
                value += discount * probability * self.graph.nodes[child as usize].upper;
            }
            if value > best.1 {
                best = (action, value);
            }
        }
        best
    }

    /// One backup of both bounds at a node.
    fn backup(&mut self, node: u32) {
        self.backups += 1;
        let (_, value) = self.upper_backup(node);
        self.upper.lower_to(&mut self.graph, node, value);
        self.refresh(node);
        self.lower.backup(self.table, &self.blocks, &mut self.graph, node);
    }
}
