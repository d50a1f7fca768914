//! Alpha vectors.

/// An alpha vector: what a conditional plan is worth in each state, and the action that it begins with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alpha {
    pub(super) action: usize,
    pub(super) values: Vec<f64>,
}

/// Why a step back was given up.
pub(super) enum Halt {
    /// The time ran out.
    Time,
    /// There would be too many vectors.
    Vectors,
}

#[inline]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
