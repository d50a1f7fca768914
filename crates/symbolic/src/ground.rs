//! From a domain and a problem to a [`Task`]: instances of the actions, with conditions decided as far as they can be.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{Grounder, MOST_DISJUNCTS, consistent};
use super::error::{PddlError, PddlErrorKind, PddlResult, Position, Source};
use super::groups::MutexGroups;
use super::language::{Action, Cost, Domain, Formula, Problem, Variable};
use super::literal::{Literal, set};
use super::prune::prune;
use super::reachability::{Reachable, reach};
use super::resources::Resources;
use super::task::{Change, Names, Operator, Task};

/// Grounds a problem.
///
/// # Errors
/// [`PddlError`] where a condition is too long a disjunction, a cost has no value, or the task is too large for the memory that
/// may be taken.
pub fn ground(domain: &Domain, problem: &Problem) -> PddlResult<Task> {
    ground_within(domain, problem, &Resources::default())
}

/// [`ground`] within limits.
///
/// # Errors
/// As [`ground`], and where a limit is reached: the error says at which action, and how many instances there were.
pub fn ground_within(domain: &Domain, problem: &Problem, resources: &Resources) -> PddlResult<Task> {
    let reachable = reach(domain, problem, resources)?;
    let mut operators = Vec::new();
    let mut held = reachable.atoms.bytes();
    for number in 0..domain.actions.len() {
        held =
            instances(&Grounding { domain, problem, reachable: &reachable, resources, number }, held, &mut operators)?;
    }
    let domain_of = |variable: &Variable| problem.objects_of(domain, &variable.types);
    let domains: Vec<Vec<u32>> = problem.goal_variables.iter().map(domain_of).collect();
    let mut grounder = Grounder::new(&reachable, &domains, resources);
    grounder.held = held;
    let goals = grounder.disjuncts(&problem.goal);
    if let Some(kind) = grounder.spent {
        let message = format!("grounding the goal is too much: {}", resources.passed(kind));
        return Err(PddlError { kind, ..problem.source.error(problem.goal_at, message) });
    }
    let mut goals = goals.ok_or_else(|| too_long(&problem.source, problem.goal_at))?;
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
    let objects = ranks(problem.objects.iter().map(|object| object.name.as_str()));
    let actions = ranks(domain.actions.iter().map(|action| action.name.as_str()));
    operators.sort_by(|a: &Operator, b: &Operator| {
        let action = |operator: &Operator| operator.action.map(|action| actions[action as usize]);
        let arguments = |operator: &Operator| -> Vec<u32> {
            operator.arguments.iter().map(|&object| objects[object as usize]).collect()
        };
        action(a).cmp(&action(b)).then_with(|| arguments(a).cmp(&arguments(b)))
    });
    let predicates = domain.predicates.iter().map(|symbol| symbol.name.clone());
    let names = Names {
        predicates: predicates.chain(["goal-reached".to_owned()]).collect(),
        actions: domain.actions.iter().map(|action| action.name.clone()).collect(),
        objects: problem.objects.iter().map(|object| object.name.clone()).collect(),
    };
    let goal = goals.pop().unwrap_or_default();
    let unit_cost = !problem.minimizes_cost;
    let reachable = goal_reachable;
    let task = Task { facts, operators, initial, goal, reachable, unit_cost, names, groups: MutexGroups::default() };
    Ok(prune(task, resources))
}

/// The place of each name in their order.
fn ranks<'a>(names: impl Iterator<Item = &'a str>) -> Vec<u32> {
    let names: Vec<&str> = names.collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|&place| names[place]);
    let mut ranks = vec![0; names.len()];
    order.iter().zip(0..).for_each(|(&place, rank)| ranks[place] = rank);
    ranks
}

fn too_long(source: &Source, at: Position) -> PddlError {
    source.error(
        at,
        format!("this condition comes to more than {MOST_DISJUNCTS} conjunctions of literals: state it with fewer disjunctions"),
    )
}

/// An action on the way to its operators.
struct Grounding<'a> {
    domain: &'a Domain,
    problem: &'a Problem,
    reachable: &'a Reachable,
    resources: &'a Resources,
    number: usize,
}

impl Grounding<'_> {
    fn refusal(&self, kind: PddlErrorKind, done: usize) -> PddlError {
        let action = &self.domain.actions[self.number];
        let message = format!(
            "grounding the action '{}' is too much: {}, with {done} of its {} instances done",
            action.name,
            self.resources.passed(kind),
            self.reachable.instances[self.number].len(),
        );
        PddlError { kind, ..self.domain.source.error(action.at, message) }
    }
}

/// Instances between two looks at what is left of the resources.
const POLLED: usize = 256;

/// Adds the operators of an action; the bytes held with them.
fn instances(of: &Grounding<'_>, mut held: usize, operators: &mut Vec<Operator>) -> PddlResult<usize> {
    let Grounding { domain, problem, reachable, resources, number } = *of;
    let action = &domain.actions[number];
    let too_long = || too_long(&domain.source, action.precondition_at);
    // Bound quantifiers and disjuncts can lead to the same operator more than once.
    let simple = conjunctive(&action.precondition);
    let mut seen = BTreeSet::new();
    let mut grounder = Grounder::new(reachable, &reachable.domains[number], resources);
    for (done, binding) in reachable.instances[number].iter().enumerate() {
        grounder.held = held;
        if done.is_multiple_of(POLLED) {
            grounder.spent = grounder.spent.or(resources.spent(held));
        }
        grounder.binding.clear();
        grounder.binding.extend_from_slice(binding);
        let preconditions = grounder.disjuncts(&action.precondition);
        let effects = preconditions.as_ref().filter(|list| !list.is_empty()).map(|_| effects(&mut grounder, action));
        if let Some(kind) = grounder.spent {
            return Err(of.refusal(kind, done));
        }
        let preconditions = preconditions.ok_or_else(too_long)?;
        let Some(effects) = effects else { continue };
        let effects = effects.ok_or_else(too_long)?;
        let cost = if problem.minimizes_cost { cost(domain, problem, action, binding)? } else { 1 };
        let arguments = binding[..action.parameters].to_vec();
        for precondition in preconditions {
            let changes = changes(&precondition, &effects);
            let key = || (arguments.clone(), precondition.clone(), changes.clone());
            if changes.is_empty() || !simple && !seen.insert(key()) {
                continue;
            }
            let operator =
                Operator { action: Some(number as u32), arguments: arguments.clone(), cost, precondition, changes };
            held += operator.bytes() * if simple { 1 } else { 2 };
            operators.push(operator);
        }
    }
    Ok(held)
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
            let Some(atom) = grounder.atom(&effect.atom) else { return true };
            match grounder.disjuncts(&effect.condition) {
                None => short_enough = false,
                Some(conditions) => {
                    let literal = Literal::new(atom, effect.adds);
                    effects.extend(conditions.into_iter().map(|condition| (condition, literal)));
                }
            }
            short_enough
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
