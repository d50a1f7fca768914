//! The states that are in a tree already, by the keys that the model gives them: open addressing, never removed from.

use super::arena::NONE;

/// From keys to nodes.
#[derive(Debug, Clone, Default)]
pub(super) struct Transpositions {
    /// Slots of (key, node), a power of two of them, at least twice as many as nodes.
    slots: Vec<(u64, u32)>,
}

impl Transpositions {
    pub(super) fn new(nodes: usize) -> Self {
        Self { slots: vec![(0, NONE); (2 * nodes).next_power_of_two()] }
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill((0, NONE));
    }

    /// The node of a key.
    pub(super) fn get(&self, key: u64) -> Option<usize> {
        let slot = self.slots[self.place(key)];
        (slot.1 != NONE).then_some(slot.1 as usize)
    }

    /// Puts a key that is not there.
    pub(super) fn put(&mut self, key: u64, node: usize) {
        let place = self.place(key);
        self.slots[place] = (key, node as u32);
    }

    /// Where the key is or would be.
    fn place(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & mask;
        while self.slots[place].1 != NONE && self.slots[place].0 != key {
            place = (place + 1) & mask;
        }
        place
    }
}
