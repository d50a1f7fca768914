//! Facts of which at most one is true at a time: mutex groups by invariant synthesis (Helmert, "Concise finite-domain
//! representations for PDDL planning tasks", Artificial Intelligence 173, 2009, section 5).
//!
//! A candidate is a set of predicates, each with the places of its arguments that are the parameters of the invariant and at most
//! one place that is counted over: "for each truck there is one place that it is at". It holds if every operator that makes a fact
//! of it true takes another one of the same parameters away that it needs. Where an operator takes none away, the candidate is
//! tried again together with a predicate of which the operator does. Unlike the source this checks ground operators, which are
//! at hand and carry no quantifiers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::groups::MutexGroups;
use super::literal::Literal;
use super::literal::bit;
use super::resources::Resources;
use super::task::{Change, Operator, Task};

/// Candidates that are looked at.
const MOST_CANDIDATES: usize = 300;
/// Operators that are looked at over all candidates.
const MOST_OPERATORS: usize = 3_000_000;
/// Operators between two looks at what is left of the resources.
const LOOKED: usize = 4096;
/// Parameters of an invariant.
const MOST_PARAMETERS: usize = 4;

/// The objects of an invariant's parameters; places beyond them stay 0.
type Key = [u32; MOST_PARAMETERS];

/// A predicate in a candidate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    predicate: u32,
    /// For each parameter the place among the arguments.
    places: Vec<usize>,
}

impl Part {
    fn key(&self, arguments: &[u32]) -> Key {
        let mut key = [0; MOST_PARAMETERS];
        key.iter_mut().zip(&self.places).for_each(|(own, &place)| *own = arguments[place]);
        key
    }
}

type Candidate = Vec<Part>;

/// What may still be looked at.
struct Budget<'a> {
    left: usize,
    resources: &'a Resources,
}

impl Budget<'_> {
    /// Whether one more operator may be looked at.
    fn allows(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        if self.left.is_multiple_of(LOOKED) && self.resources.spent(0).is_some() {
            self.left = 0;
        }
        self.left > 0
    }
}

impl MutexGroups {
    /// The groups of a task: those that are found before the resources are spent.
    pub(crate) fn new(task: &Task, resources: &Resources) -> Self {
        let mut open: VecDeque<Candidate> = seeds(task).into();
        let mut seen: BTreeSet<Candidate> = open.iter().cloned().collect();
        let mut groups = Self { of_fact: vec![Vec::new(); task.facts()], count: 0 };
        // For each predicate the operators that make facts of it true: no other can break a candidate.
        let mut adders: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (number, operator) in (0..).zip(&task.operators) {
            let added = operator.changes.iter().flat_map(|change| &change.adds);
            let predicates: BTreeSet<u32> = added.map(|&fact| task.facts[fact as usize].0).collect();
            predicates.iter().for_each(|predicate| adders.entry(*predicate).or_default().push(number));
        }
        let mut budget = Budget { left: MOST_OPERATORS, resources };
        while let Some(candidate) = open.pop_front() {
            match check(task, &adders, &candidate, &mut budget) {
                Ok(()) => groups.add(task, &candidate),
                Err(wider) => {
                    for mut candidate in wider {
                        candidate.sort_unstable();
                        if seen.len() < MOST_CANDIDATES && seen.insert(candidate.clone()) {
                            open.push_back(candidate);
                        }
                    }
                }
            }
            if budget.left == 0 {
                break;
            }
        }
        groups
    }

    /// Adds the groups of an invariant of which no more than one fact is true at first.
    fn add(&mut self, task: &Task, candidate: &Candidate) {
        let mut members: BTreeMap<Key, Vec<u32>> = BTreeMap::new();
        for (number, (predicate, arguments)) in (0..).zip(&task.facts) {
            if let Some(part) = candidate.iter().find(|part| part.predicate == *predicate) {
                members.entry(part.key(arguments)).or_default().push(number);
            }
        }
        for facts in members.into_values() {
            if facts.len() > 1 && facts.iter().filter(|&&fact| bit(&task.initial, fact)).count() <= 1 {
                facts.iter().for_each(|&fact| self.of_fact[fact as usize].push(self.count));
                self.count += 1;
            }
        }
    }
}

