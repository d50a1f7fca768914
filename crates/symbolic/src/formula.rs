//! Conditions: conjunction, disjunction, negation, implication, equality and both quantifiers.

use std::collections::BTreeMap;

use super::error::{PddlResult, Source};
use super::language::{Atom, Domain, Formula, Object, Symbol, Term, Variable};
use super::syntax::Node;
use super::types::{OBJECT, Types, typed};
use worldwright_core::Error;

/// Things with names, found by name.
pub(crate) struct Named<'a, T> {
    items: &'a [T],
    places: BTreeMap<&'a str, u32>,
}

impl<'a, T> Named<'a, T> {
    fn new(items: &'a [T], name: impl Fn(&'a T) -> &'a str) -> Self {
        Self { items, places: items.iter().map(name).zip(0..).collect() }
    }

    fn find(&self, name: &str) -> Option<u32> {
        self.places.get(name).copied()
    }
}

/// Variables of one action, or of the goal. Bindings are walked by recursion, and a stack has an end.
const MOST_VARIABLES: usize = 1000;

/// What a text may name at some place: the symbols of the domain and the variables in reach.
pub(crate) struct Scope<'a> {
    pub(crate) source: &'a Source,
    types: &'a Types,
    objects: Named<'a, Object>,
    pub(crate) predicates: Named<'a, Symbol>,
    pub(crate) functions: Named<'a, Symbol>,
    /// All variables so far, each binding its own number.
    pub(crate) variables: Vec<Variable>,
    /// Those in reach, the innermost last.
    reach: Vec<u32>,
}

impl<'a> Scope<'a> {
    /// The symbols of a domain and these objects.
    pub(crate) fn new(source: &'a Source, domain: &'a Domain, objects: &'a [Object]) -> Self {
        Self {
            source,
            types: &domain.types,
            objects: Named::new(objects, |object| &object.name),
            predicates: Named::new(&domain.predicates, |symbol| &symbol.name),
            functions: Named::new(&domain.functions, |symbol| &symbol.name),
            variables: Vec::new(),
            reach: Vec::new(),
        }
    }

    /// Binds the variables of a typed list, and returns their numbers.
    pub(crate) fn bind(&mut self, items: &[Node]) -> PddlResult<Vec<u32>> {
        let mut bound: Vec<u32> = Vec::new();
        for (names, types) in typed(self.source, items, "a variable such as ?x")? {
            let mut ids: Vec<u32> =
                types.into_iter().map(|node| self.types.resolve(self.source, node)).collect::<PddlResult<_>>()?;
            if ids.is_empty() {
                ids.push(OBJECT);
            }
            for name in names {
                let Some(word) = name.word().filter(|word| word.starts_with('?') && word.len() > 1) else {
                    let message = format!("expected a variable such as ?x, found {}", name.found());
                    return self.source.fail(name.at(), message);
                };
                if bound.iter().any(|&other| self.variables[other as usize].name == word) {
                    return self.source.fail(name.at(), format!("the variable {word} stands twice in this list"));
                }
                if self.variables.len() == MOST_VARIABLES {
                    let message = format!("more than {MOST_VARIABLES} variables, those of quantifiers included");
                    return self.source.fail(name.at(), message);
                }
                bound.push(self.variables.len() as u32);
                self.variables.push(Variable { name: word.to_owned(), types: ids.clone() });
            }
        }
        self.reach.extend(&bound);
        Ok(bound)
    }

    /// Ends the reach of the variables bound last.
    pub(crate) fn release(&mut self, bound: &[u32]) {
        self.reach.truncate(self.reach.len() - bound.len());
    }

