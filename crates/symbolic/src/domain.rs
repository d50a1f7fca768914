//! Reads a domain: `(define (domain NAME) (:requirements ...) (:types ...) ... (:action ...) ...)`.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{PddlResult, Source};
use super::formula::{Scope, counted};
use super::language::{Action, Domain, Formula, Object, Symbol};
use super::resources::Resources;
use super::syntax::{Node, read};
use super::types::{OBJECT, Types, typed};
use worldwright_core::Error;

/// What a domain may require. What it does not declare but uses is granted as well.
const SUPPORTED: &[&str] = &[
    ":strips",
    ":typing",
    ":negative-preconditions",
    ":disjunctive-preconditions",
    ":equality",
    ":existential-preconditions",
    ":universal-preconditions",
    ":quantified-preconditions",
    ":conditional-effects",
    ":adl",
    ":action-costs",
];

/// Places of an atom are bits of a word while grounding.
const MOST_ARGUMENTS: usize = 64;

/// The domain that `text` defines. `file` is what errors call it.
///
/// # Errors
/// [`PddlError`](super::PddlError) at the first place that is not PDDL, names something unknown, or asks for what is not supported.
pub fn parse_domain(file: &str, text: &str) -> PddlResult<Domain> {
    parse_domain_within(file, text, &Resources::default())
}

/// [`parse_domain`] within limits.
///
/// # Errors
/// As [`parse_domain`], and where a limit is reached.
pub fn parse_domain_within(file: &str, text: &str, resources: &Resources) -> PddlResult<Domain> {
    let source = Source::new(file, text);
    let root = read(&source, resources)?;
    let (name, sections) = define(&source, &root, "domain")?;
    let mut domain = Domain {
        name,
        types: Types::new(),
        constants: Vec::new(),
        predicates: Vec::new(),
        functions: Vec::new(),
        actions: Vec::new(),
        source,
    };
    let source = domain.source.clone();
    // Actions may stand before what they name, so they are read last.
    let mut actions = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    let mut constants: &[Node] = &[];
    for section in sections {
        let (head, rest) = section.headed(&source, "a section such as '(:predicates ...)'")?;
        if head != ":action" && seen.contains(&head) {
            return source.fail(section.at(), format!("a second section '{head}'"));
        }
        seen.push(head);
        match head {
            ":requirements" => requirements(&source, rest)?,
            ":types" => domain.types = Types::parse(&source, rest)?,
            ":constants" => constants = rest,
            ":predicates" => domain.predicates = predicates(&source, rest)?,
            ":functions" => domain.functions = functions(&source, rest)?,
            ":action" => actions.push(section),
            ":durative-action" => return source.fail(section.at(), "durative actions are not supported"),
            ":derived" => return source.fail(section.at(), "derived predicates are not supported"),
            ":constraints" => return source.fail(section.at(), "trajectory constraints are not supported"),
            _ => {
                let known = [":requirements", ":types", ":constants", ":predicates", ":functions", ":action"];
                let error = Error::unknown("section of a domain", head, known);
                return source.fail(section.at(), error.to_string());
            }
        }
    }
    domain.constants = objects(&source, &domain.types, constants, Vec::new())?;
    // Only now are all types known that predicates may name.
    for section in sections {
        if let (":predicates" | ":functions", rest) = section.headed(&source, "a section")? {
            check_types(&source, &domain.types, rest)?;
        }
    }
    let mut names = BTreeSet::new();
    for node in actions {
        let action = action(&domain, node)?;
        if !names.insert(action.name.clone()) {
            return source.fail(node.at(), format!("a second action '{}'", action.name));
        }
        domain.actions.push(action);
    }
    Ok(domain)
}

/// The name and the sections of `(define (KIND NAME) ...)`.
pub(crate) fn define<'a>(source: &Source, root: &'a Node, kind: &str) -> PddlResult<(String, &'a [Node])> {
    let ("define", rest) = root.headed(source, "'(define ...)'")? else {
        return source.fail(root.at(), format!("expected '(define ...)', found {}", root.found()));
    };
    let expected = format!("'({kind} NAME)'");
    let Some((header, sections)) = rest.split_first() else {
        return source.fail(root.end(), format!("expected {expected}"));
    };
    let (head, names) = header.headed(source, &expected)?;
    if head != kind {
        let hint =
            if head == "problem" || head == "domain" { format!(": this file defines a {head}") } else { String::new() };
        return source.fail(header.at(), format!("expected {expected}, found {}{hint}", header.found()));
    }
    let [name] = names else {
        return source.fail(header.at(), format!("expected {expected}, found {}", counted(names.len(), "name")));
    };
    let name = name.word().map_or_else(|| source.fail(name.at(), format!("expected the name of the {kind}")), Ok)?;
    Ok((name.to_owned(), sections))
}

/// Refuses what is required but not supported.
pub(crate) fn requirements(source: &Source, items: &[Node]) -> PddlResult<()> {
    for item in items {
        let Some(word) = item.word().filter(|word| word.starts_with(':')) else {
            return source.fail(item.at(), format!("expected a requirement such as ':strips', found {}", item.found()));
        };
        if !SUPPORTED.contains(&word) {
            let message = format!("the requirement '{word}' is not supported; supported are {}", SUPPORTED.join(", "));
            return source.fail(item.at(), message);
        }
    }
    Ok(())
}

