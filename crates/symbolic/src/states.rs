//! The states that a search has seen, each packed once, and how it came to them.

use super::task::{Operator, Task};
use worldwright_numerics::Interner;

/// Stands for no parent, and for no estimate yet.
pub(crate) const NONE: u32 = u32::MAX;

/// How the cheapest known way to a state ends, and what is left from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) parent: u32,
    pub(crate) operator: u32,
    /// Cost of the way here.
    pub(crate) g: u32,
    /// The estimate, or `NONE` for a state from which the goal cannot be reached.
    pub(crate) h: u32,
    pub(crate) closed: bool,
}

/// What an operator without conditions does to one word.
#[derive(Debug, Clone, Copy)]
struct Mask {
    word: u32,
    clear: u64,
    set: u64,
}

/// States with their nodes.
pub(crate) struct States {
    packed: Interner<u64>,
    pub(crate) nodes: Vec<Node>,
    masks: Vec<Mask>,
    /// For each operator its masks, or nothing where its changes depend on the state.
    ranges: Vec<Option<(u32, u32)>>,
}

impl States {
    pub(crate) fn new(task: &Task) -> Self {
        let mut masks = Vec::new();
        let ranges = task.operators.iter().map(|operator| mask(operator, &mut masks)).collect();
        Self { packed: Interner::new(task.words()), nodes: Vec::new(), masks, ranges }
    }

    /// The state with a number.
    pub(crate) fn state(&self, id: u32) -> &[u64] {
        self.packed.row(id)
    }

    /// The number of a state, and whether it is new; a new one must get its node.
    pub(crate) fn insert(&mut self, state: &[u64]) -> (u32, bool) {
        self.packed.insert(state)
    }

    /// Writes the state that an operator leads to.
    #[inline]
    pub(crate) fn successor(&self, task: &Task, operator: u32, state: &[u64], next: &mut [u64]) {
        match self.ranges[operator as usize] {
            Some((start, end)) => {
                next.copy_from_slice(state);
                for mask in &self.masks[start as usize..end as usize] {
                    let word = &mut next[mask.word as usize];
                    *word = *word & !mask.clear | mask.set;
                }
            }
            None => task.apply(&task.operators[operator as usize], state, next),
        }
    }

    /// The operators on the way to a state.
    pub(crate) fn path(&self, mut state: u32) -> Vec<u32> {
        let mut operators = Vec::new();
        while self.nodes[state as usize].parent != NONE {
            operators.push(self.nodes[state as usize].operator);
            state = self.nodes[state as usize].parent;
        }
        operators.reverse();
        operators
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.packed.bytes() + self.nodes.capacity() * size_of::<Node>()
    }
}

fn mask(operator: &Operator, masks: &mut Vec<Mask>) -> Option<(u32, u32)> {
    let [change] = operator.changes.as_slice() else { return None };
    if !change.condition.is_empty() {
        return None;
    }
    let start = masks.len();
    let facts = change.deletes.iter().map(|&fact| (fact, false)).chain(change.adds.iter().map(|&fact| (fact, true)));
    for (fact, holds) in facts {
        let (word, bit) = (fact / 64, 1 << (fact % 64));
        let found = masks[start..].iter().position(|mask| mask.word == word);
        let place = found.map_or(masks.len(), |place| start + place);
        if place == masks.len() {
            masks.push(Mask { word, clear: 0, set: 0 });
        }
        if holds { masks[place].set |= bit } else { masks[place].clear |= bit }
    }
    Some((start as u32, masks.len() as u32))
}