    /// A condition. The empty list and `(and)` are true.
    pub(crate) fn formula(&mut self, node: &Node) -> PddlResult<Formula> {
        if matches!(node, Node::List { items, .. } if items.is_empty()) {
            return Ok(Formula::TRUE);
        }
        let (head, rest) = node.headed(self.source, "a condition such as '(on ?x ?y)'")?;
        match head {
            "and" => Ok(Formula::And(rest.iter().map(|item| self.formula(item)).collect::<PddlResult<_>>()?)),
            "or" => Ok(Formula::Or(rest.iter().map(|item| self.formula(item)).collect::<PddlResult<_>>()?)),
            "not" => {
                let [inner] = self.exactly::<1>(node, "not", rest)?;
                Ok(Formula::Not(Box::new(self.formula(inner)?)))
            }
            "imply" => {
                let [condition, then] = self.exactly::<2>(node, "imply", rest)?;
                let condition = self.formula(condition)?;
                Ok(Formula::Or(vec![Formula::Not(Box::new(condition)), self.formula(then)?]))
            }
            "=" => {
                let [left, right] = self.exactly::<2>(node, "=", rest)?;
                self.refuse_numbers(left)?;
                self.refuse_numbers(right)?;
                Ok(Formula::Equal(self.term(left)?, self.term(right)?))
            }
            "exists" | "forall" => {
                let [variables, inner] = self.exactly::<2>(node, head, rest)?;
                let bound = self.bind(variables.list(self.source, "a list of variables such as '(?x - block)'")?)?;
                let inner = Box::new(self.formula(inner)?);
                self.release(&bound);
                Ok(if head == "exists" { Formula::Exists(bound, inner) } else { Formula::Forall(bound, inner) })
            }
            "<" | ">" | "<=" | ">=" => self.unsupported(node, "numeric conditions"),
            "preference" => self.unsupported(node, "preferences"),
            "always" | "sometime" | "within" | "at-most-once" | "sometime-after" | "sometime-before"
                if self.predicates.find(head).is_none() =>
            {
                self.unsupported(node, "trajectory constraints")
            }
            _ => Ok(Formula::Atom(self.atom(node, "predicate", &self.predicates)?)),
        }
    }

    /// A predicate (or function, by `symbols`) with its terms.
    pub(crate) fn atom(&self, node: &Node, kind: &'static str, symbols: &Named<'_, Symbol>) -> PddlResult<Atom> {
        let (head, rest) = node.headed(self.source, &format!("a {kind} with its arguments in parentheses"))?;
        let Some(symbol) = symbols.find(head) else {
            let error = Error::unknown(kind, head, symbols.items.iter().map(|symbol| symbol.name.as_str()));
            return self.source.fail(node.at(), error.to_string());
        };
        let arity = symbols.items[symbol as usize].arity;
        if rest.len() != arity {
            let (expected, got) = (counted(arity, "argument"), rest.len());
            return self.source.fail(node.at(), format!("the {kind} '{head}' takes {expected}, found {got}"));
        }
        let terms = rest.iter().map(|term| self.term(term)).collect::<PddlResult<_>>()?;
        Ok(Atom { symbol, terms })
    }

    /// A variable in reach, or an object.
    pub(crate) fn term(&self, node: &Node) -> PddlResult<Term> {
        let Some(word) = node.word() else {
            return self.source.fail(node.at(), format!("expected a variable or an object, found {}", node.found()));
        };
        if word.starts_with('?') {
            let in_reach = self.reach.iter().rev();
            let names = || self.reach.iter().map(|&i| self.variables[i as usize].name.as_str());
            return match in_reach.copied().find(|&i| self.variables[i as usize].name == word) {
                Some(found) => Ok(Term::Variable(found)),
                None => self.source.fail(node.at(), Error::unknown("variable", word, names()).to_string()),
            };
        }
        match self.objects.find(word) {
            Some(found) => Ok(Term::Object(found)),
            None => {
                let known = self.objects.items.iter().map(|object| object.name.as_str());
                self.source.fail(node.at(), Error::unknown("object", word, known).to_string())
            }
        }
    }

    /// `=` compares objects here; between numbers it would be a numeric condition.
    fn refuse_numbers(&self, node: &Node) -> PddlResult<()> {
        let number = node.word().is_some_and(|word| word.parse::<f64>().is_ok())
            && node.word().is_some_and(|word| self.objects.find(word).is_none());
        if number || node.word().is_none() { self.unsupported(node, "numeric conditions") } else { Ok(()) }
    }

    /// Something of PDDL that this planner does not do.
    pub(crate) fn unsupported<T>(&self, node: &Node, what: &str) -> PddlResult<T> {
        self.source.fail(node.at(), format!("{what} are not supported, found {}", node.found()))
    }

    /// The `N` parts of an operator.
    pub(crate) fn exactly<'n, const N: usize>(
        &self,
        node: &Node,
        head: &str,
        rest: &'n [Node],
    ) -> PddlResult<[&'n Node; N]> {
        match rest.iter().collect::<Vec<_>>().try_into() {
            Ok(parts) => Ok(parts),
            Err(_) if rest.len() < N => {
                let message = format!("'{head}' takes {}, found {}", counted(N, "part"), rest.len());
                self.source.fail(node.end(), message)
            }
            Err(_) => {
                let message = format!("'{head}' takes {}, found {}", counted(N, "part"), rest.len());
                self.source.fail(rest[N].at(), message)
            }
        }
    }
}

/// A number with its noun.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
