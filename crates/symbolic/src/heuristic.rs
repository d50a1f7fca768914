//! The estimates by name.

use worldwright_core::{Error, Result};

use super::delete_relaxation::{DeleteRelaxation, Folding};
use super::estimate::{Heuristic, Visit};
use super::landmarks::Landmarks;
use super::lm_cut::{LmCut, LmCutTies};
use super::task::Task;

/// The estimates that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeuristicKind {
    /// 0 at the goal, else the cost of the cheapest operator: admissible and consistent.
    Blind,
    /// The costliest literal of the goal in the delete relaxation (Bonet and Geffner, 2001): admissible and consistent.
    Hmax,
    /// The sum over the literals of the goal in the delete relaxation (Bonet and Geffner, 2001): not admissible.
    Hadd,
    /// The cost of a plan of the delete relaxation (Hoffmann and Nebel, 2001): not admissible.
    Ff,
    /// The sum of disjoint landmark cuts (Helmert and Domshlak, ICAPS 2009): admissible, not consistent.
    LmCut,
    /// The landmarks still to be reached (Richter and Westphal, 2010): not admissible.
    Landmarks,
}

impl HeuristicKind {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Blind, Self::Hmax, Self::Hadd, Self::Ff, Self::LmCut, Self::Landmarks];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Hmax => "hmax",
            Self::Hadd => "hadd",
            Self::Ff => "ff",
            Self::LmCut => "lm-cut",
            Self::Landmarks => "landmarks",
        }
    }

    /// The heuristic with a name.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a name that none has.
    pub fn named(name: &str) -> Result<Self> {
        let names = Self::ALL.iter().map(|kind| kind.name());
        let found = Self::ALL.iter().copied().find(|kind| kind.name() == name);
        found.ok_or_else(|| Error::unknown("heuristic", name, names))
    }

    /// Whether it never says more than what is left to pay, so that A* finds a cheapest plan by it.
    pub fn is_admissible(self) -> bool {
        matches!(self, Self::Blind | Self::Hmax | Self::LmCut)
    }

    /// Builds it for a task in which the operators have `costs`.
    pub(crate) fn build(self, task: &Task, costs: &[u32], ties: LmCutTies) -> Box<dyn Heuristic> {
        match self {
            Self::Blind => Box::new(Blind { task: task.clone(), least: costs.iter().copied().min().unwrap_or(0) }),
            Self::Hmax => Box::new(DeleteRelaxation::new(task, costs, Folding::Max)),
            Self::Hadd => Box::new(DeleteRelaxation::new(task, costs, Folding::Sum)),
            Self::Ff => Box::new(DeleteRelaxation::new(task, costs, Folding::Plan)),
            Self::LmCut => Box::new(LmCut::new(task, costs, ties)),
            Self::Landmarks => Box::new(Landmarks::new(task)),
        }
    }
}

/// Knows the goal when it sees it.
struct Blind {
    task: Task,
    least: u32,
}

impl Heuristic for Blind {
    fn evaluate(&mut self, state: &[u64], _: Visit) -> Option<u32> {
        Some(if self.task.is_goal(state) { 0 } else { self.least })
    }
}
