//! Literals, and the bits of a state that they are about.

/// A fact that must be true, or one that must be false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Literal(u32);

impl Literal {
    pub(crate) fn new(fact: u32, holds: bool) -> Self {
        Self(fact << 1 | u32::from(!holds))
    }

    pub(crate) fn fact(self) -> u32 {
        self.0 >> 1
    }

    /// Whether the fact must be true.
    pub(crate) fn holds(self) -> bool {
        self.0 & 1 == 0
    }

    pub(crate) fn negation(self) -> Self {
        Self(self.0 ^ 1)
    }

    /// Its place in an array over all literals.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    /// The literal of a place in such an array.
    pub(crate) fn at(index: usize) -> Self {
        Self(index as u32)
    }

    pub(crate) fn is_true_in(self, state: &[u64]) -> bool {
        bit(state, self.fact()) == self.holds()
    }
}

/// Whether a fact is true.
pub(crate) fn bit(state: &[u64], fact: u32) -> bool {
    state[fact as usize / 64] >> (fact % 64) & 1 == 1
}

/// Makes a fact true.
pub(crate) fn set(state: &mut [u64], fact: u32) {
    state[fact as usize / 64] |= 1 << (fact % 64);
}
