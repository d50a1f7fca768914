//! Plans, written and read in the form of the International Planning Competition: a step a line, `(pick-up a)`.

use std::collections::BTreeSet;
use std::fmt;

use super::error::PddlResult;
use super::error::Source;
use super::language::Domain;
use super::resources::Resources;
use super::syntax::{Node, read_all};

/// One step: an action with its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanStep {
    /// The action schema.
    pub action: String,
    /// The objects of its parameters.
    pub arguments: Vec<String>,
}

impl fmt::Display for PlanStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}", self.action)?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))?;
        write!(f, ")")
    }
}

/// A sequence of actions that leads to the goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolicPlan {
    /// The steps in their order.
    pub steps: Vec<PlanStep>,
    /// The sum of their costs.
    pub cost: u64,
    /// Whether the cost is the number of steps.
    pub unit_cost: bool,
}

impl fmt::Display for SymbolicPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))?;
        writeln!(f, "; cost = {} ({} cost)", self.cost, if self.unit_cost { "unit" } else { "general" })
    }
}

/// The steps that a plan's text lists.
///
/// # Errors
/// [`PddlError`](super::PddlError) for what is no list of words.
pub(crate) fn read_steps(source: &Source, domain: &Domain) -> PddlResult<Vec<(PlanStep, Node)>> {
    let known: BTreeSet<&str> = domain.actions.iter().map(|known| known.name.as_str()).collect();
    let step = |node: Node| {
        let (action, rest) = node.headed(source, "a step such as '(pick-up a)'")?;
        if !known.contains(action) {
            let known = domain.actions.iter().map(|known| known.name.as_str());
            let error = worldwright_core::Error::unknown("action", action, known);
            return source.fail(node.at(), error.to_string());
        }
        let object = |node: &Node| node.name(source, "an object").map(str::to_owned);
        let arguments = rest.iter().map(object).collect::<PddlResult<_>>()?;
        let step = PlanStep { action: action.to_owned(), arguments };
        Ok((step, node))
    };
    read_all(source, &Resources::default())?.into_iter().map(step).collect()
}
