//! Grounded symbolic tasks (Fikes and Nilsson, "STRIPS", 1971) with negative preconditions and action costs.

use worldwright_core::{Error, Result};

/// A set of facts by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactSet(Vec<u64>);

impl FactSet {
    /// Those of `facts`, of `count` facts in all.
    pub fn new(count: usize, facts: &[usize]) -> Self {
        let mut set = Self(vec![0; count.div_ceil(64)]);
        facts.iter().for_each(|fact| set.0[fact / 64] |= 1 << (fact % 64));
        set
    }

    /// Whether a fact is in the set.
    pub fn contains(&self, fact: usize) -> bool {
        self.0[fact / 64] >> (fact % 64) & 1 == 1
    }

    /// Whether all of `other` are in the set.
    pub fn includes(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & b == *b)
    }

    /// Whether none of `other` is in the set.
    pub fn excludes(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & b == 0)
    }

    /// How many of `other` are missing.
    pub fn missing(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).map(|(a, b)| (b & !a).count_ones() as usize).sum()
    }

    /// The set without `delete` and with `add`.
    #[must_use]
    pub fn changed(&self, delete: &Self, add: &Self) -> Self {
        Self(self.0.iter().zip(delete.0.iter().zip(&add.0)).map(|(a, (d, b))| a & !d | b).collect())
    }
}

/// A grounded action.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    /// Its name with its arguments.
    pub name: String,
    /// Facts that must hold.
    pub requires: FactSet,
    /// Facts that must not.
    pub forbids: FactSet,
    /// Facts that hold after it.
    pub adds: FactSet,
    /// Facts that do not, unless added.
    pub deletes: FactSet,
    /// What it costs, at least zero.
    pub cost: f64,
}

impl Operator {
    /// Whether it can be applied.
    pub fn applies(&self, state: &FactSet) -> bool {
        state.includes(&self.requires) && state.excludes(&self.forbids)
    }

    /// The state after it.
    pub fn apply(&self, state: &FactSet) -> FactSet {
        state.changed(&self.deletes, &self.adds)
    }
}

/// A grounded task.
#[derive(Debug, Clone, PartialEq)]
pub struct Strips {
    /// Names of all facts.
    pub facts: Vec<String>,
    /// What can be done.
    pub operators: Vec<Operator>,
    /// What holds at first; everything else does not.
    pub initial: FactSet,
    /// What is to hold at the end.
    pub goal: FactSet,
}

impl Strips {
    /// Checks that costs are numbers of at least zero.
    ///
    /// # Errors
    /// [`Error::Config`] that names the operator.
    pub fn check(&self) -> Result<()> {
        match self.operators.iter().find(|operator| !(operator.cost >= 0.0 && operator.cost.is_finite())) {
            Some(operator) => Err(Error::config("cost", format!("'{}' costs {}", operator.name, operator.cost))),
            None => Ok(()),
        }
    }

    /// The states that operators lead through from the initial one; none where one does not apply.
    pub fn states(&self, operators: &[usize]) -> Option<Vec<FactSet>> {
        let mut states = vec![self.initial.clone()];
        for i in operators {
            let state = states.last()?;
            let operator = &self.operators[*i];
            if !operator.applies(state) {
                return None;
            }
            states.push(operator.apply(state));
        }
        Some(states)
    }
}
