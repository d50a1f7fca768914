//! What a search is asked for, what it may use up, and what it answers.

use std::time::{Duration, Instant};

use worldwright_core::{Error, Interrupt, Result};

use super::heuristic::HeuristicKind;
use super::lm_cut::LmCutTies;
use super::plan::SymbolicPlan;

/// In which order states are expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// A* with reopening (Hart, Nilsson and Raphael, 1968): a cheapest plan, if the heuristic is admissible.
    AStar,
    /// Greedy best-first search with deferred evaluation and preferred operators, alternating over its heuristics (Richter and
    /// Westphal, "The LAMA planner", JAIR 39, 2010, the first iteration): a plan soon, whatever it costs.
    Gbfs,
}

impl Algorithm {
    /// Both of them.
    pub const ALL: &[Self] = &[Self::AStar, Self::Gbfs];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::AStar => "astar",
            Self::Gbfs => "gbfs",
        }
    }

    /// The algorithm with a name.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a name that none has.
    pub fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name);
        found.ok_or_else(|| Error::unknown("search", name, Self::ALL.iter().map(|algorithm| algorithm.name())))
    }

    /// The heuristics that it uses unless told otherwise.
    pub fn heuristics(self) -> Vec<HeuristicKind> {
        match self {
            Self::AStar => vec![HeuristicKind::LmCut],
            Self::Gbfs => vec![HeuristicKind::Ff, HeuristicKind::Landmarks],
        }
    }
}

/// Where a search ends though it has found nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SearchLimits {
    /// Time from its start. Only with this limit do results depend on the machine's speed.
    pub time: Option<Duration>,
    /// States expanded.
    pub expansions: Option<u64>,
    /// Bytes of the states, the nodes and the open list.
    pub memory_bytes: Option<usize>,
    /// A request to stop.
    pub interrupt: Interrupt,
}

/// What a search is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOptions {
    /// The order of expansion.
    pub algorithm: Algorithm,
    /// What guides it: one heuristic for A*, one or more for the greedy search.
    pub heuristics: Vec<HeuristicKind>,
    /// How LM-cut breaks ties.
    pub lm_cut: LmCutTies,
    /// Where it gives up.
    pub limits: SearchLimits,
}

impl SearchOptions {
    /// An algorithm with its usual heuristics and no limits.
    pub fn new(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            heuristics: algorithm.heuristics(),
            lm_cut: LmCutTies::default(),
            limits: SearchLimits::default(),
        }
    }
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchStatus {
    /// With a plan.
    Solved,
    /// There is no plan: the search has seen all that can be reached.
    Unsolvable,
    /// At the limit in time.
    TimeLimit,
    /// At the limit in expansions.
    ExpansionLimit,
    /// At the limit in memory.
    MemoryLimit,
    /// By a request to stop.
    Interrupted,
}

/// What a search has done.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SearchStatistics {
    /// States whose successors were made.
    pub expanded: u64,
    /// Of those, the ones before the last rise of the least f-value: what every order among equals expands (A* only).
    pub expanded_before_last_layer: u64,
    /// States expanded again, since a cheaper way was found.
    pub reopened: u64,
    /// States whose estimate was computed.
    pub evaluated: u64,
    /// Successors made.
    pub generated: u64,
    /// States from which the goal cannot be reached, by the heuristic.
    pub dead_ends: u64,
    /// The first estimate, if the goal can be reached.
    pub initial_estimate: Option<u32>,
    /// Seconds of the search, with the construction of its heuristics.
    pub seconds: f64,
    /// Bytes held at its end.
    pub bytes: usize,
}

/// The answer of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchReport {
    /// How it ended.
    pub status: SearchStatus,
    /// The plan, if there is one.
    pub plan: Option<SymbolicPlan>,
    /// Whether the plan is proven to be a cheapest one.
    pub optimal: bool,
    /// What was done for it.
    pub statistics: SearchStatistics,
}

/// The number of the goal state that a search has reached, or why there is none.
pub(crate) type End = std::result::Result<u32, SearchStatus>;

/// Limits with what has been used of them.
pub(crate) struct Effort {
    limits: SearchLimits,
    pub(crate) started: Instant,
    pub(crate) statistics: SearchStatistics,
}

impl Effort {
    /// Nothing is used of these limits yet.
    pub(crate) fn new(limits: SearchLimits) -> Self {
        Self { limits, started: Instant::now(), statistics: SearchStatistics::default() }
    }

    /// Counts an expansion, unless a limit forbids it.
    #[inline]
    pub(crate) fn expand(&mut self, bytes: impl Fn() -> usize) -> std::result::Result<(), SearchStatus> {
        self.statistics.bytes = bytes();
        let SearchLimits { time, expansions, memory_bytes, ref interrupt } = self.limits;
        if expansions.is_some_and(|most| self.statistics.expanded >= most) {
            return Err(SearchStatus::ExpansionLimit);
        }
        if time.is_some_and(|most| self.started.elapsed() >= most) {
            return Err(SearchStatus::TimeLimit);
        }
        if interrupt.requested() {
            return Err(SearchStatus::Interrupted);
        }
        if memory_bytes.is_some_and(|most| self.statistics.bytes > most) {
            return Err(SearchStatus::MemoryLimit);
        }
        self.statistics.expanded += 1;
        Ok(())
    }
}