/// Each predicate alone, with no place counted and with each of them.
fn seeds(task: &Task) -> Vec<Candidate> {
    let arity: BTreeMap<u32, usize> =
        task.facts.iter().map(|(predicate, arguments)| (*predicate, arguments.len())).collect();
    let part = |predicate: u32, places: Vec<usize>| vec![Part { predicate, places }];
    let all = arity.into_iter().flat_map(|(predicate, arity)| {
        let counted = (0..arity).map(move |place| (0..arity).filter(|&other| other != place).collect());
        let lists: Vec<Vec<usize>> = counted.chain([(0..arity).collect()]).collect();
        lists.into_iter().map(move |places| part(predicate, places))
    });
    all.filter(|candidate| candidate[0].places.len() <= MOST_PARAMETERS).collect()
}

/// Whether every operator keeps a candidate; if one does not, wider candidates that it may keep.
fn check(
    task: &Task,
    adders: &BTreeMap<u32, Vec<u32>>,
    candidate: &Candidate,
    budget: &mut Budget<'_>,
) -> Result<(), Vec<Candidate>> {
    let key_of = |fact: u32| {
        let (predicate, arguments) = &task.facts[fact as usize];
        let part = candidate.iter().find(|part| part.predicate == *predicate)?;
        Some(part.key(arguments))
    };
    let mut added: Vec<(Key, &Change)> = Vec::new();
    let relevant = candidate.iter().filter_map(|part| adders.get(&part.predicate)).flatten();
    for operator in relevant.map(|&number| &task.operators[number as usize]) {
        if !budget.allows() {
            return Err(Vec::new());
        }
        added.clear();
        for change in &operator.changes {
            for &fact in &change.adds {
                if let Some(key) = key_of(fact).filter(|_| !needs(operator, change, fact)) {
                    if added.iter().any(|(other, _)| *other == key) {
                        return Err(Vec::new());
                    }
                    added.push((key, change));
                }
            }
        }
        for &(key, change) in &added {
            if !taken(operator, change).any(|fact| key_of(fact) == Some(key)) {
                let parameters = candidate[0].places.len();
                let known = |predicate: u32| candidate.iter().any(|part| part.predicate == predicate);
                let others = taken(operator, change).map(|fact| &task.facts[fact as usize]);
                let others = others.filter(|(predicate, arguments)| {
                    !known(*predicate) && (parameters..=parameters + 1).contains(&arguments.len())
                });
                let parts = others.flat_map(|(predicate, arguments)| {
                    let places = matches(&key[..parameters], arguments);
                    places.into_iter().map(|places| Part { predicate: *predicate, places })
                });
                return Err(parts.map(|part| candidate.iter().cloned().chain([part]).collect()).collect());
            }
        }
    }
    Ok(())
}

/// Whether an operator makes a change only where a fact is true.
fn needs(operator: &Operator, change: &Change, fact: u32) -> bool {
    let literal = Literal::new(fact, true);
    operator.precondition.contains(&literal) || change.condition.contains(&literal)
}

/// The true facts that an operator makes false whenever it makes a change: none that it makes true as well.
fn taken<'a>(operator: &'a Operator, change: &'a Change) -> impl Iterator<Item = u32> + 'a {
    let always = operator.changes.iter().filter(|other| other.condition.is_empty() || std::ptr::eq(*other, change));
    let added = |fact: &u32| operator.changes.iter().any(|other| other.adds.contains(fact));
    always.flat_map(|other| &other.deletes).copied().filter(move |fact| needs(operator, change, *fact) && !added(fact))
}

/// All ways to find the objects of a key at different places of the arguments.
fn matches(key: &[u32], arguments: &[u32]) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for &object in key {
        let longer = |places: Vec<usize>| -> Vec<Vec<usize>> {
            let free = (0..arguments.len()).filter(|place| arguments[*place] == object && !places.contains(place));
            free.map(|place| places.iter().copied().chain([place]).collect()).collect()
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}
