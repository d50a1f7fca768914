//! What a domain and a problem say, with every name resolved to a number.
//!
//! The constants of the domain are the first objects of every problem, so that a domain's formulas need no translation when a
//! problem is added.

use super::error::{Position, Source};
use super::types::Types;

/// An object: an index into [`Problem::objects`].
pub(crate) type ObjectId = u32;

/// What an atom speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Term {
    /// An index into the variables of the action (or of the goal).
    Variable(u32),
    Object(ObjectId),
}

/// A predicate, or a function, of terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Atom {
    /// An index into [`Domain::predicates`] or [`Domain::functions`].
    pub(crate) symbol: u32,
    pub(crate) terms: Vec<Term>,
}

/// A condition. `And` of nothing is true, `Or` of nothing is false; an implication is read as a disjunction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Formula {
    And(Vec<Formula>),
    Or(Vec<Formula>),
    Not(Box<Formula>),
    Atom(Atom),
    Equal(Term, Term),
    Exists(Vec<u32>, Box<Formula>),
    Forall(Vec<u32>, Box<Formula>),
}

impl Formula {
    /// The condition that always holds.
    pub(crate) const TRUE: Self = Self::And(Vec::new());
}

/// A variable of an action, bound by its parameters or by a quantifier.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) name: String,
    /// The objects that it can be are those of any of these types.
    pub(crate) types: Vec<u32>,
}

/// One literal that an action makes true, for all objects of `universal` for which `condition` holds.
#[derive(Debug, Clone)]
pub(crate) struct Effect {
    pub(crate) universal: Vec<u32>,
    pub(crate) condition: Formula,
    pub(crate) atom: Atom,
    pub(crate) adds: bool,
}

/// A summand of an action's cost.
#[derive(Debug, Clone)]
pub(crate) enum Cost {
    Number(u32),
    Function(Atom, Position),
}

/// An action schema. Its parameters are the first `parameters` of its variables.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    pub(crate) name: String,
    pub(crate) parameters: usize,
    pub(crate) variables: Vec<Variable>,
    pub(crate) precondition: Formula,
    /// Where the action stands, and where its precondition does.
    pub(crate) at: Position,
    pub(crate) precondition_at: Position,
    pub(crate) effects: Vec<Effect>,
    pub(crate) costs: Vec<Cost>,
}

/// A predicate or function symbol.
#[derive(Debug, Clone)]
pub(crate) struct Symbol {
    pub(crate) name: String,
    pub(crate) arity: usize,
}

/// An object with its types.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) types: Vec<u32>,
}

/// A planning domain, as [`parse_domain`](super::parse_domain) reads it.
#[derive(Debug, Clone)]
pub struct Domain {
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) types: Types,
    pub(crate) constants: Vec<Object>,
    pub(crate) predicates: Vec<Symbol>,
    pub(crate) functions: Vec<Symbol>,
    pub(crate) actions: Vec<Action>,
}

impl Domain {
    /// The domain's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the action schemas.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(|action| action.name.as_str())
    }
}

/// A problem of a domain, as [`parse_problem`](super::parse_problem) reads it.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) objects: Vec<Object>,
    /// Ground atoms that hold at first.
    pub(crate) initial: Vec<(u32, Vec<ObjectId>)>,
    /// Values of the functions that costs are made of, by function and arguments.
    pub(crate) values: std::collections::BTreeMap<(u32, Vec<ObjectId>), u32>,
    pub(crate) goal: Formula,
    pub(crate) goal_at: Position,
    /// The variables that the goal's quantifiers bind.
    pub(crate) goal_variables: Vec<Variable>,
    /// Whether the sum of the action costs is minimised; otherwise every action costs 1.
    pub(crate) minimizes_cost: bool,
}

impl Problem {
    /// The problem's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The objects of any of `types`.
    pub(crate) fn objects_of(&self, domain: &Domain, types: &[u32]) -> Vec<ObjectId> {
        let below = domain.types.below(types);
        let is = |object: &Object| object.types.iter().any(|&t| below[t as usize]);
        (0..self.objects.len() as u32).filter(|&i| is(&self.objects[i as usize])).collect()
    }
}
