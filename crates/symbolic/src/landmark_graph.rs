//! Landmarks with their orders (Richter, Helmert and Westphal, "Landmarks revisited", AAAI 2008; Hoffmann, Porteous and Sebastia,
//! "Ordered landmarks in planning", JAIR 22, 2004, for the reasonable orders).
//!
//! Beside the fact landmarks there are disjunctive ones: two to four facts of one predicate, of which each first achiever of a
//! landmark needs one. What all first achievers need is ordered greedy-necessarily before the landmark. A landmark a is ordered
//! reasonably before b where achieving b first would mean to lose it again: b is a goal, or both are needed for the same landmark
//! and b at the moment before, and a and b exclude each other, or all that achieves a takes b away.

use std::collections::{BTreeMap, BTreeSet};

use super::groups::MutexGroups;
use super::landmark_sets::LandmarkSets;
use super::literal::{Literal, bit};
use super::relaxation::Relaxation;
use super::task::Task;

/// Facts of a disjunctive landmark at most.
const MOST_FACTS: usize = 4;

/// A fact, or one of several, that every plan makes true.
#[derive(Debug, Clone)]
pub(crate) struct Landmark {
    pub(crate) literals: Vec<Literal>,
    propositions: Vec<u32>,
    pub(crate) goal: bool,
    /// Whether an operator achieves it.
    pub(crate) achievable: bool,
    /// The landmarks that need this one at the moment before they first become true.
    pub(crate) just_before: Vec<u32>,
    /// The landmarks that had better come before this one.
    pub(crate) reasonable: Vec<u32>,
}

/// What is needed to find landmarks.
struct Finder<'a> {
    task: &'a Task,
    relaxation: &'a Relaxation,
    sets: &'a LandmarkSets,
    found: Vec<Landmark>,
    /// The fact landmark that a proposition is, and the disjunctive one that it is in.
    fact: Vec<Option<u32>>,
    disjunction: Vec<Option<u32>>,
}

/// The landmarks of a task: nothing if the relaxation does not reach the goal.
pub(crate) fn landmarks(task: &Task, relaxation: &Relaxation, sets: &LandmarkSets) -> Option<Vec<Landmark>> {
    let all = sets.of_all(&relaxation.goal)?;
    let none = vec![None; relaxation.propositions];
    let mut finder = Finder { task, relaxation, sets, found: Vec::new(), fact: none.clone(), disjunction: none };
    for &proposition in &all {
        finder.fact[proposition as usize] = Some(finder.found.len() as u32);
        finder.found.push(landmark(relaxation, vec![proposition]));
    }
    let mut next = 0;
    while next < finder.found.len() {
        finder.look_back(next as u32);
        next += 1;
    }
    finder.order_reasonably();
    Some(finder.found)
}

/// A landmark without orders.
pub(crate) fn landmark(relaxation: &Relaxation, propositions: Vec<u32>) -> Landmark {
    Landmark {
        literals: propositions.iter().map(|&proposition| relaxation.literal(proposition)).collect(),
        goal: propositions.iter().any(|proposition| relaxation.goal.contains(proposition)),
        achievable: propositions.iter().any(|&proposition| !relaxation.achieved_by.row(proposition).is_empty()),
        propositions,
        just_before: Vec::new(),
        reasonable: Vec::new(),
    }
}

