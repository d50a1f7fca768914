//! From a domain and a problem to a [`Task`]: instances of the actions, with conditions decided as far as they can be.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{Grounder, MOST_DISJUNCTS, consistent};
use super::error::{PddlError, PddlResult, Position, Source};
use super::language::{Action, Cost, Domain, Formula, Problem, Variable};
use super::prune::prune;
use super::reachability::{Reachable, UNBOUND, reach};
use super::task::{Change, Literal, Names, Operator, Task, set};

/// Grounds a problem.
///
/// # Errors
/// [`PddlError`] where a condition is too long a disjunction, or a cost has no value.
pub fn ground(domain: &Domain, problem: &Problem) -> PddlResult<Task> {
    let reachable = reach(domain, problem);
    let mut operators = Vec::new();
    for (number, action) in domain.actions.iter().enumerate() {
        instances(domain, problem, &reachable, number, action, &mut operators)?;
    }
    let domain_of = |variable: &Variable| problem.objects_of(domain, &variable.types);
    let domains: Vec<Vec<u32>> = problem.goal_variables.iter().map(domain_of).collect();
    let binding = vec![UNBOUND; domains.len()];
    let mut grounder = Grounder { reachable: &reachable, domains: &domains, binding };
    let too_long = || too_long(&problem.source, problem.goal_at);
    let mut goals = grounder.disjuncts(&problem.goal).ok_or_else(too_long)?;
    let mut facts: Vec<(u32, Vec<u32>)> = (0..reachable.atoms.len() as u32)
        .map(|atom| {
            let (predicate, arguments) = reachable.atoms.get(atom);
            (predicate, arguments.to_vec())
        })
        .collect();
    let goal_reachable = !goals.is_empty();
    if goals.len() > 1 {
        // A disjunction is reached by a last operator a disjunct, which costs nothing and is no step of the plan.
        let reached = facts.len() as u32;
        facts.push((domain.predicates.len() as u32, Vec::new()));
        operators.extend(goals.drain(..).map(|precondition| Operator {
            action: None,
            arguments: Vec::new(),
            cost: 0,
            precondition,
            changes: vec![Change { condition: Vec::new(), adds: vec![reached], deletes: Vec::new() }],
        }));
        goals.push(vec![Literal::new(reached, true)]);
    }
    let mut initial = vec![0; facts.len().div_ceil(64).max(1)];
    for (predicate, arguments) in &problem.initial {
        if let Some(atom) = reachable.atoms.find(*predicate, arguments) {
            set(&mut initial, atom);
        }
    }
    // By name, so that ties do not depend on the order in which a file lists its objects.
    let object = |object: &u32| problem.objects[*object as usize].name.as_str();
    let action = |action: u32| domain.actions[action as usize].name.as_str();
    operators.sort_by(|a: &Operator, b: &Operator| {
        a.action
            .map(action)
            .cmp(&b.action.map(action))
            .then_with(|| a.arguments.iter().map(object).cmp(b.arguments.iter().map(object)))
    });
    let predicates = domain.predicates.iter().map(|symbol| symbol.name.clone());
    let names = Names {
        predicates: predicates.chain(["goal-reached".to_owned()]).collect(),
        actions: domain.actions.iter().map(|action| action.name.clone()).collect(),
        objects: problem.objects.iter().map(|object| object.name.clone()).collect(),
    };
    let goal = goals.pop().unwrap_or_default();
    let unit_cost = !problem.minimizes_cost;
    let task = Task { facts, operators, initial, goal, reachable: goal_reachable, unit_cost, names };
    Ok(prune(task))
}

fn too_long(source: &Source, at: Position) -> PddlError {
    source.error(
        at,
        format!("this condition comes to more than {MOST_DISJUNCTS} conjunctions of literals: state it with fewer disjunctions"),
    )
}

