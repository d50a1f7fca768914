//! The greedy action.

/// The first of the best; a fixed choice, so that nothing is solved by the luck of a draw between equal ones.
pub(crate) fn first_best(values: &[f64]) -> usize {
    let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.iter().position(|value| *value >= best).unwrap_or(0)
}