impl Finder<'_> {
    /// The relaxed operators that may be the first to achieve a landmark.
    fn first_achievers(&self, propositions: &[u32]) -> Vec<u32> {
        if let [proposition] = *propositions {
            return self.sets.first_achievers(self.relaxation, proposition);
        }
        let reached = self.reached_without(propositions);
        let achievers: BTreeSet<u32> = propositions
            .iter()
            .flat_map(|&proposition| self.relaxation.achieved_by.row(proposition))
            .copied()
            .collect();
        let applicable =
            |operator: &u32| self.relaxation.preconditions.row(*operator).iter().all(|&p| reached[p as usize]);
        achievers.into_iter().filter(applicable).collect()
    }

    /// What the relaxation reaches if some propositions never become true.
    fn reached_without(&self, excluded: &[u32]) -> Vec<bool> {
        let relaxation = self.relaxation;
        let mut reached = vec![false; relaxation.propositions];
        let mut unreached: Vec<usize> =
            (0..relaxation.operators() as u32).map(|operator| relaxation.preconditions.row(operator).len()).collect();
        let mut open = Vec::new();
        let reach = |proposition: u32, reached: &mut [bool], open: &mut Vec<u32>| {
            if !excluded.contains(&proposition) && !std::mem::replace(&mut reached[proposition as usize], true) {
                open.push(proposition);
            }
        };
        relaxation.each_true(&self.task.initial, |proposition| reach(proposition, &mut reached, &mut open));
        for operator in (0..relaxation.operators() as u32).filter(|&operator| unreached[operator as usize] == 0) {
            relaxation.effects.row(operator).iter().for_each(|&effect| reach(effect, &mut reached, &mut open));
        }
        while let Some(proposition) = open.pop() {
            for &operator in relaxation.needed_by.row(proposition) {
                unreached[operator as usize] -= 1;
                if unreached[operator as usize] == 0 {
                    relaxation.effects.row(operator).iter().for_each(|&effect| reach(effect, &mut reached, &mut open));
                }
            }
        }
        reached
    }

    /// Finds what the first achievers of a landmark need.
    fn look_back(&mut self, number: u32) {
        let propositions = self.found[number as usize].propositions.clone();
        if propositions.iter().any(|&proposition| self.sets.initial[proposition as usize]) {
            return;
        }
        let first = self.first_achievers(&propositions);
        let Some((&one, others)) = first.split_first() else { return };
        let row = |operator: u32| self.relaxation.preconditions.row(operator);
        let shared = row(one).iter().filter(|p| others.iter().all(|&other| row(other).contains(p)));
        let shared: Vec<u32> = shared.filter_map(|&p| self.fact[p as usize]).collect();
        shared.iter().for_each(|&before| self.found[before as usize].just_before.push(number));
        // By predicate: the facts that are no landmarks themselves, and how many of the first achievers need one.
        let mut by_predicate: BTreeMap<u32, (BTreeSet<u32>, usize)> = BTreeMap::new();
        for &operator in &first {
            let mut of_this: BTreeSet<u32> = BTreeSet::new();
            for &p in row(operator) {
                let literal = self.relaxation.literal(p);
                if literal.holds() && self.fact[p as usize].is_none() {
                    let predicate = self.task.facts[literal.fact() as usize].0;
                    by_predicate.entry(predicate).or_default().0.insert(p);
                    of_this.insert(predicate);
                }
            }
            of_this.iter().for_each(|predicate| by_predicate.entry(*predicate).or_default().1 += 1);
        }
        for (facts, needing) in by_predicate.into_values() {
            let usual = (2..=MOST_FACTS).contains(&facts.len());
            if usual && needing == first.len() && !facts.iter().any(|&p| self.sets.initial[p as usize]) {
                self.add_disjunction(facts.into_iter().collect(), number);
            }
        }
    }

    /// Adds a disjunctive landmark before another one, unless it overlaps with one that there is.
    fn add_disjunction(&mut self, propositions: Vec<u32>, before: u32) {
        let known = self.disjunction[propositions[0] as usize];
        if let Some(known) = known.filter(|_| propositions.iter().all(|&p| self.disjunction[p as usize] == known)) {
            let orders = &mut self.found[known as usize].just_before;
            if known != before && !orders.contains(&before) {
                orders.push(before);
            }
        } else if propositions.iter().all(|&p| self.disjunction[p as usize].is_none()) {
            let number = self.found.len() as u32;
            propositions.iter().for_each(|&p| self.disjunction[p as usize] = Some(number));
            let mut new = landmark(self.relaxation, propositions);
            new.just_before.push(before);
            self.found.push(new);
        }
    }

    fn order_reasonably(&mut self) {
        let groups = &self.task.groups;
        let facts = self.found.iter().take_while(|landmark| landmark.propositions.len() == 1).count();
        let literal: Vec<Literal> = self.found[..facts].iter().map(|landmark| landmark.literals[0]).collect();
        let lost: Vec<Lost> = literal.iter().map(|&literal| Lost::new(self.task, literal)).collect();
        let before: Vec<Vec<u32>> = (0..self.found.len() as u32).map(|number| self.before(number)).collect();
        for b in 0..facts {
            let landmark = &self.found[b];
            let mut candidates: Vec<u32> = if landmark.goal {
                (0..facts as u32).collect()
            } else {
                landmark.just_before.iter().flat_map(|&after| &before[after as usize]).copied().collect()
            };
            candidates.sort_unstable();
            candidates.dedup();
            let interferes = |a: &u32| {
                let a = *a as usize;
                a != b && (groups.exclusive(literal[a], literal[b]) || lost[a].loses(groups, literal[b]))
            };
            candidates.retain(interferes);
            self.found[b].reasonable = candidates;
        }
    }

    /// The fact landmarks that come before a landmark in every plan.
    fn before(&self, number: u32) -> Vec<u32> {
        let landmark = &self.found[number as usize];
        let common = |&&p: &&u32| landmark.propositions.iter().all(|&own| own != p && bit(self.sets.of(own), p));
        let facts = (0..self.relaxation.propositions as u32).collect::<Vec<u32>>();
        facts.iter().filter(common).filter_map(|&p| self.fact[p as usize]).collect()
    }
}

/// What all operators that achieve a literal make true and false with it.
struct Lost {
    made: Vec<Literal>,
}

impl Lost {
    fn new(task: &Task, literal: Literal) -> Self {
        let achieves = |operator: &&super::task::Operator| {
            operator.changes.iter().any(|change| {
                let list = if literal.holds() { &change.adds } else { &change.deletes };
                list.contains(&literal.fact())
            })
        };
        let made = |operator: &super::task::Operator| -> Vec<Literal> {
            let always = operator.changes.iter().filter(|change| change.condition.is_empty());
            let both = |change: &super::task::Change| -> Vec<Literal> {
                let adds = change.adds.iter().map(|&fact| Literal::new(fact, true));
                adds.chain(change.deletes.iter().map(|&fact| Literal::new(fact, false))).collect()
            };
            always.flat_map(both).collect()
        };
        let mut achievers = task.operators.iter().filter(achieves);
        let mut common = achievers.next().map(made).unwrap_or_default();
        for operator in achievers {
            let other = made(operator);
            common.retain(|literal| other.contains(literal));
        }
        Self { made: common }
    }

    /// Whether a literal is false after any of the operators.
    fn loses(&self, groups: &MutexGroups, literal: Literal) -> bool {
        self.made.iter().any(|&made| made != literal && groups.exclusive(made, literal))
    }
}
