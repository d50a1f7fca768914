//! Drops from a task what cannot change and what cannot matter.
//!
//! A fact that is true at first and never deleted is always true. A literal matters if it stands in the goal, or in a condition of
//! an operator that achieves a literal that matters; operators that achieve none are dropped with the facts of which neither
//! literal matters (Helmert, "The Fast Downward planning system", JAIR 26, 2006, section 5.1 drops variables so). An operator of
//! which two preconditions are never true together is dropped too: it could never be applied, but in the delete relaxation it can
//! (a car parked behind itself), where it makes goals look nearer than they are.

use super::groups::{MutexGroups, Together};
use super::literal::{Literal, bit, set};
use super::resources::Resources;
use super::task::{Change, Operator, Task};

/// The task without what can neither change nor matter. Where the resources end early, what could never be applied may stay.
pub(crate) fn prune(mut task: Task, resources: &Resources) -> Task {
    task.groups = MutexGroups::new(&task, resources);
    exclude(&mut task);
    settle(&mut task);
    let matters = relevant(&task);
    let kept: Vec<u32> = (0..task.facts.len() as u32)
        .filter(|&fact| [true, false].iter().any(|&holds| matters[Literal::new(fact, holds).index()]))
        .collect();
    let mut place = vec![None; task.facts.len()];
    kept.iter().enumerate().for_each(|(new, &old)| place[old as usize] = Some(new as u32));
    let mut initial = vec![0; kept.len().div_ceil(64).max(1)];
    kept.iter()
        .enumerate()
        .filter(|&(_, &old)| bit(&task.initial, old))
        .for_each(|(new, _)| set(&mut initial, new as u32));
    let facts = |list: &[u32]| -> Vec<u32> { list.iter().filter_map(|&fact| place[fact as usize]).collect() };
    let literals = |list: &[Literal]| -> Vec<Literal> {
        list.iter().filter_map(|l| place[l.fact() as usize].map(|fact| Literal::new(fact, l.holds()))).collect()
    };
    let change = |change: &Change| Change {
        condition: literals(&change.condition),
        adds: facts(&change.adds),
        deletes: facts(&change.deletes),
    };
    let useful = |change: &Change| achieved(change).any(|literal| matters[literal.index()]);
    let operators = std::mem::take(&mut task.operators).into_iter();
    let operators = operators.filter(|operator| operator.changes.iter().any(useful)).map(|operator| Operator {
        precondition: literals(&operator.precondition),
        changes: operator.changes.iter().map(change).filter(|c| !c.adds.is_empty() || !c.deletes.is_empty()).collect(),
        ..operator
    });
    Task {
        operators: operators.collect(),
        goal: literals(&task.goal),
        facts: kept.iter().map(|&old| std::mem::take(&mut task.facts[old as usize])).collect(),
        initial,
        reachable: task.reachable,
        unit_cost: task.unit_cost,
        names: task.names,
        groups: task.groups.of_facts(&kept),
    }
}

/// Drops what would need two facts that are never true together.
fn exclude(task: &mut Task) {
    let groups = std::mem::take(&mut task.groups);
    let mut together = Together::new(&groups);
    task.operators.retain(|operator| together.possible(operator.precondition.iter()));
    for operator in &mut task.operators {
        let precondition = &operator.precondition;
        operator.changes.retain(|change| {
            change.condition.is_empty() || together.possible(precondition.iter().chain(&change.condition))
        });
    }
    task.reachable &= together.possible(task.goal.iter());
    task.groups = groups;
}

/// The literals that a change makes true.
fn achieved(change: &Change) -> impl Iterator<Item = Literal> {
    let added = change.adds.iter().map(|&fact| Literal::new(fact, true));
    added.chain(change.deletes.iter().map(|&fact| Literal::new(fact, false)))
}

/// Decides the facts that are true at first and never deleted.
fn settle(task: &mut Task) {
    let mut always = task.initial.clone();
    for &fact in task.operators.iter().flat_map(|operator| &operator.changes).flat_map(|change| &change.deletes) {
        always[fact as usize / 64] &= !(1 << (fact % 64));
    }
    let impossible = |list: &[Literal]| list.iter().any(|literal| !literal.holds() && bit(&always, literal.fact()));
    let open = |literal: &Literal| !bit(&always, literal.fact());
    task.operators.retain(|operator| !impossible(&operator.precondition));
    for operator in &mut task.operators {
        operator.precondition.retain(open);
        operator.changes.retain(|change| !impossible(&change.condition));
        for change in &mut operator.changes {
            change.condition.retain(open);
            change.adds.retain(|&fact| !bit(&always, fact));
        }
    }
    task.reachable &= !impossible(&task.goal);
    task.goal.retain(open);
}

/// For each literal whether it matters.
fn relevant(task: &Task) -> Vec<bool> {
    let mut achievers: Vec<Vec<(u32, u32)>> = vec![Vec::new(); task.facts.len() * 2];
    for (o, operator) in task.operators.iter().enumerate() {
        for (c, change) in operator.changes.iter().enumerate() {
            achieved(change).for_each(|literal| achievers[literal.index()].push((o as u32, c as u32)));
        }
    }
    let mut matters = vec![false; task.facts.len() * 2];
    let mut open: Vec<Literal> = Vec::new();
    let mut mark = |literals: &[Literal], open: &mut Vec<Literal>| {
        for &literal in literals {
            if !std::mem::replace(&mut matters[literal.index()], true) {
                open.push(literal);
            }
        }
    };
    mark(&task.goal, &mut open);
    while let Some(literal) = open.pop() {
        for &(o, c) in &achievers[literal.index()] {
            let operator = &task.operators[o as usize];
            mark(&operator.precondition, &mut open);
            mark(&operator.changes[c as usize].condition, &mut open);
        }
        // What may undo the literal does so on a condition that must be known too.
        for &(o, c) in &achievers[literal.negation().index()] {
            mark(&task.operators[o as usize].changes[c as usize].condition, &mut open);
        }
    }
    matters
}
