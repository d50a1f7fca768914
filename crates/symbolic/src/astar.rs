//! A* with reopening (Hart, Nilsson and Raphael, IEEE Transactions on Systems Science and Cybernetics 4, 1968).
//!
//! States come by f = g + h, of equals the one with the least h, of those the one that was found first. A closed state to which a
//! cheaper way is found is opened again, since not every heuristic here is consistent.

use std::collections::{BTreeMap, VecDeque};

use super::effort::{Effort, End, SearchOptions, SearchStatus};
use super::estimate::Visit;
use super::states::{NONE, Node, States};
use super::successors::Successors;
use super::task::Task;

/// States by f, then h, then age. The key and the state are what an entry is counted with.
#[derive(Default)]
struct Open {
    buckets: BTreeMap<(u32, u32), VecDeque<u32>>,
    count: usize,
}

impl Open {
    fn push(&mut self, g: u32, h: u32, state: u32) {
        self.buckets.entry((g.saturating_add(h), h)).or_default().push_back(state);
        self.count += 1;
    }

    fn pop(&mut self) -> Option<(u32, u32)> {
        let mut bucket = self.buckets.first_entry()?;
        let f = bucket.key().0;
        let state = bucket.get_mut().pop_front()?;
        self.count -= 1;
        if bucket.get().is_empty() {
            bucket.remove();
        }
        Some((f, state))
    }
}

/// Searches from the initial state; the number of the goal state in `states`.
pub(crate) fn astar(task: &Task, options: &SearchOptions, states: &mut States, effort: &mut Effort) -> End {
    let costs: Vec<u32> = task.operators.iter().map(|operator| operator.cost).collect();
    let mut heuristic = options.heuristics[0].build(task, &costs, options.lm_cut);
    let successors = Successors::new(task);
    let mut open = Open::default();
    let mut state = task.initial.clone();
    let mut next = state.clone();
    let (mut applicable, mut stack) = (Vec::new(), Vec::new());
    let mut layer = 0;

    let (root, _) = states.insert(&state);
    effort.statistics.evaluated += 1;
    let estimate = heuristic.evaluate(&state, Visit { state: root, parent: None });
    effort.statistics.initial_estimate = estimate;
    let Some(h) = estimate else {
        effort.statistics.dead_ends += 1;
        return Err(SearchStatus::Unsolvable);
    };
    states.nodes.push(Node { parent: NONE, operator: NONE, g: 0, h, closed: false });
    open.push(0, h, root);

    while let Some((f, id)) = open.pop() {
        let node = states.nodes[id as usize];
        if node.closed {
            continue;
        }
        if f > layer {
            layer = f;
            effort.statistics.expanded_before_last_layer = effort.statistics.expanded;
        }
        effort.expand(|| states.bytes() + open.count * size_of::<u32>())?;
        states.nodes[id as usize].closed = true;
        state.copy_from_slice(states.state(id));
        if task.is_goal(&state) {
            return Ok(id);
        }
        applicable.clear();
        successors.applicable(&state, &mut applicable, &mut stack);
        effort.statistics.generated += applicable.len() as u64;
        for &operator in &applicable {
            states.successor(task, operator, &state, &mut next);
            let g = node.g.saturating_add(costs[operator as usize]);
            let (child, new) = states.insert(&next);
            if new {
                effort.statistics.evaluated += 1;
                let estimate = heuristic.evaluate(&next, Visit { state: child, parent: Some(id) });
                let h = estimate.unwrap_or(NONE);
                states.nodes.push(Node { parent: id, operator, g, h, closed: false });
                match estimate {
                    Some(h) => open.push(g, h, child),
                    None => effort.statistics.dead_ends += 1,
                }
                continue;
            }
            let known = &mut states.nodes[child as usize];
            if known.h != NONE && g < known.g {
                if known.closed {
                    effort.statistics.reopened += 1;
                }
                *known = Node { parent: id, operator, g, closed: false, ..*known };
                let h = known.h;
                open.push(g, h, child);
            }
        }
    }
    Err(SearchStatus::Unsolvable)
}
