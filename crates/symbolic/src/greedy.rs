//! Greedy best-first search with deferred evaluation and preferred operators (Richter and Westphal, "The LAMA planner: guiding
//! cost-based anytime planning with landmarks", JAIR 39, 2010, section 5: the first iteration).
//!
//! An entry of an open list is a state and an operator that is applicable in it; it is ordered by the estimate of the state, and
//! only when it is taken is its successor made and evaluated. Each heuristic has a list of all successors and one of those by
//! preferred operators. The lists take turns; whenever an estimate falls below all before, the preferred ones go ahead of the others
//! by 1000 turns, and by twice as many each time that these had run out. In the source each progress adds 1000, which after a quick
//! descent keeps a search that has come to a dead end of the preferred operators there for thousands of states. The heuristics count
//! operators, not their costs.
//!
//! Of the successors of one state, which have the same estimate, those come first that make a landmark true; then those by operators
//! that need more, and of actions with fewer applicable instances: opportunities that are rare are rarely there by chance.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use super::effort::{Effort, End, SearchOptions, SearchStatus};
use super::estimate::{Heuristic, Visit};
use super::literal::{Literal, bit};
use super::states::{NONE, Node, States};
use super::successors::Successors;
use super::task::Task;

/// Turns that the lists of preferred operators are ahead of the others after the first estimate.
const BOOST: i64 = 1000;

/// A state and an operator, by the state's estimate and then by age.
#[derive(Default)]
struct Open {
    buckets: BTreeMap<u32, VecDeque<(u32, u32)>>,
    count: usize,
    preferred: bool,
    /// The list with the least has the next turn.
    turns: i64,
}

impl Open {
    fn pop(&mut self) -> Option<(u32, u32)> {
        let mut bucket = self.buckets.first_entry()?;
        let entry = bucket.get_mut().pop_front()?;
        self.count -= 1;
        if bucket.get().is_empty() {
            bucket.remove();
        }
        Some(entry)
    }
}

/// The heuristics with their lists.
struct Guides {
    heuristics: Vec<Box<dyn Heuristic>>,
    /// Two for each heuristic: all successors, and those by preferred operators.
    lists: Vec<Open>,
    /// The least estimate of each heuristic so far.
    best: Vec<u32>,
    estimates: Vec<u32>,
    preferred: Vec<u32>,
    /// The operators of a state in their order, by rank and then by place.
    ranked: Vec<(Rank, u32, u32)>,
    /// For each action, and for operators without one, how many instances are applicable.
    instances: Vec<u32>,
    /// Turns by which progress puts the lists of preferred operators ahead of the others.
    boost: i64,
}

/// What decides between successors of a state: whether no landmark is achieved, the length of the precondition, the instances.
type Rank = (bool, Reverse<usize>, u32);

impl Guides {
    /// Estimates a state by all heuristics; false if the goal cannot be reached from it.
    fn evaluate(&mut self, state: &[u64], visit: Visit) -> bool {
        self.preferred.clear();
        self.estimates.clear();
        for heuristic in &mut self.heuristics {
            let Some(estimate) = heuristic.evaluate(state, visit) else { return false };
            self.estimates.push(estimate);
            self.preferred.extend_from_slice(heuristic.preferred());
        }
        self.preferred.sort_unstable();
        self.preferred.dedup();
        let mut progress = false;
        for (best, &estimate) in self.best.iter_mut().zip(&self.estimates) {
            progress |= estimate < *best;
            *best = estimate.min(*best);
        }
        if progress {
            let least = |preferred: bool| {
                self.lists.iter().filter(|list| list.preferred == preferred).map(|list| list.turns).min().unwrap_or(0)
            };
            let others = least(false);
            if least(true) >= others {
                self.boost *= 2;
            }
            let ahead = others - self.boost;
            self.lists.iter_mut().filter(|list| list.preferred).for_each(|list| list.turns = ahead);
        }
        true
    }