/// The operators of an action.
fn instances(
    domain: &Domain,
    problem: &Problem,
    reachable: &Reachable,
    number: usize,
    action: &Action,
    operators: &mut Vec<Operator>,
) -> PddlResult<()> {
    let too_long = || too_long(&domain.source, action.precondition_at);
    // Bound quantifiers and disjuncts can lead to the same operator more than once.
    let simple = conjunctive(&action.precondition);
    let mut seen = BTreeSet::new();
    let mut grounder = Grounder { reachable, domains: &reachable.domains[number], binding: Vec::new() };
    for binding in reachable.instances[number].iter() {
        grounder.binding.clear();
        grounder.binding.extend_from_slice(binding);
        let preconditions = grounder.disjuncts(&action.precondition).ok_or_else(too_long)?;
        if preconditions.is_empty() {
            continue;
        }
        let cost = if problem.minimizes_cost { cost(domain, problem, action, binding)? } else { 1 };
        let effects = effects(&mut grounder, action).ok_or_else(too_long)?;
        let arguments = binding[..action.parameters].to_vec();
        for precondition in preconditions {
            let changes = changes(&precondition, &effects);
            let key = || (arguments.clone(), precondition.clone(), changes.clone());
            if changes.is_empty() || !simple && !seen.insert(key()) {
                continue;
            }
            let arguments = arguments.clone();
            operators.push(Operator { action: Some(number as u32), arguments, cost, precondition, changes });
        }
    }
    Ok(())
}

/// Whether a formula is a conjunction of literals.
fn conjunctive(formula: &Formula) -> bool {
    match formula {
        Formula::And(parts) => parts.iter().all(conjunctive),
        Formula::Not(inner) => matches!(**inner, Formula::Atom(_) | Formula::Equal(..)),
        Formula::Atom(_) | Formula::Equal(..) => true,
        Formula::Or(_) | Formula::Exists(..) | Formula::Forall(..) => false,
    }
}

/// The summed cost of an instance.
fn cost(domain: &Domain, problem: &Problem, action: &Action, binding: &[u32]) -> PddlResult<u32> {
    action.costs.iter().try_fold(0_u32, |sum, cost| match cost {
        Cost::Number(number) => Ok(sum + number),
        Cost::Function(atom, at) => {
            let arguments: Vec<u32> = atom.terms.iter().map(|term| term.under(binding)).collect();
            match problem.values.get(&(atom.symbol, arguments.clone())) {
                Some(value) => Ok(sum + value),
                None => {
                    let mut text = domain.functions[atom.symbol as usize].name.clone();
                    for &object in &arguments {
                        text.push(' ');
                        text.push_str(&problem.objects[object as usize].name);
                    }
                    let problem = &problem.source.file;
                    domain.source.fail(*at, format!("({text}) has no value in the ':init' of {problem}"))
                }
            }
        }
    })
}

/// Condition, literal: what an instance changes.
type Effects = Vec<(Vec<Literal>, Literal)>;

/// The effects of the instance that the grounder is bound to. Nothing if a condition is too long.
fn effects(grounder: &mut Grounder<'_>, action: &Action) -> Option<Effects> {
    let mut effects = Vec::new();
    let mut short_enough = true;
    for effect in &action.effects {
        grounder.each(&effect.universal, &mut |grounder| {
            // What is never true cannot be deleted.
            let Some(atom) = grounder.atom(&effect.atom) else { return };
            match grounder.disjuncts(&effect.condition) {
                None => short_enough = false,
                Some(conditions) => {
                    let literal = Literal::new(atom, effect.adds);
                    effects.extend(conditions.into_iter().map(|condition| (condition, literal)));
                }
            }
        });
    }
    short_enough.then_some(effects)
}

/// Effects that the precondition leaves possible, grouped by their condition.
fn changes(precondition: &[Literal], effects: &Effects) -> Vec<Change> {
    let mut grouped: BTreeMap<Vec<Literal>, (BTreeSet<u32>, BTreeSet<u32>)> = BTreeMap::new();
    for (condition, literal) in effects {
        if condition.iter().any(|literal| precondition.binary_search(&literal.negation()).is_ok()) {
            continue;
        }
        let left = condition.iter().copied().filter(|literal| precondition.binary_search(literal).is_err());
        let Some(left) = consistent(left.collect()) else { continue };
        let (adds, deletes) = grouped.entry(left).or_default();
        if literal.holds() {
            adds.insert(literal.fact())
        } else {
            deletes.insert(literal.fact())
        };
    }
    let always = grouped.get(&Vec::new()).map(|(adds, _)| adds.clone()).unwrap_or_default();
    let change = |(condition, (adds, deletes)): (Vec<Literal>, (BTreeSet<u32>, BTreeSet<u32>))| Change {
        // A fact that is added where it is deleted, or in any case, stays.
        deletes: deletes.into_iter().filter(|fact| !adds.contains(fact) && !always.contains(fact)).collect(),
        adds: adds.into_iter().collect(),
        condition,
    };
    grouped.into_iter().map(change).filter(|change| !change.adds.is_empty() || !change.deletes.is_empty()).collect()
}
