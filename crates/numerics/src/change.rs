//! The extremes of many differences, as sweeps over values report them.

/// The smallest and the largest of the numbers [added](Self::add) so far.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Change {
    /// Before anything is added.
    pub const NONE: Self = Self { least: f64::INFINITY, most: f64::NEG_INFINITY };

    /// Takes one more number into account.
    #[inline]
    pub fn add(&mut self, change: f64) {
        self.least = self.least.min(change);
        self.most = self.most.max(change);
    }

    /// Takes into account what another part of the sweep saw.
    pub fn join(&mut self, other: Self) {
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
    }

    /// The largest absolute value.
    pub fn largest(self) -> f64 {
        self.least.abs().max(self.most.abs())
    }
}
