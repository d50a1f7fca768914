//! A grounded task: facts that are true or false, operators that change them, and a goal.
//!
//! A state is a bit a fact, packed into words of 64. Conditions are literals, so that a negated one needs no fact of its own.

use super::groups::MutexGroups;
use super::literal::{Literal, set};

/// What an operator changes where a condition holds (besides its precondition). A fact in both lists becomes true.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Change {
    pub(crate) condition: Vec<Literal>,
    pub(crate) adds: Vec<u32>,
    pub(crate) deletes: Vec<u32>,
}

/// A ground action.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    /// The schema, or none for the last step to a goal that is a disjunction: that is no step of a plan.
    pub(crate) action: Option<u32>,
    /// The objects of the schema's parameters.
    pub(crate) arguments: Vec<u32>,
    pub(crate) cost: u32,
    pub(crate) precondition: Vec<Literal>,
    pub(crate) changes: Vec<Change>,
}

impl Operator {
    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        let changes = self.changes.iter().map(|change| {
            size_of::<Change>() + (change.condition.len() + change.adds.len() + change.deletes.len()) * size_of::<u32>()
        });
        let lists = (self.arguments.len() + self.precondition.len()) * size_of::<u32>();
        size_of::<Self>() + lists + changes.sum::<usize>()
    }
}

/// A problem whose variables are replaced by objects, and from which everything is dropped that cannot change, be reached or matter.
#[derive(Debug, Clone)]
pub struct Task {
    pub(crate) facts: Vec<(u32, Vec<u32>)>,
    pub(crate) operators: Vec<Operator>,
    pub(crate) initial: Vec<u64>,
    pub(crate) goal: Vec<Literal>,
    /// Whether the goal could be reached if nothing were ever deleted.
    pub(crate) reachable: bool,
    /// Whether every action costs 1.
    pub(crate) unit_cost: bool,
    pub(crate) names: Names,
    /// Which facts are never true together.
    pub(crate) groups: MutexGroups,
}

/// The words that plans are written with.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) predicates: Vec<String>,
    pub(crate) actions: Vec<String>,
    pub(crate) objects: Vec<String>,
}

impl Task {
    /// Words of 64 facts that a state takes.
    pub(crate) fn words(&self) -> usize {
        self.initial.len()
    }

    /// How many facts a state has.
    pub fn facts(&self) -> usize {
        self.facts.len()
    }

    /// How many ground actions there are.
    pub fn operators(&self) -> usize {
        self.operators.len()
    }

    /// A fact as PDDL writes it, such as `(on a b)`.
    pub fn fact(&self, fact: usize) -> String {
        let (predicate, arguments) = &self.facts[fact];
        let arguments = arguments.iter().map(|&object| format!(" {}", self.names.objects[object as usize]));
        format!("({}{})", self.names.predicates[*predicate as usize], arguments.collect::<String>())
    }

    /// Writes the state that an operator leads to.
    pub(crate) fn apply(&self, operator: &Operator, state: &[u64], next: &mut [u64]) {
        next.copy_from_slice(state);
        let fires = |change: &&Change| change.condition.iter().all(|literal| literal.is_true_in(state));
        for change in operator.changes.iter().filter(fires) {
            for &fact in &change.deletes {
                next[fact as usize / 64] &= !(1 << (fact % 64));
            }
        }
        for change in operator.changes.iter().filter(fires) {
            change.adds.iter().for_each(|&fact| set(next, fact));
        }
    }

    /// Whether the goal holds.
    pub(crate) fn is_goal(&self, state: &[u64]) -> bool {
        self.goal.iter().all(|literal| literal.is_true_in(state))
    }
}
