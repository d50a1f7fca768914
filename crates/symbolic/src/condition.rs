//! Ground conditions: a formula under a binding, with all that cannot change already decided, written as a disjunction of
//! conjunctions of literals.

use super::error::PddlErrorKind;
use super::language::{Atom, Formula, ObjectId};
use super::literal::Literal;
use super::reachability::{Reachable, UNBOUND};
use super::resources::Resources;

/// A condition over atoms of the relaxed fixpoint. `All` of nothing is true, `Any` of nothing is false.
#[derive(Debug, Clone, PartialEq)]
enum Ground {
    Literal(Literal),
    All(Vec<Ground>),
    Any(Vec<Ground>),
}

/// Conjunctions that a condition may come to; a longer one grows exponentially and is refused.
pub(crate) const MOST_DISJUNCTS: usize = 4096;

/// Grounds formulas over the atoms that are reachable.
pub(crate) struct Grounder<'a> {
    reachable: &'a Reachable,
    /// For each variable the objects that it may be.
    domains: &'a [Vec<ObjectId>],
    pub(crate) binding: Vec<ObjectId>,
    resources: &'a Resources,
    /// Bytes that are held besides what is grounded now.
    pub(crate) held: usize,
    /// Parts of the formula in progress.
    parts: usize,
    /// The limit that was reached: what was grounded since then is worth nothing.
    pub(crate) spent: Option<PddlErrorKind>,
}

/// Parts of a formula between two looks at what is left of the resources.
const POLLED: usize = 1024;

impl<'a> Grounder<'a> {
    pub(crate) fn new(reachable: &'a Reachable, domains: &'a [Vec<ObjectId>], resources: &'a Resources) -> Self {
        let binding = vec![UNBOUND; domains.len()];
        Self { reachable, domains, binding, resources, held: 0, parts: 0, spent: None }
    }

    /// Counts a part; false once a limit is reached.
    fn goes_on(&mut self) -> bool {
        self.parts += 1;
        if self.parts.is_multiple_of(POLLED) {
            self.spent = self.spent.or(self.resources.spent(self.held + self.parts * size_of::<Ground>()));
        }
        self.spent.is_none()
    }

    /// The conjunctions of which one must hold: none if the formula is false, an empty one if it is true. Nothing if there are
    /// more than [`MOST_DISJUNCTS`].
    pub(crate) fn disjuncts(&mut self, formula: &Formula) -> Option<Vec<Vec<Literal>>> {
        self.parts -= self.parts % POLLED;
        let mut disjuncts = self.ground(formula, true).disjuncts()?;
        disjuncts.sort_unstable();
        disjuncts.dedup();
        Some(disjuncts)
    }

    /// The atom's number under the binding: nothing if it can never hold.
    pub(crate) fn atom(&self, atom: &Atom) -> Option<u32> {
        let arguments: Vec<ObjectId> = atom.terms.iter().map(|term| term.under(&self.binding)).collect();
        self.reachable.atoms.find(atom.symbol, &arguments)
    }

    /// The formula, or its negation where `positive` is false.
    fn ground(&mut self, formula: &Formula, positive: bool) -> Ground {
        match formula {
            Formula::And(parts) | Formula::Or(parts) => {
                let conjunction = matches!(formula, Formula::And(_)) == positive;
                let mut grounded = Vec::with_capacity(parts.len());
                for part in parts {
                    let part = self.ground(part, positive);
                    if part == Ground::constant(!conjunction) {
                        return part;
                    }
                    grounded.push(part);
                }
                Ground::join(grounded, conjunction)
            }
            Formula::Not(inner) => self.ground(inner, !positive),
            Formula::Equal(left, right) => {
                Ground::constant((left.under(&self.binding) == right.under(&self.binding)) == positive)
            }
            Formula::Atom(atom) => match self.atom(atom) {
                None => Ground::constant(!positive),
                Some(_) if self.reachable.fixed[atom.symbol as usize] => Ground::constant(positive),
                Some(number) => Ground::Literal(Literal::new(number, positive)),
            },
            Formula::Exists(variables, inner) | Formula::Forall(variables, inner) => {
                // A quantifier that the fixpoint has bound already is one instance among others.
                if variables.iter().all(|&variable| self.binding[variable as usize] != UNBOUND) {
                    return self.ground(inner, positive);
                }
                let conjunction = matches!(formula, Formula::Forall(..)) == positive;
                let mut grounded = Vec::new();
                let undecided = self.each(variables, &mut |grounder| {
                    let part = grounder.ground(inner, positive);
                    let open = part != Ground::constant(!conjunction);
                    // What leaves the whole open by being neutral need not be kept.
                    if part != Ground::constant(conjunction) {
                        grounded.push(part);
                    }
                    open
                });
                if undecided { Ground::join(grounded, conjunction) } else { Ground::constant(!conjunction) }
            }
        }
    }

    /// Calls `visit` under the bindings of `variables` until it returns false or a limit is reached; whether all were visited.
    pub(crate) fn each(&mut self, variables: &[u32], visit: &mut dyn FnMut(&mut Self) -> bool) -> bool {
        let Some((&first, rest)) = variables.split_first() else { return self.goes_on() && visit(self) };
        let domains = self.domains;
        let before = self.binding[first as usize];
        let all = domains[first as usize].iter().all(|&object| {
            self.binding[first as usize] = object;
            self.each(rest, visit)
        });
        self.binding[first as usize] = before;
        all
    }
}

impl Ground {
    fn constant(value: bool) -> Self {
        if value { Self::All(Vec::new()) } else { Self::Any(Vec::new()) }
    }

    /// The conjunction or disjunction of parts, flat and without constants.
    fn join(parts: Vec<Self>, conjunction: bool) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::All(inner) if conjunction => flat.extend(inner),
                Self::Any(inner) if !conjunction => flat.extend(inner),
                constant if constant == Self::constant(!conjunction) => return constant,
                other => flat.push(other),
            }
        }
        match (flat.len(), conjunction) {
            (1, _) => flat.swap_remove(0),
            (_, true) => Self::All(flat),
            (_, false) => Self::Any(flat),
        }
    }

    fn disjuncts(&self) -> Option<Vec<Vec<Literal>>> {
        match self {
            Self::Literal(literal) => Some(vec![vec![*literal]]),
            Self::Any(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(part.disjuncts()?);
                    if all.len() > MOST_DISJUNCTS {
                        return None;
                    }
                }
                Some(all)
            }
            Self::All(parts) => {
                let mut product = vec![Vec::new()];
                for part in parts {
                    if let Self::Literal(literal) = part {
                        product.iter_mut().for_each(|conjunction| conjunction.push(*literal));
                        continue;
                    }
                    let choices = part.disjuncts()?;
                    if product.len() * choices.len() > MOST_DISJUNCTS {
                        return None;
                    }
                    let with = |one: &Vec<Literal>| -> Vec<Vec<Literal>> {
                        choices.iter().map(|choice| one.iter().chain(choice).copied().collect()).collect()
                    };
                    product = product.iter().flat_map(with).collect();
                }
                Some(product.into_iter().filter_map(consistent).collect())
            }
        }
    }
}

/// A conjunction sorted and without repetitions: nothing if it holds a literal and its negation.
pub(crate) fn consistent(mut conjunction: Vec<Literal>) -> Option<Vec<Literal>> {
    conjunction.sort_unstable();
    conjunction.dedup();
    let contradiction = conjunction.windows(2).any(|pair| pair[0].negation() == pair[1]);
    (!contradiction).then_some(conjunction)
}