/// The objects of a typed list, after those that are there. An object that is listed again gains the new types.
pub(crate) fn objects(source: &Source, types: &Types, items: &[Node], before: Vec<Object>) -> PddlResult<Vec<Object>> {
    let constants = before.len();
    let mut objects = before;
    let mut places: BTreeMap<String, usize> =
        objects.iter().enumerate().map(|(place, object)| (object.name.clone(), place)).collect();
    for (names, groups) in typed(source, items, "an object")? {
        let mut ids: Vec<u32> =
            groups.into_iter().map(|node| types.resolve(source, node)).collect::<PddlResult<_>>()?;
        if ids.is_empty() {
            ids.push(OBJECT);
        }
        for node in names {
            let name = node.name(source, "an object")?;
            match places.get(name).copied() {
                // Problems of the competitions list the constants of their domain again.
                Some(known) if known < constants => objects[known].types.extend(&ids),
                Some(_) => return source.fail(node.at(), format!("a second object '{name}'")),
                None => {
                    places.insert(name.to_owned(), objects.len());
                    objects.push(Object { name: name.to_owned(), types: ids.clone() });
                }
            }
        }
    }
    Ok(objects)
}

/// `(name ?x - type ...)` with its number of variables.
fn symbol(source: &Source, node: &Node, kind: &str, known: &mut BTreeSet<String>) -> PddlResult<Symbol> {
    let (name, rest) = node.headed(source, &format!("a {kind} such as '(on ?x ?y)'"))?;
    if matches!(name, "and" | "or" | "not" | "imply" | "forall" | "exists" | "when" | "=") {
        return source.fail(node.at(), format!("'{name}' cannot be the name of a {kind}"));
    }
    if !known.insert(name.to_owned()) {
        return source.fail(node.at(), format!("a second {kind} '{name}'"));
    }
    let mut arity = 0;
    for (variables, _) in typed(source, rest, "a variable such as ?x")? {
        for variable in variables {
            if !variable.word().is_some_and(|word| word.starts_with('?')) {
                let message = format!("expected a variable such as ?x, found {}", variable.found());
                return source.fail(variable.at(), message);
            }
        }
        arity += variables.len();
    }
    if arity > MOST_ARGUMENTS {
        return source.fail(node.at(), format!("a {kind} takes at most {MOST_ARGUMENTS} arguments, found {arity}"));
    }
    Ok(Symbol { name: name.to_owned(), arity })
}

fn predicates(source: &Source, items: &[Node]) -> PddlResult<Vec<Symbol>> {
    let mut known = BTreeSet::new();
    items.iter().map(|item| symbol(source, item, "predicate", &mut known)).collect()
}

/// Functions, each optionally `- number`.
fn functions(source: &Source, items: &[Node]) -> PddlResult<Vec<Symbol>> {
    let (mut known, mut functions) = (BTreeSet::new(), Vec::new());
    let mut items = items.iter();
    while let Some(item) = items.next() {
        if item.word() == Some("-") {
            match items.next() {
                Some(node) if node.word() == Some("number") => continue,
                Some(node) => {
                    return source
                        .fail(node.at(), format!("only functions '- number' are supported, found {}", node.found()));
                }
                None => return source.fail(item.at(), "expected 'number' after this '-'"),
            }
        }
        functions.push(symbol(source, item, "function", &mut known)?);
    }
    Ok(functions)
}

/// Holds the types that predicates name against those that there are.
fn check_types(source: &Source, types: &Types, items: &[Node]) -> PddlResult<()> {
    for item in items.iter().filter(|item| item.word().is_none()) {
        let (_, rest) = item.headed(source, "a predicate")?;
        for (_, named) in typed(source, rest, "a variable such as ?x")? {
            for node in named {
                types.resolve(source, node)?;
            }
        }
    }
    Ok(())
}

/// `(:action NAME :parameters (...) :precondition ... :effect ...)`.
fn action(domain: &Domain, node: &Node) -> PddlResult<Action> {
    let source = &domain.source;
    let (_, rest) = node.headed(source, "an action")?;
    let Some((name_node, parts)) = rest.split_first() else {
        return source.fail(node.end(), "expected the name of the action");
    };
    let name = name_node.name(source, "the name of the action")?;
    let mut parameters: &[Node] = &[];
    let mut precondition = None;
    let mut effect = None;
    let mut seen = Vec::new();
    let mut parts = parts.iter();
    while let Some(key) = parts.next() {
        let expected = "':parameters', ':precondition' or ':effect'";
        let Some(word) = key.word() else {
            return source.fail(key.at(), format!("expected {expected}, found {}", key.found()));
        };
        if !matches!(word, ":parameters" | ":precondition" | ":effect") {
            return source.fail(key.at(), format!("expected {expected}, found {}", key.found()));
        }
        if seen.contains(&word) {
            return source.fail(key.at(), format!("a second '{word}' in the action '{name}'"));
        }
        seen.push(word);
        let Some(value) = parts.next() else {
            return source.fail(node.end(), format!("expected a list after '{word}' of the action '{name}'"));
        };
        match word {
            ":parameters" => parameters = value.list(source, "a list of variables such as '(?x - block)'")?,
            ":precondition" => precondition = Some(value),
            _ => effect = Some(value),
        }
    }
    let mut scope = Scope::new(source, domain, &domain.constants);
    let bound = scope.bind(parameters)?;
    let formula = precondition.map_or(Ok(Formula::TRUE), |node| scope.formula(node))?;
    let effects = effect.map_or_else(|| Ok(Default::default()), |node| scope.effects(node))?;
    Ok(Action {
        name: name.to_owned(),
        parameters: bound.len(),
        variables: scope.variables,
        precondition: formula,
        at: node.at(),
        precondition_at: precondition.map_or_else(|| node.at(), Node::at),
        effects: effects.literals,
        costs: effects.costs,
    })
}
