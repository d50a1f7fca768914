//! Reads a problem: `(define (problem NAME) (:domain NAME) (:objects ...) (:init ...) (:goal ...) (:metric ...))`.

use std::collections::{BTreeMap, BTreeSet};

use super::domain::{define, objects, requirements};
use super::error::{PddlResult, Source};
use super::formula::Scope;
use super::language::{Domain, ObjectId, Problem, Term};
use super::resources::Resources;
use super::syntax::{Node, read};
use worldwright_core::Error;

/// The problem that `text` defines in `domain`. `file` is what errors call it.
///
/// # Errors
/// [`PddlError`](super::PddlError) at the first place that is not PDDL, names something unknown, belongs to another domain, or asks
/// for what is not supported.
pub fn parse_problem(domain: &Domain, file: &str, text: &str) -> PddlResult<Problem> {
    parse_problem_within(domain, file, text, &Resources::default())
}

/// [`parse_problem`] within limits.
///
/// # Errors
/// As [`parse_problem`], and where a limit is reached.
pub fn parse_problem_within(domain: &Domain, file: &str, text: &str, resources: &Resources) -> PddlResult<Problem> {
    let source = Source::new(file, text);
    let root = read(&source, resources)?;
    let (name, sections) = define(&source, &root, "problem")?;
    let mut of: BTreeMap<&str, (&Node, &[Node])> = BTreeMap::new();
    for section in sections {
        let (head, rest) = section.headed(&source, "a section such as '(:init ...)'")?;
        match head {
            ":domain" | ":objects" | ":init" | ":goal" | ":metric" => {}
            ":requirements" => requirements(&source, rest)?,
            ":constraints" => return source.fail(section.at(), "trajectory constraints are not supported"),
            _ => {
                let known = [":domain", ":requirements", ":objects", ":init", ":goal", ":metric"];
                return source.fail(section.at(), Error::unknown("section of a problem", head, known).to_string());
            }
        }
        if of.insert(head, (section, rest)).is_some() {
            return source.fail(section.at(), format!("a second section '{head}'"));
        }
    }
    for needed in [":domain", ":init", ":goal"] {
        if !of.contains_key(needed) {
            return source.fail(root.end(), format!("expected '({needed} ...)' before the end of the problem"));
        }
    }
    let (section, names) = of[":domain"];
    match names {
        [node] if node.word() == Some(domain.name.as_str()) => {}
        [node] => {
            let message = format!("the problem belongs to the domain {}, not to '{}'", node.found(), domain.name);
            return source.fail(node.at(), message);
        }
        _ => return source.fail(section.at(), "expected '(:domain NAME)'"),
    }
    let listed = of.get(":objects").map_or(&[][..], |(_, rest)| rest);
    let objects = objects(&source, &domain.types, listed, domain.constants.clone())?;
    let mut scope = Scope::new(&source, domain, &objects);
    let (initial, values) = initial(&scope, of[":init"].1)?;
    let (section, parts) = of[":goal"];
    let [goal] = parts else {
        return source.fail(section.end(), format!("expected one condition in ':goal', found {}", parts.len()));
    };
    let (goal_at, goal) = (goal.at(), scope.formula(goal)?);
    let minimizes_cost = of.get(":metric").map_or(Ok(false), |(section, rest)| metric(&scope, section, rest))?;
    let goal_variables = scope.variables;
    Ok(Problem { name, objects, initial, values, goal, goal_at, goal_variables, minimizes_cost, source })
}

type Initial = (Vec<(u32, Vec<ObjectId>)>, BTreeMap<(u32, Vec<ObjectId>), u32>);

/// The atoms and the values of functions that hold at first.
fn initial(scope: &Scope<'_>, items: &[Node]) -> PddlResult<Initial> {
    let source = scope.source;
    let (mut atoms, mut values) = (BTreeSet::new(), BTreeMap::new());
    for item in items {
        let (head, rest) = item.headed(source, "an atom such as '(on a b)'")?;
        match head {
            "=" => {
                let [function, value] = scope.exactly::<2>(item, "=", rest)?;
                let key = ground(scope, function, "function")?;
                if values.insert(key, scope.cost_number(value)?).is_some() {
                    return source.fail(item.at(), format!("a second value of {}", function.found()));
                }
            }
            // What is not listed is false already; saying so changes nothing, unless it is also listed.
            "not" => {
                let [inner] = scope.exactly::<1>(item, "not", rest)?;
                ground(scope, inner, "predicate")?;
            }
            "at" if rest.first().and_then(Node::word).is_some_and(|word| word.parse::<f64>().is_ok())
                && rest.get(1).is_some_and(|node| node.word().is_none()) =>
            {
                return scope.unsupported(item, "timed initial literals");
            }
            _ => {
                atoms.insert(ground(scope, item, "predicate")?);
            }
        }
    }
    Ok((atoms.into_iter().collect(), values))
}

/// A predicate or function of objects.
fn ground(scope: &Scope<'_>, node: &Node, kind: &'static str) -> PddlResult<(u32, Vec<ObjectId>)> {
    let symbols = if kind == "function" { &scope.functions } else { &scope.predicates };
    let atom = scope.atom(node, kind, symbols)?;
    let object = |term: &Term| match term {
        Term::Object(object) => Ok(*object),
        Term::Variable(_) => scope.source.fail(node.at(), "expected objects, found a variable"),
    };
    Ok((atom.symbol, atom.terms.iter().map(object).collect::<PddlResult<_>>()?))
}

/// Whether the total cost is minimised.
fn metric(scope: &Scope<'_>, section: &Node, rest: &[Node]) -> PddlResult<bool> {
    let [direction, what] = rest else {
        return scope.source.fail(section.at(), "expected '(:metric minimize (total-cost))'");
    };
    let total = match what {
        Node::Word { text, .. } => text == "total-cost",
        Node::List { items, .. } => items.len() == 1 && items[0].word() == Some("total-cost"),
    };
    if direction.word() != Some("minimize") || !total {
        let node = if total { direction } else { what };
        let message = format!("only '(:metric minimize (total-cost))' is supported, found {}", node.found());
        return scope.source.fail(node.at(), message);
    }
    Ok(true)
}
