//! What a search is guided by: an estimate of what is left.

/// Which state is evaluated, for estimates that remember the path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    /// The number of the state.
    pub(crate) state: u32,
    /// The number of the one that it was reached from, which was evaluated before.
    pub(crate) parent: Option<u32>,
}

/// An estimate of the cost that is left.
pub(crate) trait Heuristic {
    /// The estimate of a state: nothing if the goal cannot be reached from it.
    fn evaluate(&mut self, state: &[u64], visit: Visit) -> Option<u32>;

    /// The operators that the last evaluation found helpful, where the heuristic finds any.
    fn preferred(&self) -> &[u32] {
        &[]
    }

    /// The literals that the last state should lead to next, a bit each by [`Literal::index`]: none, unless it knows some.
    ///
    /// [`Literal::index`]: super::literal::Literal::index
    fn wanted(&self) -> &[u64] {
        &[]
    }
}
