//! Prioritised sweeping: back up the state whose value is likely to change most.
//!
//! Moore and Atkeson, "Prioritized Sweeping: Reinforcement Learning with Less Data and Less Time", Machine Learning 13, 1993. When the
//! value of s' has changed by δ, each predecessor s gets the priority `max_a |w(s, a, s')| δ` unless it has a higher one; the state
//! with the highest priority is next. Equal priorities go by the state's number. Priorities below a threshold are dropped, so a
//! synchronous sweep proves the answer before it is given, or gives the priorities of another round with a finer threshold.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use worldwright_core::Result;

use super::certificate::{NO_ACTION, Solution, Stop, certify, conclude, good_enough};
use super::mdp::Mdp;
use super::value_iteration::synchronous;

/// Share of the largest change of a sweep below which changes wait for the next one.
const SHARE: f64 = 0.1;

/// The optimal values by prioritised sweeping from values of zero. [`Stop::most`] counts as many backups as there are states as
/// one sweep.
///
/// # Errors
/// [`Error::Diverged`](worldwright_core::Error::Diverged) when values grow beyond all numbers.
pub fn prioritised_sweeping(mdp: &Mdp, stop: &Stop) -> Result<Solution> {
    let states = mdp.states();
    let before = Predecessors::of(mdp);
    let mut queue = Queue::new(states);
    let (mut values, mut next) = (vec![0.0; states], vec![0.0; states]);
    let mut policy = vec![NO_ACTION; states];
    let allowed = (stop.most as u64).saturating_mul(states as u64);
    let mut backups = 0_u64;
    let mut threshold = f64::INFINITY;
    loop {
        let change = synchronous(mdp, &values, &mut next, &mut policy, stop.threads);
        backups += states as u64;
        let finished = good_enough(certify(mdp, change), change, stop.tolerance) || !change.largest().is_finite();
        if finished || backups >= allowed {
            let sweeps = backups.div_ceil(states as u64) as usize;
            return conclude(mdp, next, policy, change, (sweeps, backups), stop.tolerance);
        }
        threshold = threshold.min(SHARE * change.largest()).max(f64::MIN_POSITIVE);
        for state in 0..states {
            queue.raise(state, (next[state] - values[state]).abs());
        }
        while backups < allowed
            && let Some((state, _)) = queue.pop()
        {
            let Some((value, _)) = mdp.backup(state, &values) else { continue };
            backups += 1;
            let change = (value - values[state]).abs();
            values[state] = value;
            for (previous, weight) in before.of_state(state) {
                let priority = weight * change;
                if priority > threshold && priority.is_finite() {
                    queue.raise(previous, priority);
                }
            }
        }
        queue.clear();
    }
}

/// The states that lead to each state, with the largest weight of theirs.
struct Predecessors {
    first: Vec<u32>,
    state: Vec<u32>,
    weight: Vec<f64>,
}

impl Predecessors {
    fn of(mdp: &Mdp) -> Self {
        let each = || {
            (0..mdp.states()).flat_map(move |state| {
                let actions = 0..mdp.actions(state);
                actions.flat_map(move |action| mdp.transitions(state, action).map(move |(next, w)| (state, next, w)))
            })
        };
        let mut first = vec![0_u32; mdp.states() + 1];
        each().for_each(|(_, next, _)| first[next + 1] += 1);
        for i in 1..first.len() {
            first[i] += first[i - 1];
        }
        let mut place = first.clone();
        let mut state = vec![0_u32; mdp.outcomes()];
        let mut weight = vec![0.0; mdp.outcomes()];
        for (from, next, w) in each() {
            let at = place[next] as usize;
            // Actions of one state lead to the same next state one after the other: they share an entry.
            if at > first[next] as usize && state[at - 1] == from as u32 {
                weight[at - 1] = f64::max(weight[at - 1], w.abs());
            } else {
                (state[at], weight[at]) = (from as u32, w.abs());
                place[next] += 1;
            }
        }
        // Entries that were shared leave room at the end, of weight zero.
        Self { first, state, weight }
    }

    fn of_state(&self, state: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let span = self.first[state] as usize..self.first[state + 1] as usize;
        let each = self.state[span.clone()].iter().zip(&self.weight[span]);
        each.take_while(|(_, weight)| **weight > 0.0).map(|(state, weight)| (*state as usize, *weight))
    }
}

/// States by priority; old entries of a state are passed over when they come up.
pub(super) struct Queue {
    priority: Vec<f64>,
    heap: BinaryHeap<Item>,
}

struct Item {
    priority: f64,
    state: u32,
}

impl Queue {
    pub(super) fn new(states: usize) -> Self {
        Self { priority: vec![0.0; states], heap: BinaryHeap::new() }
    }

    /// Makes room for so many states.
    pub(super) fn include(&mut self, states: usize) {
        if states > self.priority.len() {
            self.priority.resize(states, 0.0);
        }
    }

    /// `[states]`, zero for those that do not wait: what the order of all that follows depends on.
    pub(super) fn priorities(&self) -> &[f64] {
        &self.priority
    }

    /// Gives a state this priority unless it has a higher one.
    pub(super) fn raise(&mut self, state: usize, priority: f64) {
        if priority > self.priority[state] {
            self.priority[state] = priority;
            self.heap.push(Item { priority, state: state as u32 });
        }
    }

    /// The state with the highest priority.
    pub(super) fn pop(&mut self) -> Option<(usize, f64)> {
        while let Some(Item { priority, state }) = self.heap.pop() {
            let state = state as usize;
            if self.priority[state] == priority {
                self.priority[state] = 0.0;
                return Some((state, priority));
            }
        }
        None
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.priority.fill(0.0);
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    /// By priority; of equal ones the lower state is the greater item.
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.total_cmp(&other.priority).then_with(|| other.state.cmp(&self.state))
    }
}
