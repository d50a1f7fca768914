//! What every arena of rows does the same way: moving rows between columns and batches, and checking what a caller asks for.

use worldwright_core::{Actions, Error, Result, Rows, Space};

/// Work in nanoseconds below which waking other threads costs more than it saves.
pub(crate) const WORTH_THREADS_NS: f64 = 100_000.0;

/// Copies the numbers of the rows from place `first` of `rows` on.
pub(crate) fn gather(column: &[f64], rows: &Rows<'_>, first: usize, out: &mut [f64]) {
    match rows {
        Rows::Span(span) => out.copy_from_slice(&column[span.start + first..][..out.len()]),
        Rows::List(list) => out.iter_mut().zip(&list[first..]).for_each(|(slot, row)| *slot = column[*row as usize]),
    }
}

/// The inverse of [`gather`].
pub(crate) fn scatter(values: &[f64], rows: &Rows<'_>, first: usize, column: &mut [f64]) {
    match rows {
        Rows::Span(span) => column[span.start + first..][..values.len()].copy_from_slice(values),
        Rows::List(list) => values.iter().zip(&list[first..]).for_each(|(value, row)| column[*row as usize] = *value),
    }
}

/// Writes one number to each of `rows`.
pub(crate) fn spread(number: f64, rows: &Rows<'_>, column: &mut [f64]) {
    match rows {
        Rows::Span(span) => column[span.clone()].fill(number),
        Rows::List(list) => list.iter().for_each(|row| column[*row as usize] = number),
    }
}

/// Refuses rows beyond an arena of `capacity` rows.
pub(crate) fn check_rows(rows: &Rows<'_>, capacity: usize) -> Result<()> {
    if rows.end() > capacity { Err(Error::shape("rows of the arena", &[capacity], &[rows.end()])) } else { Ok(()) }
}

/// Refuses a step whose rows, actions and arena do not fit together.
pub(crate) fn check_step(
    from: &Rows<'_>,
    actions: &Actions<'_>,
    to: &Rows<'_>,
    capacity: usize,
    action_space: &Space,
) -> Result<()> {
    check_rows(from, capacity)?;
    check_rows(to, capacity)?;
    if to.len() != from.len() || actions.rows() != from.len() {
        return Err(Error::shape("rows to step into, actions", &[from.len(), from.len()], &[to.len(), actions.rows()]));
    }
    match (action_space, actions) {
        (Space::Discrete { n, .. }, Actions::Discrete(choices)) => {
            match choices.iter().find(|choice| **choice as usize >= *n) {
                Some(choice) => Err(Error::NotInSpace {
                    what: "action".into(),
                    reason: format!("choice {choice} is not below {n}"),
                }),
                None => Ok(()),
            }
        }
        (Space::Box { low, .. }, Actions::Continuous(columns)) if columns.dims() == low.len() => Ok(()),
        (Space::Box { low, .. }, Actions::Continuous(columns)) => {
            Err(Error::shape("action columns", &[low.len()], &[columns.dims()]))
        }
        _ => Err(Error::NotInSpace {
            what: "actions".into(),
            reason: format!("{actions:?} are not of the kind of {action_space:?}"),
        }),
    }
}