    /// Puts the operators that are applicable in a state in their order.
    fn rank(&mut self, task: &Task, state: &[u64], applicable: &[u32]) {
        let Self { heuristics, ranked, instances, .. } = self;
        let action = |operator: u32| task.operators[operator as usize].action.map_or(0, |action| action as usize + 1);
        instances.fill(0);
        applicable.iter().for_each(|&operator| instances[action(operator)] += 1);
        let wanted = |literal: Literal| {
            let mut lists = heuristics.iter().map(|heuristic| heuristic.wanted()).filter(|list| !list.is_empty());
            !literal.is_true_in(state) && lists.any(|list| bit(list, literal.index() as u32))
        };
        let achieves = |operator: u32| {
            task.operators[operator as usize].changes.iter().any(|change| {
                change.adds.iter().any(|&fact| wanted(Literal::new(fact, true)))
                    || change.deletes.iter().any(|&fact| wanted(Literal::new(fact, false)))
            })
        };
        let rank = |operator: u32| {
            let needed = task.operators[operator as usize].precondition.len();
            (!achieves(operator), Reverse(needed), instances[action(operator)])
        };
        ranked.clear();
        ranked.extend((0..).zip(applicable).map(|(place, &operator)| (rank(operator), place, operator)));
        ranked.sort_unstable();
    }

    fn push(&mut self, state: u32, operator: u32) {
        let preferred = self.preferred.binary_search(&operator).is_ok();
        for (i, &estimate) in self.estimates.iter().enumerate() {
            for list in self.lists[2 * i..2 * i + 2].iter_mut().filter(|list| preferred || !list.preferred) {
                list.buckets.entry(estimate).or_default().push_back((state, operator));
                list.count += 1;
            }
        }
    }

    fn pop(&mut self) -> Option<(u32, u32)> {
        let list = self.lists.iter_mut().filter(|list| list.count > 0).min_by_key(|list| list.turns)?;
        list.turns += 1;
        list.pop()
    }

    fn bytes(&self) -> usize {
        self.lists.iter().map(|list| list.count * size_of::<(u32, u32)>()).sum()
    }
}

/// Searches from the initial state; the number of the goal state in `states`.
pub(crate) fn greedy(task: &Task, options: &SearchOptions, states: &mut States, effort: &mut Effort) -> End {
    let kinds = &options.heuristics;
    let unit: Vec<u32> = task.operators.iter().map(|operator| u32::from(operator.action.is_some())).collect();
    let heuristics: Vec<Box<dyn Heuristic>> =
        kinds.iter().map(|kind| kind.build(task, &unit, options.lm_cut)).collect();
    let lists = (0..2 * kinds.len()).map(|i| Open { preferred: i % 2 == 1, ..Open::default() }).collect();
    let best = vec![u32::MAX; kinds.len()];
    let mut guides = Guides {
        heuristics,
        lists,
        best,
        estimates: Vec::new(),
        preferred: Vec::new(),
        ranked: Vec::new(),
        instances: vec![0; task.names.actions.len() + 1],
        // The first estimate is progress too, and finds nothing ahead: it doubles this.
        boost: BOOST / 2,
    };
    let successors = Successors::new(task);
    let mut state = task.initial.clone();
    let mut next = state.clone();
    let (mut applicable, mut stack) = (Vec::new(), Vec::new());
    let mut entry = Some((NONE, NONE));
    while let Some((parent, operator)) = entry {
        let mut g = 0;
        if parent != NONE {
            state.copy_from_slice(states.state(parent));
            states.successor(task, operator, &state, &mut next);
            g = states.nodes[parent as usize].g.saturating_add(task.operators[operator as usize].cost);
        }
        let (id, new) = states.insert(&next);
        if new {
            states.nodes.push(Node { parent, operator, g, h: NONE, closed: true });
            effort.statistics.evaluated += 1;
            let alive = guides.evaluate(&next, Visit { state: id, parent: (parent != NONE).then_some(parent) });
            if alive {
                states.nodes[id as usize].h = guides.estimates[0];
                if parent == NONE {
                    effort.statistics.initial_estimate = Some(guides.estimates[0]);
                }
                if task.is_goal(&next) {
                    return Ok(id);
                }
                effort.expand(|| states.bytes() + guides.bytes())?;
                applicable.clear();
                successors.applicable(&next, &mut applicable, &mut stack);
                effort.statistics.generated += applicable.len() as u64;
                guides.rank(task, &next, &applicable);
                (0..applicable.len()).for_each(|place| guides.push(id, guides.ranked[place].2));
            } else {
                effort.statistics.dead_ends += 1;
            }
        }
        entry = guides.pop();
    }
    Err(SearchStatus::Unsolvable)
}
